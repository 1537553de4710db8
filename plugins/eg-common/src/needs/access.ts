import { z } from 'zod';
import type { Answers } from '../intake';
import { lineOfText, objectName, wholeNumber } from '../intake/fields';
import { clientIPDetection, jwtPolicy } from './headers';
import { note, or, todo } from './marks';
import {
  envoyProxy,
  httpTargets,
  policy,
  redirectRoute,
  route,
  routeFilter,
} from './objects';
import {
  celExpression,
  claimName,
  header,
  issuerSettings,
  service,
  some,
  text,
  url,
  value,
} from './settings';
import { NativeContext, Need, withSettings } from './types';

/** An address or a network of them. */
const network = lineOfText(50).refine(
  given => z.union([z.cidrv4(), z.cidrv6()]).safeParse(given).success,
  { error: 'use a network, for example 10.0.0.0/8 or 2001:db8::/64' },
);

const country = lineOfText(2).regex(
  /^[A-Z]{2}$/,
  'use the two letters of ISO 3166-1, for example DE',
);

const origin = text(253).regex(
  /^(\*|https?:\/\/(\*|(\*\.)?[\w-]+(\.[\w-]+)*)(:[0-9]{1,5})?)$/,
  'use an origin, for example https://www.example.com or https://*.example.com',
);

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

