import { parseAnswers, plan } from 'backstage-plugin-eg-common';
import { fakeKubernetes } from '../../__testUtils__/kubernetes';
import { LiveObject } from '../../kubernetes';
import { clusterOf } from '../../kubernetes/cluster';
import { gateways } from './gateways';

const group = 'gateway.networking.k8s.io';
const object = (kind: string, name: string, spec: object): LiveObject => ({
  apiVersion: `${group}/v1`,
  kind,
  metadata: {
    name,
    ...(kind === 'GatewayClass' ? {} : { namespace: 'shop' }),
  },
  spec,
});

const cluster = [
  object('GatewayClass', 'eg', {
    controllerName: 'gateway.envoyproxy.io/gatewayclass-controller',
  }),
  object('GatewayClass', 'mesh', { controllerName: 'example.com/mesh' }),
  object('Gateway', 'eg', {
    gatewayClassName: 'eg',
    listeners: [{ name: 'http' }],
  }),
  object('Gateway', 'mesh', { gatewayClassName: 'mesh' }),
  object('ListenerSet', 'team', { parentRef: { name: 'eg' } }),
  object('ListenerSet', 'lost', { parentRef: { name: 'nope' } }),
];

/** What is found about the Gateways of a route with these parents. */
async function found(...parentRefs: object[]): Promise<string[]> {
  const route = object('HTTPRoute', 'checkout', { parentRefs });
  const findings = await gateways({
    plan: plan(
      parseAnswers({
        name: 'own',
        owner: 'team-a',
        purpose: 'other',
        target: { name: 'checkout', namespace: 'shop' },
      }),
    ),
    manifests: [
      {
        file: 'policy/p.yaml',
        object: {
          apiVersion: 'gateway.envoyproxy.io/v1alpha1',
          kind: 'EnvoyExtensionPolicy',
          metadata: { name: 'own', namespace: 'shop' },
          spec: {
            targetRefs: [{ group, kind: 'HTTPRoute', name: 'checkout' }],
          },
        },
      },
    ],
    cluster: clusterOf(fakeKubernetes([...cluster, route]), 'lab', {
      request: 60_000,
      deadline: Date.now() + 60_000,
    }),
  });
  return findings.map(({ result, text }) => `${result}: ${text}`);
}

const its = 'HTTPRoute shop/checkout: its';
const listenerSet = (name: string) => ({ kind: 'ListenerSet', name });

describe('the Gateways of a target', () => {
  it.each<[string, object[], string[]]>([
    [
      'one',
      [{ name: 'eg' }],
      [`holds: ${its} Gateway shop/eg is Envoy Gateway’s`],
    ],
    [
      'one by a ListenerSet',
      [listenerSet('team')],
      [`holds: ${its} ListenerSet shop/team is Envoy Gateway’s`],
    ],
    [
      'a ListenerSet without its Gateway',
      [listenerSet('lost')],
      [
        expect.stringContaining(
          `problem: ${its} ListenerSet shop/lost: Gateway shop/nope is not there`,
        ),
      ],
    ],
    [
      'none that is Envoy Gateway’s',
      [{ name: 'mesh' }],
      [
        expect.stringContaining(
          `problem: ${its} Gateway shop/mesh is not Envoy Gateway’s`,
        ),
      ],
    ],
    [
      'one beside another controller’s',
      [{ name: 'mesh' }, { name: 'eg' }],
      [
        expect.stringContaining(
          `note: ${its} Gateway shop/mesh is not Envoy Gateway’s`,
        ),
        `holds: ${its} Gateway shop/eg is Envoy Gateway’s`,
      ],
    ],
    [
      'a listener that is not there',
      [{ name: 'eg', sectionName: 'https' }],
      [
        `holds: ${its} Gateway shop/eg is Envoy Gateway’s`,
        'problem: HTTPRoute shop/checkout.parentRefs: Gateway shop/eg has no section https; it has http',
      ],
    ],
    [
      'a Service of a mesh only',
      [{ group: '', kind: 'Service', name: 'checkout' }],
      [
        expect.stringContaining(
          'problem: HTTPRoute shop/checkout belongs to no Gateway',
        ),
      ],
    ],
  ])('%s', async (_, parentRefs, findings) => {
    expect(await found(...parentRefs)).toEqual(findings);
  });
});
