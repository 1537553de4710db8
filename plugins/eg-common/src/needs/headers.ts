import type { Answers } from '../intake';
import { isBefore } from '../releases';
import { httpTargets, note, policy, route, routeFilter, todo } from './objects';
import { Native, NativeContext, Need } from './types';

type Operation = { action: string; name: string; value?: string };
type Settings = {
  request?: Operation[];
  response?: Operation[];
  reroute?: boolean;
};

/** In a header modifier `%` begins a format of Envoy's; doubled it stands for itself. */
const literal = (value = '') => value.replace(/%/g, '%%');

function modifier(operations: Operation[]) {
  const pick = (action: string) =>
    operations
      .filter(op => op.action === action)
      .map(op => ({ name: op.name, value: literal(op.value) }));
  const set = pick('set');
  const add = pick('append');
  const remove = pick('remove').map(({ name }) => name);
  return {
    ...(set.length ? { set } : {}),
    ...(add.length ? { add } : {}),
    ...(remove.length ? { remove } : {}),
  };
}

/** Operations on headers as the person gave them, or an example for each direction that is processed. */
function operationsOf({ purpose, settings, processing, name }: NativeContext): {
  request: Operation[];
  response: Operation[];
  example: boolean;
} {
  const { request = [], response = [] } =
    purpose === 'header-transform' ? (settings as Settings) : {};
  if (request.length || response.length) {
    return { request, response, example: false };
  }
  const example = [{ action: 'set', name: 'x-processed-by', value: name }];
  return {
    request: processing.includes('requestHeaders') ? example : [],
    response: processing.includes('responseHeaders') ? example : [],
    example: true,
  };
}

/** What a modifier cannot say about these operations. */
function notStatic({ purpose, settings }: Answers): string | undefined {
  if (purpose !== 'header-transform') {
    return undefined;
  }
  const { request = [], response = [], reroute } = settings as Settings;
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
  const { externalCalls, purpose, stateAcrossRequests } = answers;
  return (
    purpose === 'header-transform' &&
    !externalCalls &&
    !stateAcrossRequests &&
    notStatic(answers) === undefined
  );
}

const gatewayWide = (context: NativeContext) =>
  ['Gateway', 'ListenerSet'].includes(context.target.kind);

function staticHeaders(context: NativeContext) {
  const { request, response, example } = operationsOf(context);
  const comment = (path: (string | number)[]) =>
    example ? [note(path, 'An example: put your own headers here.')] : [];
  if (gatewayWide(context)) {
    return [
      policy(
        context,
        'ClientTrafficPolicy',
        {
          headers: {
            ...(request.length
              ? { earlyRequestHeaders: modifier(request) }
              : {}),
            ...(response.length
              ? { lateResponseHeaders: modifier(response) }
              : {}),
          },
        },
        comment(['spec', 'headers']),
      ),
    ];
  }
  const filters = [
    ...(request.length
      ? [
          {
            type: 'RequestHeaderModifier',
            requestHeaderModifier: modifier(request),
          },
        ]
      : []),
    ...(response.length
      ? [
          {
            type: 'ResponseHeaderModifier',
            responseHeaderModifier: modifier(response),
          },
        ]
      : []),
  ];
  return [
    route(context, [{ filters }], comment(['spec', 'rules', 0, 'filters'])),
  ];
}

const clientHeaders = (
  since: Native['since'],
  field: string,
  value: object,
  text: string,
): Pick<Native, 'since' | 'feature' | 'targets' | 'objects'> => ({
  since,
  feature: `ClientTrafficPolicy spec.headers.{earlyRequestHeaders,lateResponseHeaders}.${field}`,
  targets: httpTargets,
  objects: context => {
    const block = context.processing.includes('responseHeaders')
      ? 'lateResponseHeaders'
      : 'earlyRequestHeaders';
    return [
      policy(
        context,
        'ClientTrafficPolicy',
        { headers: { [block]: { [field]: [value] } } },
        [note(['spec', 'headers', block, field], text)],
      ),
    ];
  },
});

