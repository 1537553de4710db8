import { ObjectsByEntityResponse } from '@backstage/plugin-kubernetes-common';
import {
  LiveBackend,
  LiveEndpointSlice,
  LivePolicy,
  LiveTlsPolicy,
  objectKinds,
  PolicyHealth,
  policyHealth,
  policyStates,
} from 'backstage-plugin-eg-common';
import { clusterProblems, KubernetesProblem } from './problems';
import { workloadResources } from './resources';
import { Deployment, Pod } from './workloads';

/** The processor of an extension in one cluster. */
export interface Workload {
  deployments: Deployment[];
  pods: Pod[];
  /** Whether the cluster refused to list them. */
  forbidden: boolean;
}

/** A policy, route or other object of an extension in a cluster. */
export interface PolicyView {
  key: string;
  cluster: string;
  object: LivePolicy;
  health: PolicyHealth;
}

/** What the clusters hold of an entity. */
export interface PolicyOverview {
  /** The gravest first. */
  policies: PolicyView[];
  workloads: Record<string, Workload>;
  problems: KubernetesProblem[];
  /** Clusters that answered, and have no object of the entity. */
  without: string[];
}

type ClusterItem = ObjectsByEntityResponse['items'][number];

function objectsOf<T>(item: ClusterItem, kind: string): T[] {
  return item.resources
    .flatMap(({ resources }) => resources as { kind?: string }[])
    .filter(object => object.kind === kind) as T[];
}

function workloadOf(item: ClusterItem): Workload {
  return {
    deployments: objectsOf<Deployment>(item, 'Deployment'),
    pods: objectsOf<Pod>(item, 'Pod'),
    forbidden: item.errors.some(
      error =>
        'resourcePath' in error &&
        !error.resourcePath?.includes('/metrics.k8s.io/') &&
        workloadResources.some(({ plural }) =>
          error.resourcePath?.endsWith(`/${plural}`),
        ),
    ),
  };
}

function isRefused({ errors }: ClusterItem, plural: string): boolean {
  return errors.some(
    error =>
      'resourcePath' in error && error.resourcePath?.endsWith(`/${plural}`),
  );
}

/** What is known of the processor; what the cluster does not show is left out. */
function backendOf(item: ClusterItem): LiveBackend {
  return {
    deployments: objectsOf<Deployment>(item, 'Deployment'),
    ...(isRefused(item, 'endpointslices')
      ? {}
      : {
          endpointSlices: objectsOf<LiveEndpointSlice>(item, 'EndpointSlice'),
        }),
    tlsPolicies: objectsOf<LiveTlsPolicy>(item, 'BackendTLSPolicy'),
  };
}

function policiesOf(item: ClusterItem, cluster: string): PolicyView[] {
  const backend = backendOf(item);
  return objectKinds.flatMap(({ kind, group, version }) =>
    objectsOf<LivePolicy>(item, kind).map(found => {
      // Lists leave the version out.
      const object = { apiVersion: `${group}/${version}`, ...found };
      const health = policyHealth(object, backend);
      return {
        key: `${cluster}/${kind}/${health.namespace}/${health.name}`,
        cluster,
        object,
        health,
      };
    }),
  );
}

function byGravity(a: PolicyView, b: PolicyView): number {
  const gravity = ({ health }: PolicyView) =>
    policyStates.indexOf(health.state);
  return gravity(a) - gravity(b) || a.key.localeCompare(b.key);
}

/**
 * What the Kubernetes back end answered, for people.
 *
 * @param response - its answer; clusters without any object of the entity are not in it
 * @param clusterNames - every cluster that Backstage knows
 */
export function policyOverview(
  response: ObjectsByEntityResponse,
  clusterNames: string[],
): PolicyOverview {
  const titled = response.items.map(item => ({
    item,
    name: item.cluster.title ?? item.cluster.name,
  }));
  const policies = titled.flatMap(({ item, name }) => policiesOf(item, name));
  const problems = titled.flatMap(({ item, name }) =>
    clusterProblems(name, item.errors),
  );
  const silent = clusterNames.filter(
    name => !response.items.some(item => item.cluster.name === name),
  );
  const empty = titled
    .map(({ name }) => name)
    .filter(
      name =>
        !policies.some(policy => policy.cluster === name) &&
        !problems.some(problem => problem.cluster === name),
    );
  return {
    policies: policies.sort(byGravity),
    workloads: Object.fromEntries(
      titled.map(({ item, name }) => [name, workloadOf(item)]),
    ),
    problems,
    without: [...empty, ...silent],
  };
}
