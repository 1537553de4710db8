import * as fc from 'fast-check';
import {
  adviceMarkdown,
  AnswersInput,
  exclusive,
  InvalidAnswersError,
  isBefore,
  lintNative,
  needOf,
  needs,
  parseAnswers,
  plan,
  recommend,
  releases,
  renderFiles,
} from 'backstage-plugin-eg-common';
import { parse } from 'yaml';
import { completed } from '../src/answers';

// A wish of several needs: each of them counts, and which was named first makes no difference.

const ids = needs.map(({ id }) => id).filter(id => id !== 'unspecified');

const base = {
  name: 'my-policy',
  owner: 'group:default/platform',
} satisfies Partial<AnswersInput>;

/** Up to four needs of the table, their target and release. */
const wishes = fc
  .record({
    list: fc.uniqueArray(fc.constantFrom(...ids), {
      minLength: 1,
      maxLength: 4,
    }),
    kind: fc.constantFrom('HTTPRoute', 'GRPCRoute', 'Gateway'),
    gatewayVersion: fc.constantFrom(...releases.map(r => r.version)),
  })
  .filter(({ list }) => exclusive(list.map(needOf)).length === 0);

type Wish = typeof wishes extends fc.Arbitrary<infer T> ? T : never;

const answersFor = (
  { kind, gatewayVersion }: Wish,
  [need, ...furtherNeeds]: string[],
  more: Partial<AnswersInput> = {},
) =>
  completed({
    ...base,
    need,
    furtherNeeds,
    gatewayVersion,
    target: { kind },
    ...more,
  } as unknown as AnswersInput);

/** Every order of a list. */
function orders<T>(list: readonly T[]): T[][] {
  return list.length < 2
    ? [[...list]]
    : list.flatMap((first, i) =>
        orders(list.filter((_, j) => j !== i)).map(rest => [first, ...rest]),
      );
}

/** Field paths of an object, elements of lists without their place. */
function paths(value: unknown, at = ''): string[] {
  if (typeof value !== 'object' || value === null) {
    return [at];
  }
  return Array.isArray(value)
    ? value.flatMap(v => paths(v, `${at}[]`))
    : Object.entries(value).flatMap(([k, v]) => paths(v, `${at}.${k}`));
}

const fieldsOf = (objects: { path: string; object: { kind: string } }[]) =>
  new Set(
    objects.flatMap(({ object }) =>
      paths(object).map(path => `${object.kind}${path}`),
    ),
  );

