import {
  accepted,
  deadService,
  fails,
  gateway,
  labels,
  networking,
  object,
  own,
  passes,
  Situation,
  stale,
  unavailable,
  works,
} from './situation';

const path = '/marked';

/** A route that marks its answers. */
const marking = (
  name: string,
  {
    parentRefs = [{ name: 'eg' }],
    backendRefs = [{ name: 'backend', port: 3000 }],
    filters = [
      {
        type: 'ResponseHeaderModifier',
        responseHeaderModifier: {
          set: [{ name: 'x-processed-by', value: 'route' }],
        },
      },
    ],
    hostnames,
    prefix = path,
  }: {
    parentRefs?: object[];
    backendRefs?: object[];
    filters?: object[];
    hostnames?: string[];
    prefix?: string;
  } = {},
  kind = 'HTTPRoute',
) => ({
  apiVersion: `${networking}/v1`,
  kind,
  metadata: { name, namespace: 'default', labels },
  spec: {
    parentRefs,
    ...(hostnames ? { hostnames } : {}),
    rules: [
      {
        ...(kind === 'HTTPRoute'
          ? { matches: [{ path: { type: 'PathPrefix', value: prefix } }] }
          : { matches: [{ method: { service: 'shop' } }] }),
        filters,
        ...(backendRefs.length > 0 ? { backendRefs } : {}),
      },
    ],
  },
});

const refers = (name: string) => [
  {
    type: 'ExtensionRef',
    extensionRef: {
      group: 'gateway.envoyproxy.io',
      kind: 'HTTPRouteFilter',
      name,
    },
  },
];

const resolved = 'ResolvedRefs=True ResolvedRefs';
const good = [...accepted, resolved];

