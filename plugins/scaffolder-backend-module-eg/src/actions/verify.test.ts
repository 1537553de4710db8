import { createMockDirectory } from '@backstage/backend-test-utils';
import { createMockActionContext } from '@backstage/plugin-scaffolder-node-test-utils';
import {
  AnswersInput,
  implementationOf,
  luaScript,
  parseAnswers,
  plan,
  renderFiles,
  withExample,
} from 'backstage-plugin-eg-common';
import fs from 'fs-extra';
import { join } from 'path';
import yaml from 'yaml';
import { checks } from '../verify';
import { createVerifyAction } from './verify';
import { examples } from './verify.examples';

const workspace = createMockDirectory();
const action = createVerifyAction({ timeout: 60_000 });

/** A complete repository, with stand-ins for the files that skeletons bring. */
function repository(
  given: Partial<AnswersInput> = {},
  source = 'function envoy_on_request(h) end\n',
) {
  const planned = plan(
    parseAnswers(
      withExample({
        name: 'my-extension',
        owner: 'group:default/platform',
        purpose: 'header-transform',
        ...given,
      }),
    ),
  );
  const skeleton = Object.fromEntries(
    implementationOf(planned.implementation).files.map(file => [
      file,
      'from the skeleton\n',
    ]),
  );
  const script = luaScript(planned, { 'filter.lua': source });
  workspace.setContent({ ...skeleton, ...renderFiles(planned, script) });
}

async function run(input: object = {}, rest: object = {}) {
  const context = {
    ...createMockActionContext({ input, workspacePath: workspace.path }),
    ...rest,
  };
  const info = jest.spyOn(context.logger, 'info');
  let error: string | undefined;
  await action.handler(context).catch(e => {
    error = e.message;
  });
  const outputs = Object.fromEntries(
    jest.mocked(context.output).mock.calls as [string, any][],
  );
  const statuses = Object.fromEntries(
    (outputs.report?.checks ?? []).map((c: any) => [c.id, c.status]),
  );
  return {
    error,
    statuses,
    markdown: outputs.markdown as string,
    summary: outputs.summary as string,
    logged: info.mock.calls.map(([line]) => line as string),
  };
}

async function edit(file: string, change: (text: string) => string) {
  const path = join(workspace.path, file);
  await fs.writeFile(path, change(await fs.readFile(path, 'utf8')));
}

