import { z } from 'zod';
import { objectName, wholeNumber } from '../intake/fields';
import { jwtPolicy } from './headers';
import { note, or, todo } from './marks';
import { envoyProxy, httpTargets, object, policy, route } from './objects';
import {
  claimName,
  duration,
  formatString,
  header,
  issuerSettings,
  limitOf,
  port,
  quantity,
  service,
  statusCode,
  some,
  text,
  unit,
} from './settings';
import { NativeContext, Need, withSettings } from './types';

const docs = (page: string) => `Envoy Gateway documentation, ${page}`;
const l4 = ['TCPRoute', 'TLSRoute', 'UDPRoute'];
const aiDocs = (page: string) => `Envoy AI Gateway documentation, ${page}`;
const aiApi = 'aigateway.envoyproxy.io/v1alpha1';

/** A limit that was given, or an example. */
const limited = (limit: z.output<typeof limitOf> | undefined) =>
  limit ?? {
    requests: todo(60, 'how many requests.'),
    unit: todo('Minute', 'in which time: Second, Minute, Hour or Day.'),
  };

/** A limit that counts for all proxies. */
const globalLimit = (
  context: NativeContext,
  rule: Record<string, unknown>,
  about: string,
) =>
  policy(context, 'BackendTrafficPolicy', {
    rateLimit: { global: { rules: note([rule], about) } },
  });

/** A bucket for each value of a header. */
const byHeader = (name: unknown) => [{ headers: [{ type: 'Distinct', name }] }];

const aiSettings = {
  /** As clients name it in the body. */
  model: text(253).optional(),
  /** The AIServiceBackend of the provider. */
  provider: objectName.optional(),
};

/** The AI Gateway's route, with what else it has to say. */
function aiRoute(
  context: NativeContext,
  { model, provider }: { model?: string; provider?: string },
  rest: Record<string, unknown> = {},
  fallback: Record<string, unknown>[] = [],
) {
  const { target } = context;
  const own = target.kind === 'Gateway';
  return object(context, aiApi, 'AIGatewayRoute', {
    spec: {
      parentRefs: [
        {
          group: 'gateway.networking.k8s.io',
          kind: 'Gateway',
          name:
            own && !target.placeholder
              ? target.name
              : todo(own ? target.name : 'my-gateway', 'the Gateway.'),
        },
      ],
      // A list that all needs of AI Gateway say the same about: one rule.
      rules: [
        {
          matches: [
            {
              headers: [
                {
                  type: 'Exact',
                  name: 'x-ai-eg-model',
                  value: or(
                    model,
                    'my-model',
                    'the model, as clients name it in the body; AI Gateway puts it into this header.',
                  ),
                },
              ],
            },
          ],
          backendRefs: [
            {
              name: or(
                provider,
                'my-provider',
                'the AIServiceBackend of the provider.',
              ),
            },
            ...fallback,
          ],
        },
      ],
      ...rest,
    },
  });
}

const tokens = {
  llmRequestCosts: [{ metadataKey: 'llm_total_token', type: 'TotalToken' }],
};

const ai = {
  since: '1.6',
  targets: ['HTTPRoute', 'Gateway', 'ListenerSet'],
  addOn: 'Envoy AI Gateway',
  warnings: ['needs-ai-gateway'],
} as const;