const modifierDocs =
  'Gateway API: HTTPRoute RequestHeaderModifier and ResponseHeaderModifier; Envoy Gateway documentation, HTTP request and response headers';

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
        'The values are fixed, or one of Envoy’s format strings; nothing is decided by what is in a header.',
        'Answers that Envoy gives itself pass lateResponseHeaders, but not the filters of a route.',
      ],
      source: modifierDocs,
      unless: notStatic,
      objects: staticHeaders,
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
      ...clientHeaders(
        '1.7',
        'addIfAbsent',
        { name: 'x-frame-options', value: 'DENY' },
        'An example: put your own headers here.',
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
      ...clientHeaders(
        '1.7',
        'removeOnMatch',
        { type: 'Prefix', value: 'x-internal-' },
        'Exact, Prefix, Suffix or RegularExpression.',
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
      objects: context => {
        const direction = context.processing.includes('responseHeaders')
          ? ('Response' as const)
          : ('Request' as const);
        const key = `${direction.toLowerCase()}HeaderModifier`;
        return [
          route(
            context,
            [
              {
                filters: [
                  {
                    type: `${direction}HeaderModifier`,
                    [key]: {
                      set: [
                        {
                          name: 'x-request-id-copy',
                          value: '%REQ(x-request-id)%',
                        },
                      ],
                    },
                  },
                ],
              },
            ],
            [
              note(
                ['spec', 'rules', 0, 'filters', 0, key, 'set'],
                'An example: the header to write, and in %REQ(…)% the request header to read.',
              ),
            ],
          ),
        ];
      },
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
        'Trust exactly the proxies that are before the gateway: an address beyond them is what the client claims.',
        'With proxyProtocol, connections without its header are refused: change the load balancer at the same time.',
      ],
      source:
        'Envoy Gateway documentation, client traffic policy: client IP detection, proxy protocol',
      objects: context => [
        httpTargets.every(kind => kind !== context.target.kind)
          ? policy(context, 'ClientTrafficPolicy', { proxyProtocol: {} })
          : policy(
              context,
              'ClientTrafficPolicy',
              { clientIPDetection: { xForwardedFor: { numTrustedHops: 1 } } },
              [
                note(
                  ['spec', 'clientIPDetection'],
                  'TODO: how many proxies are before the gateway. For a load balancer of connections: proxyProtocol: {} instead.',
                ),
              ],
            ),
      ],
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
      objects: context => [
        policy(
          context,
          'ClientTrafficPolicy',
          { headers: { requestID: 'PreserveOrGenerate' } },
          [
            note(
              ['spec', 'headers', 'requestID'],
              'PreserveOrGenerate, Preserve, Generate or Disable.',
            ),
          ],
        ),
      ],
    },
  },
  {
    id: 'edit-header',
    topic: 'headers',
    label:
      'Change a header depending on its value (attributes of cookies, directives of a policy)',
    purpose: 'other',
    implies: { script: true },
    noNative: 'A header modifier cannot read the value that it replaces.',
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
      objects: context => [
        jwtPolicy(context, {
          claimToHeaders: [{ claim: 'sub', header: 'x-user' }],
        }),
      ],
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
      objects: context => [
        policy(
          context,
          'BackendTrafficPolicy',
          {
            loadBalancer: {
              type: 'ConsistentHash',
              consistentHash: {
                type: 'Cookie',
                cookie: {
                  name: 'affinity',
                  ttl: '3600s',
                  attributes: { SameSite: 'Strict', Secure: '', HttpOnly: '' },
                },
              },
            },
          },
          [
            note(
              ['spec', 'loadBalancer', 'consistentHash', 'cookie'],
              'Envoy creates the cookie; attributes without a value are flags.',
            ),
          ],
        ),
      ],
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
      objects: context =>
        routeFilter(
          context,
          {
            credentialInjection: {
              header: 'Authorization',
              overwrite: true,
              credential: { valueRef: { name: 'my-credential' } },
            },
          },
          [
            todo(
              ['spec', 'credentialInjection', 'credential', 'valueRef', 'name'],
              'the Secret whose key credential has the value of the header.',
            ),
          ],
        ),
    },
  },
];

/** A SecurityPolicy that verifies tokens of one issuer. */
export function jwtPolicy(
  context: NativeContext,
  provider: Record<string, unknown> = {},
  spec: Record<string, unknown> = {},
) {
  const base = ['spec', 'jwt', 'providers', 0];
  return policy(
    context,
    'SecurityPolicy',
    {
      jwt: {
        providers: [
          {
            name: 'issuer',
            issuer: 'https://issuer.example.com',
            audiences: ['my-api'],
            remoteJWKS: {
              uri: 'https://issuer.example.com/.well-known/jwks.json',
            },
            ...provider,
          },
        ],
      },
      ...spec,
    },
    [
      todo([...base, 'issuer'], 'the issuer, exactly as the claim iss has it.'),
      todo(
        [...base, 'remoteJWKS', 'uri'],
        'where the issuer publishes its keys.',
      ),
      note(
        [...base, 'audiences'],
        'Who the token has to be for. Without it, tokens for other services are taken too.',
      ),
    ],
  );
}
