import { AnswersInput, parseAnswers, plan } from 'backstage-plugin-eg-common';
import { variants } from './rows';

describe('the rows of the matrix', () => {
  it.each(
    variants.map(row => ({
      ...row,
      title: `${row.implementation}, ${row.purpose} ${row.variant}`,
    })),
  )('can be planned: $title', ({ implementation, purpose, answers }) => {
    const planned = plan(
      parseAnswers({
        name: 'matrix-extension',
        owner: 'group:default/platform',
        ...answers,
        purpose,
        implementation,
      } as AnswersInput),
    );
    expect(planned).toMatchObject({ implementation, purpose });
  });
});
