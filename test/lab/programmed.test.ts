import { createHash } from 'crypto';
import execa from 'execa';
import fs from 'fs-extra';
import { tmpdir } from 'os';
import { join } from 'path';
import { AnswersInput, parsePlan, purposeOf } from 'backstage-plugin-eg-common';
import { parse, parseAllDocuments } from 'yaml';
import { sharedVenv } from '../envoy/envoy';
import { variants } from '../matrix/rows';
import {
  Explained,
  filterNames,
  sameModule,
  sameScript,
  unexplained,
} from '../src/extensionConfig';
import { describeUnless, hasProgram } from '../src/tools';
import { buildExtensions } from './extensions';
import { Lab, startLab } from './lab';
import { lacking } from './namespaces';
import { craneProgram } from './programs';
import { startRegistry } from './registry';
import { until } from './until';

// What was tested locally is what a gateway runs: the cases of each generated repository, through the Envoy that Envoy
// Gateway programs, and the Envoy configuration that it made of the policy.

const registry = '10.99.0.4:5000';
const processorAddress = '10.99.0.3';
const upstreamAddress = '10.99.0.5';
const upstreamPort = 3000;

interface Extension {
  name: string;
  answers: AnswersInput;
}

const nameOf = ({ implementation, purpose, variant }: (typeof variants)[0]) =>
  [implementation, purpose, variant]
    .filter(Boolean)
    .join(' ')
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 50);

/** What is generated; samples for an older release. */
const extensionsFor = (
  gatewayVersion: AnswersInput['gatewayVersion'],
  purposes: readonly string[],
): Extension[] =>
  variants
    .filter(({ purpose }) => purposes.includes(purpose))
    .map(variant => ({
      name: nameOf(variant),
      answers: {
        ...variant.answers,
        name: nameOf(variant),
        owner: 'group:default/platform',
        purpose: variant.purpose,
        implementation: variant.implementation,
        gatewayVersion,
        registry: `${registry}/team`,
        target: { name: 'my-route' },
      } as AnswersInput,
    }));

/** How an extension reaches the gateway, where there is more than one way. */
interface Delivery {
  title: string;
  suits(policy: any): boolean;
  /** Changes the policy, and brings what belongs to it. */
  objects(policy: any, stage: Stage): object[];
  serverFlags?(stage: Stage): string[];
  /** What the extension's cluster must have; Envoy takes a changed one later than listeners and routes. */
  cluster?: RegExp;
  /** What it makes different from local/envoy.yaml. */
  explained?: Explained[];
}

interface Stage {
  lab: Lab;
  folder: string;
  certificate: string;
}

const asGenerated: Delivery = {
  title: 'as generated',
  suits: () => true,
  objects: policy => [policy],
};

const deliveries: Delivery[] = [
  asGenerated,
  {
    title: 'over TLS',
    suits: ({ spec }) => spec.extProc !== undefined,
    objects: (policy, { certificate }) => {
      const { name } = policy.metadata;
      const metadata = { name, namespace: 'default' };
      return [
        policy,
        {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { ...metadata, name: `${name}-ca` },
          data: { 'ca.crt': fs.readFileSync(`${certificate}.crt`, 'utf8') },
        },
        // As docs/production.md has it.
        {
          apiVersion: 'gateway.networking.k8s.io/v1',
          kind: 'BackendTLSPolicy',
          metadata,
          spec: {
            targetRefs: [{ group: '', kind: 'Service', name }],
            validation: {
              hostname: `${name}.default.svc`,
              caCertificateRefs: [
                { group: '', kind: 'ConfigMap', name: `${name}-ca` },
              ],
            },
          },
        },
      ];
    },
    explained: [
      {
        path: /^cluster\.transportSocket(Matches)?$/,
        reason: 'TLS to the processor, which the generated policy does without',
      },
    ],
    cluster: /UpstreamTlsContext/,
    serverFlags: ({ certificate }) => [
      `-tls-cert=${certificate}.crt`,
      `-tls-key=${certificate}.key`,
    ],
  },
  {
    title: 'by HTTP',
    suits: ({ spec }) => spec.wasm !== undefined,
    objects: policy => {
      const url = `http://10.99.0.4:8000/${policy.metadata.name}.wasm`;
      policy.spec.wasm[0].code = { type: 'HTTP', http: { url } };
      return [policy];
    },
  },
];

/** What `kubectl apply --kustomize` would apply. */
async function objectsIn({ kubectl }: Lab, folder: string): Promise<any[]> {
  return parseAllDocuments(await kubectl(['kustomize', folder])).map(d =>
    d.toJS(),
  );
}

