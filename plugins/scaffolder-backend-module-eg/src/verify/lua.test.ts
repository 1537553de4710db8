import { createMockDirectory } from '@backstage/backend-test-utils';
import {
  AnswersInput,
  ExtensionPlan,
  parseAnswers,
  plan,
} from 'backstage-plugin-eg-common';
import fs from 'fs-extra';
import { join } from 'path';
import { parse, stringify } from 'yaml';
import { repositoryOf, shippedSkeletons } from './shipped';
import { VerifyOptions } from './types';
import { verify } from './verify';

const workspace = createMockDirectory();
const outside = createMockDirectory();
beforeEach(() => {
  workspace.clear();
  outside.clear();
});

/** What egctl was given; it is there only where egctl was started. */
const given = () => join(outside.path, 'given.json');

/** A program in place of egctl that keeps what it is given, and accepts it. */
async function standIn(): Promise<string> {
  const program = join(outside.path, 'egctl');
  const answer = JSON.stringify({
    envoyExtensionPolicies: [
      {
        status: {
          ancestors: [{ conditions: [{ type: 'Accepted', status: 'True' }] }],
        },
      },
    ],
  });
  await fs.writeFile(
    program,
    `#!/bin/sh\ncat "$8" >> ${given()}\necho '${answer}'\n`,
    { mode: 0o755 },
  );
  return program;
}

function planned(answers: Partial<AnswersInput> = {}): ExtensionPlan {
  return plan(
    parseAnswers({
      name: 'my-extension',
      owner: 'group:default/platform',
      purpose: 'header-transform',
      settings: { request: [{ action: 'set', name: 'x-a', value: 'b' }] },
      implementation: 'lua',
      ...answers,
    }),
  );
}

/** The workspace as the template leaves it. */
async function generated(
  plan_: ExtensionPlan = planned(),
  skeletons?: string,
): Promise<void> {
  const tree = await repositoryOf(
    skeletons ?? (await shippedSkeletons()),
    plan_,
  );
  for (const [path, content] of tree) {
    await fs.outputFile(join(workspace.path, path), content);
  }
}

async function lua(options: Partial<VerifyOptions> = {}) {
  const { checks } = await verify(workspace.path, {
    timeout: 60_000,
    egctl: await standIn(),
    ...options,
  });
  return checks.find(({ id }) => id === 'lua')!;
}

const policyFile = 'policy/envoyextensionpolicy.yaml';

/** The file of the workspace that has the script, which is the policy or its ConfigMap. */
async function scriptFile(): Promise<string> {
  const names = await fs.readdir(join(workspace.path, 'policy'));
  const texts = await Promise.all(
    names.map(name =>
      fs.readFile(join(workspace.path, 'policy', name), 'utf8'),
    ),
  );
  const found = texts.findIndex(text => text.includes('envoy_on_request'));
  return `policy/${names[found]}`;
}

/** The script of the workspace, or another one in its place. */
async function script(how: (old: string) => string = old => old) {
  let source = '';
  await change(await scriptFile(), ({ data, spec }) => {
    const [place, key] = data ? [data, 'lua'] : [spec.lua[0], 'inline'];
    expect(place[key]).toContain('envoy_on_request');
    place[key] = source = how(place[key]);
  });
  return source;
}

/** Changes an object in the workspace. */
async function change(file: string, how: (object: any) => void): Promise<void> {
  const path = join(workspace.path, file);
  const object = parse(await fs.readFile(path, 'utf8'));
  how(object);
  await fs.writeFile(path, stringify(object));
}

const evil = `local f = io.open("/etc/hostname") error(f:read("*a"))
function envoy_on_request(handle) end`;

/** A release whose settings are part of the script, and one whose are not. */
const releases = ['1.7', '1.9'];

