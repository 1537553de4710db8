import { createMockActionContext } from '@backstage/plugin-scaffolder-node-test-utils';
import {
  createRecommendAction,
  verify,
} from 'backstage-plugin-scaffolder-backend-module-eg';
import { generateInto, main, Scaffolder, startScaffolder } from 'eg-cli';
import fs from 'fs-extra';
import os from 'os';
import { join } from 'path';
import {
  adviceMarkdown,
  AnswersInput,
  parseAnswers,
  recommend,
} from 'backstage-plugin-eg-common';
import { parse, stringify } from 'yaml';
import { completed } from '../src/answers';

const base: AnswersInput = {
  name: 'my-policy',
  owner: 'group:default/platform',
  purpose: 'other',
  need: 'rewrite-path',
  target: { name: 'shop' },
};

describe('a native decision', () => {
  let scaffolder: Scaffolder;
  let folder: string;
  let directory: string;

  beforeAll(async () => {
    folder = await fs.mkdtemp(join(os.tmpdir(), 'eg-native-'));
    directory = join(folder, 'repository');
    scaffolder = await startScaffolder();
    await generateInto(scaffolder, parseAnswers(base), directory);
  });
  afterAll(async () => {
    await scaffolder?.stop();
    await fs.remove(folder);
  });

  const check = async (id: string) => {
    const { checks } = await verify(directory, { timeout: 60_000 });
    return checks.find(c => c.id === id)!;
  };

  it('becomes a repository with policies and docs, and no code', async () => {
    const names = (await fs.readdir(directory)).sort();
    expect(names).toEqual([
      '.editorconfig',
      '.github',
      '.gitignore',
      'Makefile',
      'README.md',
      'catalog-info.yaml',
      'docs',
      'eg-extension.yaml',
      'mkdocs.yml',
      'policy',
      'test',
    ]);
    expect((await fs.readdir(join(directory, 'policy'))).sort()).toEqual([
      'httproute.yaml',
      'httproutefilter.yaml',
      'kustomization.yaml',
    ]);
    // The route would take the place of the person's own.
    const kustomization = await fs.readFile(
      join(directory, 'policy/kustomization.yaml'),
      'utf8',
    );
    expect(parse(kustomization).resources).toEqual(['httproutefilter.yaml']);
    expect((await fs.readdir(join(directory, 'test'))).sort()).toEqual([
      'check_policy.py',
      'egctl-version',
      'policy.mk',
      'requirements-policy.txt',
      'schemas',
    ]);
    // The schemas of its kinds, and of no others.
    expect((await fs.readdir(join(directory, 'test/schemas'))).sort()).toEqual([
      'README.md',
      'httproute.json',
      'httproutefilter.json',
    ]);
  });

  it('is verified, and what does not run is skipped with the reason', async () => {
    const { checks, passed } = await verify(directory, { timeout: 60_000 });
    expect(passed).toBe(true);
    expect(checks.map(c => [c.id, c.status])).toEqual([
      ['tree', 'passed'],
      ['markers', 'passed'],
      ['policy', 'passed'],
      ['lua', 'skipped'],
      ['dry-run', 'skipped'],
      ['cluster', 'skipped'],
      ['behaviour', 'skipped'],
    ]);
    expect(checks.at(-1)!.details[0]).toContain('no extension to run');
  });

  it.each([
    [
      'the wrong version',
      'httproutefilter.yaml',
      'v1alpha1',
      'v1beta1',
      'apiVersion: of a HTTPRouteFilter is gateway.envoyproxy.io/v1alpha1',
    ],
    [
      'nothing to do',
      'httproutefilter.yaml',
      'urlRewrite',
      'rewriteUrl',
      'spec: has none of',
    ],
    [
      'another name than the plan has',
      'httproutefilter.yaml',
      'name: my-policy',
      'name: yours',
      'policy/ has no HTTPRouteFilter my-policy',
    ],
    [
      'a reference to what is not there',
      'httproute.yaml',
      'name: my-policy',
      'name: yours',
      'there is no HTTPRouteFilter yours',
    ],
  ])('fails verification with %s', async (_, name, from, to, message) => {
    const file = join(directory, 'policy', name);
    const text = await fs.readFile(file, 'utf8');
    expect(text).toContain(from);
    await fs.writeFile(file, text.split(from).join(to));
    const { status, details } = await check('policy');
    await fs.writeFile(file, text);
    expect(status).toBe('failed');
    expect(details.join('\n')).toContain(message);
  });
});