describe('a wish of several needs', () => {
  it('has one plan, in whatever order they are named', () => {
    fc.assert(
      fc.property(wishes, wish => {
        const [first, ...others] = orders(wish.list).map(list =>
          plan(answersFor(wish, list)),
        );
        for (const other of others) {
          expect(other).toEqual(first);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('says of each need that it is configured, part of the extension, or left', () => {
    fc.assert(
      fc.property(wishes, wish => {
        const answers = answersFor(wish, wish.list);
        const planned = plan(answers);
        const advice = recommend(answers);
        const text = adviceMarkdown(advice);
        const configured = planned.native?.needs.map(n => n.need) ?? [];
        const left = advice.left.map(n => n.need);
        const rest = wish.list.filter(
          id => !configured.includes(id) && !left.includes(id),
        );
        // Either you need no extension and nothing is missing, or there is something for the extension to do.
        const extension = planned.mechanism !== 'native';
        expect(rest.length > 0).toBe(extension);
        expect(extension ? [] : left).toEqual([]);
        expect(extension ? text : '').not.toContain('You need no extension');
        // What a feature covers is in the policies, and nothing else is.
        const there = wish.list.filter(id => {
          const { native } = needOf(id);
          return (
            native &&
            native.targets.includes(wish.kind) &&
            !isBefore(wish.gatewayVersion, native.since)
          );
        });
        for (const id of wish.list.filter(i => !there.includes(i))) {
          expect(configured).not.toContain(id);
        }
        for (const id of there.filter(i => !needOf(i).native!.unless)) {
          expect(configured).toContain(id);
        }
        for (const id of left) {
          expect(advice.confidence.level).toBe('low');
          expect(text).toContain(needOf(id).label);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('has in its policies every field that each need alone would have', () => {
    fc.assert(
      fc.property(wishes, wish => {
        const together = plan(answersFor(wish, wish.list)).native;
        for (const { need } of together?.needs ?? []) {
          const alone = plan(answersFor(wish, [need])).native;
          const all = fieldsOf(together!.objects);
          const missing = [...fieldsOf(alone!.objects)].filter(
            path => !all.has(path) && !/backendRefs/.test(path),
          );
          expect(missing).toEqual([]);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('has one object of each kind for each target, and one of each name', () => {
    fc.assert(
      fc.property(wishes, wish => {
        const objects = plan(answersFor(wish, wish.list)).native?.objects ?? [];
        const policies = objects.flatMap(({ object }) =>
          ((object.spec as any).targetRefs ?? []).map(
            (ref: any) => `${object.kind} ${ref.kind} ${ref.name}`,
          ),
        );
        const names = objects.map(
          ({ object }) => `${object.kind} ${object.metadata.name}`,
        );
        expect(new Set(policies).size).toBe(policies.length);
        expect(new Set(names).size).toBe(names.length);
        expect(objects.flatMap(({ object }) => lintNative(object))).toEqual([]);
        expect(
          objects.every(
            ({ object }) =>
              (object.metadata as any).labels['backstage.io/kubernetes-id'] ===
              'my-policy',
          ),
        ).toBe(true);
      }),
      { numRuns: 150 },
    );
  });
});

/** What is an example in an object, although nobody marked it: neither given, nor one of the API's own words. */
function silentExamples(id: string): string[] {
  const { native } = plan(
    parseAnswers({ ...base, need: id, target: { name: 'given' } }),
  );
  return native!.objects.flatMap(({ object, comments }) => {
    const marked = comments
      .filter(({ text }) => text.startsWith('TODO'))
      .map(({ path }) => path.join('/'));
    const walk = (value: unknown, path: (string | number)[]): string[] => {
      const at = path.join('/');
      if (marked.some(m => at === m || at.startsWith(`${m}/`))) {
        return [];
      }
      return typeof value === 'object' && value !== null
        ? Object.entries(value).flatMap(([k, v]) => walk(v, [...path, k]))
        : [`${object.kind}/${at}: ${JSON.stringify(value)}`];
    };
    return walk(object.spec, ['spec']);
  });
}

/** Values that follow from the API or from what the need is, not from a guess about the person's systems. */
const decided = [
  // Names of this repository, and of the target that was given.
  /: "(my-policy|my-policy-response|given)"$/,
  // The API's enumerations, groups and kinds.
  /\/(type|kind|group|action|mode|from|valueType|unit|op|provider|value\/@type|requestID|triggers\/[0-9]+|certDetailsToAdd\/[0-9]+)[^/]*: /,
  /\/(failOpen|sanitize|overwrite|recomputeRoute|enableWeb|defaultAction|numTrustedHops): /,
  // Envoy's format strings; where logs of a container go; a Service's port beside its name's TODO.
  /: "%[^"]+%"$/,
  /: "\/dev\/stdout"$/,
  /backendRefs?\/[0-9/]*port: /,
  // What AI Gateway calls things.
  /: "(x-ai-eg-model|io\.envoy\.ai_gateway|llm_total_token|APIKey)"$/,
  /cost\/request\/number: 0$/,
  // The names of the policies' own parts.
  /rules\/[0-9]+\/name: "allowed"$/,
  /providers\/[0-9]+\/name: "issuer"$/,
  /filter\/name|operation\/(path|value)/,
  // Attributes that make a cookie safe.
  /attributes\/(SameSite|Secure|HttpOnly): /,
  /\/(contentType|closeDelay|namespace|header|sectionName|priority): /,
];

describe('values that nobody gave', () => {
  const native = needs.filter(need => need.native).map(({ id }) => id);

  it.each(native)('of %s are marked TODO', id => {
    const silent = silentExamples(id).filter(
      line => !decided.some(pattern => pattern.test(line)),
    );
    expect(silent).toEqual([]);
  });
});

/** Settings of each need that has some, as a person would give them; none of the values is an example's. */
const given: Record<string, object> = {
  'validate-jwt': {
    issuer: 'https://login.acme.test',
    jwksUri: 'https://login.acme.test/keys',
    audiences: ['orders'],
  },
  'claims-to-headers': { claims: [{ claim: 'dept', header: 'x-dept' }] },
  'authorize-by-claim': { claims: [{ name: 'group', values: ['ops'] }] },
  'limit-by-claim': {
    claim: 'client',
    header: 'x-client',
    limit: { requests: 7, unit: 'Hour' },
  },
  'route-by-claim': { claim: 'plan', header: 'x-plan', values: ['gold'] },
  'oidc-login': {
    issuer: 'https://login.acme.test',
    clientId: 'shop',
    secret: 'shop-oidc',
    redirectUrl: 'https://shop.acme.test/callback',
    logoutPath: '/bye',
    scopes: ['email'],
  },
  'basic-auth': { secret: 'users-of-shop' },
  'api-key': {
    secret: 'keys-of-shop',
    headers: ['x-shop-key'],
    clientIdHeader: 'x-shop-client',
  },
  'client-certificate': {
    authority: { kind: 'ConfigMap', name: 'ca-of-shop' },
  },
  'external-authorization': {
    service: { name: 'authz', port: 9191 },
    path: '/check',
    headersToBackend: ['x-subject'],
    maxRequestBytes: 1000,
  },
  'allow-by-address': { allow: ['192.0.2.0/24'], deny: ['192.0.2.66/32'] },
  'allow-by-country': {
    allow: ['NL'],
    trustedHops: 2,
    database: '/geo/country.mmdb',
  },
  'allow-by-request': {
    methods: ['PATCH'],
    headers: [{ name: 'x-team', values: ['blue'] }],
  },
  'authorize-by-expression': { expression: "request.method == 'PUT'" },
  cors: {
    origins: ['https://shop.acme.test'],
    methods: ['PATCH'],
    headers: ['x-shop'],
    credentials: true,
  },
  csrf: { origins: ['https://shop.acme.test'] },
  'route-by-request': { header: { name: 'x-canary', value: 'yes' } },
  'rewrite-path': { pattern: '^/old', substitution: '/new' },
  'rewrite-host': { from: 'x-wanted' },
  redirect: { scheme: 'https', hostname: 'shop.acme.test', statusCode: 302 },
  'static-header': {
    request: { remove: ['x-debug'] },
    response: { set: [{ name: 'x-shop', value: 'a' }] },
  },
  'header-if-absent': { headers: [{ name: 'x-shop', value: 'b' }] },
  'remove-headers-by-pattern': { match: 'Suffix', name: '-debug' },
  'copy-header': { header: 'x-shop', from: '%REQ(x-basket)%' },
  'client-address': { trustedHops: 3 },
  'request-id': { mode: 'Generate' },
  'session-affinity': { cookie: 'shop', ttl: '60s' },
  'inject-credential': { secret: 'token-of-shop', header: 'x-token' },
  'custom-error-bodies': { statuses: [502], body: 'Shop is closed' },
  'direct-response': { path: '/robots.txt', status: 200, body: 'Disallow: /' },
  compress: { types: ['Zstd'] },
  'limit-body-size': { limit: '3Ki' },
  'limit-requests': {
    limit: { requests: 11, unit: 'Second' },
    by: 'header',
    header: 'x-shop',
  },
  'limit-by-tenant': {
    header: 'x-shop',
    limit: { requests: 13, unit: 'Day' },
    metadata: { namespace: 'shop', key: 'most' },
  },
  'limit-by-tokens': {
    model: 'gpt',
    provider: 'acme-ai',
    header: 'x-shop',
    tokens: 999,
    unit: 'Day',
  },
  'limit-bandwidth': { limit: '5Mi' },
  'limit-connections': { connections: 77, closeDelay: '2s' },
  'shed-load': { connections: 5, parallelRequests: 6, pendingRequests: 7 },
  'access-log': { fields: { shop: '%REQ(x-shop)%' } },
  audit: { service: { name: 'auditor', port: 9999 } },
  trace: {
    service: { name: 'tempo', port: 4444 },
    samplingRate: 3,
    tags: { shop: 'x-shop' },
  },
  mirror: { service: { name: 'shadow', port: 8888 } },
  'retry-and-timeout': { retries: 4, statuses: [502], timeout: '9s' },
  'external-upstream': { hostname: 'api.acme.test', port: 8443 },
  'count-llm-tokens': { model: 'gpt', provider: 'acme-ai' },
  'route-by-model-name': { model: 'gpt', provider: 'acme-ai' },
  'provider-failover': {
    model: 'gpt',
    provider: 'acme-ai',
    fallback: 'other-ai',
  },
  'provider-credentials': { provider: 'acme-ai', secret: 'ai-key' },
  'introspect-token': { service: { name: 'authz', port: 9191 } },
  'exchange-token': { service: { name: 'authz', port: 9191 } },
};

/** Single values in settings. */
const leaves = (value: unknown): unknown[] =>
  typeof value === 'object' && value !== null
    ? Object.values(value).flatMap(leaves)
    : [value];

/** Names of fields that say how something is written, not what. */
const shapes = ['by', 'protocol'];

describe('settings of needs', () => {
  it('exist for every need that has examples', () => {
    const settable = needs.filter(({ native }) => native?.settings);
    expect(Object.keys(given).sort()).toEqual(settable.map(n => n.id).sort());
  });

  it.each(Object.entries(given))(
    'of %s reach its policies, and take the place of examples',
    (id, settings) => {
      const planned = plan(
        parseAnswers({
          ...base,
          need: id,
          needSettings: { [id]: settings },
          target: { name: 'shop', namespace: 'shops' },
        } as unknown as AnswersInput),
      );
      expect(planned.mechanism).toBe('native');
      const texts = planned.native!.objects.flatMap(({ object }) =>
        leaves([
          object.spec,
          ...paths(object.spec).map(p => p.split('.').at(-1)),
        ]),
      );
      const said = Object.entries(settings)
        .filter(([name]) => !shapes.includes(name))
        .flatMap(([, value]) => leaves(value));
      for (const value of said.filter(v => v !== 'backend')) {
        expect(texts).toContainEqual(value);
      }
      const open = planned.native!.objects.flatMap(({ object, comments }) =>
        comments
          .filter(({ text }) => text.startsWith('TODO'))
          .map(({ path }) => `${object.kind}.${path.join('.')}`),
      );
      // What is open concerns other objects than the settings do: the route's Gateway and Service, the issuer, its name.
      expect(
        open.filter(
          path =>
            !/targetRefs|parentRefs|rules\.\d+\.backendRefs|metadata\.name|jwt\.providers\.0\.(issuer|audiences|remoteJWKS)|extAuth\.http\.(path|headersToBackend)/.test(
              path,
            ),
        ),
      ).toEqual([]);
    },
  );

  it('of two needs become one policy', () => {
    const files = renderFiles(
      plan(
        parseAnswers({
          ...base,
          need: 'validate-jwt',
          furtherNeeds: ['claims-to-headers', 'authorize-by-claim', 'cors'],
          needSettings: {
            'validate-jwt': given['validate-jwt'],
            'claims-to-headers': given['claims-to-headers'],
            'authorize-by-claim': given['authorize-by-claim'],
            cors: given.cors,
          },
          target: { name: 'shop', namespace: 'shops' },
        } as unknown as AnswersInput),
      ),
    );
    expect(
      Object.keys(files).filter(path => path.startsWith('policy/')),
    ).toEqual(['policy/securitypolicy.yaml', 'policy/kustomization.yaml']);
    expect(parse(files['policy/securitypolicy.yaml']!).spec).toEqual({
      targetRefs: [
        { group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', name: 'shop' },
      ],
      jwt: {
        providers: [
          {
            name: 'issuer',
            issuer: 'https://login.acme.test',
            audiences: ['orders'],
            remoteJWKS: { uri: 'https://login.acme.test/keys' },
            claimToHeaders: [{ claim: 'dept', header: 'x-dept' }],
          },
        ],
      },
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
                  { name: 'group', valueType: 'String', values: ['ops'] },
                ],
              },
            },
          },
        ],
      },
      cors: {
        allowOrigins: ['https://shop.acme.test'],
        allowMethods: ['PATCH'],
        allowHeaders: ['x-shop'],
        allowCredentials: true,
      },
    });
    expect(files['policy/securitypolicy.yaml']).not.toContain('TODO');
  });

  it.each([
    [
      'of a need that nobody named',
      { need: 'cors', needSettings: { 'validate-jwt': {} } },
      'needSettings.validate-jwt: {} is not valid: it is none of the needs that you named (cors)',
    ],
    [
      'that do not exist',
      { need: 'cors', needSettings: { cors: { marker: 1 } } },
      'needSettings.cors.marker: 1 is not valid: there is no such field',
    ],
    [
      'of a need without settings',
      {
        need: 'grpc-web',
        target: { kind: 'GRPCRoute' },
        needSettings: { 'grpc-web': {} },
      },
      'there is nothing to set about it',
    ],
    [
      'of the wrong form',
      {
        need: 'validate-jwt',
        needSettings: { 'validate-jwt': { jwksUri: 'keys' } },
      },
      'needSettings.validate-jwt.jwksUri: "keys" is not valid: use an absolute URL',
    ],
    [
      'of what the extension does',
      {
        need: 'cors',
        implementation: 'lua',
        needSettings: { cors: {} },
      },
      'an extension does this here, and its settings are in settings',
    ],
    [
      'that contradict each other',
      {
        need: 'validate-jwt',
        furtherNeeds: ['claims-to-headers'],
        needSettings: {
          'validate-jwt': { issuer: 'https://a.test' },
          'claims-to-headers': { issuer: 'https://b.test' },
        },
      },
      'SecurityPolicy.spec.jwt.providers.0.issuer would have to be both "https://b.test" and "https://a.test"',
    ],
    [
      'of an extension that there will not be',
      {
        need: 'cors',
        settings: { request: [{ action: 'rename', name: 'x-a', to: 'x-b' }] },
      },
      'is not valid: nothing would read them: Envoy Gateway does all of it (cors)',
    ],
    [
      'of two upstreams',
      { need: 'dynamic-upstream', furtherNeeds: ['external-upstream'] },
      'furtherNeeds: ["dynamic-upstream","external-upstream"] is not valid: each of them says where a rule of the route leads',
    ],
  ])('are refused: %s', (_, answers, message) => {
    const planning = () =>
      plan(parseAnswers({ ...base, ...answers } as AnswersInput));
    expect(planning).toThrow(InvalidAnswersError);
    expect(planning).toThrow(message);
  });

  it('need nothing that only an extension has', () => {
    for (const id of Object.keys(given)) {
      const answers = parseAnswers({
        ...base,
        need: id,
        processing: [],
        bodySize: 'none',
      } as unknown as AnswersInput);
      expect(plan(answers).mechanism).toBe('native');
    }
  });
});
