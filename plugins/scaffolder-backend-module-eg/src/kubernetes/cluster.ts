import { InputError } from '@backstage/errors';
import { Discovery, sharedDiscovery } from './discovery';
import { ClusterUnavailableError } from './errors';
import { Kubernetes, KubernetesAnswer, KubernetesRequest } from './kubernetes';

/** An object of a cluster, as far as anything is known about it. */
export type LiveObject = {
  apiVersion?: string;
  kind?: string;
  metadata?: {
    name?: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    [key: string]: unknown;
  };
  [key: string]: any;
};

/** Which object is meant. */
export interface ObjectRef {
  group: string;
  /** Any that the cluster serves where it is left out. */
  version?: string;
  kind: string;
  namespace?: string;
  name: string;
}

/** What reading gave: it is there, it is not, or nobody knows. */
export type Reading<T> =
  | { state: 'found'; value: T }
  | { state: 'absent'; reason: string }
  | { state: 'unknown'; reason: string };

/** A kind as a cluster serves it. */
interface Resource {
  path: string;
  namespaced: boolean;
}

/** Where a cluster may be asked. Nothing is ever written to it. */
export interface Cluster {
  name: string;
  read(ref: ObjectRef): Promise<Reading<LiveObject>>;
  list(ref: Omit<ObjectRef, 'name'>): Promise<Reading<LiveObject[]>>;
  /**
   * What server-side apply would answer, without doing it. Undefined where the cluster does not know the kind.
   */
  tryApply(object: LiveObject): Promise<KubernetesAnswer | undefined>;
}

/** How long may be waited for answers. */
export interface ClusterLimits {
  /** Milliseconds for one answer. */
  request: number;
  /** When the last answer must be there, as `Date.now()` counts. */
  deadline: number;
  signal?: AbortSignal;
}

/** The field manager of what is tried. */
const fieldManager = 'envoy-gateway-extensions-builder';

const messageOf = ({ status, body }: KubernetesAnswer) =>
  body?.message ?? `it answers ${status}`;

/** `apps/v1` is version v1 of the group apps; `v1` is that of the core. */
export function groupVersion(apiVersion: string): {
  group: string;
  version: string;
} {
  const [version = '', group = ''] = apiVersion.split('/').reverse();
  return { group, version };
}

/**
 * Chooses a cluster.
 *
 * @param kubernetes - all clusters
 * @param wanted - its name; may be left out where there is only one
 * @throws InputError naming the clusters, when there is none of this name
 * @throws ClusterUnavailableError when there is none, or several to choose from
 */
export async function chooseCluster(
  kubernetes: Kubernetes,
  wanted: string | undefined,
  limits: ClusterLimits,
  discovery?: Discovery,
): Promise<Cluster> {
  const names = await bounded(limits, 'Backstage’s Kubernetes plugin', signal =>
    kubernetes.clusters(signal),
  );
  if (wanted && !names.includes(wanted)) {
    throw new InputError(
      `cluster: Backstage knows no cluster "${wanted}"; ${
        names.length
          ? `choose from ${names.join(', ')}`
          : 'none is configured (kubernetes.clusterLocatorMethods)'
      }`,
    );
  }
  if (names.length === 0) {
    throw new ClusterUnavailableError(
      'Backstage has no cluster (kubernetes.clusterLocatorMethods)',
    );
  }
  if (!wanted && names.length > 1) {
    throw new ClusterUnavailableError(
      `Backstage has several clusters; name one as cluster: ${names.join(
        ', ',
      )}`,
    );
  }
  return clusterOf(kubernetes, wanted ?? names[0]!, limits, discovery);
}

/**
 * Whether a text can be one segment of an API server's path: what Kubernetes itself asks of every name
 * (IsValidPathSegmentName in k8s.io/apimachinery), and not empty. Encoding does not protect: `..` has nothing to encode, and
 * clients of HTTP resolve it.
 */
const isSegment = (text: string) =>
  text !== '' && text !== '.' && text !== '..' && !/[/%]/.test(text);

/** What is wrong with the names in a reference, if anything; nothing with such a name can exist. */
function wrongNames({
  namespace,
  ...rest
}: Omit<ObjectRef, 'name'> & { name?: string }): string | undefined {
  const { group, version, name } = rest;
  const wrong = Object.entries({ namespace, name, version }).find(
    ([, value]) => value !== undefined && !isSegment(value),
  );
  if (wrong) {
    const [field, value] = wrong;
    return `${field}: ${JSON.stringify(value)} is no name in Kubernetes`;
  }
  return group === '' || isSegment(group)
    ? undefined
    : `apiVersion: ${JSON.stringify(group)} is no group of an API`;
}

