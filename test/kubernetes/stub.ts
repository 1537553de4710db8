import fs from 'fs-extra';
import { createServer, IncomingMessage, ServerResponse } from 'http';
import { AddressInfo } from 'net';
import { join } from 'path';

// A stub: it stands in for the API server of a cluster, and is no Kubernetes. It knows lists and nothing else, of
// objects that a real cluster once had.

const plugins = join(__dirname, '../../plugins');

/** The label by which Backstage finds an entity’s objects. */
const idLabel = 'backstage.io/kubernetes-id';

/** An API object, as far as a list is concerned with it. */
export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; labels?: Record<string, string> };
}

/** What a test can change while it runs. */
interface Cluster {
  token: string;
  objects: KubernetesObject[];
  /** Whether the cluster knows the kind EnvoyExtensionPolicy. */
  hasCrd: boolean;
  /** Plurals that may not be listed. */
  forbidden: string[];
}

/** A stand-in for the API server of a cluster. */
export interface KubernetesStub extends Cluster {
  url: string;
  /** From then on it cannot be reached. */
  close(): Promise<void>;
}

/** What can be listed, by path. */
const lists: Record<string, { apiVersion: string; kind: string }> = {
  '/apis/gateway.envoyproxy.io/v1alpha1/envoyextensionpolicies': {
    apiVersion: 'gateway.envoyproxy.io/v1alpha1',
    kind: 'EnvoyExtensionPolicy',
  },
  '/apis/apps/v1/deployments': { apiVersion: 'apps/v1', kind: 'Deployment' },
  '/api/v1/pods': { apiVersion: 'v1', kind: 'Pod' },
};

function relabelled(object: KubernetesObject, id: string): KubernetesObject {
  const labels = { ...object.metadata.labels, [idLabel]: id };
  return { ...object, metadata: { ...object.metadata, labels } };
}

/** A policy as a real Envoy Gateway left it, relabelled for an entity. */
export function recordedPolicy(fixture: string, id: string): KubernetesObject {
  const folder = join(plugins, 'eg-common/src/health/__fixtures__');
  return relabelled(fs.readJsonSync(join(folder, `${fixture}.json`)), id);
}

/** The Deployment and the Pods of an external processor, relabelled for an entity. */
export function recordedWorkload(id: string): KubernetesObject[] {
  const folder = join(plugins, 'eg/src/__fixtures__');
  return ['deployment', 'pods']
    .flatMap(name => fs.readJsonSync(join(folder, `${name}.json`)))
    .map(object => relabelled(object, id));
}

function answer(cluster: Cluster, req: IncomingMessage, res: ServerResponse) {
  const { pathname, searchParams } = new URL(req.url!, 'http://stub');
  const list = lists[pathname];
  const plural = pathname.split('/').at(-1)!;
  const send = (status: number, body: object) =>
    res
      .writeHead(status, { 'content-type': 'application/json' })
      .end(JSON.stringify(body));
  const fail = (code: number, reason: string, message: string) =>
    send(code, {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      reason,
      code,
    });

  if (req.headers.authorization !== `Bearer ${cluster.token}`) {
    fail(401, 'Unauthorized', 'Unauthorized');
  } else if (
    !list ||
    (list.kind === 'EnvoyExtensionPolicy' && !cluster.hasCrd)
  ) {
    // What API servers say of groups that they do not know.
    res.writeHead(404).end('404 page not found\n');
  } else if (cluster.forbidden.includes(plural)) {
    fail(403, 'Forbidden', `${plural} is forbidden: cannot list resource`);
  } else {
    const selector = searchParams.get('labelSelector') ?? '';
    const [label = '', value] = selector.split('=');
    send(200, {
      apiVersion: list.apiVersion,
      kind: `${list.kind}List`,
      metadata: { resourceVersion: '1' },
      items: cluster.objects
        .filter(({ kind }) => kind === list.kind)
        .filter(({ metadata }) => !label || metadata.labels?.[label] === value)
        // Members of lists say neither.
        .map(({ apiVersion, kind, ...object }) => object),
    });
  }
}

/** Starts a stub on this machine, at a free port. */
export async function startKubernetesStub(): Promise<KubernetesStub> {
  const server = createServer();
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  const stub: KubernetesStub = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token: 'stub',
    objects: [],
    hasCrd: true,
    forbidden: [],
    async close() {
      const closed = new Promise(done => server.close(done));
      server.closeAllConnections();
      await closed;
    },
  };
  server.on('request', (req, res) => answer(stub, req, res));
  return stub;
}
