import type { Answers } from '../intake';
import { jwtPolicy } from './headers';
import {
  envoyProxy,
  httpTargets,
  note,
  policy,
  route,
  routeFilter,
  todo,
} from './objects';
import { NativeContext, Need } from './types';

const docs = (page: string) => `Envoy Gateway documentation, ${page}`;

/** External authorization sees requests and changes their headers; it is no place for anything else. */
function onlyRequests({ processing, purpose }: Answers): string | undefined {
  if (processing.some(p => p.startsWith('response'))) {
    return 'You process responses; external authorization runs on requests only.';
  }
  return purpose === 'body-transform'
    ? 'You change bodies; external authorization can change headers only.'
    : undefined;
}

const extAuth = (context: NativeContext, more: Record<string, unknown> = {}) =>
  policy(
    context,
    'SecurityPolicy',
    {
      extAuth: {
        http: {
          backendRefs: [{ name: 'my-authorizer', port: 8080 }],
          path: '/authorize',
          headersToBackend: ['x-user'],
        },
        ...(context.processing.includes('requestBody')
          ? { bodyToExtAuth: { maxRequestBytes: 8192 } }
          : {}),
        failOpen: false,
        ...more,
      },
    },
    [
      todo(
        ['spec', 'extAuth', 'http', 'backendRefs', 0, 'name'],
        'the Service that decides, and its port; grpc instead of http for Envoy’s own protocol.',
      ),
      note(
        ['spec', 'extAuth', 'http', 'headersToBackend'],
        'Headers of the service’s answer that the upstream gets; Envoy replaces what a client sent under these names.',
      ),
      note(
        ['spec', 'extAuth', 'failOpen'],
        'true lets every request pass while the service is away.',
      ),
    ],
  );

const authorization = (
  context: NativeContext,
  principal: Record<string, unknown>,
  rest: Record<string, unknown> = {},
) =>
  policy(
    context,
    'SecurityPolicy',
    {
      authorization: {
        defaultAction: 'Deny',
        rules: [{ name: 'allowed', action: 'Allow', ...rest, principal }],
      },
    },
    [
      note(
        ['spec', 'authorization', 'rules'],
        'The first rule that matches decides; an example, put your own here.',
      ),
    ],
  );

/** What the gateway keeps about the client's address has to be right before anything is decided by it. */
const clientAddress = {
  clientAddress: true,
  guards: true,
} as const;

