import { parseAnswers, plan } from 'backstage-plugin-eg-common';
import { fakeKubernetes } from '../../__testUtils__/kubernetes';
import { clusterOf } from '../../kubernetes/cluster';
import { conflicts } from './conflicts';

const group = 'gateway.networking.k8s.io';

function policy(name: string, spec: object) {
  return {
    apiVersion: 'gateway.envoyproxy.io/v1alpha1',
    kind: 'EnvoyExtensionPolicy',
    metadata: { name, namespace: 'shop' },
    spec,
  };
}

const targetRef = (more: object = {}) => ({
  targetRefs: [{ group, kind: 'HTTPRoute', name: 'checkout', ...more }],
});

const route = {
  apiVersion: `${group}/v1`,
  kind: 'HTTPRoute',
  metadata: {
    name: 'checkout',
    namespace: 'shop',
    labels: { tier: 'shop' },
  },
  spec: { parentRefs: [{ name: 'eg' }], rules: [{ name: 'pay' }] },
};

/** What stands in the way of a policy, with another one in the cluster. */
async function besides(other: object, own: object = targetRef()) {
  const kubernetes = fakeKubernetes([route, policy('other', other)]);
  const found = await conflicts({
    plan: plan(
      parseAnswers({
        name: 'own',
        owner: 'team-a',
        purpose: 'other',
        target: { name: 'checkout', namespace: 'shop' },
      }),
    ),
    manifests: [{ file: 'policy/p.yaml', object: policy('own', own) }],
    cluster: clusterOf(kubernetes, 'lab', {
      request: 60_000,
      deadline: Date.now() + 60_000,
    }),
  });
  return found.map(({ result }) => result);
}

describe('conflicts', () => {
  // What Envoy Gateway makes of each was seen in a real one: see health/__fixtures__/conflicted-*.json.
  it.each<[string, object, string]>([
    ['the same target', targetRef(), 'problem'],
    [
      'the deprecated field',
      { targetRef: targetRef().targetRefs[0] },
      'problem',
    ],
    ['another section', targetRef({ sectionName: 'pay' }), 'holds'],
    ['another target', targetRef({ name: 'cart' }), 'holds'],
    ['another kind', targetRef({ kind: 'GRPCRoute' }), 'holds'],
    [
      'a selector',
      {
        targetSelectors: [{ kind: 'HTTPRoute', matchLabels: { tier: 'shop' } }],
      },
      'problem',
    ],
    [
      'a selector of others',
      { targetSelectors: [{ kind: 'HTTPRoute', matchLabels: { tier: 'x' } }] },
      'holds',
    ],
    ...(
      [
        ['In', ['shop'], 'problem'],
        ['In', ['x'], 'holds'],
        ['NotIn', ['x'], 'problem'],
        ['NotIn', ['shop'], 'holds'],
        ['Exists', undefined, 'problem'],
        ['DoesNotExist', undefined, 'holds'],
      ] as const
    ).map(([operator, values, result]): [string, object, string] => [
      `an expression: ${operator} ${values}`,
      {
        targetSelectors: [
          {
            kind: 'HTTPRoute',
            matchExpressions: [{ key: 'tier', operator, values }],
          },
        ],
      },
      result,
    ]),
  ])('with %s', async (_, other, result) => {
    expect(await besides(other)).toEqual([result]);
  });

  it('leaves the same section to one', async () => {
    const section = targetRef({ sectionName: 'pay' });
    expect(await besides(section, section)).toEqual(['problem']);
  });
});
