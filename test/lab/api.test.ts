import fs from 'fs-extra';
import { join } from 'path';
import {
  AnswersInput,
  needs,
  newestRelease,
  parseAnswers,
  plan,
  releases,
  renderFiles,
  validatePolicy,
} from 'backstage-plugin-eg-common';
import { parse, parseAllDocuments } from 'yaml';
import { variants } from '../matrix/rows';
import { describeUnless } from '../src/tools';
import { Judge, judgeAll, judgeOf } from './judge';
import { ApiServerLab, startLab } from './lab';
import {
  CrdSchema,
  messagesOf,
  mutationsOf,
  probesOf,
  vocabularyOf,
} from './mutations';
import { lacking } from './namespaces';
import { crdFolder } from './programs';
import { UpstreamCase, upstreamCases } from './upstreamCases';

// A test asks the API server about hundreds of objects, on a machine that may be busy.
// What the API server of each release says: the judge of our own reading of the API, and of what is generated.

const script = 'function envoy_on_request(h) end\n';

/** Every object that is generated, with the file that it is in. */
function objectsOf(
  answers: Partial<AnswersInput>,
): [file: string, object: any][] {
  const planned = plan(
    parseAnswers({
      name: 'my-extension',
      owner: 'group:default/platform',
      ...answers,
    } as AnswersInput),
  );
  const files = renderFiles(planned, script);
  return Object.entries(files)
    .filter(([file]) => /^(policy|k8s)\/.*\.yaml$/.test(file))
    .flatMap(([file, text]) =>
      parseAllDocuments(text, { version: '1.1' }).map(
        (document): [string, any] => [file, document.toJS()],
      ),
    )
    .filter(([, object]) => object && object.kind !== 'Kustomization');
}

const targetsOf = (release: (typeof releases)[number]) => [
  { kind: 'HTTPRoute', name: 'my-route' },
  { kind: 'GRPCRoute', name: 'my-route', sectionName: 'first' },
  { kind: 'Gateway', name: 'my-gateway', sectionName: 'http' },
  ...(release.listenerSet
    ? [{ kind: 'ListenerSet', name: 'my-listeners' }]
    : []),
];

/** Policies with every extension that the release has, beside those that upstream's table has. */
const policiesOf = (gatewayVersion: AnswersInput['gatewayVersion']) => [
  ...variants.map(
    ({ implementation, purpose, answers }) =>
      objectsOf({ ...answers, implementation, purpose, gatewayVersion }).find(
        ([, { kind }]) => kind === 'EnvoyExtensionPolicy',
      )![1],
  ),
  {
    apiVersion: 'gateway.envoyproxy.io/v1alpha1',
    kind: 'EnvoyExtensionPolicy',
    metadata: { name: 'settings' },
    spec: {
      targetSelectors: [{ kind: 'HTTPRoute', matchLabels: { team: 'a' } }],
      wasm: [
        { code: { type: 'HTTP', http: { url: 'http://a/b', sha256: 'c' } } },
      ],
      extProc: [
        {
          backendRefs: [{ name: 'my-service', port: 9002 }],
          backendSettings: {
            circuitBreaker: { maxConnections: 5 },
            connection: { bufferLimit: '32Ki' },
            healthCheck: {
              active: { type: 'HTTP', http: { path: '/' } },
              passive: { interval: '3s' },
            },
            http2: { maxConcurrentStreams: 5 },
            loadBalancer: {
              type: 'ConsistentHash',
              consistentHash: { type: 'Header', header: { name: 'x' } },
            },
            retry: { retryOn: { triggers: ['5xx'] } },
            timeout: { http: { requestTimeout: '1s' } },
          },
        },
      ],
    },
  },
];

async function policyCrd(release: string): Promise<CrdSchema> {
  const file = join(
    await crdFolder(release, () => {}),
    'generated/gateway.envoyproxy.io_envoyextensionpolicies.yaml',
  );
  const { spec } = parse(await fs.readFile(file, 'utf8'));
  return spec.versions[0].schema.openAPIV3Schema.properties.spec;
}

