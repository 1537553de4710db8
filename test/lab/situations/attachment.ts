import {
  accepted,
  conflicted,
  fails,
  gateway,
  lua,
  object,
  passes,
  policy,
  route,
  Situation,
  stale,
  target,
  works,
} from './situation';

const colored = (color: string) =>
  policy('stale', {
    lua: [
      {
        type: 'Inline',
        inline: `function envoy_on_response(h) h:headers():add("x-color", "${color}") end`,
      },
    ],
  });
const http = (name: string, port: number) => ({ name, protocol: 'HTTP', port });
const names = Array.from({ length: 17 }, (_, i) => `shop-${i + 1}`);

/** What may become of a policy whatever its extension is. */
export const attachment: Situation[] = [
  {
    name: 'target-missing',
    objects: [
      policy('target-missing', {
        lua,
        targetRefs: [target('HTTPRoute', 'no-route')],
      }),
    ],
    conditions: [],
    answer: passes,
  },
  {
    name: 'section-not-found-gateway',
    objects: [
      policy('section-not-found-gateway', {
        lua,
        targetRefs: [target('Gateway', 'eg', 'nosuch')],
      }),
    ],
    conditions: ['Accepted=False TargetNotFound'],
    answer: passes,
  },
  {
    name: 'section-not-found-route',
    objects: [
      policy('section-not-found-route', {
        lua,
        targetRefs: [target('HTTPRoute', 'my-route', 'nosuch')],
      }),
    ],
    conditions: ['Accepted=False TargetNotFound'],
    answer: passes,
  },
  {
    name: 'conflicted-route',
    objects: [
      policy('another-on-route', { lua }),
      policy('conflicted-route', { lua }),
    ],
    conditions: conflicted,
    answer: works,
  },
  {
    name: 'conflicted-gateway',
    objects: [
      policy('another-on-gateway', {
        lua,
        targetRefs: [target('Gateway', 'eg')],
      }),
      policy('conflicted-gateway', {
        lua,
        targetRefs: [target('Gateway', 'eg')],
      }),
    ],
    conditions: conflicted,
    answer: works,
  },
  {
    name: 'overridden',
    objects: [
      policy('overridden', { lua, targetRefs: [target('Gateway', 'eg')] }),
      policy('overriding', { lua }),
    ],
    conditions: [...accepted, 'Overridden=True Overridden'],
    answer: works,
  },
  {
    name: 'merged-parent',
    alsoRecorded: ['merged-child'],
    objects: [
      policy('merged-parent', { lua, targetRefs: [target('Gateway', 'eg')] }),
      policy('merged-child', {
        mergeType: 'StrategicMerge',
        extProc: [
          {
            backendRefs: [{ name: 'extproc', port: 9002 }],
            processingMode: { request: {}, response: {} },
          },
        ],
      }),
    ],
    conditions: [...accepted, 'Merged=True Merged'],
    answer: works,
  },
  {
    name: 'deprecated-field',
    objects: [
      policy('deprecated-field', {
        lua,
        targetRef: target('HTTPRoute', 'my-route'),
      }),
    ],
    conditions: [...accepted, 'Warning=True DeprecatedField'],
    answer: works,
  },
  {
    name: 'stale',
    ...stale(policy('stale', { lua }), [colored('green'), colored('blue')]),
    conditions: accepted,
    answer: works,
  },
  {
    name: 'two-gateways',
    objects: [
      // It has the dynamic module that the EnvoyProxy of the usual class lacks.
      object(
        'gateway.envoyproxy.io/v1alpha1',
        'EnvoyProxy',
        'internal',
        {
          spec: {
            provider: {
              type: 'Kubernetes',
              kubernetes: { envoyService: { type: 'ClusterIP' } },
            },
            dynamicModules: [
              {
                name: 'hello',
                source: { type: 'Local', local: { path: '/modules/hello.so' } },
              },
            ],
          },
        },
        'envoy-gateway-system',
      ),
      {
        apiVersion: 'gateway.networking.k8s.io/v1',
        kind: 'GatewayClass',
        metadata: { name: 'internal' },
        spec: {
          controllerName: 'gateway.envoyproxy.io/gatewayclass-controller',
          parametersRef: {
            group: 'gateway.envoyproxy.io',
            kind: 'EnvoyProxy',
            name: 'internal',
            namespace: 'envoy-gateway-system',
          },
        },
      },
      gateway('internal', [http('http', 8889)], 'internal'),
      route('two-gateways', [{ name: 'eg' }, { name: 'internal' }], {
        path: '/two-gateways',
      }),
      policy('two-gateways', {
        dynamicModule: [{ name: 'hello', filterName: 'hello' }],
        targetRefs: [target('HTTPRoute', 'two-gateways')],
      }),
    ],
    path: '/two-gateways',
    conditions: ['Accepted=False Invalid', 'Accepted=True Accepted'],
    answer: fails,
  },
  {
    name: 'listener-set',
    objects: [
      object('gateway.networking.k8s.io/v1', 'Gateway', 'eg', {
        spec: {
          gatewayClassName: 'eg',
          listeners: [http('http', 8888)],
          allowedListeners: { namespaces: { from: 'Same' } },
        },
      }),
      object('gateway.networking.k8s.io/v1', 'ListenerSet', 'extra', {
        spec: { parentRef: { name: 'eg' }, listeners: [http('extra', 8890)] },
      }),
      route('extra', [{ kind: 'ListenerSet', name: 'extra' }]),
      policy('listener-set', {
        lua,
        targetRefs: [target('ListenerSet', 'extra')],
      }),
    ],
    address: '127.0.0.1:8890',
    conditions: accepted,
    answer: works,
  },
  {
    name: 'aggregated',
    objects: [
      gateway(
        'many',
        names.map(name => ({
          ...http(name, 8891),
          hostname: `${name}.example.com`,
        })),
      ),
      route(
        'many',
        names.map(sectionName => ({ name: 'many', sectionName })),
      ),
      policy('aggregated', { lua, targetRefs: [target('HTTPRoute', 'many')] }),
    ],
    conditions: [
      ...Array.from({ length: 15 }, () => accepted).flat(),
      ...accepted,
      'Aggregated=True Aggregated',
    ],
    answer: passes,
  },
  {
    name: 'tcp-route',
    objects: [
      gateway('tcp', [{ name: 'tcp', protocol: 'TCP', port: 5432 }]),
      route('db', [{ name: 'tcp' }], { kind: 'TCPRoute' }),
      policy('tcp-route', { lua, targetRefs: [target('TCPRoute', 'db')] }),
    ],
    conditions: accepted,
    answer: passes,
  },
];
