import { z } from 'zod';
import type { Answers } from '../intake';
import { objectName, wholeNumber } from '../intake/fields';
import { lintCelFormat } from '../policy/cel';
import { isBefore } from '../releases';
import { note, or, todo } from './marks';
import { httpTargets, Piece, policy, route, routeFilter } from './objects';
import {
  claimName,
  duration,
  header,
  headerList,
  issuerSettings,
  some,
  text,
} from './settings';
import { NativeContext, Need, withSettings } from './types';

type Operation = { action: string; name: string; value?: string };
type Operations = {
  request?: Operation[];
  response?: Operation[];
  reroute?: boolean;
};

/** In a header modifier `%` begins a format of Envoy's; doubled it stands for itself. */
const literal = (fixed: string) => fixed.replace(/%/g, '%%');

/** What a modifier cannot say about these operations. */
function notStatic({ purpose, settings }: Answers): string | undefined {
  if (purpose !== 'header-transform') {
    return undefined;
  }
  const { request = [], response = [], reroute } = settings as Operations;
  const derives = [...request, ...response].some(op =>
    op.action.endsWith('-from'),
  );
  if (derives) {
    return 'Your settings take values from the request; a header modifier has fixed ones.';
  }
  if (reroute) {
    return 'Your settings let Envoy choose the route again; a header modifier runs when the route is chosen.';
  }
  const renames = [...request, ...response].some(op => op.action === 'rename');
  const sequences = [request, response].some(
    operations =>
      new Set(operations.map(op => op.name)).size < operations.length,
  );
  if (renames) {
    return 'Your settings rename a header; a header modifier sets, adds and removes.';
  }
  return sequences
    ? 'Your settings change one header more than once, and a header modifier names each header once.'
    : undefined;
}

/** Whether settings that the person gave say nothing that a header modifier cannot. */
export function saysStaticHeaders(answers: Answers): boolean {
  const { externalCalls, purpose, settings, stateAcrossRequests } = answers;
  const { request = [], response = [] } = (settings ?? {}) as Operations;
  return (
    purpose === 'header-transform' &&
    request.length + response.length > 0 &&
    !externalCalls &&
    !stateAcrossRequests &&
    notStatic(answers) === undefined
  );
}

/** Settings of an extension that transforms headers, as those of header modifiers. They have passed {@link saysStaticHeaders}. */
export function modifiersOf(settings: unknown): object {
  const { request = [], response = [] } = settings as Operations;
  const of = (operations: Operation[]) => {
    const pick = (action: string) =>
      operations
        .filter(op => op.action === action)
        .map(op => ({ name: op.name, value: op.value }));
    const fields = {
      set: pick('set'),
      add: pick('append'),
      remove: pick('remove').map(({ name }) => name),
    };
    return Object.fromEntries(
      Object.entries(fields).filter(([, list]) => list.length > 0),
    );
  };
  return {
    ...(request.length ? { request: of(request) } : {}),
    ...(response.length ? { response: of(response) } : {}),
  };
}

const modifications = z.strictObject(
  {
    set: headerList.optional(),
    add: headerList.optional(),
    remove: some(header, 'names of headers').max(64).optional(),
  },
  { error: 'give set, add or remove' },
);

const gatewayWide = (context: NativeContext) =>
  ['Gateway', 'ListenerSet'].includes(context.target.kind);

/** The fields of a header modifier. */
function modifier({ set, add, remove }: z.output<typeof modifications>) {
  const escaped = (list: { name: string; value: string }[] | undefined) =>
    list?.map(h => ({ ...h, value: literal(h.value) }));
  return JSON.parse(
    JSON.stringify({ set: escaped(set), add: escaped(add), remove }),
  );
}

/** Header modifiers for the target: of the whole listener, or filters of the person's route. */
function modifiers(
  context: NativeContext,
  request: unknown,
  response: unknown,
): Piece[] {
  if (gatewayWide(context)) {
    return [
      policy(context, 'ClientTrafficPolicy', {
        headers: {
          ...(request ? { earlyRequestHeaders: request } : {}),
          ...(response ? { lateResponseHeaders: response } : {}),
        },
      }),
    ];
  }
  return [
    route(context, [
      {
        filters: [
          ...(request
            ? [
                {
                  type: 'RequestHeaderModifier',
                  requestHeaderModifier: request,
                },
              ]
            : []),
          ...(response
            ? [
                {
                  type: 'ResponseHeaderModifier',
                  responseHeaderModifier: response,
                },
              ]
            : []),
        ],
      },
    ]),
  ];
}