describeUnless(lacking(), 'the API of a release', () => {
  let upstream: { version: string; cases: UpstreamCase[] };

  beforeAll(async () => {
    upstream = await upstreamCases();
  });

  describe.each([...releases].reverse())('$version', release => {
    const gatewayVersion = release.version as AnswersInput['gatewayVersion'];
    let lab: ApiServerLab;
    let judge: Judge;

    beforeAll(async () => {
      lab = await startLab({ release: release.version, apiServerOnly: true });
      judge = await judgeOf(lab);
    }, 1_800_000);
    afterAll(() => lab?.down(), 30_000);

    const kindInRelease = (kind: string) =>
      release.listenerSet || kind !== 'ListenerSet';

    /** Where our reading of the API differs from the API server's, which has the verdicts. */
    const disagreements = (objects: readonly any[], theirs: string[]) =>
      objects
        .map((object, i) => ({
          object: JSON.stringify(object),
          ours: validatePolicy(object, release.version),
          theirs: theirs[i]!,
        }))
        .filter(({ ours, theirs: said }) => ours.length > 0 !== (said !== ''));

    it('is what the lint knows, in every case of upstream’s own test', async () => {
      expect(upstream.cases.length).toBeGreaterThan(30);
      const policies = upstream.cases.map(({ policy }) => policy);
      const theirs = await judgeAll(judge, policies);
      expect(disagreements(policies, theirs)).toEqual([]);
      // Upstream's own expectations are of the release that the table is from.
      expect(
        release.module === upstream.version
          ? upstream.cases.filter(
              ({ accepted }, i) => accepted !== (theirs[i] === ''),
            )
          : [],
      ).toEqual([]);
    });

    it('is what the lint knows, in mutations of valid policies', async () => {
      const seeds = [
        ...policiesOf(gatewayVersion),
        ...upstream.cases
          .filter(({ accepted }) => accepted)
          .map(({ policy }) => policy as object),
      ];
      expect(await judgeAll(judge, seeds)).toEqual(seeds.map(() => ''));
      const crd = await policyCrd(release.version);
      const mutations = mutationsOf(
        seeds,
        vocabularyOf(crd),
        release === newestRelease ? 2000 : 500,
        1,
      );
      const theirs = await judgeAll(judge, mutations);
      expect(disagreements(mutations, theirs)).toEqual([]);
      // Mutations that are all refused, or all the same, would show nothing.
      const accepted = theirs.filter(said => said === '').length;
      expect(accepted / theirs.length).toBeGreaterThan(0.15);
      expect(accepted / theirs.length).toBeLessThan(0.6);
      expect(
        new Set(mutations.map(m => JSON.stringify(m))).size / mutations.length,
      ).toBeGreaterThan(0.75);
    });

    it('is what the lint knows, for every rule that spans fields', async () => {
      const crd = await policyCrd(release.version);
      const probes = [
        ...probesOf(crd, release === newestRelease ? 60 : 20, 1),
        ...upstream.cases.map(({ policy }) => policy as object),
      ];
      const theirs = await judgeAll(judge, probes);
      expect(disagreements(probes, theirs)).toEqual([]);
      const broken = theirs.join('\n');
      expect(
        release === newestRelease
          ? messagesOf(crd).filter(message => !broken.includes(message))
          : [],
      ).toEqual([]);
    });

    it('accepts everything that is generated for it', async () => {
      const objects = targetsOf(release).flatMap(target =>
        variants.flatMap(({ implementation, purpose, answers }) =>
          objectsOf({
            ...answers,
            implementation,
            purpose,
            gatewayVersion,
            target: target as AnswersInput['target'],
          }),
        ),
      );
      const verdicts = await judgeAll(
        judge,
        objects.map(([, object]) => object),
      );
      expect(new Set(objects.map(([, { kind }]) => kind)).size).toBeGreaterThan(
        3,
      );
      expect(
        objects
          .map(([file, object], i) => ({ file, object, said: verdicts[i] }))
          .filter(({ said }) => said !== ''),
      ).toEqual([]);
    });

    it('accepts the policies that take the place of an extension', async () => {
      const objects = needs
        .filter(({ native }) => native)
        .flatMap(({ id, native }) =>
          native!.targets.filter(kindInRelease).flatMap(kind =>
            objectsOf({
              need: id,
              purpose: 'other',
              gatewayVersion,
              target: { kind, name: 'my-target' } as AnswersInput['target'],
            })
              // The CRDs of the AI gateway are not Envoy Gateway's.
              .filter(([, o]) => !o.apiVersion.startsWith('aigateway.'))
              .map(([file, object]) => ({ id, kind, file, object })),
          ),
        );
      const verdicts = await judgeAll(
        judge,
        objects.map(({ object }) => object),
      );
      expect(
        objects
          .map((written, i) => ({ ...written, said: verdicts[i] }))
          .filter(({ said }) => said !== ''),
      ).toEqual([]);
    });
  });
});
