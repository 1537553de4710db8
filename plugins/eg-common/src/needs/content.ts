import { z } from 'zod';
import { or } from './marks';
import {
  httpTargets,
  listenerPatch,
  policy,
  route,
  routeFilter,
} from './objects';
import { quantity, some, statusCode, text } from './settings';
import { Need, withSettings } from './types';

const docs = (page: string) => `Envoy Gateway documentation, ${page}`;

/** Needs that concern bodies, and what is in them. */
export const content: Need[] = [
  {
    id: 'mask-data',
    topic: 'bodies',
    label: 'Mask or remove personal data in bodies',
    purpose: 'body-transform',
    implies: {
      phases: ['requestBody', 'responseBody'],
      wholeBody: true,
      changesBody: true,
      json: true,
      guards: true,
    },
    noNative: 'No field of Envoy Gateway changes bodies.',
  },
  {
    id: 'change-json',
    topic: 'bodies',
    label: 'Change fields of JSON bodies',
    purpose: 'body-transform',
    implies: {
      phases: ['requestBody', 'responseBody'],
      wholeBody: true,
      changesBody: true,
      json: true,
    },
    noNative: 'No field of Envoy Gateway changes bodies.',
  },
  {
    id: 'change-text',
    topic: 'bodies',
    label: 'Change text, HTML or manifests in bodies',
    purpose: 'other',
    implies: {
      phases: ['responseHeaders', 'responseBody'],
      wholeBody: true,
      changesBody: true,
    },
    noNative: 'No field of Envoy Gateway changes bodies.',
  },
  {
    id: 'sign-body-content',
    topic: 'bodies',
    label: 'Sign or encrypt parts of bodies (URLs, fields)',
    purpose: 'other',
    implies: {
      phases: ['responseHeaders', 'responseBody'],
      wholeBody: true,
      changesBody: true,
      crypto: true,
      secret: true,
    },
    noNative: 'No field of Envoy Gateway changes bodies.',
  },
  {
    id: 'convert-body',
    topic: 'bodies',
    label: 'Convert bodies between formats (XML, JSON, SOAP, protobuf)',
    purpose: 'other',
    implies: {
      phases: [
        'requestHeaders',
        'requestBody',
        'responseHeaders',
        'responseBody',
      ],
      wholeBody: true,
      changesBody: true,
      json: true,
    },
    noNative:
      'Envoy Gateway exposes gRPC-Web only; other conversions of Envoy have no field.',
  },
  {
    id: 'grpc-web',
    topic: 'bodies',
    label: 'Let browsers call gRPC services (gRPC-Web)',
    purpose: 'other',
    implies: {},
    native: {
      title: 'gRPC-Web of a GRPCRoute',
      feature:
        'GRPCRoute: its listeners convert gRPC-Web by themselves; ClientTrafficPolicy spec.grpc.enableWeb since 1.8',
      since: '1.6',
      targets: httpTargets,
      unless: ({ target, gatewayVersion }) =>
        target.kind !== 'GRPCRoute' && ['1.6', '1.7'].includes(gatewayVersion)
          ? 'Before Envoy Gateway 1.8, only listeners with a GRPCRoute convert gRPC-Web.'
          : undefined,
      limits: [
        'gRPC-Web only: REST and JSON are not converted.',
        'Browsers ask across origins first: a SecurityPolicy with cors answers them.',
      ],
      source:
        'Envoy Gateway internal/xds/translator/listener.go; API: ClientTrafficPolicy GRPCSettings',
      objects: context =>
        context.target.kind === 'GRPCRoute'
          ? [route(context, [{}])]
          : [
              policy(context, 'ClientTrafficPolicy', {
                grpc: { enableWeb: true },
              }),
            ],
    },
  },
  {
    id: 'whole-message',
    topic: 'bodies',
    label: 'Decide or change something only after the whole body has been seen',
    purpose: 'other',
    implies: {
      phases: ['requestHeaders', 'requestBody'],
      wholeBody: true,
      changesBody: true,
      headerFromBody: true,
    },
  },
  {
    id: 'body-to-header',
    topic: 'bodies',
    label: 'Copy a value of the body into a header, for routing or upstreams',
    purpose: 'other',
    implies: {
      phases: ['requestHeaders', 'requestBody'],
      wholeBody: true,
      headerFromBody: true,
      routes: true,
      json: true,
    },
    noNative: 'No field of Envoy Gateway reads bodies into headers.',
  },
  {
    id: 'enrich-body',
    topic: 'bodies',
    label: 'Add what another service says to the body',
    purpose: 'other',
    implies: {
      phases: ['requestHeaders', 'requestBody'],
      wholeBody: true,
      changesBody: true,
      calls: true,
      json: true,
    },
    noNative: 'External authorization can change headers, not bodies.',
    hybrid: {
      text: 'Whether a request may pass can stay with a SecurityPolicy and extAuth; the extension is left with the body.',
      feature: 'SecurityPolicy spec.extAuth',
    },
    warnings: ['ext-auth-cannot-modify-body'],
  },
  {
    id: 'custom-error-bodies',
    topic: 'bodies',
    label: 'Give errors bodies or pages of one’s own',
    purpose: 'other',
    implies: {},
    native: {
      title: 'BackendTrafficPolicy with responseOverride',
      feature:
        'BackendTrafficPolicy spec.responseOverride[].{match,response,redirect}',
      since: '1.6',
      targets: httpTargets,
      limits: [
        'Bodies are fixed texts, inline or from a ConfigMap; before 1.8 it does not tell errors of upstreams from those of Envoy.',
      ],
      source: docs('response override'),
      warnings: ['response-override-cannot-match-request-headers'],
      ...withSettings(
        z.strictObject({
          statuses: some(statusCode, 'statuses').max(50).optional(),
          contentType: text(256).default('text/html'),
          body: z
            .string({ error: 'give a text' })
            .min(1, 'give a text')
            .max(4096, 'use at most 4096 characters')
            .optional(),
        }),
        (context, { statuses, contentType, body }) => [
          policy(context, 'BackendTrafficPolicy', {
            responseOverride: [
              {
                match: {
                  statusCodes: or(
                    statuses?.map(status => ({ type: 'Value', value: status })),
                    [{ type: 'Range', range: { start: 500, end: 599 } }],
                    'which errors; the first match counts.',
                  ),
                },
                response: {
                  contentType,
                  body: {
                    type: 'Inline',
                    inline: or(
                      body,
                      '<h1>Something went wrong</h1>',
                      'your own text; type ValueRef takes it from a ConfigMap.',
                    ),
                  },
                },
              },
            ],
          }),
        ],
      ),
    },
  },
  {
    id: 'direct-response',
    topic: 'bodies',
    label: 'Answer a path with a fixed response (maintenance page, robots.txt)',
    purpose: 'other',
    implies: {},
    native: {
      title: 'HTTPRouteFilter with directResponse',
      feature: 'HTTPRouteFilter spec.directResponse',
      since: '1.6',
      targets: ['HTTPRoute', 'Gateway', 'ListenerSet'],
      limits: ['The answer is fixed; since 1.8 with Envoy’s format strings.'],
      source: docs('direct response'),
      ...withSettings(
        z.strictObject({
          path: text(1024)
            .regex(/^\//, 'use a path that begins with /')
            .optional(),
          status: statusCode.optional(),
          contentType: text(256).default('text/plain'),
          body: z
            .string({ error: 'give a text' })
            .max(4096, 'use at most 4096 characters')
            .optional(),
        }),
        (context, { path, status, contentType, body }) =>
          routeFilter(
            context,
            {
              directResponse: {
                statusCode: or(status, 503, 'the status.'),
                contentType,
                body: {
                  type: 'Inline',
                  inline: or(body, 'Back soon.', 'your own text.'),
                },
              },
            },
            {
              variant: 'response',
              matches: [
                {
                  path: {
                    type: 'PathPrefix',
                    value: or(path, '/', 'the path that is answered.'),
                  },
                },
              ],
            },
          ),
      ),
    },
  },
  {
    id: 'compress',
    topic: 'bodies',
    label: 'Compress responses',
    purpose: 'other',
    implies: {},
    native: {
      title: 'BackendTrafficPolicy with compressor',
      feature: 'BackendTrafficPolicy spec.compressor; spec.compression in 1.6',
      since: '1.6',
      targets: httpTargets,
      limits: ['Gzip, Brotli and Zstd, by what the client accepts.'],
      source: docs('response compression'),
      ...withSettings(
        z.strictObject({
          types: some(
            z.enum(['Gzip', 'Brotli', 'Zstd'], {
              error: 'choose from Gzip, Brotli, Zstd',
            }),
            'Gzip, Brotli, Zstd',
          ).optional(),
        }),
        (context, { types }) => [
          policy(context, 'BackendTrafficPolicy', {
            [context.release.version === '1.6' ? 'compression' : 'compressor']:
              or(
                types?.map(type => ({ type })),
                [{ type: 'Brotli' }, { type: 'Gzip' }],
                'which ones: Gzip, Brotli, Zstd.',
              ),
          }),
        ],
      ),
    },
  },
  {
    id: 'limit-body-size',
    topic: 'bodies',
    label: 'Buffer requests, or refuse those beyond a size',
    purpose: 'other',
    implies: { guards: true },
    native: {
      title: 'BackendTrafficPolicy with requestBuffer',
      feature: 'BackendTrafficPolicy spec.requestBuffer.limit',
      since: '1.6',
      targets: httpTargets,
      limits: ['Requests are held until complete; beyond the limit: 413.'],
      source: docs('request buffering'),
      ...withSettings(
        z.strictObject({ limit: quantity.optional() }),
        (context, { limit }) => [
          policy(context, 'BackendTrafficPolicy', {
            requestBuffer: {
              limit: or(limit, '64Ki', 'the largest body; beyond it: 413.'),
            },
          }),
        ],
      ),
    },
  },
  {
    id: 'cache-responses',
    topic: 'bodies',
    label: 'Cache responses in the proxy',
    purpose: 'other',
    implies: { state: true },
    native: {
      title: 'EnvoyPatchPolicy that inserts Envoy’s cache filter',
      feature:
        'EnvoyPatchPolicy spec.jsonPatches[] (filter envoy.filters.http.cache; Envoy Gateway has no field of its own)',
      since: '1.6',
      targets: httpTargets,
      limits: [
        'It honours Cache-Control, keeps everything in the memory of one proxy, and has no eviction.',
        'It counts for a whole listener.',
      ],
      source: 'Envoy documentation, HTTP cache filter; EnvoyPatchPolicy task',
      maturity: 'experimental',
      warnings: [
        'envoy-patch-policy-disabled-by-default',
        'cache-filter-experimental',
        'per-proxy-state-only',
      ],
      objects: context => [
        listenerPatch(context, {
          name: 'envoy.filters.http.cache',
          typed_config: {
            '@type':
              'type.googleapis.com/envoy.extensions.filters.http.cache.v3.CacheConfig',
            typed_config: {
              '@type':
                'type.googleapis.com/envoy.extensions.http.cache.simple_http_cache.v3.SimpleHttpCacheConfig',
            },
          },
        }),
      ],
    },
  },
  {
    id: 'block-attacks',
    topic: 'inspection',
    label: 'Block attacks on web applications (WAF, OWASP core rules)',
    purpose: 'content-inspection',
    implies: {
      phases: ['requestHeaders', 'requestBody', 'responseHeaders'],
      wholeBody: true,
      guards: true,
      packaged: 'Coraza',
    },
    noNative: 'Envoy Gateway has no web application firewall.',
  },
  {
    id: 'validate-body',
    topic: 'inspection',
    label: 'Refuse bodies that break a schema (JSON Schema, OpenAPI)',
    purpose: 'other',
    implies: {
      phases: ['requestHeaders', 'requestBody'],
      wholeBody: true,
      json: true,
      guards: true,
    },
    noNative: 'No field of Envoy Gateway looks into bodies.',
  },
  {
    id: 'inspect-body',
    topic: 'inspection',
    label: 'Look into bodies with logic of one’s own, and perhaps refuse',
    purpose: 'content-inspection',
    implies: { phases: ['requestBody'], wholeBody: true },
    noNative: 'No field of Envoy Gateway looks into bodies.',
  },
  {
    id: 'scan-content',
    topic: 'inspection',
    label: 'Let a scanner look at content (viruses, data leaks, moderation)',
    purpose: 'other',
    implies: {
      phases: ['requestHeaders', 'requestBody'],
      wholeBody: true,
      calls: true,
      guards: true,
    },
    noNative: 'No field of Envoy Gateway looks into bodies.',
  },
  {
    id: 'detect-bots',
    topic: 'inspection',
    label: 'Detect bots or abusive clients',
    purpose: 'other',
    implies: {
      phases: ['requestHeaders'],
      guards: true,
      clientAddress: true,
      trusted: true,
    },
    noNative:
      'Envoy Gateway can pass TLS fingerprints on (ClientTrafficPolicy spec.tls.fingerprints) and deny by address or header; it has no scores.',
    hybrid: {
      text: 'Known addresses, countries and headers are denied by a SecurityPolicy; the extension only judges what is left.',
      feature: 'SecurityPolicy spec.authorization',
    },
  },
];
