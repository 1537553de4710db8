import fs from 'fs-extra';
import { tmpdir } from 'os';
import { join } from 'path';
import {
  objectKindOf,
  objectKinds,
  parseAnswers,
  plan,
  policyKind,
  renderFiles,
  reportsOf,
  withExample,
} from 'backstage-plugin-eg-common';
import { KubernetesObject } from '../lab/cluster';
import { Lab, startLab } from '../lab/lab';
import { situations, usualService, usualSettings } from '../lab/situations';
import { until } from '../lab/until';
import { Backstage, startBackstage } from './backstage';

/** The entity whose policies are shown. */
export const deployed = 'guard-checkout';

/** The label by which Backstage finds an entity’s objects. */
const idLabel = 'backstage.io/kubernetes-id';

/** The cluster that Backstage asks. */
export const cluster: { lab: Lab } = {} as any;

/** What Backstage’s account may read, as the README of the front end says. */
const readable = [
  ...objectKinds.map(({ group, plural }) => [group, plural] as const),
  ['apps', 'deployments'],
  ['', 'pods'],
  ['discovery.k8s.io', 'endpointslices'],
  ['gateway.networking.k8s.io', 'backendtlspolicies'],
] as const;

/** Gives Backstage’s account its rights, all but some. */
export async function permit(without: readonly string[] = []): Promise<void> {
  await cluster.lab.apply([
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'backstage' },
      rules: readable
        .filter(([, plural]) => !without.includes(plural))
        .map(([group, plural]) => ({
          apiGroups: [group],
          resources: [plural],
          verbs: ['get', 'list'],
        })),
    },
  ]);
}

/** An object as another entity’s; only what has a label of one is. */
export function labelled<T extends KubernetesObject>(object: T, id: string): T {
  const { metadata } = object;
  return metadata.labels?.[idLabel]
    ? {
        ...object,
        metadata: {
          ...metadata,
          labels: { ...metadata.labels, [idLabel]: id },
        },
      }
    : object;
}

/** What brings a situation of the lab about: the policy that it is about is the entity’s, others are not. */
export function situationObjects(name: string): KubernetesObject[] {
  const found = situations.find(situation => situation.name === name)!;
  return found.objects.map(object =>
    labelled(
      object,
      object.kind === policyKind && object.metadata.name !== name
        ? 'another'
        : deployed,
    ),
  );
}

/** The Deployment and the Pods of an external processor, of which one does not start. */
export const workload: KubernetesObject[] = ['deployment', 'pods']
  .flatMap(name =>
    fs.readJsonSync(
      join(__dirname, '../../plugins/eg/src/__fixtures__', `${name}.json`),
    ),
  )
  .map((object: KubernetesObject) => {
    const { name, namespace, labels } = object.metadata;
    return labelled(
      { ...object, metadata: { name, namespace, labels } },
      deployed,
    );
  });

/** Names of what no gateway judges, for example because its target is not there. */
const unjudged = [
  'missing-of-another',
  ...situations
    .filter(({ conditions }) => conditions.length === 0)
    .map(({ name }) => name),
];

let arranged: KubernetesObject[] = [];

/** Takes back what was arranged before. */
export async function clear(): Promise<void> {
  await cluster.lab.remove(arranged);
  arranged = [];
}

/** Puts objects into the cluster, in place of those that were there, and waits until the gateway has judged them. */
export async function arrange(
  objects: readonly KubernetesObject[],
): Promise<void> {
  const { lab } = cluster;
  await clear();
  arranged = [...objects];
  if (objects.length === 0) {
    return;
  }
  await lab.apply(objects);
  const withStatus = objects.filter(({ status }) => status);
  if (withStatus.length > 0) {
    // Nobody else reports on pods: there is no kubelet.
    await lab.kubectl(
      [
        ...['apply', '--server-side', '--force-conflicts'],
        ...['--subresource=status', '--filename=-'],
      ],
      withStatus.map(object => JSON.stringify(object)).join('\n---\n'),
    );
  }
  await until('the gateway has judged the policies', 30, async () => {
    for (const { kind, metadata } of objects) {
      const entry = objectKindOf(kind);
      const { name, namespace = 'default' } = metadata;
      if (entry && entry.status !== 'none' && !unjudged.includes(name)) {
        const { plural, group } = entry;
        const found = await lab.get(`${plural}.${group}`, name, namespace);
        if (!found || reportsOf(found, entry).length === 0) {
          throw new Error(`${kind} ${name} has no status`);
        }
      }
    }
  });
}

/** Gives Backstage an account in the lab. */
async function makeAccount(): Promise<string> {
  const { lab } = cluster;
  await lab.kubectl(['create', 'serviceaccount', 'backstage']);
  await permit();
  await lab.kubectl([
    ...['create', 'clusterrolebinding', 'backstage', '--clusterrole=backstage'],
    '--serviceaccount=default:backstage',
  ]);
  return lab.token('backstage');
}

/** Starts Backstage with the lab as its only cluster, and with an entity as the template writes it. */
export async function startWithCluster(): Promise<Backstage> {
  const folder = await fs.mkdtemp(join(tmpdir(), 'eg-browser-entity-'));
  const entity = join(folder, 'catalog-info.yaml');
  const answers = parseAnswers(
    withExample({
      name: deployed,
      owner: 'group:default/payments',
      purpose: 'body-transform',
    }),
  );
  await fs.writeFile(entity, renderFiles(plan(answers))['catalog-info.yaml']!);

  const lab = await startLab(usualSettings);
  cluster.lab = lab;
  const stop = async () => {
    await lab.down();
    await fs.remove(folder);
  };
  try {
    await lab.apply(usualService.map(object => labelled(object, deployed)));
    const file = (target: string) => ({ type: 'file', target });
    const backstage = await startBackstage({
      APP_CONFIG_kubernetes_clusterLocatorMethods: JSON.stringify([
        {
          type: 'config',
          clusters: [
            {
              name: 'lab',
              url: lab.url,
              caData: lab.caData,
              authProvider: 'serviceAccount',
              serviceAccountToken: await makeAccount(),
              skipMetricsLookup: true,
            },
          ],
        },
      ]),
      APP_CONFIG_catalog_locations: JSON.stringify([
        file('../../catalog-info.yaml'),
        file('../../examples/org.yaml'),
        file(entity),
      ]),
    });
    return {
      ...backstage,
      async stop() {
        await backstage.stop();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
