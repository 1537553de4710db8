import { needs, parseAnswers, recommend } from 'backstage-plugin-eg-common';
import { defaultsOf, purposeAnswers } from './purposeAnswers';

const known = needs.filter(({ id }) => id !== 'unspecified');

describe('the form’s own defaults', () => {
  it.each(known.map(({ id }) => id))(
    'lead to the same advice as none: %s',
    need => {
      const answers = {
        name: 'my-extension',
        owner: 'group:default/platform',
        need,
      };
      const given = purposeAnswers(answers);
      const filled = {
        ...answers,
        processing: given.phases,
        settings: defaultsOf(given),
      };
      expect(recommend(parseAnswers(filled)).decision).toBe(
        recommend(parseAnswers(answers)).decision,
      );
    },
  );

  it('follow the chosen purpose rather than the need', () => {
    expect(
      purposeAnswers({ need: 'validate-jwt', purpose: 'body-transform' }),
    ).toMatchObject({
      purpose: 'body-transform',
      phases: ['requestBody', 'responseBody'],
    });
  });

  it('wait for a purpose or a need', () => {
    expect(purposeAnswers({ need: 'unspecified' })).toMatchObject({
      purpose: undefined,
      phases: undefined,
    });
  });
});
