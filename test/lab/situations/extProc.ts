import {
  accepted,
  fails,
  labels,
  object,
  passes,
  policy,
  refused,
  Situation,
  works,
} from './situation';

const processor = (name: string, backendRef?: object, more: object = {}) =>
  policy(name, {
    extProc: [
      {
        ...(backendRef ? { backendRefs: [backendRef] } : {}),
        processingMode: { request: {}, response: {} },
        ...more,
      },
    ],
  });

const service = (name: string, port: number, namespace?: string) => {
  const made = object(
    'v1',
    'Service',
    name,
    { spec: { ports: [{ name: 'grpc', port }] } },
    namespace,
  );
  return { ...made, metadata: { ...made.metadata, labels } };
};

const endpoints = (
  name: string,
  port: number,
  state: 'ready' | 'unready' | 'none' = 'ready',
  namespace?: string,
) => {
  const made = object(
    'discovery.k8s.io/v1',
    'EndpointSlice',
    `${name}-1`,
    {
      addressType: 'IPv4',
      ports: [{ name: 'grpc', port, protocol: 'TCP' }],
      endpoints:
        state === 'none'
          ? []
          : [
              {
                addresses: ['10.99.0.3'],
                conditions: {
                  ready: state === 'ready',
                  serving: state === 'ready',
                  terminating: false,
                },
              },
            ],
    },
    namespace,
  );
  return {
    ...made,
    metadata: {
      ...made.metadata,
      // What Kubernetes copies from the Service.
      labels: { ...labels, 'kubernetes.io/service-name': name },
    },
  };
};

/** The Service of the processor that runs all the time. */
export const usualService = [
  service('extproc', 9002),
  endpoints('extproc', 9002),
];

/** A Service, its endpoints and how it is spoken to with TLS. */
const tls = (name: string, hostname: string, ca: string) => {
  const policyOfTls = object(
    'gateway.networking.k8s.io/v1',
    'BackendTLSPolicy',
    name,
    {
      spec: {
        targetRefs: [{ group: '', kind: 'Service', name, sectionName: 'grpc' }],
        validation: {
          caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: ca }],
          hostname,
        },
      },
    },
  );
  return [
    service(name, 9003),
    endpoints(name, 9003),
    { ...policyOfTls, metadata: { ...policyOfTls.metadata, labels } },
  ];
};

const tlsRelated = (name: string) => [
  { kind: 'endpointslice', name: `${name}-1` },
  { kind: 'backendtlspolicy', name },
];

const usualRelated = [{ kind: 'endpointslice', name: 'extproc-1' }];

/** What may become of a policy with an external processor. */
export const extProc: Situation[] = [
  {
    name: 'accepted-extproc',
    objects: [processor('accepted-extproc', { name: 'extproc', port: 9002 })],
    conditions: accepted,
    answer: works,
    related: usualRelated,
  },
  {
    name: 'accepted-extproc-tls',
    objects: [
      ...tls('extproc-tls', 'extproc.lab', 'lab-ca'),
      processor('accepted-extproc-tls', { name: 'extproc-tls', port: 9003 }),
    ],
    conditions: accepted,
    answer: works,
    related: tlsRelated('extproc-tls'),
  },
  {
    name: 'accepted-extproc-server-down',
    before: ({ processor: server }) => server.stop(),
    restore: ({ processor: server }) => server.start(),
    objects: [
      processor('accepted-extproc-server-down', {
        name: 'extproc',
        port: 9002,
      }),
    ],
    conditions: accepted,
    answer: fails,
    related: usualRelated,
  },
  {
    name: 'accepted-extproc-server-down-fail-open',
    before: ({ processor: server }) => server.stop(),
    restore: ({ processor: server }) => server.start(),
    objects: [
      processor(
        'accepted-extproc-server-down-fail-open',
        { name: 'extproc', port: 9002 },
        { failOpen: true },
      ),
    ],
    conditions: accepted,
    answer: passes,
    related: usualRelated,
  },
  {
    name: 'accepted-extproc-wrong-hostname',
    objects: [
      ...tls('extproc-hostname', 'another.lab', 'lab-ca'),
      processor('accepted-extproc-wrong-hostname', {
        name: 'extproc-hostname',
        port: 9003,
      }),
    ],
    conditions: accepted,
    answer: fails,
    related: tlsRelated('extproc-hostname'),
  },
  {
    name: 'extproc-service-missing',
    objects: [
      processor('extproc-service-missing', { name: 'nosvc', port: 9002 }),
    ],
    conditions: refused,
    answer: fails,
  },
  {
    name: 'extproc-service-missing-fail-open',
    objects: [
      processor(
        'extproc-service-missing-fail-open',
        { name: 'nosvc', port: 9002 },
        { failOpen: true },
      ),
    ],
    conditions: refused,
    answer: passes,
  },
  {
    name: 'extproc-port-missing',
    objects: [
      processor('extproc-port-missing', { name: 'extproc', port: 9999 }),
    ],
    conditions: refused,
    answer: fails,
  },
  {
    name: 'extproc-no-ready-endpoints',
    objects: [
      service('extproc-starting', 9002),
      endpoints('extproc-starting', 9002, 'none'),
      processor('extproc-no-ready-endpoints', {
        name: 'extproc-starting',
        port: 9002,
      }),
    ],
    conditions: refused,
    answer: fails,
    related: [{ kind: 'endpointslice', name: 'extproc-starting-1' }],
  },
  {
    // Pods that are not ready do not keep Envoy Gateway from accepting the policy, only their absence does.
    name: 'accepted-extproc-not-ready',
    before: ({ processor: server }) => server.stop(),
    restore: ({ processor: server }) => server.start(),
    objects: [
      service('extproc-failing', 9002),
      endpoints('extproc-failing', 9002, 'unready'),
      processor('accepted-extproc-not-ready', {
        name: 'extproc-failing',
        port: 9002,
      }),
    ],
    conditions: accepted,
    answer: fails,
    related: [{ kind: 'endpointslice', name: 'extproc-failing-1' }],
  },
  {
    name: 'extproc-no-backend-refs',
    objects: [processor('extproc-no-backend-refs')],
    conditions: refused,
    answer: fails,
  },
  {
    name: 'extproc-reference-grant-missing',
    objects: [
      service('extproc', 9002, 'other'),
      endpoints('extproc', 9002, 'ready', 'other'),
      processor('extproc-reference-grant-missing', {
        name: 'extproc',
        namespace: 'other',
        port: 9002,
      }),
    ],
    conditions: refused,
    answer: fails,
  },
  {
    name: 'extproc-backend-missing',
    objects: [
      processor('extproc-backend-missing', {
        group: 'gateway.envoyproxy.io',
        kind: 'Backend',
        name: 'nope',
      }),
    ],
    conditions: refused,
    answer: fails,
  },
  {
    name: 'extproc-ca-missing',
    objects: [
      ...tls('extproc-no-ca', 'extproc.lab', 'nope'),
      processor('extproc-ca-missing', { name: 'extproc-no-ca', port: 9003 }),
    ],
    conditions: refused,
    answer: fails,
    related: tlsRelated('extproc-no-ca'),
  },
];