const direction = z
  .enum(['request', 'response'], { error: 'choose one of request, response' })
  .optional();

/** The direction that was given, or the one that is processed. */
const directionOf = (
  { processing }: NativeContext,
  given: 'request' | 'response' | undefined,
) => given ?? (processing.includes('responseHeaders') ? 'response' : 'request');

const clientHeaders = (
  context: NativeContext,
  given: 'request' | 'response' | undefined,
  field: string,
  list: unknown,
) =>
  policy(context, 'ClientTrafficPolicy', {
    headers: {
      [directionOf(context, given) === 'response'
        ? 'lateResponseHeaders'
        : 'earlyRequestHeaders']: { [field]: list },
    },
  });

const lateAndEarly = (field: string) =>
  `ClientTrafficPolicy spec.headers.{earlyRequestHeaders,lateResponseHeaders}.${field}`;

const modifierDocs =
  'Gateway API: HTTPRoute RequestHeaderModifier and ResponseHeaderModifier; Envoy Gateway documentation, HTTP request and response headers';

/** How the address of clients is found behind proxies. */
export const clientIPDetection = (trustedHops: number | undefined) => ({
  clientIPDetection: {
    xForwardedFor: {
      numTrustedHops: or(
        trustedHops,
        1,
        'how many proxies are before the gateway. For a load balancer of connections: proxyProtocol: {} instead of clientIPDetection.',
      ),
    },
  },
});