describe('egctl', () => {
  it.each(releases)(
    'runs the script that the shipped skeletons give, for Envoy Gateway %s',
    async gatewayVersion => {
      const plan_ = planned({
        gatewayVersion: gatewayVersion as '1.9',
      });
      await generated(plan_);
      expect(await lua()).toMatchObject({
        status: 'passed',
        title: 'Lua script in Envoy Gateway’s strict validator (egctl)',
      });
      const [, inline] = /"inline":("(?:[^"\\]|\\.)*")/.exec(
        await fs.readFile(given(), 'utf8'),
      )!;
      expect(JSON.parse(inline!)).toBe(await script());
    },
  );

  it('runs the script of skeletons that the configuration trusts, and of no others', async () => {
    const skeletons = join(outside.path, 'skeletons');
    await fs.copy(await shippedSkeletons(), skeletons);
    await fs.appendFile(
      join(skeletons, 'lua/base/src/handlers.lua'),
      '\n-- mine\n',
    );
    await generated(planned(), skeletons);
    expect((await lua()).status).toBe('skipped');
    expect(await fs.pathExists(given())).toBe(false);
    expect((await lua({ skeletons: [skeletons] })).status).toBe('passed');
    expect(await fs.readFile(given(), 'utf8')).toContain('-- mine');
  });

  it('runs what a folder has whose owner trusts it', async () => {
    await generated();
    await script(() => evil);
    await lua({ trustFolder: true });
    expect(await fs.readFile(given(), 'utf8')).toContain('io.open');
  });

  it.each<[string, () => Promise<unknown>]>([
    ['in place of the policy’s', () => script(() => evil)],
    ['before the policy’s', () => script(old => `${evil}\n${old}`)],
    ['with one blank more', () => script(old => `${old} `)],
    [
      'in a second entry',
      () =>
        change(policyFile, ({ spec }) => {
          spec.lua.push({ type: 'Inline', inline: evil });
        }),
    ],
    [
      'in the policy and in src/ alike',
      async () => {
        await fs.appendFile(
          join(workspace.path, 'src/handlers.lua'),
          `\n${evil}`,
        );
        await script(old => `${old}\n${evil}`);
      },
    ],
    [
      'in another policy',
      () =>
        fs.outputFile(
          join(workspace.path, 'k8s/more.yaml'),
          stringify({
            apiVersion: 'gateway.envoyproxy.io/v1alpha1',
            kind: 'EnvoyExtensionPolicy',
            metadata: { name: 'more' },
            spec: { lua: [{ type: 'Inline', inline: evil }] },
          }),
        ),
    ],
    [
      'in a ConfigMap',
      async () => {
        const { metadata } = parse(
          await fs.readFile(join(workspace.path, policyFile), 'utf8'),
        );
        await fs.outputFile(
          join(workspace.path, 'policy/more.yaml'),
          stringify({
            apiVersion: 'v1',
            kind: 'ConfigMap',
            metadata: { name: 'script', namespace: metadata.namespace },
            data: { lua: evil },
          }),
        );
        await change('policy/kustomization.yaml', object => {
          object.resources.push('more.yaml');
        });
        await change(policyFile, ({ spec }) => {
          spec.lua = [
            {
              type: 'ValueRef',
              valueRef: { group: '', kind: 'ConfigMap', name: 'script' },
            },
          ];
        });
      },
    ],
  ])('does not run a script of the workspace %s', async (_, put) => {
    await generated();
    const shipped = await script();
    await put();
    const { status, title, details, remedy } = await lua();
    // Where the known limits are against the script, too, the check fails.
    expect(status).not.toBe('passed');
    expect(title).toContain('known limits');
    expect(details.join('\n')).toMatch(
      /not checked: \S+: egctl did not run this script: it is not the script that the shipped skeletons give/,
    );
    if (status === 'skipped') {
      // eslint-disable-next-line jest/no-conditional-expect
      expect(remedy).toContain('egExtensions.verify.skeletons');
    }
    // The script of the skeletons, where it is there as well, and nothing else.
    const ran = (await fs.pathExists(given()))
      ? await fs.readFile(given(), 'utf8')
      : '';
    for (const [, inline] of ran.matchAll(/"inline":("(?:[^"\\]|\\.)*")/g)) {
      expect(JSON.parse(inline!)).toBe(shipped);
    }
  });

  it.each<[string, Partial<VerifyOptions>]>([
    ['nothing is built here', { build: 'ci' }],
    ['the owner trusts the folder, too', { build: 'ci', trustFolder: true }],
    ['it is a dry run', { place: 'dry-run' }],
  ])('is not started where %s', async (_, options) => {
    await generated();
    const { title, details } = await lua(options);
    expect(title).toContain('known limits');
    expect(details.join('\n')).toMatch(
      /note: egctl did not judge it: .*(verify\.build: ci|dry run)/,
    );
    expect(await fs.pathExists(given())).toBe(false);
  });
});