describe('eg:verify', () => {
  beforeEach(() => repository());

  it('passes a complete repository and says what was not checked', async () => {
    const { error, statuses, markdown, summary, logged } = await run();
    expect(error).toBeUndefined();
    expect(statuses).toEqual({
      tree: 'passed',
      markers: 'passed',
      policy: 'passed',
      lua: 'skipped',
      'dry-run': 'skipped',
      cluster: 'skipped',
      behaviour: 'skipped',
    });
    expect(markdown).toMatch(
      /^# Verification\n\n\*\*3 of 7 checks passed, 4 skipped\*\*\n/,
    );
    expect(summary).toBe('3 of 7 checks passed, 4 skipped');
    expect(logged[0]).toBe(summary);
    expect(logged[logged.length - 1]).toMatch(
      /^what would make the skipped checks run: .*Set egExtensions\.verify\.envoy/,
    );
    expect(markdown).toContain(
      '- **skipped**: What the objects need of the cluster (no cluster can be asked from here',
    );
    expect(markdown).toContain(
      '- **skipped**: Behaviour cases in a real Envoy (no Envoy is named',
    );
  });

  it('titles checks by what they look at, not by what one hopes for', async () => {
    await fs.remove(join(workspace.path, 'go.sum'));
    const { error } = await run({ require: checks.map(({ id }) => id) });
    const [consequence, ...lines] = error!.split('\n');
    expect(consequence).toBe(
      'Verification failed, nothing was published. 2 of 7 checks passed, 5 failed.',
    );
    const titles = lines.filter(line => !line.startsWith('  - '));
    expect(titles.length).toBeGreaterThan(3);
    for (const title of titles) {
      expect(title).toMatch(/^failed: .+:$/);
      // A sentence with its verb would claim under “failed” that it holds.
      expect(title).not.toMatch(/\b(is|are|has|have|does|would|follows)\b/);
    }
  });

  it('carries out its examples', async () => {
    const [plain, withCluster, extension, security, withEnvoy] = examples.map(
      e => yaml.parse(e.example).steps[0],
    );
    expect(plain.action).toBe(action.id);
    expect((await run(plain.input)).error).toBeUndefined();
    // Without a cluster or an Envoy, insisting on it has to fail.
    for (const { input } of [withCluster, withEnvoy]) {
      expect((await run(input)).error).toContain('it is required, but');
    }
    for (const { input } of [extension, security]) {
      expect((await run(input)).error).toContain(
        'policy: no cluster can be asked from here',
      );
    }
  });

  it.each([
    [{ name: '..' }, 'policy.name: ".." is not valid: use lower-case letters'],
    [{ name: 'a/b' }, 'policy.name: "a/b"'],
    [{ name: 'a', namespace: '..' }, 'policy.namespace: ".." is not valid'],
    [{ name: 'a', namespace: 'a.b' }, 'policy.namespace: "a.b"'],
    [{ name: '' }, 'policy.name: "" is not valid'],
    [{ name: 'a', kind: 'HTTPRouteFilter' }, 'policy.kind: "HTTPRouteFilter"'],
    [{ name: 'a', kind: 'Secret' }, 'policy.kind: "Secret"'],
  ])('refuses a policy by the name of %j', async (policy, message) => {
    const asked = jest.fn();
    const withCluster = createVerifyAction(
      { timeout: 60_000 },
      {
        auth: { getPluginRequestToken: asked } as any,
        discovery: { getBaseUrl: asked } as any,
      },
    );
    await expect(
      withCluster.handler(
        createMockActionContext({
          input: { policy },
          workspacePath: workspace.path,
        }),
      ),
    ).rejects.toThrow(message);
    expect(asked).not.toHaveBeenCalled();
  });

  it('starts no programs in a dry run', async () => {
    const { statuses, markdown } = await run({}, { isDryRun: true });
    expect(statuses.behaviour).toBe('skipped');
    expect(markdown).toContain('a dry run starts no programs');
  });

  it('finds a missing and an empty file', async () => {
    await fs.remove(join(workspace.path, 'go.sum'));
    await edit('main.go', () => '');
    const { error, statuses } = await run();
    expect(statuses.tree).toBe('failed');
    expect(error).toContain('go.sum is missing');
    expect(error).toContain('main.go is empty');
    expect(error).toContain(
      'nothing was published. 2 of 7 checks passed, 1 failed, 4 skipped.',
    );
  });

  it.each([
    ['README.md', '# ${{ values.name }}', 'README.md:1'],
    ['docs/production.md', 'a\n{% if values.x %}', 'docs/production.md:2'],
  ])('finds a marker in %s', async (file, text, place) => {
    await edit(file, () => text);
    expect((await run()).error).toContain(`${place} has a template marker`);
  });

  it('finds a template that was not rendered', async () => {
    await fs.writeFile(join(workspace.path, 'docs/more.md.njk'), 'text');
    expect((await run()).error).toContain('docs/more.md.njk is a template');
  });

  it('takes text that looks like a marker for data where it is data', async () => {
    repository({
      settings: {
        request: [{ action: 'set', name: 'x-a', value: '${{ {% a %} }}' }],
      },
    });
    expect((await run()).error).toBeUndefined();
  });

  it('leaves the expressions of GitHub workflows alone', async () => {
    await edit('.github/workflows/ci.yml', () => 'x: ${{ github.ref }}');
    expect((await run()).error).toBeUndefined();
  });

  it.each([
    [
      'a rule of the API',
      'policy/envoyextensionpolicy.yaml',
      (text: string) => text.replace('kind: HTTPRoute', 'kind: Backend'),
      'spec.targetRefs[0].kind: must be one of Gateway, ListenerSet, HTTPRoute',
    ],
    [
      'a Service that does not exist',
      'policy/envoyextensionpolicy.yaml',
      (text: string) => text.replace('- name: my-extension', '- name: another'),
      'there is no Service default/another in k8s/',
    ],
    [
      'a port that the Service lacks',
      'k8s/service.yaml',
      (text: string) => text.replace('port: 9002', 'port: 9003'),
      'Service default/my-extension has no port 9002',
    ],
    [
      'a missing label',
      'policy/envoyextensionpolicy.yaml',
      (text: string) => text.replace('backstage.io/kubernetes-id', 'other'),
      'without backstage.io/kubernetes-id the entity page does not find',
    ],
    [
      'YAML that is none',
      'policy/envoyextensionpolicy.yaml',
      () => 'a: [',
      'not valid YAML',
    ],
  ])('finds %s', async (_, file, change, message) => {
    await edit(file, change);
    const { error, statuses } = await run();
    expect(statuses.policy).toBe('failed');
    expect(error).toContain(message);
  });

  it('finds a missing ReferenceGrant', async () => {
    repository({ namespace: 'workloads', target: { namespace: 'shop' } });
    expect((await run()).error).toBeUndefined();
    await fs.remove(join(workspace.path, 'k8s/referencegrant.yaml'));
    expect((await run()).error).toContain('has no ReferenceGrant');
  });

  it('finds fields that the release lacks', async () => {
    repository({ gatewayVersion: '1.8' });
    await edit('policy/envoyextensionpolicy.yaml', text =>
      text.replace('failOpen: false', 'shadowMode: true'),
    );
    expect((await run()).error).toContain(
      'spec.extProc[0].shadowMode: exists since Envoy Gateway 1.9, not in 1.8',
    );
  });

  it.each(['production', 'prototype'] as const)(
    'finds Lua that the strict validator would reject, in %s',
    async environment => {
      repository({ implementation: 'lua', environment });
      expect((await run()).statuses.lua).toBe('passed');
      repository(
        { implementation: 'lua', environment },
        'function envoy_on_request(h) require("x") end\n',
      );
      expect((await run()).error).toContain('require is blocked');
    },
  );

  it('refuses a folder that has no plan', async () => {
    await fs.remove(join(workspace.path, 'eg-extension.yaml'));
    expect((await run()).error).toContain('eg-extension.yaml is missing');
  });

  it('leaves out what the template does not want', async () => {
    await fs.remove(join(workspace.path, 'go.sum'));
    const { error, markdown } = await run({ skip: ['tree'] });
    expect(error).toBeUndefined();
    expect(markdown).toContain(
      '- **skipped**: Files that the implementation needs (the template leaves it out)',
    );
    expect((await run({ skip: ['tree'], require: ['tree'] })).error).toContain(
      'it is required, but: the template leaves it out',
    );
  });

  it('refuses to require a check that does not exist', async () => {
    expect((await run({ require: ['behavior'] })).error).toContain(
      'require: "behavior" is no check; choose from tree, markers, policy, lua, dry-run, cluster, behaviour',
    );
  });
});