/** Stands in for the pods of a Service: the server that the repository has built. */
async function startServer(
  { namespaces, apply }: Lab,
  repository: string,
  service: any,
  flags: string[],
) {
  const { name } = service.metadata;
  const [{ name: portName, port }] = service.spec.ports;
  await apply([
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        name: `${name}-1`,
        namespace: 'default',
        labels: { 'kubernetes.io/service-name': name },
      },
      addressType: 'IPv4',
      ports: [{ name: portName, port, protocol: 'TCP' }],
      endpoints: [
        { addresses: [processorAddress], conditions: { ready: true } },
      ],
    },
  ]);
  const server = namespaces.start(name, [
    join(repository, 'build/ext-proc-server'),
    `-config=${join(repository, 'k8s/settings.json')}`,
    ...[`-listen=${processorAddress}:${port}`, '-metrics-listen='],
    ...flags,
  ]);
  await until('the server listens', 20, () =>
    namespaces.exec([
      'bash',
      '-c',
      `exec 3<>/dev/tcp/${processorAddress}/${port}`,
    ]),
  );
  return server;
}

/** Puts a module where the policy expects it, and where it can be fetched by HTTP. */
async function publishModule(
  { folder, namespaces }: Lab,
  crane: string,
  repository: string,
  { metadata: { name }, spec }: any,
) {
  const built = join(repository, 'build');
  await fs.copy(
    join(built, 'plugin.wasm'),
    join(folder, 'files', `${name}.wasm`),
  );
  const layer = join(folder, `${name}.tar`);
  await execa('tar', ['-cf', layer, '-C', built, 'plugin.wasm']);
  await namespaces.exec([
    ...[crane, 'append', '--insecure', `--new_layer=${layer}`],
    `--new_tag=${spec.wasm[0].code.image.url}`,
  ]);
}

/** The route with the rule that local/envoy.yaml of a repository has besides, where it has one; else as it was. */
function withSecondRule(route: any, repository?: string): any {
  const [first] = route.spec.rules;
  const local = repository && localRouteOf(repository);
  return {
    apiVersion: route.apiVersion,
    kind: route.kind,
    metadata: { name: 'my-route', namespace: 'default' },
    spec: {
      ...route.spec,
      rules: [
        ...(local
          ? [
              {
                ...first,
                matches: [
                  { headers: [{ name: local.header, value: local.value }] },
                ],
                filters: [
                  {
                    type: 'ResponseHeaderModifier',
                    responseHeaderModifier: {
                      set: [{ name: 'x-local-route', value: 'second' }],
                    },
                  },
                ],
              },
            ]
          : []),
        first,
      ],
    },
  };
}

function localRouteOf(repository: string) {
  const { purpose, settings } = parsePlan(
    parse(fs.readFileSync(join(repository, 'eg-extension.yaml'), 'utf8')),
  );
  return purposeOf(purpose).localRoute?.(settings);
}

/** The configuration of the running Envoy. */
async function configOf({ admin }: Lab): Promise<any> {
  return JSON.parse(await admin('/config_dump'));
}

/** The clusters that Envoy has for an extension, as text. */
const clustersOf = (config: any, name: string): string[] =>
  config.configs
    .flatMap((part: any) => part.dynamic_active_clusters ?? [])
    .filter(({ cluster }: any) => cluster.name.includes(`/${name}/`))
    .map((cluster: any) => JSON.stringify(cluster));

/** The code that was built, which the gateway has to run. */
function codeOf(repository: string): Explained[] {
  const [script, module] = ['filter.lua', 'plugin.wasm']
    .map(file => join(repository, 'build', file))
    .map(file => (fs.existsSync(file) ? fs.readFileSync(file) : undefined));
  return [
    ...(script ? sameScript(script.toString()) : []),
    ...(module
      ? sameModule(createHash('sha256').update(module).digest('hex'))
      : []),
  ];
}

const missingHere = [
  ...lacking(),
  ...['docker-registry', 'cargo', 'openssl'].filter(p => !hasProgram(p)),
];

