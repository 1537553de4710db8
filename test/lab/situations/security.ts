import {
  accepted,
  conflicted,
  deadService,
  fails,
  passes,
  policy,
  refused,
  Situation,
  stale,
  target,
} from './situation';

const security = (name: string, spec: object) =>
  policy(name, spec, 'SecurityPolicy');

/** Refuses every request. */
const denyAll = { authorization: { defaultAction: 'Deny' } };

/** A key set, and a token that was signed with its key, which nobody has any more. */
const jwks =
  '{"keys":[{"kty":"EC","x":"4DuWnAn-a0JbCHCWLkvGzREnPL3_6zp7s9hm8grLleU","y":"HXKAS0dsgYmX3C0qDIj2HgtGwNzE9J4ExZtlTs7DmNg","crv":"P-256","kid":"lab","alg":"ES256","use":"sig"}]}';
const token =
  'eyJhbGciOiJFUzI1NiIsImtpZCI6ImxhYiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlLmNvbSIsInN1YiI6ImxhYiIsImV4cCI6NDEwMjQ0NDgwMH0.ToYM0BLceI-1rxlYQKbWo--NiFu04WhbusvgWOzmp80ywkVArFjFyLWJbRExeBxB1wdHHWMyJXM0Ia_dZUk-4Q';

const jwt = (keys: object) => ({
  jwt: {
    providers: [{ name: 'lab', issuer: 'https://issuer.example.com', ...keys }],
  },
});

const extAuth = (service: string, more: object = {}) => ({
  extAuth: {
    http: { backendRefs: [{ name: service, port: 80 }] },
    ...more,
  },
});

/** A request that is refused, by a policy that should do so. */
const denied = {
  answer: { status: 403, processed: true },
  works: ({ status }: Response) => status === 403,
};
const withToken = { headers: { authorization: `Bearer ${token}` } };

/** What may become of a SecurityPolicy. */
export const securitySituations: Situation[] = [
  {
    name: 'security-accepted',
    objects: [security('security-accepted', denyAll)],
    conditions: accepted,
    ...denied,
  },
  {
    name: 'security-jwt',
    objects: [
      security(
        'security-jwt',
        jwt({ localJWKS: { type: 'Inline', inline: jwks } }),
      ),
    ],
    conditions: accepted,
    // A valid token passes, so the policy lets through what it should.
    ...withToken,
    answer: { status: 200, processed: true },
    works: ({ status }) => status === 200,
  },
  {
    name: 'security-jwks-unreachable',
    objects: [
      security(
        'security-jwks-unreachable',
        jwt({ remoteJWKS: { uri: 'http://10.99.0.4:9/jwks' } }),
      ),
    ],
    conditions: accepted,
    ...withToken,
    answer: { status: 401, processed: false },
    works: ({ status }) => status === 200,
  },
  {
    name: 'security-jwks-missing',
    objects: [
      security(
        'security-jwks-missing',
        jwt({
          localJWKS: {
            type: 'ValueRef',
            valueRef: { group: '', kind: 'ConfigMap', name: 'nope' },
          },
        }),
      ),
    ],
    conditions: refused,
    answer: fails,
  },
  {
    name: 'security-secret-missing',
    objects: [
      security('security-secret-missing', {
        apiKeyAuth: {
          credentialRefs: [{ name: 'nope' }],
          extractFrom: [{ headers: ['x-api-key'] }],
        },
      }),
    ],
    conditions: refused,
    answer: fails,
  },
  {
    name: 'security-authorizer-missing',
    objects: [security('security-authorizer-missing', extAuth('nosvc'))],
    conditions: refused,
    answer: fails,
  },
  {
    name: 'security-authorizer-missing-fail-open',
    objects: [
      security(
        'security-authorizer-missing-fail-open',
        extAuth('nosvc', { failOpen: true }),
      ),
    ],
    conditions: refused,
    answer: passes,
  },
  {
    name: 'security-authorizer-down',
    objects: [
      ...deadService('authorizer'),
      security('security-authorizer-down', extAuth('authorizer')),
    ],
    conditions: accepted,
    answer: { status: 403, processed: false },
  },
  {
    name: 'security-location-unknown',
    objects: [
      security('security-location-unknown', {
        authorization: {
          defaultAction: 'Deny',
          rules: [
            {
              action: 'Allow',
              principal: { clientIPGeoLocations: [{ country: 'NO' }] },
            },
          ],
        },
      }),
    ],
    conditions: refused,
    // Envoy Gateway answers the route with 500, but the rules run before and deny.
    answer: { status: 403, processed: false },
  },
  {
    // Envoy Gateway takes the expression, Envoy refuses the configuration with it and keeps the one before.
    name: 'security-expression-rejected',
    objects: [
      security('security-expression-rejected', {
        authorization: {
          defaultAction: 'Deny',
          rules: [
            { action: 'Allow', cel: "request.path.split('/')[1] == 'shop'" },
          ],
        },
      }),
    ],
    conditions: accepted,
    answer: passes,
  },
  {
    name: 'security-conflicted',
    objects: [
      security('another-security', denyAll),
      security('security-conflicted', denyAll),
    ],
    conditions: conflicted,
    ...denied,
  },
  {
    name: 'security-overridden',
    objects: [
      security('security-overridden', {
        ...denyAll,
        targetRefs: [target('Gateway', 'eg')],
      }),
      security('security-overriding', { cors: { allowOrigins: ['*'] } }),
    ],
    conditions: [...accepted, 'Overridden=True Overridden'],
    answer: passes,
  },
  {
    name: 'security-target-missing',
    objects: [
      security('security-target-missing', {
        ...denyAll,
        targetRefs: [target('HTTPRoute', 'no-route')],
      }),
    ],
    conditions: [],
    answer: passes,
  },
  {
    name: 'security-stale',
    ...stale(security('security-stale', denyAll), [
      security('security-stale', {
        authorization: { defaultAction: 'Allow' },
      }),
      security('security-stale', { cors: { allowOrigins: ['*'] } }),
    ]),
    conditions: accepted,
    ...denied,
  },
];