const extAuth = withSettings(
  z.strictObject({
    service: service.optional(),
    protocol: z
      .enum(['http', 'grpc'], { error: 'choose one of http, grpc' })
      .default('http'),
    /** Before the path of the request, of a service that speaks HTTP. */
    path: text(1024).regex(/^\//, 'use a path that begins with /').optional(),
    /** Headers of the service's answer that the upstream gets. */
    headersToBackend: some(header, 'names of headers').max(64).optional(),
    /** How much of a body the service gets. */
    maxRequestBytes: wholeNumber(1, 4294967295).optional(),
  }),
  (context, { service: authorizer, protocol, path, ...rest }) => {
    const backendRefs = [
      authorizer ?? {
        name: todo(
          'my-authorizer',
          'the Service that decides, and its port; grpc instead of http for Envoy’s own protocol.',
        ),
        port: 8080,
      },
    ];
    const http = {
      backendRefs,
      path: or(
        path,
        '/authorize',
        'what stands before the path of the request at the service.',
      ),
      headersToBackend: note(
        or(rest.headersToBackend, ['x-user'], 'which ones, if any.'),
        'Headers of the service’s answer that the upstream gets; Envoy replaces what a client sent under these names.',
      ),
    };
    const bodies =
      rest.maxRequestBytes !== undefined ||
      context.processing.includes('requestBody');
    return [
      policy(context, 'SecurityPolicy', {
        extAuth: {
          ...(protocol === 'http' ? { http } : { grpc: { backendRefs } }),
          ...(bodies
            ? {
                bodyToExtAuth: {
                  maxRequestBytes: or(
                    rest.maxRequestBytes,
                    8192,
                    'how much of a body the service gets; a larger one is refused with 413.',
                  ),
                },
              }
            : {}),
          failOpen: note(
            false,
            'true lets every request pass while the service is away.',
          ),
        },
      }),
    ];
  },
);

/** A rule of a SecurityPolicy; rules of one name that several needs bring become one, in which all has to match. */
const authorization = (
  context: NativeContext,
  rules: ({ name: string; action: 'Allow' | 'Deny' } & Record<
    string,
    unknown
  >)[],
) => policy(context, 'SecurityPolicy', { authorization: { rules } });

const allowed = { name: 'allowed', action: 'Allow' } as const;
const deniedBy = (what: string) =>
  ({ name: `denied-by-${what}`, action: 'Deny' } as const);

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
      ...withSettings(z.strictObject(issuerSettings), (context, issuer) => [
        jwtPolicy(context, issuer),
      ]),
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
      ...withSettings(
        z.strictObject({
          issuer: url.optional(),
          clientId: text(253).optional(),
          /** A Secret with the key client-secret. */
          secret: objectName.optional(),
          redirectUrl: url.optional(),
          logoutPath: text(1024)
            .regex(/^\//, 'use a path that begins with /')
            .optional(),
          scopes: some(text(253), 'scopes').optional(),
        }),
        (
          context,
          { issuer, clientId, secret, redirectUrl, logoutPath, scopes },
        ) => [
          policy(context, 'SecurityPolicy', {
            oidc: {
              provider: {
                issuer: or(
                  issuer,
                  'https://issuer.example.com',
                  'the provider; without the two endpoints, Envoy Gateway discovers them.',
                ),
                ...(issuer
                  ? {}
                  : {
                      authorizationEndpoint: todo(
                        'https://issuer.example.com/authorize',
                        'the provider’s, or leave it out.',
                      ),
                      tokenEndpoint: todo(
                        'https://issuer.example.com/token',
                        'the provider’s, or leave it out.',
                      ),
                    }),
              },
              clientID: or(
                clientId,
                'my-client',
                'the client that is registered there.',
              ),
              clientSecret: {
                name: or(
                  secret,
                  'my-oidc-client',
                  'the Secret with the key client-secret.',
                ),
              },
              redirectURL: or(
                redirectUrl,
                'https://www.example.com/oauth2/callback',
                'a path of the target, as registered with the provider.',
              ),
              logoutPath: or(logoutPath, '/logout', 'a path of the target.'),
              ...(scopes ? { scopes } : {}),
            },
          }),
        ],
      ),
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
      ...withSettings(
        z.strictObject({ secret: objectName.optional() }),
        (context, { secret }) => [
          policy(context, 'SecurityPolicy', {
            basicAuth: {
              users: {
                name: or(
                  secret,
                  'my-users',
                  'the Secret whose key .htpasswd has the users: htpasswd -s.',
                ),
              },
            },
          }),
        ],
      ),
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
        'Keys are those of the Secrets that the policy names; no service is asked at run time.',
      ],
      source: docs('API key authentication'),
      warnings: ['keys-stored-in-kubernetes-secrets'],
      unless: ({ externalCalls }) =>
        externalCalls
          ? 'You ask another service about the key; apiKeyAuth knows only keys in Secrets. External authorization asks.'
          : undefined,
      ...withSettings(
        z.strictObject({
          secret: objectName.optional(),
          headers: some(header, 'names of headers').optional(),
          /** The header in which the upstream learns who it was. */
          clientIdHeader: header.optional(),
        }),
        (context, { secret, headers, clientIdHeader }) => [
          policy(context, 'SecurityPolicy', {
            apiKeyAuth: {
              credentialRefs: [
                {
                  name: or(
                    secret,
                    'my-api-keys',
                    'the Secret; each key of it is a client id, its value the API key.',
                  ),
                },
              ],
              extractFrom: [
                {
                  headers: or(
                    headers,
                    ['x-api-key'],
                    'where clients send the key.',
                  ),
                },
              ],
              forwardClientIDHeader: or(
                clientIdHeader,
                'x-client-id',
                'the header in which the upstream learns who it was.',
              ),
              sanitize: note(true, 'The upstream does not get the API key.'),
            },
          }),
        ],
      ),
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
      ...withSettings(
        z.strictObject({
          /** A Secret or ConfigMap whose key ca.crt has the authority of the clients. */
          authority: z
            .strictObject(
              {
                kind: z
                  .enum(['Secret', 'ConfigMap'], {
                    error: 'choose one of Secret, ConfigMap',
                  })
                  .default('Secret'),
                name: objectName,
              },
              { error: 'give kind and name' },
            )
            .optional(),
        }),
        (context, { authority }) => [
          policy(context, 'ClientTrafficPolicy', {
            tls: {
              clientValidation: {
                caCertificateRefs: [
                  authority
                    ? { group: '', ...authority }
                    : {
                        name: todo(
                          'my-client-ca',
                          'the Secret or ConfigMap whose key ca.crt has the authority of the clients.',
                        ),
                      },
                ],
              },
            },
            headers: {
              xForwardedClientCert: {
                mode: note(
                  'SanitizeSet',
                  'SanitizeSet replaces what a client sends under this name.',
                ),
                certDetailsToAdd: ['Subject', 'DNS', 'URI'],
              },
            },
          }),
        ],
      ),
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
      ...extAuth,
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
      ...extAuth,
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
        'It can allow, deny and change request headers; it does not change bodies.',
      ],
      source: docs('external authorization'),
      hop: true,
      unless: onlyRequests,
      ...extAuth,
    },
    hybrid: {
      text: 'Whether a request may pass can stay with a SecurityPolicy and extAuth; the extension is left with the rest: bodies and responses.',
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
      ...withSettings(
        z.strictObject({
          ...issuerSettings,
          claims: some(
            z.strictObject({
              name: claimName,
              valueType: z
                .enum(['String', 'StringArray'], {
                  error: 'choose one of String, StringArray',
                })
                .default('String'),
              values: some(text(253), 'values').max(128),
            }),
            'claims with name and values',
          )
            .max(16)
            .optional(),
          scopes: some(text(253), 'scopes').max(16).optional(),
        }),
        (context, { claims, scopes, ...issuer }) => [
          jwtPolicy(
            context,
            issuer,
            {},
            {
              authorization: {
                rules: [
                  {
                    ...allowed,
                    principal: {
                      jwt: {
                        provider: 'issuer',
                        ...(claims || scopes
                          ? { ...(claims ? { claims } : {}) }
                          : {
                              claims: todo(
                                [
                                  {
                                    name: 'roles',
                                    valueType: 'StringArray',
                                    values: ['admin'],
                                  },
                                ],
                                'claims and their values, or scopes.',
                              ),
                            }),
                        ...(scopes ? { scopes } : {}),
                      },
                    },
                  },
                ],
              },
            },
          ),
        ],
      ),
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
        'On a TCPRoute, the address is that of the connection; rules have only the address there.',
      ],
      source: docs('IP allowlist and denylist'),
      ...withSettings(
        z.strictObject({
          allow: some(network, 'networks').max(64).optional(),
          deny: some(network, 'networks').max(64).optional(),
        }),
        (context, { allow, deny }) => [
          authorization(context, [
            ...(deny
              ? [{ ...deniedBy('address'), principal: { clientCIDRs: deny } }]
              : []),
            ...(allow || !deny
              ? [
                  {
                    ...allowed,
                    principal: {
                      clientCIDRs: or(allow, ['10.0.0.0/8'], 'who may pass.'),
                    },
                  },
                ]
              : []),
          ]),
        ],
      ),
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
      ...withSettings(
        z.strictObject({
          allow: some(country, 'countries').max(64).optional(),
          deny: some(country, 'countries').max(64).optional(),
          trustedHops: wholeNumber(1, 100).optional(),
          /** Where the database of countries is mounted in the proxies. */
          database: text(256)
            .regex(/^\/.*\.mmdb$/, 'use an absolute path that ends in .mmdb')
            .optional(),
        }),
        (context, { allow, deny, trustedHops, database }) => {
          const countries = (list: string[]) => ({
            clientIPGeoLocations: list.map(code => ({ country: code })),
          });
          return [
            authorization(context, [
              ...(deny
                ? [{ ...deniedBy('country'), principal: countries(deny) }]
                : []),
              ...(allow ? [{ ...allowed, principal: countries(allow) }] : []),
              ...(allow || deny
                ? []
                : [
                    {
                      ...allowed,
                      principal: {
                        clientIPGeoLocations: todo(
                          [{ country: 'DE' }],
                          'who may pass.',
                        ),
                      },
                    },
                  ]),
            ]),
            policy(context, 'ClientTrafficPolicy', {
              clientIPDetection: note(
                clientIPDetection(trustedHops).clientIPDetection,
                'Without this, Envoy Gateway refuses rules by location.',
              ),
            }),
            envoyProxy(context, {
              geoIP: {
                provider: {
                  type: 'MaxMind',
                  maxMind: {
                    countryDbSource: {
                      local: {
                        path: or(
                          database,
                          '/etc/geoip/GeoLite2-Country.mmdb',
                          'where the database is mounted in the proxies.',
                        ),
                      },
                    },
                  },
                },
              },
            }),
          ];
        },
      ),
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
      ...withSettings(
        z.strictObject({
          methods: some(
            z.enum(
              ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
              {
                error:
                  'choose from GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS',
              },
            ),
            'methods',
          ).optional(),
          headers: some(
            z.strictObject({
              name: header,
              values: some(value, 'values').max(256),
            }),
            'headers with name and values',
          )
            .max(256)
            .optional(),
        }),
        (context, { methods, headers }) => {
          const said = {
            ...(methods ? { operation: { methods } } : {}),
            // A rule needs a principal before Envoy Gateway 1.9: everybody, where only the method counts.
            principal: headers
              ? { headers }
              : { clientCIDRs: ['0.0.0.0/0', '::/0'] },
          };
          const example = {
            operation: { methods: todo(['GET'], 'which methods.') },
            principal: {
              headers: todo(
                [{ name: 'x-role', values: ['reader'] }],
                'which headers with which values; a header that the client sends proves nothing.',
              ),
            },
          };
          return [
            authorization(context, [
              { ...allowed, ...(methods || headers ? said : example) },
            ]),
          ];
        },
      ),
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
      ...withSettings(
        z.strictObject({
          expression: celExpression('authorization').optional(),
        }),
        (context, { expression }) => [
          authorization(context, [
            {
              ...allowed,
              cel: or(
                expression,
                "request.headers['x-role'] == 'reader'",
                'your own expression.',
              ),
            },
          ]),
        ],
      ),
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
      ...withSettings(
        z.strictObject({
          origins: some(origin, 'origins').optional(),
          methods: some(
            text(20).regex(/^([A-Z]+|\*)$/, 'use a method, for example GET'),
            'methods',
          ).optional(),
          headers: some(header, 'names of headers').optional(),
          credentials: z.boolean({ error: 'use true or false' }).optional(),
        }),
        (context, { origins, methods, headers, credentials }) => [
          policy(context, 'SecurityPolicy', {
            cors: {
              allowOrigins: or(
                origins,
                ['https://www.example.com'],
                'who may ask.',
              ),
              allowMethods: or(methods, ['GET', 'POST'], 'with which methods.'),
              allowHeaders: or(
                headers,
                ['content-type', 'authorization'],
                'with which headers.',
              ),
              ...(credentials === undefined
                ? {}
                : { allowCredentials: credentials }),
            },
          }),
        ],
      ),
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
      ...withSettings(
        z.strictObject({
          /** Besides the target's own. */
          origins: some(origin, 'origins').optional(),
        }),
        (context, { origins }) => [
          policy(context, 'SecurityPolicy', {
            csrf: {
              additionalOrigins: or(
                origins,
                ['https://www.example.com'],
                'origins that are allowed besides the target’s own; remove it where there are none.',
              ),
            },
          }),
        ],
      ),
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
      ...withSettings(
        z.strictObject({
          ...issuerSettings,
          claim: claimName.optional(),
          header: header.optional(),
          /** The values of the claim that lead elsewhere, each by a rule of its own. */
          values: some(value, 'values').max(14).optional(),
        }),
        (context, { claim, header: name, values, ...issuer }) => [
          jwtPolicy(context, issuer, {
            recomputeRoute: true,
            claimToHeaders: [
              {
                claim: or(claim, 'tenant', 'the claim to route by.'),
                header: or(name, 'x-tenant', 'the header that routes match.'),
              },
            ],
          }),
          route(context, [
            ...(values ?? [undefined]).map(one => ({
              matches: [
                {
                  headers: [
                    {
                      name: or(name, 'x-tenant', 'as in the SecurityPolicy.'),
                      value: or(
                        one,
                        'large',
                        'the value that leads elsewhere.',
                      ),
                    },
                  ],
                },
              ],
            })),
            {},
          ]),
        ],
      ),
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
        'What a rule matches is known beforehand; there are no look-ups.',
      ],
      source: 'Gateway API: HTTPRoute and GRPCRoute matches',
      ...withSettings(
        z.strictObject({
          header: z
            .strictObject(
              { name: header, value },
              { error: 'give name and value' },
            )
            .optional(),
        }),
        (context, { header: given }) => [
          route(context, [
            {
              matches: [
                {
                  headers: [
                    given ?? {
                      name: todo('x-version', 'what the rule looks at.'),
                      value: todo('next', 'what it has to be.'),
                    },
                  ],
                },
              ],
            },
            {},
          ]),
        ],
      ),
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
        'The new path follows from the old one, by prefix or regular expression; there are no look-ups.',
      ],
      source: docs('HTTP URL rewrite'),
      ...withSettings(
        z.strictObject({
          pattern: text(1024).optional(),
          substitution: text(1024).optional(),
        }),
        (context, { pattern, substitution }) =>
          routeFilter(context, {
            urlRewrite: {
              path: note(
                {
                  type: 'ReplaceRegexMatch',
                  replaceRegexMatch: {
                    pattern: or(
                      pattern,
                      '^/service/([^/]+)(/.*)$',
                      'what of the path is replaced (RE2).',
                    ),
                    substitution: or(
                      substitution,
                      '\\2/instance/\\1',
                      'by what; \\1 is the first group.',
                    ),
                  },
                },
                'For a prefix, the filter URLRewrite of the HTTPRoute does.',
              ),
            },
          }),
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
      ...withSettings(
        z.strictObject({
          /** The request header that has the host; `backend`: the host of the backend. */
          from: header.or(z.literal('backend')).optional(),
        }),
        (context, { from }) =>
          routeFilter(context, {
            urlRewrite: {
              hostname: note(
                from === 'backend'
                  ? { type: 'Backend' }
                  : {
                      type: 'Header',
                      header: or(
                        from,
                        'x-host',
                        'the header that has the host, or type Backend.',
                      ),
                    },
                'A fixed host is the filter URLRewrite of the HTTPRoute.',
              ),
            },
          }),
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
      ...withSettings(
        z.strictObject({
          scheme: z
            .enum(['http', 'https'], { error: 'choose one of http, https' })
            .optional(),
          hostname: objectName.optional(),
          statusCode: z
            .union([z.literal(301), z.literal(302)], {
              error: 'choose one of 301, 302',
            })
            .optional(),
        }),
        (context, { scheme, hostname, statusCode }) => [
          redirectRoute(context, {
            filters: [
              {
                type: 'RequestRedirect',
                requestRedirect: {
                  ...(scheme || !hostname
                    ? {
                        scheme: or(
                          scheme,
                          'https',
                          'scheme, hostname or path.',
                        ),
                      }
                    : {}),
                  ...(hostname ? { hostname } : {}),
                  statusCode: or(
                    statusCode,
                    301,
                    '301 is remembered by browsers; 302 is not.',
                  ),
                },
              },
            ],
          }),
        ],
      ),
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