/** Needs that concern headers. */
export const headers: Need[] = [
  {
    id: 'static-header',
    topic: 'headers',
    label:
      'Set, add or remove headers with fixed values (security headers, Server, X-Powered-By)',
    purpose: 'header-transform',
    implies: { script: true },
    native: {
      title: 'header modifiers',
      feature:
        'HTTPRoute or GRPCRoute spec.rules[].filters[RequestHeaderModifier, ResponseHeaderModifier]; ClientTrafficPolicy spec.headers.{earlyRequestHeaders,lateResponseHeaders} for a Gateway',
      since: '1.6',
      targets: httpTargets,
      limits: [
        'The values are fixed, or one of Envoy’s format strings; there are no conditions.',
        'Answers that Envoy gives itself pass lateResponseHeaders, but not the filters of a route.',
      ],
      source: modifierDocs,
      unless: notStatic,
      ...withSettings(
        z.strictObject({
          request: modifications.optional(),
          response: modifications.optional(),
        }),
        (context, { request, response }) => {
          if (request || response) {
            return modifiers(
              context,
              request && modifier(request),
              response && modifier(response),
            );
          }
          const example = {
            set: todo(
              [{ name: 'x-example', value: 'example' }],
              'your own headers; add and remove stand beside set.',
            ),
          };
          const processes = (phase: 'requestHeaders' | 'responseHeaders') =>
            context.processing.includes(phase) ? example : undefined;
          const asked = processes('requestHeaders');
          const answered = processes('responseHeaders');
          return modifiers(
            context,
            asked || answered ? asked : example,
            answered,
          );
        },
      ),
    },
  },
  {
    id: 'header-if-absent',
    topic: 'headers',
    label: 'Set a header only where it is absent',
    purpose: 'header-transform',
    implies: { script: true },
    native: {
      title: 'ClientTrafficPolicy with addIfAbsent',
      limits: [
        'It counts for all routes of the listener.',
        'Whether the header is there is all that is looked at, not its value.',
      ],
      source: 'Envoy Gateway 1.7 release notes: addIfAbsent',
      warnings: ['requires-eg-1.7'],
      since: '1.7',
      feature: lateAndEarly('addIfAbsent'),
      targets: httpTargets,
      ...withSettings(
        z.strictObject({ headers: headerList.optional(), direction }),
        (context, { headers: list, direction: way }) => [
          clientHeaders(
            context,
            way,
            'addIfAbsent',
            list?.map(h => ({ ...h, value: literal(h.value) })) ??
              todo(
                [{ name: 'x-frame-options', value: 'DENY' }],
                'your own headers.',
              ),
          ),
        ],
      ),
    },
  },
  {
    id: 'remove-headers-by-pattern',
    topic: 'headers',
    label: 'Remove all headers that match a pattern',
    purpose: 'other',
    implies: { script: true },
    native: {
      title: 'ClientTrafficPolicy with removeOnMatch',
      limits: ['It counts for all routes of the listener.'],
      source: 'Envoy Gateway 1.7 release notes: removeOnMatch',
      warnings: ['requires-eg-1.7'],
      since: '1.7',
      feature: lateAndEarly('removeOnMatch'),
      targets: httpTargets,
      ...withSettings(
        z.strictObject({
          match: z
            .enum(['Exact', 'Prefix', 'Suffix', 'RegularExpression'], {
              error: 'choose one of Exact, Prefix, Suffix, RegularExpression',
            })
            .default('Prefix'),
          name: text(256).optional(),
          direction,
        }),
        (context, { match, name, direction: way }) => [
          clientHeaders(context, way, 'removeOnMatch', [
            {
              type: match,
              value: or(
                name,
                'x-internal-',
                'what the names of the headers begin with, or as type says: Exact, Prefix, Suffix or RegularExpression.',
              ),
            },
          ]),
        ],
      ),
    },
  },
  {
    id: 'copy-header',
    topic: 'headers',
    label:
      'Copy a value that Envoy knows into a header, unchanged (another header, request id, client address, host)',
    purpose: 'other',
    implies: { script: true },
    native: {
      title: 'header modifiers with Envoy’s format strings',
      feature:
        'HTTPRoute or GRPCRoute spec.rules[].filters[RequestHeaderModifier, ResponseHeaderModifier] with %REQ(name)% and other format strings',
      since: '1.6',
      targets: httpTargets,
      limits: [
        'The value is copied as it is: no part of it, no condition, no computation.',
      ],
      source:
        'Envoy Gateway documentation, HTTP request headers; Envoy: custom request and response headers',
      ...withSettings(
        z
          .strictObject({
            header: header.optional(),
            /** One of Envoy's format strings. */
            from: text(256)
              .regex(
                /^%[A-Z_]+(\([^()%]+\))?%$/,
                'use one of Envoy’s format strings, for example %REQ(x-request-id)%',
              )
              .optional(),
            direction,
          })
          .superRefine(({ from, direction: way }, context) => {
            const place =
              way === 'request' ? 'requestHeader' : 'responseHeader';
            for (const message of lintCelFormat(from ?? '', place)) {
              context.addIssue({ code: 'custom', path: ['from'], message });
            }
          }),
        (context, { header: name, from, direction: way }) => {
          const kind =
            directionOf(context, way) === 'response'
              ? ('Response' as const)
              : ('Request' as const);
          return [
            route(context, [
              {
                filters: [
                  {
                    type: `${kind}HeaderModifier`,
                    [`${kind.toLowerCase()}HeaderModifier`]: {
                      set: [
                        {
                          name: or(
                            name,
                            'x-request-id-copy',
                            'the header to write.',
                          ),
                          value: or(
                            from,
                            '%REQ(x-request-id)%',
                            'in %REQ(…)% the request header to read, or another format string of Envoy.',
                          ),
                        },
                      ],
                    },
                  },
                ],
              },
            ]),
          ];
        },
      ),
    },
  },
  {
    id: 'client-address',
    topic: 'headers',
    label:
      'Know the real address of clients behind a load balancer (X-Forwarded-For, PROXY protocol)',
    purpose: 'other',
    implies: {},
    native: {
      title: 'ClientTrafficPolicy with clientIPDetection or proxyProtocol',
      feature: 'ClientTrafficPolicy spec.clientIPDetection, spec.proxyProtocol',
      since: '1.6',
      targets: [...httpTargets, 'TCPRoute', 'TLSRoute'],
      limits: [
        'Trust only the proxies that are before the gateway: an address beyond them is what the client claims.',
        'With proxyProtocol, connections without its header are refused: change the load balancer at the same time.',
      ],
      source:
        'Envoy Gateway documentation, client traffic policy: client IP detection, proxy protocol',
      ...withSettings(
        z.strictObject({ trustedHops: wholeNumber(1, 100).optional() }),
        (context, { trustedHops }) => [
          policy(
            context,
            'ClientTrafficPolicy',
            httpTargets.every(kind => kind !== context.target.kind)
              ? { proxyProtocol: {} }
              : clientIPDetection(trustedHops),
          ),
        ],
      ),
    },
  },
  {
    id: 'request-id',
    topic: 'headers',
    label: 'Create, keep or replace the request id',
    purpose: 'other',
    implies: { script: true },
    native: {
      title: 'ClientTrafficPolicy with requestID',
      feature: 'ClientTrafficPolicy spec.headers.requestID',
      since: '1.6',
      targets: httpTargets,
      limits: ['The header is x-request-id, the value a UUID.'],
      source: 'Envoy Gateway API: ClientTrafficPolicy HeaderSettings',
      ...withSettings(
        z.strictObject({
          mode: z
            .enum(['PreserveOrGenerate', 'Preserve', 'Generate', 'Disable'], {
              error:
                'choose one of PreserveOrGenerate, Preserve, Generate, Disable',
            })
            .optional(),
        }),
        (context, { mode }) => [
          policy(context, 'ClientTrafficPolicy', {
            headers: {
              requestID: or(
                mode,
                'PreserveOrGenerate',
                'PreserveOrGenerate, Preserve, Generate or Disable.',
              ),
            },
          }),
        ],
      ),
    },
  },
  {
    id: 'edit-header',
    topic: 'headers',
    label:
      'Change a header depending on its value (attributes of cookies, directives of a policy)',
    purpose: 'other',
    implies: { script: true },
    noNative:
      'A header modifier copies values as they are; it does not look into them and has no conditions.',
  },
  {
    id: 'derive-header',
    topic: 'headers',
    label:
      'Derive or rename a header: a part of another, a table, several inputs',
    purpose: 'header-transform',
    implies: { script: true },
    noNative:
      'A header modifier copies values as they are; it takes no part of one, has no conditions and does not rename.',
  },
  {
    id: 'claims-to-headers',
    topic: 'headers',
    label: 'Pass claims of a verified token on as headers',
    purpose: 'header-transform',
    implies: {},
    native: {
      title: 'SecurityPolicy with jwt and claimToHeaders',
      feature: 'SecurityPolicy spec.jwt.providers[].claimToHeaders',
      since: '1.6',
      targets: httpTargets,
      limits: [
        'Texts, numbers and booleans arrive as they are, nested ones by a path with dots; lists and objects as base64 of their JSON.',
      ],
      source:
        'Envoy Gateway documentation, JWT claim-based headers; API: ClaimToHeader',
      warnings: ['array-claims-arrive-base64-json'],
      ...withSettings(
        z.strictObject({
          ...issuerSettings,
          claims: some(
            z.strictObject({ claim: claimName, header }),
            'claims, each with claim and header',
          )
            .max(32)
            .optional(),
        }),
        (context, { claims, ...issuer }) => [
          jwtPolicy(context, issuer, {
            claimToHeaders: claims ?? [
              {
                claim: todo('sub', 'the claim to pass on.'),
                header: todo('x-user', 'the header that the upstream reads.'),
              },
            ],
          }),
        ],
      ),
    },
  },
  {
    id: 'reshape-claims',
    topic: 'headers',
    label:
      'Pass claims of a token on in another form (lists joined, mapped, computed)',
    purpose: 'header-transform',
    implies: { phases: ['requestHeaders'], script: true, trusted: true },
    noNative:
      'claimToHeaders copies a claim; lists and objects arrive as base64 of JSON.',
    hybrid: {
      text: 'Let a SecurityPolicy verify the token; an extension runs after it and reads the verified claims (from claimToHeaders, or from the dynamic metadata envoy.filters.http.jwt_authn). Do not verify tokens in the extension.',
      feature: 'SecurityPolicy spec.jwt',
    },
    warnings: ['lua-strict-validation-false-rejects'],
  },
  {
    id: 'geo-headers',
    topic: 'headers',
    label: 'Tell backends the country or network of the client in headers',
    purpose: 'other',
    implies: {
      phases: ['requestHeaders'],
      clientAddress: true,
      trusted: true,
      database: true,
    },
    noNative:
      'Envoy Gateway uses GeoIP data in authorization rules only; no field writes them into headers.',
    warnings: ['geoip-native-only-for-authorization'],
  },
  {
    id: 'sign-message',
    topic: 'headers',
    label:
      'Add a signature, keyed hash or signed token or URL to requests or responses',
    purpose: 'other',
    implies: { phases: ['requestHeaders'], crypto: true, secret: true },
    noNative:
      'Envoy Gateway injects fixed credentials; it computes no signatures.',
  },
  {
    id: 'session-affinity',
    topic: 'headers',
    label:
      'Keep a client at one upstream with a cookie, with attributes of the cookie',
    purpose: 'other',
    implies: { script: true },
    native: {
      title: 'BackendTrafficPolicy with a cookie for consistent hashing',
      feature:
        'BackendTrafficPolicy spec.loadBalancer.consistentHash.cookie.{name,ttl,attributes}',
      since: '1.6',
      targets: httpTargets,
      limits: [
        'Affinity follows a hash: when upstreams come and go, some clients move.',
      ],
      source: 'Envoy Gateway API: BackendTrafficPolicy ConsistentHash Cookie',
      ...withSettings(
        z.strictObject({
          cookie: text(128)
            .regex(
              /^[A-Za-z0-9_-]+$/,
              'use letters, digits, hyphens and underscores',
            )
            .optional(),
          ttl: duration.optional(),
        }),
        (context, { cookie, ttl }) => [
          policy(context, 'BackendTrafficPolicy', {
            loadBalancer: {
              type: 'ConsistentHash',
              consistentHash: {
                type: 'Cookie',
                cookie: note(
                  {
                    name: or(cookie, 'affinity', 'the name of the cookie.'),
                    ttl: or(ttl, '3600s', 'how long a client stays.'),
                    attributes: {
                      SameSite: 'Strict',
                      Secure: '',
                      HttpOnly: '',
                    },
                  },
                  'Envoy creates the cookie; attributes without a value are flags.',
                ),
              },
            },
          }),
        ],
      ),
    },
  },
  {
    id: 'inject-credential',
    topic: 'headers',
    label: 'Give the upstream a fixed credential (API key, basic auth)',
    purpose: 'other',
    implies: { secret: true },
    native: {
      title: 'HTTPRouteFilter with credentialInjection',
      feature: 'HTTPRouteFilter spec.credentialInjection',
      since: '1.6',
      targets: httpTargets,
      unless: ({ target, gatewayVersion }) =>
        target.kind === 'GRPCRoute' && isBefore(gatewayVersion, '1.9')
          ? 'A GRPCRoute can refer to an HTTPRouteFilter since Envoy Gateway 1.9.'
          : undefined,
      limits: ['The credential is one fixed value from a Secret.'],
      source: 'Envoy Gateway documentation, credential injection',
      warnings: ['keys-stored-in-kubernetes-secrets'],
      ...withSettings(
        z.strictObject({
          secret: objectName.optional(),
          header: header.default('authorization'),
        }),
        (context, { secret, header: name }) =>
          routeFilter(context, {
            credentialInjection: {
              header: name,
              overwrite: true,
              credential: {
                valueRef: {
                  name: or(
                    secret,
                    'my-credential',
                    'the Secret whose key credential has the value of the header.',
                  ),
                },
              },
            },
          }),
      ),
    },
  },
];

type Issuer = { issuer?: string; jwksUri?: string; audiences?: string[] };

/**
 * A SecurityPolicy that verifies tokens of one issuer.
 *
 * @param issuer - what was said about it
 * @param provider - further fields of the provider
 * @param spec - further fields of the policy
 */
export function jwtPolicy(
  context: NativeContext,
  { issuer, jwksUri, audiences }: Issuer,
  provider: Record<string, unknown> = {},
  spec: Record<string, unknown> = {},
) {
  return policy(context, 'SecurityPolicy', {
    jwt: {
      providers: [
        {
          name: 'issuer',
          issuer: or(
            issuer,
            'https://issuer.example.com',
            'the issuer, as the claim iss has it.',
          ),
          audiences: or(
            audiences,
            ['my-api'],
            'who the token has to be for. Without it, tokens for other services are taken too.',
          ),
          remoteJWKS: {
            uri: or(
              jwksUri,
              'https://issuer.example.com/.well-known/jwks.json',
              'where the issuer publishes its keys.',
            ),
          },
          ...provider,
        },
      ],
    },
    ...spec,
  });
}
