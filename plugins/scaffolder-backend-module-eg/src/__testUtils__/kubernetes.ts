import { objectKinds } from 'backstage-plugin-eg-common';
import {
  Kubernetes,
  KubernetesAnswer,
  KubernetesRequest,
  LiveObject,
} from '../kubernetes';

const kindsOf = (group: string): [kind: string, plural: string][] =>
  objectKinds
    .filter(entry => entry.group === group)
    .map(({ kind, plural }) => [kind, plural]);

/** Kinds as API servers list them, by path. */
const resources: Record<
  string,
  [kind: string, plural: string, cluster?: true][]
> = {
  '/api/v1': [['Service', 'services']],
  '/apis/apps/v1': [['Deployment', 'deployments']],
  '/apis/apiextensions.k8s.io/v1': [
    ['CustomResourceDefinition', 'customresourcedefinitions', true],
  ],
  '/apis/gateway.envoyproxy.io/v1alpha1': kindsOf('gateway.envoyproxy.io'),
  '/apis/aigateway.envoyproxy.io/v1alpha1': kindsOf('aigateway.envoyproxy.io'),
  '/apis/gateway.networking.k8s.io/v1': [
    ['GatewayClass', 'gatewayclasses', true],
    ['Gateway', 'gateways'],
    ...kindsOf('gateway.networking.k8s.io'),
    ['ListenerSet', 'listenersets'],
    ['ReferenceGrant', 'referencegrants'],
  ],
};

const answer = (status: number, body: any): KubernetesAnswer => ({
  status,
  body,
  warnings: [],
});

function resourcePath({ apiVersion = '', kind, metadata = {} }: LiveObject) {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : '/api/v1';
  const [, plural] = resources[root]!.find(([k]) => k === kind)!;
  const namespace = metadata.namespace
    ? `/namespaces/${metadata.namespace}`
    : '';
  return `${root}${namespace}/${plural}`;
}

/** A stand-in for clusters: it has objects, and notes what it is asked. */
export interface FakeKubernetes extends Kubernetes {
  requests: KubernetesRequest[];
  objects: LiveObject[];
}

/** A cluster with objects; what is tried would be created. */
export function fakeKubernetes(
  objects: LiveObject[] = [],
  names: string[] = ['lab'],
): FakeKubernetes {
  const fake: FakeKubernetes = {
    requests: [],
    objects,
    clusters: async () => names,
    async send(_, request) {
      fake.requests.push(request);
      const { path, method } = request;
      if (method === 'PATCH') {
        return answer(201, request.body);
      }
      if (resources[path]) {
        return answer(200, {
          kind: 'APIResourceList',
          resources: resources[path]!.flatMap(([kind, name, cluster]) => [
            { kind, name, namespaced: !cluster },
            { kind, name: `${name}/status`, namespaced: !cluster },
          ]),
        });
      }
      const group = /^\/apis\/([^/]+)$/.exec(path)?.[1];
      if (group) {
        const versions = Object.keys(resources)
          .filter(r => r.startsWith(`/apis/${group}/`))
          .map(r => ({ version: r.split('/')[3] }));
        return versions.length > 0
          ? answer(200, { kind: 'APIGroup', versions })
          : answer(404, '404 page not found\n');
      }
      const found = fake.objects.find(
        o => `${resourcePath(o)}/${o.metadata?.name}` === path,
      );
      const list = fake.objects.filter(o => resourcePath(o) === path);
      if (found) {
        return answer(200, found);
      }
      return Object.values(resources).some(kinds =>
        kinds.some(([, plural]) => path.endsWith(`/${plural}`)),
      )
        ? answer(200, { kind: 'List', items: list })
        : answer(404, { kind: 'Status', message: `${path} not found` });
    },
  };
  return fake;
}