describe('what Envoy Gateway does beside an extension', () => {
  let scaffolder: Scaffolder;
  let folder: string;

  beforeAll(async () => {
    folder = await fs.mkdtemp(join(os.tmpdir(), 'eg-beside-'));
    scaffolder = await startScaffolder();
  });
  afterAll(async () => {
    await scaffolder?.stop();
    await fs.remove(folder);
  });

  it('has its policies in the repository of the extension, with their checks', async () => {
    const directory = join(folder, 'both');
    await generateInto(
      scaffolder,
      completed({
        ...base,
        need: 'mask-data',
        purpose: 'body-transform',
        furtherNeeds: ['redirect', 'validate-jwt', 'cors'],
      }),
      directory,
    );
    const read = async (file: string) =>
      parse(await fs.readFile(join(directory, file), 'utf8'));
    expect((await fs.readdir(join(directory, 'policy'))).sort()).toEqual([
      'envoyextensionpolicy.yaml',
      'httproute-redirect.yaml',
      'kustomization.yaml',
      'securitypolicy.yaml',
    ]);
    expect((await read('policy/kustomization.yaml')).resources).toEqual([
      'envoyextensionpolicy.yaml',
      'securitypolicy.yaml',
    ]);
    expect(
      Object.keys((await read('policy/securitypolicy.yaml')).spec),
    ).toEqual(['targetRefs', 'jwt', 'cors']);
    expect((await fs.readdir(join(directory, 'test/schemas'))).sort()).toEqual([
      'README.md',
      'envoyextensionpolicy.json',
      'httproute.json',
      'securitypolicy.json',
    ]);
    const { checks, passed } = await verify(directory, { timeout: 60_000 });
    expect(checks.filter(c => c.status === 'failed')).toEqual([]);
    expect(passed).toBe(true);
    await fs.remove(join(directory, 'policy/securitypolicy.yaml'));
    const after = await verify(directory, { timeout: 60_000 });
    expect(
      after.checks.find(c => c.id === 'policy')!.details.join(' '),
    ).toContain('policy/ has no SecurityPolicy my-policy');
  });
});

describe('the advice', () => {
  let scaffolder: Scaffolder;
  let folder: string;

  beforeAll(async () => {
    folder = await fs.mkdtemp(join(os.tmpdir(), 'eg-advice-'));
    scaffolder = await startScaffolder();
  });
  afterAll(async () => {
    await scaffolder?.stop();
    await fs.remove(folder);
  });
  afterEach(() => jest.restoreAllMocks());

  it.each([
    ['of a feature', { need: 'api-key' }],
    ['of an extension', { need: 'mask-data', latency: 'minimal' }],
    ['of what has no skeleton', { need: 'block-attacks' }],
    [
      'that the person did not take',
      { need: 'cors', implementation: 'extproc-go' },
    ],
  ] as [string, Partial<AnswersInput>][])(
    'is the same in the action, on the command line and in the repository: %s',
    async (title, given) => {
      const answers = { ...base, ...given };
      const expected = adviceMarkdown(recommend(parseAnswers(answers)));

      const action = createRecommendAction();
      const context = createMockActionContext({
        input: {
          answers: JSON.parse(JSON.stringify(answers)) as Record<
            string,
            string
          >,
        },
      });
      await action.handler(context);
      expect(context.output).toHaveBeenCalledWith('advice', expected);

      const file = join(folder, `${title.replace(/ /g, '-')}.yaml`);
      await fs.writeFile(file, stringify(answers));
      let printed = '';
      jest.spyOn(process.stdout, 'write').mockImplementation(text => {
        printed += text;
        return true;
      });
      expect(await main(['recommend', '--answers', file])).toBe(0);
      expect(printed).toBe(expected);

      const { output, files } = await scaffolder.generate(answers);
      expect(output.text[0].content).toBe(expected);
      const [, ...body] = expected.trimEnd().split('\n\n');
      const record = files.find(f => f.path === 'docs/decision.md')!;
      expect(record.content.toString()).toContain(body.join('\n\n'));
    },
  );
});
