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
  unavailable,
} from './situation';

const traffic = (name: string, spec: object) =>
  policy(name, spec, 'BackendTrafficPolicy');

/** Answers every request itself. */
const abort = (httpStatus = 418) => ({
  faultInjection: { abort: { httpStatus, percentage: 100 } },
});

const teapot = {
  answer: { status: 418, processed: true },
  works: ({ status }: Response) => status === 418,
};

/** What may become of a BackendTrafficPolicy. */
export const backendTrafficSituations: Situation[] = [
  {
    name: 'traffic-accepted',
    objects: [traffic('traffic-accepted', abort())],
    conditions: accepted,
    ...teapot,
  },
  {
    name: 'traffic-rate-limit-disabled',
    objects: [
      traffic('traffic-rate-limit-disabled', {
        rateLimit: {
          type: 'Global',
          global: { rules: [{ limit: { requests: 10, unit: 'Minute' } }] },
        },
      }),
    ],
    conditions: refused,
    answer: fails,
  },
  {
    name: 'traffic-body-missing',
    objects: [
      traffic('traffic-body-missing', {
        responseOverride: [
          {
            match: { statusCodes: [{ type: 'Value', value: 404 }] },
            response: {
              body: {
                type: 'ValueRef',
                valueRef: { group: '', kind: 'ConfigMap', name: 'nope' },
              },
            },
          },
        ],
      }),
    ],
    conditions: refused,
    answer: fails,
  },
  {
    // The policy is carried out, and takes every endpoint away.
    name: 'traffic-all-unhealthy',
    objects: [
      traffic('traffic-all-unhealthy', {
        healthCheck: {
          panicThreshold: 0,
          active: {
            type: 'HTTP',
            interval: '1s',
            timeout: '1s',
            unhealthyThreshold: 1,
            healthyThreshold: 1,
            http: { path: '/', expectedStatuses: [299] },
          },
        },
      }),
    ],
    conditions: accepted,
    answer: unavailable,
  },
  {
    name: 'traffic-conflicted',
    objects: [
      traffic('another-traffic', abort()),
      traffic('traffic-conflicted', abort(419)),
    ],
    conditions: conflicted,
    ...teapot,
  },
  {
    name: 'traffic-overridden',
    objects: [
      traffic('traffic-overridden', {
        ...abort(),
        targetRefs: [target('Gateway', 'eg')],
      }),
      traffic('traffic-overriding', { retry: { numRetries: 1 } }),
    ],
    conditions: [...accepted, 'Overridden=True Overridden'],
    answer: passes,
  },
  {
    name: 'traffic-merged-parent',
    alsoRecorded: ['traffic-merged-child'],
    objects: [
      traffic('traffic-merged-parent', {
        ...abort(),
        targetRefs: [target('Gateway', 'eg')],
      }),
      traffic('traffic-merged-child', {
        mergeType: 'StrategicMerge',
        retry: { numRetries: 1 },
      }),
    ],
    conditions: [...accepted, 'Merged=True Merged'],
    ...teapot,
  },
  {
    name: 'traffic-target-missing',
    objects: [
      traffic('traffic-target-missing', {
        ...abort(),
        targetRefs: [target('HTTPRoute', 'no-route')],
      }),
    ],
    conditions: [],
    answer: passes,
  },
  {
    name: 'traffic-stale',
    ...stale(traffic('traffic-stale', abort()), [
      traffic('traffic-stale', abort(419)),
      traffic('traffic-stale', abort(420)),
    ]),
    conditions: accepted,
    ...teapot,
  },
];
