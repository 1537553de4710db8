import execa from 'execa';
import fs from 'fs-extra';
import os from 'os';
import { join } from 'path';
import {
  AnswersInput,
  isBefore,
  needs,
  parseAnswers,
  plan,
  Release,
  releases,
} from 'backstage-plugin-eg-common';
import { templateFolder } from 'eg-cli';
import { stringify } from 'yaml';
import { cacheFolder } from '../src/cache';
import { describeWith } from '../src/tools';
import { schemaFolder, schemasOf, shared } from './schemas';

describeWith(['go'], 'the schemas that repositories are given', () => {
  it.each(releases.map(r => r.version))(
    'are those of the CRDs of Envoy Gateway %s',
    async release => {
      const made = await schemasOf(release, () => {});
      const folder = join(schemaFolder, release);
      expect((await fs.readdir(folder)).sort()).toEqual(
        Object.keys(made)
          .map(name => name.split('/')[0])
          .sort(),
      );
      for (const [name, text] of Object.entries(made)) {
        expect([name, await fs.readFile(join(folder, name), 'utf8')]).toEqual([
          name,
          text,
        ]);
      }
    },
  );
});

/** Longer than what is not worth a name. */
const worthAPattern = 120;

it('a part that occurs again is written once', () => {
  const long = {
    type: 'string',
    pattern: `^(${'a'.repeat(worthAPattern)})$`,
  };
  expect(
    shared({
      properties: { a: long, b: { items: long }, c: { type: 'string' } },
    }),
  ).toEqual({
    properties: {
      a: { $ref: '#/$defs/d0' },
      b: { items: { $ref: '#/$defs/d0' } },
      c: { type: 'string' },
    },
    $defs: { d0: long },
  });
});

/** The objects of every need that the release covers on a kind of target, by need. */
function objectsFor(release: Release, kind: string): [string, object[]][] {
  return needs
    .filter(
      ({ native }) =>
        native?.targets.includes(kind) &&
        !isBefore(release.version, native.since),
    )
    .map(({ id }): [string, object[]] => [
      id,
      plan(
        parseAnswers({
          name: 'my-policy',
          owner: 'group:default/platform',
          need: id,
          gatewayVersion: release.version,
          target: { kind },
        } as AnswersInput),
      ).native?.objects.map(({ object }) => object) ?? [],
    ]);
}

/** Where the person chooses the names. */
const free =
  /format\.json\.|customTags\.[^.]+$|cookie\.attributes\.|jsonPatches\.\d+\.operation\.value\./;

/** Every copy of an object in which one field of the spec is misspelt, with the misspelt name. */
function misspelt(object: any): [string, object][] {
  const paths = (value: any, at: (string | number)[]): (string | number)[][] =>
    typeof value === 'object' && value !== null
      ? Object.entries(value).flatMap(([key, inner]) => {
          const path = [...at, Array.isArray(value) ? Number(key) : key];
          return [
            ...(Array.isArray(value) ? [] : [path]),
            ...paths(inner, path),
          ];
        })
      : [];
  return paths(object.spec, ['spec'])
    .filter(path => !free.test(path.join('.')))
    .map(path => {
      const copy = JSON.parse(JSON.stringify(object));
      const parent = path
        .slice(0, -1)
        .reduce<any>((value, key) => value[key], copy);
      const name = path.at(-1)!;
      parent[`${name}Z`] = parent[name];
      delete parent[name];
      return [`${name}Z`, copy];
    });
}