/** Needs that concern limits, logs, models, and the rest of traffic. */
export const traffic: Need[] = [
  {
    id: 'limit-requests',
    topic: 'limits',
    label: 'Limit requests (all, by path, by client address or header)',
    purpose: 'rate-limit',
    implies: { clientAddress: true },
    native: {
      title: 'BackendTrafficPolicy with rateLimit',
      feature: 'BackendTrafficPolicy spec.rateLimit.{local,global}.rules[]',
      since: '1.6',
      targets: httpTargets,
      limits: [
        'A local limit counts in each proxy on its own; a global one counts for all and needs the rate limit service with Redis.',
      ],
      source: docs('local and global rate limit'),
      warnings: ['global-rate-limit-needs-redis', 'per-proxy-state-only'],
      ...withSettings(
        z.strictObject({
          limit: limitOf.optional(),
          /** What has a bucket of its own: an address, a value of a header, or nothing: one for all. */
          by: z
            .enum(['address', 'header', 'nothing'], {
              error: 'choose one of address, header, nothing',
            })
            .optional(),
          header: header.optional(),
          /** `global` counts for all proxies together, in Redis. */
          scope: z
            .enum(['global', 'local'], { error: 'choose one of global, local' })
            .default('global'),
        }),
        (context, { limit, by, header: name, scope }) => {
          const selectors = {
            address: [{ sourceCIDR: { type: 'Distinct', value: '0.0.0.0/0' } }],
            header: byHeader(
              or(name, 'x-user', 'the header whose values have buckets.'),
            ),
            nothing: undefined,
          }[by ?? (name ? 'header' : 'address')];
          const clientSelectors =
            by || name
              ? selectors
              : todo(
                  selectors,
                  'what has a bucket of its own: here each client address; without clientSelectors all requests share one.',
                );
          return [
            policy(context, 'BackendTrafficPolicy', {
              rateLimit: {
                [scope]: {
                  rules: note(
                    [
                      {
                        ...(clientSelectors ? { clientSelectors } : {}),
                        limit: limited(limit),
                      },
                    ],
                    scope === 'global'
                      ? 'Counted in Redis, for all proxies. Without Redis: local instead of global; each proxy then counts on its own.'
                      : 'Each proxy counts on its own.',
                  ),
                },
              },
            }),
          ];
        },
      ),
    },
  },
  {
    id: 'limit-by-claim',
    topic: 'limits',
    label: 'Limit requests for each user, by a claim of their token',
    purpose: 'rate-limit',
    implies: {},
    native: {
      title:
        'SecurityPolicy with claimToHeaders, BackendTrafficPolicy with a global limit',
      feature:
        'SecurityPolicy spec.jwt.providers[].claimToHeaders; BackendTrafficPolicy spec.rateLimit.global.rules[].clientSelectors[].headers[type=Distinct]',
      since: '1.6',
      targets: httpTargets,
      limits: [
        'All users have the same limit, unless a rule names their value.',
      ],
      source: docs('global rate limit: JWT claims'),
      warnings: ['global-rate-limit-needs-redis'],
      ...withSettings(
        z.strictObject({
          ...issuerSettings,
          claim: claimName.optional(),
          header: header.optional(),
          limit: limitOf.optional(),
        }),
        (context, { claim, header: name, limit, ...issuer }) => [
          jwtPolicy(context, issuer, {
            claimToHeaders: [
              {
                claim: or(claim, 'sub', 'the claim that tells users apart.'),
                header: or(name, 'x-user', 'the header that is counted by.'),
              },
            ],
          }),
          globalLimit(
            context,
            {
              clientSelectors: byHeader(
                or(name, 'x-user', 'as in the SecurityPolicy.'),
              ),
              limit: limited(limit),
            },
            'A bucket for each value of the header that the SecurityPolicy fills.',
          ),
        ],
      ),
    },
  },
  {
    id: 'limit-by-tenant',
    topic: 'limits',
    label: 'Limits that differ by tenant and are known only at run time',
    purpose: 'rate-limit',
    implies: { calls: true },
    native: {
      title: 'BackendTrafficPolicy with a limit from metadata',
      feature:
        'BackendTrafficPolicy spec.rateLimit.global.rules[].limit.fromMetadata',
      since: '1.9',
      targets: httpTargets,
      limits: [
        'The limit is read from dynamic metadata, which external authorization or an external processor has written.',
      ],
      source: 'Envoy Gateway 1.9 release notes: limit.fromMetadata',
      warnings: [
        'metadata-needs-extauth-or-extproc-producer',
        'global-rate-limit-needs-redis',
        'requires-eg-1.9',
      ],
      hop: true,
      ...withSettings(
        z.strictObject({
          header: header.optional(),
          /** Where the metadata is missing. */
          limit: limitOf.optional(),
          /** Of the filter that writes the metadata. */
          metadata: z
            .strictObject(
              { namespace: text(253), key: text(253) },
              { error: 'give namespace and key' },
            )
            .optional(),
        }),
        (context, { header: name, limit, metadata }) => [
          globalLimit(
            context,
            {
              clientSelectors: byHeader(
                or(name, 'x-tenant', 'the header with the tenant.'),
              ),
              limit: {
                ...limited(limit),
                fromMetadata: metadata ?? {
                  namespace: todo(
                    'envoy.filters.http.ext_authz',
                    'that of the filter that writes the metadata.',
                  ),
                  key: todo('limit', 'the key with the limit.'),
                },
              },
            },
            'requests counts where the metadata is missing.',
          ),
        ],
      ),
    },
    hybrid: {
      text: 'Let Envoy Gateway count (a global rate limit by header); an extension only resolves what a tenant may have, and says so in a header or metadata.',
      feature: 'BackendTrafficPolicy spec.rateLimit.global',
    },
  },
  {
    id: 'limit-by-tokens',
    topic: 'limits',
    label: 'Limit by LLM tokens or by cost',
    purpose: 'ai-gateway',
    implies: {},
    native: {
      ...ai,
      title: 'AI Gateway’s token counts, BackendTrafficPolicy with a cost',
      feature:
        'AIGatewayRoute spec.llmRequestCosts; BackendTrafficPolicy spec.rateLimit.global.rules[].cost.response',
      limits: [
        'The cost is known when the answer ends: the request that exceeds the limit still passes.',
      ],
      source: aiDocs('usage-based rate limiting'),
      warnings: ['needs-ai-gateway', 'global-rate-limit-needs-redis'],
      ...withSettings(
        z.strictObject({
          ...aiSettings,
          /** The header that tells users apart. */
          header: header.optional(),
          tokens: wholeNumber(1, 4294967295).optional(),
          unit: unit.optional(),
        }),
        (context, { header: name, tokens: most, unit: time, ...served }) => [
          aiRoute(context, served, tokens),
          globalLimit(
            context,
            {
              clientSelectors: byHeader(
                or(name, 'x-user', 'the header that tells users apart.'),
              ),
              limit: {
                requests: or(most, 100000, 'how many tokens.'),
                unit: or(time, 'Hour', 'in which time.'),
              },
              cost: {
                request: { from: 'Number', number: 0 },
                response: {
                  from: 'Metadata',
                  metadata: {
                    namespace: 'io.envoy.ai_gateway',
                    key: 'llm_total_token',
                  },
                },
              },
            },
            'Tokens, not requests. The target of this policy is the HTTPRoute that AI Gateway makes of its route, or the Gateway.',
          ),
        ],
      ),
    },
    hybrid: {
      text: 'Let a global rate limit count a cost from metadata; without AI Gateway, an extension only writes that cost.',
      feature: 'BackendTrafficPolicy spec.rateLimit.global.rules[].cost',
    },
  },
  {
    id: 'limit-bandwidth',
    topic: 'limits',
    label: 'Limit bandwidth, for all clients together',
    purpose: 'other',
    implies: {},
    native: {
      title: 'BackendTrafficPolicy with bandwidthLimit',
      feature: 'BackendTrafficPolicy spec.bandwidthLimit',
      since: '1.8',
      targets: httpTargets,
      limits: ['It counts in each proxy, for all clients together.'],
      source: 'Envoy Gateway 1.8 release notes: bandwidth limiting',
      warnings: ['requires-eg-1.8', 'per-proxy-state-only'],
      ...withSettings(
        z.strictObject({
          /** In each second, of responses. */
          limit: quantity.optional(),
        }),
        (context, { limit }) => [
          policy(context, 'BackendTrafficPolicy', {
            bandwidthLimit: {
              response: {
                limit: {
                  value: or(limit, '10Mi', 'how many bytes in a second.'),
                  unit: 'Second',
                },
              },
            },
          }),
        ],
      ),
    },
  },
  {
    id: 'limit-connections',
    topic: 'limits',
    label: 'Limit connections or their duration',
    purpose: 'other',
    implies: {},
    native: {
      title: 'ClientTrafficPolicy with connectionLimit',
      feature: 'ClientTrafficPolicy spec.connection.connectionLimit',
      since: '1.6',
      targets: [...httpTargets, 'TCPRoute', 'TLSRoute'],
      limits: ['It counts in each proxy, for a whole listener.'],
      source: docs('connection limit'),
      warnings: ['per-proxy-state-only'],
      ...withSettings(
        z.strictObject({
          connections: wholeNumber(1, 4294967295).optional(),
          closeDelay: duration.default('1s'),
        }),
        (context, { connections, closeDelay }) => [
          policy(context, 'ClientTrafficPolicy', {
            connection: {
              connectionLimit: {
                value: or(connections, 1000, 'how many.'),
                closeDelay,
              },
            },
          }),
        ],
      ),
    },
  },
  {
    id: 'shed-load',
    topic: 'limits',
    label: 'Protect upstreams from overload (concurrency, load shedding)',
    purpose: 'other',
    implies: {},
    native: {
      title: 'BackendTrafficPolicy with circuitBreaker',
      feature:
        'BackendTrafficPolicy spec.circuitBreaker; spec.admissionControl since 1.8',
      since: '1.6',
      targets: [...httpTargets, ...l4],
      limits: ['Each proxy counts on its own.'],
      source: docs('circuit breakers'),
      warnings: ['per-proxy-state-only'],
      ...withSettings(
        z.strictObject({
          connections: wholeNumber(1, 4294967295).optional(),
          parallelRequests: wholeNumber(1, 4294967295).optional(),
          pendingRequests: wholeNumber(0, 4294967295).optional(),
        }),
        (context, { connections, parallelRequests, pendingRequests }) => [
          policy(context, 'BackendTrafficPolicy', {
            circuitBreaker: {
              maxConnections: or(connections, 1024, 'what upstreams bear.'),
              maxParallelRequests: or(
                parallelRequests,
                256,
                'what upstreams bear.',
              ),
              maxPendingRequests: or(
                pendingRequests,
                64,
                'how many may wait; others are answered with 503.',
              ),
            },
          }),
        ],
      ),
    },
  },
  {
    id: 'limit-own-way',
    topic: 'limits',
    label:
      'Limit in a way of one’s own (by bytes of a client, sliding windows)',
    purpose: 'rate-limit',
    implies: { phases: ['requestHeaders'], state: true },
    noNative:
      'Envoy Gateway counts requests or costs in fixed windows and token buckets.',
    hybrid: {
      text: 'Where a count by header is enough, a global rate limit does it; the extension only says in a header what the limiter has to count by.',
      feature: 'BackendTrafficPolicy spec.rateLimit',
    },
  },
  {
    id: 'access-log',
    topic: 'logging',
    label: 'Log requests (headers, status, times, who it was)',
    purpose: 'audit-log',
    implies: { observes: true, records: true },
    native: {
      title: 'EnvoyProxy with accessLog',
      feature: 'EnvoyProxy spec.telemetry.accessLog.settings[]',
      since: '1.6',
      targets: [...httpTargets, ...l4],
      limits: ['No bodies.', 'It counts for all listeners of a Gateway.'],
      source: docs('proxy access logs'),
      unless: ({ processing }) =>
        processing.some(p => p.endsWith('Body'))
          ? 'You process bodies; access logs have none.'
          : undefined,
      ...withSettings(
        z.strictObject({
          /** Names and Envoy's format strings, besides those that every log needs. */
          fields: z
            .record(text(64), formatString('logFormat'), {
              error: 'give names and format strings',
            })
            .optional(),
        }),
        (context, { fields }) => [
          envoyProxy(context, {
            telemetry: {
              accessLog: {
                settings: [
                  {
                    format: {
                      type: 'JSON',
                      json: {
                        start: '%START_TIME%',
                        method: '%REQ(:METHOD)%',
                        path: '%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%',
                        status: '%RESPONSE_CODE%',
                        milliseconds: '%DURATION%',
                        client: '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%',
                        request_id: '%REQ(X-REQUEST-ID)%',
                        ...fields,
                      },
                    },
                    sinks: note(
                      [{ type: 'File', file: { path: '/dev/stdout' } }],
                      'File, OpenTelemetry or ALS (a gRPC service).',
                    ),
                  },
                ],
              },
            },
          }),
        ],
      ),
    },
  },
  {
    id: 'log-bodies',
    topic: 'logging',
    label: 'Record bodies of requests or responses',
    purpose: 'other',
    implies: {
      phases: [
        'requestHeaders',
        'requestBody',
        'responseHeaders',
        'responseBody',
      ],
      observes: true,
      records: true,
    },
    noNative: 'Access logs have no bodies.',
    hybrid: {
      text: 'Everything but bodies belongs in the access log; the extension only adds the bodies, with the request id to join both.',
      feature: 'EnvoyProxy spec.telemetry.accessLog',
    },
  },
  {
    id: 'audit',
    topic: 'logging',
    label: 'Report calls to an audit service of one’s own',
    purpose: 'audit-log',
    implies: { observes: true, records: true, calls: true },
    native: {
      title: 'EnvoyProxy with accessLog to a gRPC service',
      feature: 'EnvoyProxy spec.telemetry.accessLog.settings[].sinks[type=ALS]',
      since: '1.6',
      targets: httpTargets,
      limits: [
        'No bodies.',
        'Entries are sent after the exchange and can be lost: an exchange does not wait until they are stored.',
      ],
      source: docs('proxy access logs'),
      unless: ({ processing }) =>
        processing.some(p => p.endsWith('Body'))
          ? 'You process bodies; access logs have none.'
          : undefined,
      ...withSettings(
        z.strictObject({ service: service.optional() }),
        (context, { service: receiver }) => [
          envoyProxy(context, {
            telemetry: {
              accessLog: {
                settings: [
                  {
                    sinks: [
                      {
                        type: 'ALS',
                        als: {
                          type: 'HTTP',
                          backendRefs: [
                            receiver ?? {
                              name: todo(
                                'my-audit',
                                'the Service with Envoy’s access log service, and its port.',
                              ),
                              port: 9001,
                            },
                          ],
                        },
                      },
                    ],
                  },
                ],
              },
            },
          }),
        ],
      ),
    },
  },
  {
    id: 'trace',
    topic: 'logging',
    label: 'Trace requests, with tags of one’s own',
    purpose: 'other',
    implies: { observes: true },
    native: {
      title: 'EnvoyProxy with tracing',
      feature: 'EnvoyProxy spec.telemetry.tracing',
      since: '1.6',
      targets: httpTargets,
      limits: ['Tags are fixed, from a header or from the environment.'],
      source: docs('proxy tracing'),
      ...withSettings(
        z.strictObject({
          /** The Service of the collector. */
          service: service.optional(),
          /** Percent of requests. */
          samplingRate: wholeNumber(0, 100).optional(),
          /** Names of tags, and the request headers that they come from. */
          tags: z
            .record(text(64), header, { error: 'give names and headers' })
            .optional(),
        }),
        (context, { service: collector, samplingRate, tags }) => [
          envoyProxy(context, {
            telemetry: {
              tracing: {
                samplingRate: or(samplingRate, 10, 'percent of requests.'),
                provider: {
                  type: 'OpenTelemetry',
                  backendRefs: [
                    collector ?? {
                      name: todo(
                        'my-collector',
                        'the Service of the collector.',
                      ),
                      port: 4317,
                    },
                  ],
                },
                customTags: tags
                  ? Object.fromEntries(
                      Object.entries(tags).map(([tag, name]) => [
                        tag,
                        {
                          type: 'RequestHeader',
                          requestHeader: { name, defaultValue: '-' },
                        },
                      ]),
                    )
                  : todo(
                      {
                        tenant: {
                          type: 'RequestHeader',
                          requestHeader: {
                            name: 'x-tenant',
                            defaultValue: '-',
                          },
                        },
                      },
                      'tags of your own.',
                    ),
              },
            },
          }),
        ],
      ),
    },
  },
  {
    id: 'custom-metrics',
    topic: 'logging',
    label: 'Metrics with labels of one’s own (by header, tenant, body)',
    purpose: 'other',
    implies: { observes: true },
    noNative:
      'Envoy’s metrics have the labels that Envoy gives them; Envoy Gateway has no field for others.',
    hybrid: {
      text: 'Where headers, status and times are enough, let the access log carry them to a collector that counts: no code in the path of requests.',
      feature: 'EnvoyProxy spec.telemetry.accessLog',
    },
  },
  {
    id: 'mirror',
    topic: 'routing',
    label: 'Copy traffic to another upstream (mirror)',
    purpose: 'other',
    implies: { observes: true },
    native: {
      title: 'RequestMirror',
      feature: 'HTTPRoute or GRPCRoute spec.rules[].filters[RequestMirror]',
      since: '1.6',
      targets: httpTargets,
      limits: ['Copies are requests only; their answers are dropped.'],
      source: docs('HTTPRoute request mirroring'),
      ...withSettings(
        z.strictObject({ service: service.optional() }),
        (context, { service: copy }) => [
          route(context, [
            {
              filters: [
                {
                  type: 'RequestMirror',
                  requestMirror: {
                    backendRef: copy ?? {
                      name: todo(
                        'my-mirror',
                        'the Service that gets the copies, and its port.',
                      ),
                      port: 8080,
                    },
                  },
                },
              ],
            },
          ]),
        ],
      ),
    },
  },
  {
    id: 'retry-and-timeout',
    topic: 'routing',
    label: 'Retries, timeouts, health checks or faults',
    purpose: 'other',
    implies: {},
    native: {
      title: 'BackendTrafficPolicy with retry and timeout',
      feature:
        'BackendTrafficPolicy spec.{retry,timeout,healthCheck,faultInjection}',
      since: '1.6',
      targets: httpTargets,
      limits: ['What is retried is told by status and kind of failure.'],
      source: docs('retry and timeouts'),
      ...withSettings(
        z.strictObject({
          retries: wholeNumber(1, 10).optional(),
          statuses: some(statusCode, 'statuses').optional(),
          timeout: duration.optional(),
        }),
        (context, { retries, statuses, timeout }) => [
          policy(context, 'BackendTrafficPolicy', {
            retry: {
              numRetries: or(retries, 2, 'how often.'),
              retryOn: {
                triggers: ['connect-failure', 'retriable-status-codes'],
                httpStatusCodes: or(
                  statuses,
                  [503],
                  'which answers; the request must bear being sent twice.',
                ),
              },
            },
            timeout: {
              http: {
                requestTimeout: or(
                  timeout,
                  '15s',
                  'for the whole request, with its retries.',
                ),
              },
            },
          }),
        ],
      ),
    },
  },
  {
    id: 'dynamic-upstream',
    topic: 'routing',
    label: 'Reach whatever host the request names (forward proxy)',
    purpose: 'other',
    implies: { guards: true },
    native: {
      title: 'Backend of type DynamicResolver',
      feature: 'Backend spec.type DynamicResolver',
      since: '1.6',
      targets: ['HTTPRoute', 'GRPCRoute'],
      limits: [
        'The host of the request is resolved; there is no other look-up.',
      ],
      source: docs('backend routing: dynamic forward proxy'),
      warnings: ['backend-api-disabled-by-default'],
      objects: context => [
        object(context, 'gateway.envoyproxy.io/v1alpha1', 'Backend', {
          spec: { type: 'DynamicResolver' },
        }),
        route(context, [
          {
            backendRefs: [
              {
                group: 'gateway.envoyproxy.io',
                kind: 'Backend',
                name: context.name,
              },
            ],
          },
        ]),
      ],
    },
  },
  {
    id: 'external-upstream',
    topic: 'routing',
    label: 'Lead traffic to a host outside of the cluster, or to a socket',
    purpose: 'other',
    implies: {},
    native: {
      title: 'Backend',
      feature: 'Backend spec.endpoints[]',
      since: '1.6',
      targets: ['HTTPRoute', 'GRPCRoute'],
      limits: ['Endpoints are listed; TLS to them is set in the Backend.'],
      source: docs('backend routing'),
      warnings: ['backend-api-disabled-by-default'],
      ...withSettings(
        z.strictObject({
          hostname: objectName.optional(),
          port: port.optional(),
        }),
        (context, { hostname, port: at }) => [
          object(context, 'gateway.envoyproxy.io/v1alpha1', 'Backend', {
            spec: {
              endpoints: [
                {
                  fqdn: {
                    hostname: or(
                      hostname,
                      'api.example.com',
                      'where the traffic goes.',
                    ),
                    port: or(at, 443, 'its port; TLS is spec.tls.'),
                  },
                },
              ],
            },
          }),
          route(context, [
            {
              backendRefs: [
                {
                  group: 'gateway.envoyproxy.io',
                  kind: 'Backend',
                  name: context.name,
                },
              ],
            },
          ]),
        ],
      ),
    },
  },
  {
    id: 'route-by-lookup',
    topic: 'routing',
    label: 'Choose the upstream by a lookup or logic of one’s own',
    purpose: 'other',
    implies: { phases: ['requestHeaders'], routes: true },
    noNative: 'Routes match what is known beforehand; there are no look-ups.',
    hybrid: {
      text: 'Let the routes match a header; the extension only sets it, and clears the route cache.',
      feature: 'HTTPRoute spec.rules[].matches[].headers',
    },
  },
  {
    id: 'count-llm-tokens',
    topic: 'ai',
    label: 'Count LLM tokens or cost',
    purpose: 'ai-gateway',
    implies: { json: true },
    native: {
      ...ai,
      title: 'AI Gateway with llmRequestCosts',
      feature: 'AIGatewayRoute spec.llmRequestCosts',
      limits: [
        'It counts what the provider reports, for the APIs that AI Gateway knows.',
      ],
      source: aiDocs('usage-based rate limiting; metrics'),
      ...withSettings(z.strictObject(aiSettings), (context, given) => [
        aiRoute(context, given, tokens),
      ]),
    },
  },
  {
    id: 'route-by-model-name',
    topic: 'ai',
    label: 'Choose the provider by the model that an LLM request names',
    purpose: 'other',
    implies: { routes: true, json: true },
    native: {
      ...ai,
      title: 'AI Gateway with a rule for each model',
      feature: 'AIGatewayRoute spec.rules[].matches[].headers[x-ai-eg-model]',
      limits: ['For the APIs that AI Gateway knows (OpenAI’s and others).'],
      source: aiDocs('getting started: connect providers'),
      unless: ({ target }) =>
        target.kind === 'GRPCRoute'
          ? 'Your bodies are gRPC; AI Gateway reads JSON of LLM APIs.'
          : undefined,
      ...withSettings(z.strictObject(aiSettings), (context, given) => [
        aiRoute(context, given),
      ]),
    },
  },
  {
    id: 'provider-failover',
    topic: 'ai',
    label: 'Fall back to another LLM provider, or translate its API',
    purpose: 'other',
    implies: {},
    native: {
      ...ai,
      title: 'AI Gateway with several providers',
      feature: 'AIGatewayRoute spec.rules[].backendRefs[].priority',
      limits: [
        'For the APIs that AI Gateway knows.',
        'What counts as a failure is a retry policy: a BackendTrafficPolicy on the HTTPRoute that AI Gateway makes.',
      ],
      source: aiDocs('provider fallback'),
      ...withSettings(
        z.strictObject({
          ...aiSettings,
          /** The AIServiceBackend that is asked when the first one fails. */
          fallback: objectName.optional(),
        }),
        (context, { fallback, ...given }) => [
          aiRoute(context, given, {}, [
            {
              name: or(
                fallback,
                'my-other-provider',
                'the AIServiceBackend that is asked when the one before fails.',
              ),
              priority: 1,
            },
          ]),
        ],
      ),
    },
  },
  {
    id: 'provider-credentials',
    topic: 'ai',
    label: 'Give LLM providers their credentials',
    purpose: 'other',
    implies: { secret: true },
    native: {
      ...ai,
      title: 'AI Gateway with BackendSecurityPolicy',
      feature:
        'BackendSecurityPolicy spec.{apiKey,awsCredentials,azureCredentials,gcpCredentials}',
      limits: ['For the providers that AI Gateway knows.'],
      source: aiDocs('upstream authentication'),
      warnings: ['needs-ai-gateway', 'keys-stored-in-kubernetes-secrets'],
      ...withSettings(
        z.strictObject({
          provider: objectName.optional(),
          /** A Secret whose key apiKey has the credential. */
          secret: objectName.optional(),
        }),
        (context, { provider, secret }) => [
          object(context, aiApi, 'BackendSecurityPolicy', {
            spec: {
              targetRefs: [
                {
                  group: 'aigateway.envoyproxy.io',
                  kind: 'AIServiceBackend',
                  name: or(provider, 'my-provider', 'the AIServiceBackend.'),
                },
              ],
              type: 'APIKey',
              apiKey: {
                secretRef: {
                  name: or(
                    secret,
                    'my-provider-key',
                    'the Secret whose key apiKey has the credential.',
                  ),
                  namespace: context.target.namespace,
                },
              },
            },
          }),
        ],
      ),
    },
  },
  {
    id: 'choose-model',
    topic: 'ai',
    label: 'Choose a model by what the prompt says (semantic routing, caching)',
    purpose: 'other',
    implies: {
      phases: ['requestHeaders', 'requestBody'],
      wholeBody: true,
      calls: true,
      routes: true,
      json: true,
      headerFromBody: true,
    },
    noNative: 'AI Gateway routes by the name of a model, not by content.',
  },
  {
    id: 'route-by-inference-body',
    topic: 'ai',
    label:
      'Choose the upstream by a field of an inference body (tensors, gRPC)',
    purpose: 'other',
    implies: {
      phases: ['requestHeaders', 'requestBody'],
      routes: true,
      headerFromBody: true,
    },
    noNative: 'AI Gateway reads the JSON of LLM APIs.',
  },
  {
    id: 'moderate-prompts',
    topic: 'ai',
    label: 'Check prompts or answers for what is not allowed (guardrails)',
    purpose: 'ai-gateway',
    implies: {
      phases: ['requestHeaders', 'requestBody'],
      wholeBody: true,
      calls: true,
      guards: true,
      json: true,
    },
    noNative: 'Neither Envoy Gateway nor AI Gateway moderates content.',
  },
  {
    id: 'change-prompts',
    topic: 'ai',
    label: 'Change prompts or answers',
    purpose: 'body-transform',
    implies: {
      phases: ['requestBody', 'responseBody'],
      wholeBody: true,
      changesBody: true,
      json: true,
    },
  },
  {
    id: 'look-up',
    topic: 'other',
    label: 'Look something up in a service, database or cache for each request',
    purpose: 'other',
    implies: { phases: ['requestHeaders'], calls: true, database: true },
    hybrid: {
      text: 'Where the answer is yes or no, or a few headers, external authorization asks your service without an extension.',
      feature: 'SecurityPolicy spec.extAuth',
    },
  },
  {
    id: 'idempotency',
    topic: 'other',
    label: 'Recognise repeated requests (idempotency, replay protection)',
    purpose: 'other',
    implies: {
      phases: ['requestHeaders', 'responseHeaders'],
      state: true,
      database: true,
    },
    noNative: 'Envoy Gateway keeps no state about single requests.',
  },
  {
    id: 'shared-logic',
    topic: 'other',
    label: 'Share one piece of logic between routes, with parameters for each',
    purpose: 'other',
    implies: { script: true, parameters: true },
  },
  {
    id: 'own-logic',
    topic: 'other',
    label: 'Something else that needs code',
    purpose: 'other',
    implies: {},
  },
];