/** Needs that concern who a client is and what it may do. */
export const access: Need[] = [
  {
    id: 'validate-jwt',
    topic: 'authentication',
    label: 'Accept only requests with a valid JWT',
    purpose: 'other',
    implies: { guards: true },
    native: {
      title: 'SecurityPolicy with jwt',
      feature: 'SecurityPolicy spec.jwt.providers[]',
      since: '1.6',
      targets: httpTargets,
      limits: [
        'Tokens are verified by signature, issuer, audience and time; revoked ones are not noticed.',
      ],
      source: docs('JWT authentication'),
      objects: context => [jwtPolicy(context)],
    },
    hybrid: {
      text: 'Let a SecurityPolicy verify the token; what else you need reads the verified claims, from claimToHeaders or the metadata of the filter.',
      feature: 'SecurityPolicy spec.jwt',
    },
  },
  {
    id: 'oidc-login',
    topic: 'authentication',
    label: 'Log users in with OpenID Connect',
    purpose: 'other',
    implies: { guards: true },
    native: {
      title: 'SecurityPolicy with oidc',
      feature: 'SecurityPolicy spec.oidc',
      since: '1.6',
      targets: httpTargets,
      limits: [
        'It is for browsers: without a session, a client is redirected to the provider.',
      ],
      source: docs('OIDC authentication'),
      warnings: ['keys-stored-in-kubernetes-secrets'],
      objects: context => [
        policy(
          context,
          'SecurityPolicy',
          {
            oidc: {
              provider: {
                issuer: 'https://issuer.example.com',
                authorizationEndpoint: 'https://issuer.example.com/authorize',
                tokenEndpoint: 'https://issuer.example.com/token',
              },
              clientID: 'my-client',
              clientSecret: { name: 'my-oidc-client' },
              redirectURL: 'https://www.example.com/oauth2/callback',
              logoutPath: '/logout',
            },
          },
          [
            todo(
              ['spec', 'oidc', 'provider', 'issuer'],
              'the provider; without the two endpoints, Envoy Gateway discovers them.',
            ),
            todo(
              ['spec', 'oidc', 'clientID'],
              'the client that is registered there.',
            ),
            todo(
              ['spec', 'oidc', 'clientSecret', 'name'],
              'the Secret with the key client-secret.',
            ),
            todo(
              ['spec', 'oidc', 'redirectURL'],
              'a path of the target, as registered with the provider.',
            ),
          ],
        ),
      ],
    },
  },
  {
    id: 'basic-auth',
    topic: 'authentication',
    label: 'Ask for a user name and password (basic auth)',
    purpose: 'other',
    implies: { guards: true },
    native: {
      title: 'SecurityPolicy with basicAuth',
      feature: 'SecurityPolicy spec.basicAuth',
      since: '1.6',
      targets: httpTargets,
      limits: ['Users are an htpasswd file with SHA hashes in a Secret.'],
      source: docs('basic authentication'),
      warnings: ['keys-stored-in-kubernetes-secrets'],
      objects: context => [
        policy(
          context,
          'SecurityPolicy',
          { basicAuth: { users: { name: 'my-users' } } },
          [
            todo(
              ['spec', 'basicAuth', 'users', 'name'],
              'the Secret whose key .htpasswd has the users: htpasswd -s.',
            ),
          ],
        ),
      ],
    },
  },
  {
    id: 'api-key',
    topic: 'authentication',
    label: 'Check API keys that are known beforehand',
    purpose: 'authentication',
    implies: { guards: true, secret: true },
    native: {
      title: 'SecurityPolicy with apiKeyAuth',
      feature: 'SecurityPolicy spec.apiKeyAuth',
      since: '1.6',
      targets: httpTargets,
      limits: [
        'Keys are those of the Secrets that the policy names; nobody is asked at run time.',
      ],
      source: docs('API key authentication'),
      warnings: ['keys-stored-in-kubernetes-secrets'],
      unless: ({ externalCalls }) =>
        externalCalls
          ? 'You ask another service about the key; apiKeyAuth knows only keys in Secrets. External authorization asks.'
          : undefined,
      objects: context => [
        policy(
          context,
          'SecurityPolicy',
          {
            apiKeyAuth: {
              credentialRefs: [{ name: 'my-api-keys' }],
              extractFrom: [{ headers: ['x-api-key'] }],
              forwardClientIDHeader: 'x-client-id',
              sanitize: true,
            },
          },
          [
            todo(
              ['spec', 'apiKeyAuth', 'credentialRefs', 0, 'name'],
              'the Secret; each key of it is a client id, its value the API key.',
            ),
            note(
              ['spec', 'apiKeyAuth', 'sanitize'],
              'The upstream does not get the API key.',
            ),
          ],
        ),
      ],
    },
    hybrid: {
      text: 'Keys that are known beforehand stay with a SecurityPolicy; only what has to be looked up needs a service, and external authorization asks it without an extension.',
      feature: 'SecurityPolicy spec.apiKeyAuth or spec.extAuth',
    },
  },
  {
    id: 'client-certificate',
    topic: 'authentication',
    label: 'Identify clients by certificate (mutual TLS), and use the subject',
    purpose: 'other',
    implies: { guards: true, trusted: true },
    native: {
      title: 'ClientTrafficPolicy with client certificates',
      feature:
        'ClientTrafficPolicy spec.tls.clientValidation and spec.headers.xForwardedClientCert; SecurityPolicy spec.authorization.rules[].cel',
      since: '1.6',
      targets: httpTargets,
      limits: [
        'It counts for a whole HTTPS listener.',
        'Rules on the forwarded subject are CEL expressions, since Envoy Gateway 1.9; before, only the upstream can read it.',
      ],
      source: docs('mutual TLS: external clients to the gateway'),
      objects: context => [
        policy(
          context,
          'ClientTrafficPolicy',
          {
            tls: {
              clientValidation: {
                caCertificateRefs: [{ name: 'my-client-ca' }],
              },
            },
            headers: {
              xForwardedClientCert: {
                mode: 'SanitizeSet',
                certDetailsToAdd: ['Subject', 'DNS', 'URI'],
              },
            },
          },
          [
            todo(
              [
                'spec',
                'tls',
                'clientValidation',
                'caCertificateRefs',
                0,
                'name',
              ],
              'the Secret or ConfigMap whose key ca.crt has the authority of the clients.',
            ),
            note(
              ['spec', 'headers', 'xForwardedClientCert', 'mode'],
              'SanitizeSet replaces what a client sends under this name.',
            ),
          ],
        ),
      ],
    },
  },
  {
    id: 'introspect-token',
    topic: 'authentication',
    label: 'Validate opaque tokens by asking the issuer (introspection)',
    purpose: 'authentication',
    settings: { method: { kind: 'introspection' } },
    implies: { phases: ['requestHeaders'], calls: true, guards: true },
    native: {
      title: 'SecurityPolicy with extAuth',
      feature: 'SecurityPolicy spec.extAuth.http or spec.extAuth.grpc',
      since: '1.6',
      targets: httpTargets,
      limits: [
        'The service that speaks to the issuer is yours; Envoy has no introspection of its own.',
      ],
      source: docs('external authorization'),
      warnings: ['cache-introspection-results'],
      hop: true,
      unless: onlyRequests,
      objects: context => [extAuth(context)],
    },
    warnings: ['cache-introspection-results'],
  },
  {
    id: 'verify-signature',
    topic: 'authentication',
    label:
      'Verify a keyed hash or signature of a request (webhook, signed cookie or URL)',
    purpose: 'authentication',
    settings: { method: { kind: 'hmac' } },
    implies: {
      phases: ['requestHeaders'],
      crypto: true,
      secret: true,
      guards: true,
    },
    noNative: 'Envoy Gateway verifies JWTs; it verifies no other signatures.',
  },
  {
    id: 'exchange-token',
    topic: 'authentication',
    label: 'Exchange the client’s token for another one',
    purpose: 'other',
    implies: {
      phases: ['requestHeaders'],
      calls: true,
      secret: true,
      guards: true,
    },
    native: {
      title: 'SecurityPolicy with extAuth',
      feature: 'SecurityPolicy spec.extAuth.http.headersToBackend',
      since: '1.6',
      targets: httpTargets,
      limits: ['The service that exchanges tokens is yours.'],
      source: docs('external authorization'),
      hop: true,
      unless: onlyRequests,
      objects: context => [extAuth(context)],
    },
  },
  {
    id: 'external-authorization',
    topic: 'authorization',
    label:
      'Let another service allow or deny (policy engine, key or session service)',
    purpose: 'other',
    implies: { phases: ['requestHeaders'], calls: true, guards: true },
    native: {
      title: 'SecurityPolicy with extAuth',
      feature: 'SecurityPolicy spec.extAuth.http or spec.extAuth.grpc',
      since: '1.6',
      targets: httpTargets,
      limits: [
        'The service sees requests, their bodies up to bodyToExtAuth.maxRequestBytes, and no responses.',
        'It can allow, deny and change request headers; it cannot change a body.',
      ],
      source: docs('external authorization'),
      hop: true,
      unless: onlyRequests,
      objects: context => [extAuth(context)],
    },
    hybrid: {
      text: 'Whether a request may pass can stay with a SecurityPolicy and extAuth; the extension is left with what that cannot do: bodies and responses.',
      feature: 'SecurityPolicy spec.extAuth',
    },
  },
  {
    id: 'authorize-by-claim',
    topic: 'authorization',
    label: 'Allow by claims or scopes of a JWT',
    purpose: 'authorization',
    implies: { guards: true },
    native: {
      title: 'SecurityPolicy with jwt and authorization',
      feature:
        'SecurityPolicy spec.authorization.rules[].principal.jwt.{claims,scopes}',
      since: '1.6',
      targets: httpTargets,
      limits: ['A claim is compared with listed values.'],
      source: docs('JWT claim-based authorization'),
      objects: context => [
        jwtPolicy(
          context,
          {},
          {
            authorization: {
              defaultAction: 'Deny',
              rules: [
                {
                  name: 'allowed',
                  action: 'Allow',
                  principal: {
                    jwt: {
                      provider: 'issuer',
                      claims: [
                        {
                          name: 'roles',
                          valueType: 'StringArray',
                          values: ['admin'],
                        },
                      ],
                    },
                  },
                },
              ],
            },
          },
        ),
      ],
    },
  },
  {
    id: 'allow-by-address',
    topic: 'authorization',
    label: 'Allow or deny by the client’s address',
    purpose: 'other',
    implies: clientAddress,
    native: {
      title: 'SecurityPolicy with authorization by address',
      feature:
        'SecurityPolicy spec.authorization.rules[].principal.clientCIDRs',
      since: '1.6',
      targets: [...httpTargets, 'TCPRoute'],
      limits: [
        'On a TCPRoute, the address is that of the connection; rules can use nothing else there.',
      ],
      source: docs('IP allowlist and denylist'),
      objects: context => [
        authorization(context, { clientCIDRs: ['10.0.0.0/8'] }),
      ],
    },
  },
  {
    id: 'allow-by-country',
    topic: 'authorization',
    label: 'Allow or deny by country, network or anonymity of the client',
    purpose: 'other',
    implies: clientAddress,
    native: {
      title: 'SecurityPolicy with authorization by location',
      feature:
        'SecurityPolicy spec.authorization.rules[].principal.clientIPGeoLocations; EnvoyProxy spec.geoIP',
      since: '1.8',
      targets: httpTargets,
      limits: [
        'The databases are files of MaxMind’s format that you mount into the proxies.',
      ],
      source: 'Envoy Gateway 1.8 release notes: clientIPGeoLocations',
      warnings: [
        'geoip-provider-first',
        'geoip-native-only-for-authorization',
        'requires-eg-1.8',
      ],
      objects: context => [
        authorization(context, { clientIPGeoLocations: [{ country: 'DE' }] }),
        policy(
          context,
          'ClientTrafficPolicy',
          { clientIPDetection: { xForwardedFor: { numTrustedHops: 1 } } },
          [
            note(
              ['spec', 'clientIPDetection'],
              'TODO: how many proxies are before the gateway. Without this, Envoy Gateway refuses rules by location.',
            ),
          ],
        ),
        envoyProxy(
          context,
          {
            geoIP: {
              provider: {
                type: 'MaxMind',
                maxMind: {
                  countryDbSource: {
                    local: { path: '/etc/geoip/GeoLite2-Country.mmdb' },
                  },
                },
              },
            },
          },
          [
            todo(
              [
                'spec',
                'geoIP',
                'provider',
                'maxMind',
                'countryDbSource',
                'local',
                'path',
              ],
              'where the database is mounted in the proxies.',
            ),
          ],
        ),
      ],
    },
  },
  {
    id: 'allow-by-request',
    topic: 'authorization',
    label: 'Allow or deny by method, path or header',
    purpose: 'authorization',
    implies: { guards: true },
    native: {
      title: 'SecurityPolicy with authorization by request',
      feature:
        'SecurityPolicy spec.authorization.rules[].{operation,principal.headers}',
      since: '1.6',
      targets: httpTargets,
      limits: [
        'Headers are compared with listed values; paths can be matched since Envoy Gateway 1.9.',
      ],
      source: docs('HTTP header and method based authorization'),
      objects: context => [
        authorization(
          context,
          { headers: [{ name: 'x-role', values: ['reader'] }] },
          { operation: { methods: ['GET'] } },
        ),
      ],
    },
  },
  {
    id: 'authorize-by-expression',
    topic: 'authorization',
    label: 'Allow or deny by an expression over the request',
    purpose: 'other',
    implies: { guards: true },
    native: {
      title: 'SecurityPolicy with authorization by CEL',
      feature: 'SecurityPolicy spec.authorization.rules[].cel',
      since: '1.9',
      targets: httpTargets,
      limits: ['Expressions see attributes and headers, no bodies.'],
      source: 'Envoy Gateway 1.9 release notes: CEL in authorization rules',
      warnings: ['requires-eg-1.9'],
      objects: context => [
        policy(
          context,
          'SecurityPolicy',
          {
            authorization: {
              defaultAction: 'Deny',
              rules: [
                {
                  name: 'allowed',
                  action: 'Allow',
                  cel: "request.headers['x-role'] == 'reader'",
                },
              ],
            },
          },
          [
            note(
              ['spec', 'authorization', 'rules', 0, 'cel'],
              'An example: put your own expression here.',
            ),
          ],
        ),
      ],
    },
  },
  {
    id: 'cors',
    topic: 'authorization',
    label: 'Answer cross-origin requests of browsers (CORS)',
    purpose: 'header-transform',
    implies: {},
    native: {
      title: 'SecurityPolicy with cors',
      feature: 'SecurityPolicy spec.cors',
      since: '1.6',
      targets: httpTargets,
      limits: ['Origins are listed, with * in place of one part of a name.'],
      source: docs('CORS'),
      objects: context => [
        policy(
          context,
          'SecurityPolicy',
          {
            cors: {
              allowOrigins: ['https://www.example.com'],
              allowMethods: ['GET', 'POST'],
              allowHeaders: ['content-type', 'authorization'],
            },
          },
          [note(['spec', 'cors', 'allowOrigins'], 'TODO: who may ask.')],
        ),
      ],
    },
  },
  {
    id: 'csrf',
    topic: 'authorization',
    label: 'Refuse forged cross-site requests (CSRF)',
    purpose: 'other',
    implies: { guards: true },
    native: {
      title: 'SecurityPolicy with csrf',
      feature: 'SecurityPolicy spec.csrf',
      since: '1.9',
      targets: httpTargets,
      limits: ['It compares the origin of requests that change something.'],
      source: 'Envoy Gateway 1.9 release notes: csrf',
      warnings: ['requires-eg-1.9'],
      objects: context => [
        policy(
          context,
          'SecurityPolicy',
          {
            csrf: { additionalOrigins: ['https://www.example.com'] },
          },
          [
            note(
              ['spec', 'csrf', 'additionalOrigins'],
              'TODO: origins that are allowed besides the target’s own; remove it where there are none.',
            ),
          ],
        ),
      ],
    },
  },
  {
    id: 'authorize-responses',
    topic: 'authorization',
    label: 'Check responses and perhaps withhold them',
    purpose: 'other',
    implies: { phases: ['requestHeaders', 'responseHeaders'], guards: true },
    noNative: 'External authorization runs on requests only.',
    hybrid: {
      text: 'What can be decided from the request stays with a SecurityPolicy and extAuth; the extension looks at responses only.',
      feature: 'SecurityPolicy spec.extAuth',
    },
    warnings: ['ext-auth-cannot-see-responses'],
  },
  {
    id: 'route-by-claim',
    topic: 'routing',
    label: 'Choose the upstream by a claim of a verified token',
    purpose: 'other',
    implies: {},
    native: {
      title: 'SecurityPolicy with claimToHeaders and recomputeRoute',
      feature:
        'SecurityPolicy spec.jwt.providers[].{claimToHeaders,recomputeRoute}; HTTPRoute spec.rules[].matches[].headers',
      since: '1.6',
      targets: httpTargets,
      limits: [
        'A rule matches one value of the claim, or a pattern.',
        'The rule that matches before the token is verified needs the policy too.',
      ],
      source: docs('JWT claim-based routing'),
      warnings: ['array-claims-arrive-base64-json'],
      objects: context => [
        jwtPolicy(context, {
          recomputeRoute: true,
          claimToHeaders: [{ claim: 'tenant', header: 'x-tenant' }],
        }),
        route(context, [
          {
            matches: [{ headers: [{ name: 'x-tenant', value: 'large' }] }],
          },
          {},
        ]),
      ],
    },
  },
  {
    id: 'route-by-request',
    topic: 'routing',
    label: 'Choose the upstream by header, query, method, cookie or weight',
    purpose: 'other',
    implies: {},
    native: {
      title: 'matches and weights of the route',
      feature:
        'HTTPRoute spec.rules[].{matches,backendRefs[].weight}; HTTPRouteFilter spec.matches[].cookies since 1.7',
      since: '1.6',
      targets: httpTargets,
      limits: [
        'What a rule matches is known beforehand; nothing is looked up.',
      ],
      source: 'Gateway API: HTTPRoute and GRPCRoute matches',
      objects: context => [
        route(context, [
          { matches: [{ headers: [{ name: 'x-version', value: 'next' }] }] },
          {},
        ]),
      ],
    },
  },
  {
    id: 'rewrite-path',
    topic: 'routing',
    label: 'Rewrite the path by prefix or pattern',
    purpose: 'other',
    implies: { pseudoHeaders: true },
    native: {
      title: 'HTTPRouteFilter with urlRewrite',
      feature:
        'HTTPRoute spec.rules[].filters[URLRewrite]; HTTPRouteFilter spec.urlRewrite.path.replaceRegexMatch',
      since: '1.6',
      targets: ['HTTPRoute', 'Gateway', 'ListenerSet'],
      limits: [
        'The new path follows from the old one, by prefix or regular expression; nothing is looked up.',
      ],
      source: docs('HTTP URL rewrite'),
      objects: context =>
        routeFilter(
          context,
          {
            urlRewrite: {
              path: {
                type: 'ReplaceRegexMatch',
                replaceRegexMatch: {
                  pattern: '^/service/([^/]+)(/.*)$',
                  substitution: '\\2/instance/\\1',
                },
              },
            },
          },
          [
            note(
              ['spec', 'urlRewrite', 'path'],
              'An example. For a prefix, the filter URLRewrite of the HTTPRoute does.',
            ),
          ],
        ),
    },
  },
  {
    id: 'rewrite-path-otherwise',
    topic: 'routing',
    label:
      'Rewrite the path by a header, a claim, a lookup or rules of one’s own',
    purpose: 'other',
    implies: { phases: ['requestHeaders'], routes: true, script: true },
    noNative:
      'URLRewrite and HTTPRouteFilter make the new path from the old one only.',
  },
  {
    id: 'rewrite-host',
    topic: 'routing',
    label: 'Change the host that the upstream sees',
    purpose: 'other',
    implies: { pseudoHeaders: true },
    native: {
      title: 'URLRewrite or HTTPRouteFilter with a host',
      feature:
        'HTTPRoute spec.rules[].filters[URLRewrite].hostname; HTTPRouteFilter spec.urlRewrite.hostname',
      since: '1.6',
      targets: ['HTTPRoute', 'Gateway', 'ListenerSet'],
      limits: [
        'The host is fixed, or that of the backend, or comes from a header; from the path since Envoy Gateway 1.9.',
      ],
      source: docs('HTTP URL rewrite'),
      warnings: ['cannot-mutate-host'],
      objects: context =>
        routeFilter(
          context,
          { urlRewrite: { hostname: { type: 'Header', header: 'x-host' } } },
          [
            note(
              ['spec', 'urlRewrite', 'hostname'],
              'From a header, or type Backend. A fixed host is the filter URLRewrite of the HTTPRoute.',
            ),
          ],
        ),
    },
    warnings: ['cannot-mutate-host'],
  },
  {
    id: 'redirect',
    topic: 'routing',
    label: 'Redirect to a fixed scheme, host or path (https, www)',
    purpose: 'other',
    implies: { pseudoHeaders: true },
    native: {
      title: 'RequestRedirect',
      feature: 'HTTPRoute spec.rules[].filters[RequestRedirect]',
      since: '1.6',
      targets: ['HTTPRoute', 'Gateway', 'ListenerSet'],
      limits: [
        'The new place is written in the rule: one rule for each host that leads elsewhere.',
      ],
      source: docs('HTTP redirects'),
      objects: context => [
        route(
          context,
          [
            {
              filters: [
                {
                  type: 'RequestRedirect',
                  requestRedirect: { scheme: 'https', statusCode: 301 },
                },
              ],
              answers: true,
            },
          ],
          [
            note(
              ['spec', 'rules', 0, 'filters'],
              'For a redirect to https, attach this route to the HTTP listener only (sectionName).',
            ),
          ],
        ),
      ],
    },
  },
  {
    id: 'compute-redirect',
    topic: 'routing',
    label:
      'Redirect to a place that is computed (from the host, a header, a lookup)',
    purpose: 'other',
    implies: { phases: ['requestHeaders'], script: true },
    noNative: 'RequestRedirect leads to the host and path that its rule names.',
    hybrid: {
      text: 'Where the hosts are known, an HTTPRoute with RequestRedirect for each needs no code, and a generator of manifests can write them.',
      feature: 'HTTPRoute spec.rules[].filters[RequestRedirect]',
    },
  },
];