describeWith(['make', 'python3'], 'the check of a native repository', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await fs.mkdtemp(join(os.tmpdir(), 'eg-schemas-'));
    await fs.copy(join(templateFolder, 'skeletons/native/checks'), folder);
    await fs.writeFile(
      join(folder, 'Makefile'),
      'test:\ninclude test/policy.mk\n',
    );
  });
  afterAll(() => fs.remove(folder));

  /** What it says about objects, by file name. */
  async function check(
    release: string,
    files: Record<string, object>,
  ): Promise<{ exitCode: number; stdout: string }> {
    const policy = join(folder, 'policy');
    await fs.emptyDir(policy);
    await fs.emptyDir(join(folder, 'test/schemas'));
    for (const kind of await fs.readdir(join(schemaFolder, release))) {
      await fs.copy(
        join(schemaFolder, release, kind),
        join(folder, 'test/schemas'),
      );
    }
    for (const [name, object] of Object.entries(files)) {
      await fs.writeFile(join(policy, name), stringify(object));
    }
    await fs.writeFile(
      join(policy, 'kustomization.yaml'),
      stringify({
        resources: Object.entries(files)
          .filter(([, { kind }]: [string, any]) => !kind.endsWith('Route'))
          .map(([name]) => name),
      }),
    );
    const { exitCode, stdout, stderr } = await execa(
      'make',
      ['policy-test', `VENV=${join(cacheFolder, 'venv-policy')}`],
      // Without kubectl and egctl: what Python alone can say.
      { cwd: folder, reject: false, env: { PATH: '/usr/bin:/bin' } },
    );
    expect(stderr).not.toContain('Traceback');
    return { exitCode, stdout };
  }

  it.each(
    releases.flatMap(release =>
      ['HTTPRoute', 'GRPCRoute', 'Gateway'].map(
        kind => [release.version, kind, release] as const,
      ),
    ),
  )(
    'takes what is written for every need: Envoy Gateway %s, %s',
    async (version, kind, release) => {
      const all = objectsFor(release, kind).flatMap(([id, objects]) =>
        objects.map((object: any, i): [string, object] => [
          `${id}-${i}.yaml`,
          { ...object, metadata: { ...object.metadata, name: `${id}-${i}` } },
        ]),
      );
      expect(all.length).toBeGreaterThan(20);
      const { stdout } = await check(version, Object.fromEntries(all));
      expect(stdout).toContain(
        `passed: the objects keep the schema of Envoy Gateway v${release.module}`,
      );
      expect(stdout).not.toMatch(
        /skipped: the schema of (?!AIGatewayRoute|BackendSecurityPolicy)/,
      );
    },
  );

  it('names every misspelt field of every kind', async () => {
    const release = releases.at(-1)!;
    const wrong = objectsFor(release, 'HTTPRoute').flatMap(([id, objects]) =>
      objects
        .filter((o: any) => !o.apiVersion.startsWith('aigateway.'))
        .flatMap((object, i) =>
          misspelt(object).map(([name, copy], j): [string, string, object] => [
            `${id}-${i}-${j}.yaml`,
            name,
            copy,
          ]),
        ),
    );
    expect(wrong.length).toBeGreaterThan(300);
    const { exitCode, stdout } = await check(
      release.version,
      Object.fromEntries(wrong.map(([file, , object]) => [file, object])),
    );
    expect(exitCode).not.toBe(0);
    const lines = stdout.split('\n');
    const unnoticed = wrong.filter(
      ([file, name]) =>
        !lines.some(
          line => line.includes(`  ${file}: `) && line.includes(name),
        ),
    );
    expect(unnoticed.map(([file, name]) => `${file}: ${name}`)).toEqual([]);
  });

  it('says which field has the wrong type or value', async () => {
    const { stdout } = await check('1.9', {
      'securitypolicy.yaml': {
        apiVersion: 'gateway.envoyproxy.io/v1alpha1',
        kind: 'SecurityPolicy',
        metadata: { name: 'a' },
        spec: {
          targetRefs: [
            {
              group: 'gateway.networking.k8s.io',
              kind: 'HTTPRoute',
              name: 'a',
            },
          ],
          cors: { allowOrigins: 'https://a.test', maxAge: 'long' },
        },
      },
    });
    expect(stdout).toContain('spec.cors.allowOrigins: ');
    expect(stdout).toContain('spec.cors.maxAge: ');
  });

  it('says that nothing about a kind without a schema was judged', async () => {
    const { stdout } = await check('1.9', {
      'aigatewayroute.yaml': {
        apiVersion: 'aigateway.envoyproxy.io/v1alpha1',
        kind: 'AIGatewayRoute',
        metadata: { name: 'a' },
        spec: {},
      },
    });
    expect(stdout).toContain('skipped: the schema of AIGatewayRoute');
  });
});