/** What may become of a route, and of the filters and Backends that it refers to. */
export const routeSituations: Situation[] = [
  {
    name: 'route-accepted',
    path,
    objects: [marking('route-accepted')],
    conditions: good,
    answer: works,
  },
  {
    name: 'route-parent-missing',
    path,
    objects: [
      marking('route-parent-missing', { parentRefs: [{ name: 'nosuch' }] }),
    ],
    conditions: [],
    // The usual route, which takes every path.
    answer: passes,
  },
  {
    name: 'route-section-missing',
    path,
    objects: [
      marking('route-section-missing', {
        parentRefs: [{ name: 'eg', sectionName: 'nosuch' }],
      }),
    ],
    conditions: ['Accepted=False NoMatchingParent', resolved],
    answer: passes,
  },
  {
    name: 'route-not-allowed',
    path,
    objects: [
      gateway('choosy', [
        {
          name: 'http',
          protocol: 'HTTP',
          port: 8892,
          allowedRoutes: { kinds: [{ kind: 'GRPCRoute' }] },
        },
      ]),
      marking('route-not-allowed', { parentRefs: [{ name: 'choosy' }] }),
    ],
    conditions: ['Accepted=False NotAllowedByListeners', resolved],
    answer: passes,
  },
  {
    name: 'route-hostname',
    path,
    objects: [
      gateway('shop', [
        {
          name: 'http',
          protocol: 'HTTP',
          port: 8893,
          hostname: 'shop.example.com',
        },
      ]),
      marking('route-hostname', {
        parentRefs: [{ name: 'shop' }],
        hostnames: ['www.example.com'],
      }),
    ],
    conditions: ['Accepted=False NoMatchingListenerHostname', resolved],
    answer: passes,
  },
  {
    name: 'route-backend-missing',
    path,
    objects: [
      marking('route-backend-missing', {
        backendRefs: [{ name: 'nosvc', port: 80 }],
      }),
    ],
    conditions: [...accepted, 'ResolvedRefs=False BackendNotFound'],
    answer: fails,
  },
  {
    name: 'grpc-route-backend-missing',
    objects: [
      marking(
        'grpc-route-backend-missing',
        { backendRefs: [{ name: 'nosvc', port: 80 }] },
        'GRPCRoute',
      ),
    ],
    conditions: [...accepted, 'ResolvedRefs=False BackendNotFound'],
    path: '/shop/Buy',
    answer: fails,
  },
  {
    name: 'route-port-missing',
    path,
    objects: [
      marking('route-port-missing', {
        backendRefs: [{ name: 'backend', port: 9999 }],
      }),
    ],
    conditions: [...accepted, 'ResolvedRefs=False PortNotFound'],
    answer: fails,
  },
  {
    name: 'route-reference-grant-missing',
    path,
    objects: [
      object(
        'v1',
        'Service',
        'elsewhere',
        { spec: { ports: [{ name: 'http', port: 80 }] } },
        'other',
      ),
      marking('route-reference-grant-missing', {
        backendRefs: [{ name: 'elsewhere', namespace: 'other', port: 80 }],
      }),
    ],
    conditions: [...accepted, 'ResolvedRefs=False RefNotPermitted'],
    answer: fails,
  },
  {
    name: 'route-no-endpoints',
    path,
    objects: [
      object('v1', 'Service', 'empty', {
        spec: { ports: [{ name: 'http', port: 80 }] },
      }),
      marking('route-no-endpoints', {
        backendRefs: [{ name: 'empty', port: 80 }],
      }),
    ],
    conditions: [
      ...accepted,
      'BackendsAvailable=False EndpointsNotFound',
      resolved,
    ],
    answer: unavailable,
  },
  {
    name: 'route-backend-down',
    path,
    objects: [
      ...deadService('down'),
      marking('route-backend-down', {
        backendRefs: [{ name: 'down', port: 80 }],
      }),
    ],
    conditions: good,
    answer: unavailable,
  },
  {
    name: 'route-filter-missing',
    path,
    objects: [
      marking('route-filter-missing', { filters: refers('no-filter') }),
    ],
    conditions: [...accepted, 'ResolvedRefs=False UnsupportedValue'],
    answer: fails,
  },
  {
    name: 'route-filter-refused',
    alsoRecorded: ['filter'],
    path,
    objects: [
      own('HTTPRouteFilter', 'filter', {
        credentialInjection: { credential: { valueRef: { name: 'nope' } } },
      }),
      marking('route-filter-refused', { filters: refers('filter') }),
    ],
    conditions: ['Accepted=False UnsupportedValue', resolved],
    answer: fails,
  },
  {
    name: 'route-overlap',
    path,
    objects: [
      { ...marking('another-route', { filters: [] }) },
      marking('route-overlap'),
    ],
    conditions: [...good, 'RouteRulesOverlap=True RouteRulesOverlap'],
    answer: passes,
  },
  {
    name: 'route-stale',
    path,
    ...stale(marking('route-stale'), [
      marking('route-stale', { prefix: '/second' }),
      marking('route-stale', { prefix: '/third' }),
    ]),
    conditions: good,
    answer: works,
  },
  ...[
    {
      name: 'backend-accepted',
      ip: '10.99.0.2',
      conditions: accepted,
      answer: works,
    },
    {
      name: 'backend-unreachable',
      ip: '10.99.0.4',
      port: 9,
      conditions: accepted,
      answer: unavailable,
    },
    {
      name: 'backend-loopback',
      ip: '127.0.0.1',
      conditions: ['Invalid=False Accepted'],
      answer: fails,
    },
    {
      name: 'backend-disabled',
      ip: '10.99.0.2',
      alsoRecorded: ['to-backend-disabled'],
      settings: { enableLua: true, enableBackend: false },
      // Envoy Gateway does not even read Backends then; the route says so.
      conditions: [],
      answer: fails,
    },
  ].map(
    ({ name, ip, port = 3000, ...rest }): Situation => ({
      name,
      path,
      objects: [
        own('Backend', name, { endpoints: [{ ip: { address: ip, port } }] }),
        marking(`to-${name}`, {
          backendRefs: [
            { group: 'gateway.envoyproxy.io', kind: 'Backend', name },
          ],
        }),
      ],
      ...rest,
    }),
  ),
  {
    name: 'backend-unused',
    objects: [
      own('Backend', 'backend-unused', {
        endpoints: [{ ip: { address: '10.99.0.2', port: 3000 } }],
      }),
    ],
    conditions: [],
    answer: passes,
  },
  {
    // It keeps the condition of the time when it was refused.
    name: 'backend-mended',
    path,
    objects: [
      own('Backend', 'backend-mended', {
        endpoints: [{ ip: { address: '10.99.0.2', port: 3000 } }],
      }),
      marking('to-backend-mended', {
        backendRefs: [
          {
            group: 'gateway.envoyproxy.io',
            kind: 'Backend',
            name: 'backend-mended',
          },
        ],
      }),
    ],
    async before({ lab }) {
      await lab.apply([
        own('Backend', 'backend-mended', {
          endpoints: [{ ip: { address: '127.0.0.1', port: 3000 } }],
        }),
        marking('to-backend-mended', {
          backendRefs: [
            {
              group: 'gateway.envoyproxy.io',
              kind: 'Backend',
              name: 'backend-mended',
            },
          ],
        }),
      ]);
      await lab.kubectl([
        ...['wait', '--for=condition=Invalid=False', '--timeout=30s'],
        ...[
          '--namespace=default',
          'backends.gateway.envoyproxy.io/backend-mended',
        ],
      ]);
    },
    conditions: accepted,
    answer: works,
  },
];
