import {
  accepted,
  conflicted,
  fails,
  passes,
  policy,
  refused,
  Situation,
  stale,
  target,
  works,
} from './situation';

const client = (name: string, spec: object) =>
  policy(
    name,
    { targetRefs: [target('Gateway', 'eg')], ...spec },
    'ClientTrafficPolicy',
  );

/** Marks every answer of the listener. */
const marked = (value = 'client') => ({
  headers: {
    lateResponseHeaders: { set: [{ name: 'x-processed-by', value }] },
  },
});

/** What may become of a ClientTrafficPolicy. */
export const clientTrafficSituations: Situation[] = [
  {
    name: 'client-accepted',
    objects: [client('client-accepted', marked())],
    conditions: accepted,
    answer: works,
  },
  {
    name: 'client-buffer-limit',
    objects: [
      client('client-buffer-limit', {
        ...marked(),
        connection: { bufferLimit: '8Gi' },
      }),
    ],
    conditions: refused,
    answer: fails,
  },
  {
    // Clients that do not speak the PROXY protocol are cut off.
    name: 'client-proxy-protocol',
    objects: [client('client-proxy-protocol', { proxyProtocol: {} })],
    conditions: accepted,
    answer: { status: 0, processed: false },
  },
  {
    name: 'client-conflicted',
    objects: [
      client('another-client', marked()),
      client('client-conflicted', marked('conflicted')),
    ],
    conditions: conflicted,
    answer: works,
  },
  {
    name: 'client-section-conflicted',
    objects: [
      client('another-client-of-section', {
        ...marked(),
        targetRefs: [target('Gateway', 'eg', 'http')],
      }),
      client('client-section-conflicted', {
        ...marked('conflicted'),
        targetRefs: [target('Gateway', 'eg', 'http')],
      }),
    ],
    conditions: conflicted,
    answer: works,
  },
  {
    name: 'client-overridden',
    objects: [
      client('client-overridden', marked()),
      client('client-overriding', {
        timeout: { http: { requestReceivedTimeout: '10s' } },
        targetRefs: [target('Gateway', 'eg', 'http')],
      }),
    ],
    conditions: ['Overridden=True Overridden', ...accepted],
    answer: passes,
  },
  {
    name: 'client-target-missing',
    objects: [
      client('client-target-missing', {
        ...marked(),
        targetRefs: [target('Gateway', 'nosuch')],
      }),
    ],
    conditions: [],
    answer: passes,
  },
  {
    name: 'client-section-not-found',
    objects: [
      client('client-section-not-found', {
        ...marked(),
        targetRefs: [target('Gateway', 'eg', 'nosuch')],
      }),
    ],
    conditions: ['Accepted=False TargetNotFound'],
    answer: passes,
  },
  {
    name: 'client-stale',
    ...stale(client('client-stale', marked()), [
      client('client-stale', marked('second')),
      client('client-stale', marked('third')),
    ]),
    conditions: accepted,
    answer: works,
  },
];