describeUnless(missingHere, 'what the gateway programs', () => {
  describe.each<[AnswersInput['gatewayVersion'], string[]]>([
    ['1.9', ['header-transform', 'body-transform', 'other']],
    ['1.8', ['header-transform']],
  ])('with Envoy Gateway %s', (release, purposes) => {
    const extensions = extensionsFor(release, purposes);
    let lab: Lab;
    let stage: Stage;
    let repositories: string;
    let crane: string;

    beforeAll(async () => {
      repositories = await fs.mkdtemp(join(tmpdir(), 'eg-programmed-'));
      await buildExtensions(
        extensions.map(({ answers }) => answers),
        repositories,
      );
      crane = await craneProgram(() => {});
      lab = await startLab({ release, enableLua: true });
      await startRegistry(lab, 5000);
      const certificate = join(lab.folder, 'server');
      stage = { lab, folder: repositories, certificate };
      // The cases have an upstream of their own.
      await lab.apply([
        {
          ...(await lab.get('endpointslice', 'backend-1', 'default'))!,
          metadata: {
            name: 'backend-1',
            namespace: 'default',
            labels: { 'kubernetes.io/service-name': 'backend' },
          },
          endpoints: [
            { addresses: [upstreamAddress], conditions: { ready: true } },
          ],
        },
      ]);
    }, 1_800_000);
    afterAll(async () => {
      await lab?.down();
      await fs.remove(repositories);
    });

    describe.each(deliveries)('$title', delivery => {
      const suiting = extensions.filter(
        ({ answers: { implementation, purpose } }) =>
          delivery === asGenerated ||
          (purpose === 'header-transform' &&
            delivery.suits({
              spec: {
                extProc: implementation === 'extproc-go' ? [] : undefined,
                wasm: implementation === 'wasm-rust' ? [] : undefined,
              },
            })),
      );

      it.each(suiting)('is what was tested: $name', async ({ name }) => {
        const repository = join(repositories, name);
        const policies = await objectsIn(lab, join(repository, 'policy'));
        const workload = (await fs.pathExists(
          join(repository, 'k8s/kustomization.yaml'),
        ))
          ? await objectsIn(lab, join(repository, 'k8s'))
          : [];
        const policy = policies.find(o => o.kind === 'EnvoyExtensionPolicy');
        const service = workload.find(o => o.kind === 'Service');
        await execa('openssl', [
          ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2'],
          ...['-subj', '/CN=lab'],
          ...['-addext', `subjectAltName=DNS:${name}.default.svc`],
          ...['-keyout', `${stage.certificate}.key`],
          ...['-out', `${stage.certificate}.crt`],
        ]);
        if (policy.spec.wasm) {
          await publishModule(lab, crane, repository, policy);
        }
        const route = await lab.get('httproute', 'my-route', 'default');
        const applied = [
          ...workload,
          ...policies.filter(o => o !== policy),
          ...delivery.objects(policy, stage),
        ];
        const server =
          service &&
          (await startServer(
            lab,
            repository,
            service,
            delivery.serverFlags?.(stage) ?? [],
          ));
        try {
          await lab.apply([...applied, withSecondRule(route, repository)]);
          await until(`Envoy has the filter of ${name}`, 60, async () => {
            const found = await configOf(lab);
            if (!filterNames(found).some(f => f.includes(`/${name}/`))) {
              const status = (await lab.get(
                'envoyextensionpolicy',
                name,
                'default',
              ))!.status;
              throw new Error(`the policy says ${JSON.stringify(status)}`);
            }
            const { cluster } = delivery;
            if (
              cluster &&
              !clustersOf(found, name).some(c => cluster.test(c))
            ) {
              throw new Error(`its cluster has no ${cluster}`);
            }
          });
          const ran = await lab.namespaces.exec(
            [
              ...[join(sharedVenv, 'bin/python')],
              ...[join(repository, 'test/run_cases.py'), '--json'],
              ...['--gateway', 'http://127.0.0.1:8888'],
              ...['--upstream', `${upstreamAddress}:${upstreamPort}`],
            ],
            { reject: false },
          );
          const { cases, failed, error } = JSON.parse(ran.stdout);
          expect({
            failed: cases.filter((c: any) => c.status !== 'passed'),
            error,
          }).toEqual({ failed: [] });
          expect(cases.length).toBeGreaterThan(3);
          expect(failed).toBe(0);

          const local = parse(
            await fs.readFile(join(repository, 'local/envoy.yaml'), 'utf8'),
          );
          expect(
            // Now that all of it has come: routes may come after filters.
            unexplained(local, await configOf(lab), [
              ...(delivery.explained ?? []),
              ...codeOf(repository),
            ]),
          ).toEqual([]);
        } finally {
          await lab.remove(applied);
          await lab.apply([withSecondRule(route)]);
          await server?.stop();
          await until('the filter is gone', 30, async () => {
            const left = await configOf(lab);
            if (
              filterNames(left).some(f => f.includes(`/${name}/`)) ||
              clustersOf(left, name).length > 0
            ) {
              throw new Error('Envoy still has it');
            }
          });
        }
      });
    });
  });
});