/** Waits for an answer, but not for ever. */
async function bounded<T>(
  { request, deadline, signal }: ClusterLimits,
  who: string,
  ask: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const left = Math.max(0, Math.min(request, deadline - Date.now()));
  const timeout = AbortSignal.timeout(left);
  try {
    return await ask(signal ? AbortSignal.any([timeout, signal]) : timeout);
  } catch (error) {
    if (error instanceof ClusterUnavailableError || signal?.aborted) {
      throw error;
    }
    const { message, cause } = error as Error & { cause?: Error };
    throw new ClusterUnavailableError(
      timeout.aborted
        ? `${who} did not answer within ${Math.round(left / 10) / 100} seconds`
        : `${who} cannot be reached: ${cause?.message ?? message}`,
      true,
    );
  }
}

/**
 * A cluster, and what has been read of it: every object is asked for once.
 *
 * @param discovery - what is known of its kinds already; shared among looks at the same clusters
 */
export function clusterOf(
  kubernetes: Kubernetes,
  name: string,
  limits: ClusterLimits,
  discovery: Discovery = sharedDiscovery(),
): Cluster {
  const answers = new Map<string, Promise<KubernetesAnswer>>();

  let gone: ClusterUnavailableError | undefined;

  /** Where it has not answered once, nobody waits for it again. */
  async function send(request: KubernetesRequest): Promise<KubernetesAnswer> {
    if (gone) {
      throw gone;
    }
    try {
      return await bounded(limits, `cluster ${name}`, signal =>
        kubernetes.send(name, request, signal),
      );
    } catch (error) {
      if (error instanceof ClusterUnavailableError) {
        gone = error;
      }
      throw error;
    }
  }

  function get(path: string): Promise<KubernetesAnswer> {
    const known = answers.get(path);
    if (known) {
      return known;
    }
    const answer = send({ method: 'GET', path });
    answers.set(path, answer);
    return answer;
  }

  /** What discovery says: from what is kept, or else from the API server. */
  async function discovered<T>(
    path: string,
    find: (body: any) => T | undefined,
  ): Promise<T | undefined> {
    const kept = discovery.kept(name, path);
    const found = kept === undefined ? undefined : find(kept);
    if (found !== undefined) {
      return found;
    }
    // What is not in a kept answer may have been installed since.
    const { status, body } = await get(path);
    if (status === 200) {
      discovery.keep(name, path, body);
    }
    return find(body);
  }

  async function versions(group: string): Promise<string[]> {
    return group === ''
      ? ['v1']
      : (await discovered(`/apis/${group}`, body =>
          body?.versions?.map((v: { version: string }) => v.version),
        )) ?? [];
  }

  async function resource({
    group,
    version,
    kind,
  }: Omit<ObjectRef, 'name'>): Promise<Resource | undefined> {
    for (const served of version ? [version] : await versions(group)) {
      const root = group ? `/apis/${group}/${served}` : `/api/${served}`;
      const found = await discovered(root, body =>
        body?.resources?.find(
          (r: { kind: string; name: string }) =>
            r.kind === kind && !r.name.includes('/'),
        ),
      );
      if (found) {
        return {
          path: `${root}/@${found.name}`,
          namespaced: found.namespaced,
        };
      }
    }
    return undefined;
  }

  /** The path of a resource's objects in a namespace, or of one of them. */
  async function pathOf(
    ref: Omit<ObjectRef, 'name'> & { name?: string },
  ): Promise<string | undefined> {
    const found = await resource(ref);
    const namespace =
      found?.namespaced && ref.namespace
        ? `namespaces/${encodeURIComponent(ref.namespace)}/`
        : '';
    const object = ref.name ? `/${encodeURIComponent(ref.name)}` : '';
    return found && `${found.path.replace('@', namespace)}${object}`;
  }

  async function reading<T>(
    ref: Omit<ObjectRef, 'name'> & { name?: string },
    value: (body: any) => T,
  ): Promise<Reading<T>> {
    const wrong = wrongNames(ref);
    if (wrong) {
      return { state: 'absent', reason: wrong };
    }
    const where = await pathOf(ref);
    if (!where) {
      return {
        state: 'absent',
        reason: `the cluster does not know the kind ${ref.kind} of ${
          ref.group || 'the core'
        }`,
      };
    }
    const answer = await get(where);
    if (answer.status === 200) {
      return { state: 'found', value: value(answer.body) };
    }
    return {
      state: answer.status === 404 ? 'absent' : 'unknown',
      reason: messageOf(answer),
    };
  }

  return {
    name,
    read: ref => reading(ref, body => body),
    list: ref => reading(ref, body => body.items ?? []),
    async tryApply(object) {
      const { apiVersion = '', kind = '', metadata = {} } = object;
      const ref = {
        ...groupVersion(apiVersion),
        kind,
        namespace: metadata.namespace ?? 'default',
        name: metadata.name ?? '',
      };
      const wrong = wrongNames(ref);
      if (wrong) {
        return {
          status: 422,
          body: { message: `not sent: ${wrong}` },
          warnings: [],
        };
      }
      const where = await pathOf(ref);
      return where
        ? send({
            method: 'PATCH',
            path: `${where}?dryRun=All&fieldManager=${fieldManager}`,
            body: object,
          })
        : undefined;
    },
  };
}
