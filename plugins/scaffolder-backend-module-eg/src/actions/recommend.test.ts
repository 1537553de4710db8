import { JsonObject } from '@backstage/types';
import { createMockActionContext } from '@backstage/plugin-scaffolder-node-test-utils';
import yaml from 'yaml';
import { createRecommendAction } from './recommend';
import { examples } from './recommend.examples';

const action = createRecommendAction();

async function run(answers: JsonObject) {
  const context = createMockActionContext({ input: { answers } });
  await action.handler(context);
  return Object.fromEntries(
    jest.mocked(context.output).mock.calls as [string, any][],
  );
}

describe('eg:recommend', () => {
  it.each([
    [0, 'extproc-go', 'body-transform'],
    [1, 'wasm-rust', 'header-transform'],
  ])('carries out example %i', async (index, implementation, purpose) => {
    const [step] = yaml.parse(examples[index]!.example).steps;
    expect(step.action).toBe(action.id);
    const output = await run(step.input.answers);
    expect(output).toMatchObject({
      implementation,
      purpose,
      plan: { implementation, purpose, name: step.input.answers.name },
      values: { implementation, name: step.input.answers.name },
      recommendation: { decision: implementation },
    });
    expect(output.advice).toMatch(/^# /);
  });

  it('takes frozen answers without prototypes, as the scaffolder gives them', async () => {
    const bare = (value: object) =>
      Object.freeze(Object.assign(Object.create(null), value));
    const { plan } = await run(
      bare({
        name: 'my-extension',
        owner: 'user:default/guest',
        purpose: 'other',
        processing: Object.freeze(['requestHeaders']),
        target: bare({ name: 'checkout' }),
      }),
    );
    expect(plan.target.name).toBe('checkout');
  });

  it('rejects answers with the field, the value and the remedy', async () => {
    await expect(
      run({ name: 'My Extension', owner: 'a', purpose: 'other' }),
    ).rejects.toThrow(
      'name: "My Extension" is not valid: use lower-case letters',
    );
  });

  it('gives templates identifiers, and texts only as a serializer wrote them', async () => {
    const { values } = await run({
      name: 'my-extension',
      owner: 'user:default/guest',
      purpose: 'other',
      description: 'free text ${{ values }}',
    });
    const identifiers = Object.entries(values).filter(
      ([name]) => !/(Code|Yaml)$/.test(name),
    );
    for (const [, value] of identifiers) {
      expect(String(value)).toMatch(/^[A-Za-z0-9.:/_-]*$/);
    }
    expect(values).toMatchObject({
      claimsCode: '',
      sourceCode: '`my-extension`',
      nameYaml: 'my-extension',
    });
  });

  it('is the same in a dry run', () => {
    expect(action.supportsDryRun).toBe(true);
  });
});
