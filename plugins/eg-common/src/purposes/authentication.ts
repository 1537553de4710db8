import { z } from 'zod';
import { headerName, lineOfText, wholeNumber } from '../intake/fields';
import {
  BehaviourCase,
  CaseBody,
  CaseContext,
  CaseHeader,
  ExternalService,
  Purpose,
  RequiredSecret,
  Requirements,
} from './types';

const identity = z
  .string({ error: 'name who the key belongs to, for example team-a' })
  .regex(
    /^[A-Za-z0-9._@-]{1,128}$/,
    'use 1 to 128 letters, digits and . _ @ -, for example team-a',
  )
  .meta({ title: 'Identity', description: 'What the upstream is told.' });

const key = z
  .strictObject({
    identity,
    sha256: z
      .string({ error: 'give the SHA-256 of the key in hexadecimal' })
      .regex(
        /^[0-9a-fA-F]{64}$/,
        'use the 64 hexadecimal digits that `printf %s "$KEY" | sha256sum` prints, never the key itself',
      )
      .overwrite(hex => hex.toLowerCase())
      .meta({
        title: 'SHA-256 of the key',
        description:
          'In hexadecimal. It is no secret as long as the key is random and has at least 128 bits.',
      }),
  })
  .meta({ title: 'Key' });

const apiKey = z.strictObject({
  kind: z.literal('api-key').meta({ title: 'API key' }),
  header: headerName
    .default('x-api-key')
    .meta({ title: 'Header that carries the key' }),
  keys: z
    .array(key, { error: 'give a list of keys' })
    .max(1000, 'use at most 1000 keys')
    .refine(keys => new Set(keys.map(k => k.sha256)).size === keys.length, {
      error: 'use each key once',
    })
    .default([])
    .meta({
      title: 'Keys',
      description:
        'Leave it empty to read them from the Secret’s key api-keys, one line identity:sha256 for each.',
    }),
});

const hmac = z.strictObject({
  kind: z.literal('hmac').meta({ title: 'Signed request (HMAC-SHA256)' }),
  header: headerName
    .default('authorization')
    .meta({ title: 'Header that carries the signature' }),
  windowSeconds: wholeNumber(1, 3600).default(300).meta({
    title: 'Replay window in seconds',
    description:
      'How far the timestamp of a request may be from the gateway’s time, either way.',
  }),
  remember: wholeNumber(1000, 1_000_000).default(100_000).meta({
    title: 'Requests remembered',
    description:
      'So many nonces are kept to refuse replays. When they are used up within the window, requests get 503.',
  }),
});

const introspection = z.strictObject({
  kind: z
    .literal('introspection')
    .meta({ title: 'Opaque token (introspection, RFC 7662)' }),
  identityFrom: z
    .enum(['sub', 'username', 'client_id'], {
      error: 'use sub, username or client_id',
    })
    .default('sub')
    .meta({
      title: 'Member that is the identity',
      description: 'An active token without it is refused.',
    }),
  audience: lineOfText(200).default('').meta({
    title: 'Audience',
    description:
      'What aud of a token must be or contain. Empty: any, also tokens that were issued for others.',
  }),
  cacheSeconds: wholeNumber(0, 3600).default(60).meta({
    title: 'Cache time in seconds',
    description:
      'How long an answer is used, at most until the token expires. So long a revoked token goes on to be accepted.',
  }),
  cacheEntries: wholeNumber(100, 1_000_000)
    .default(10_000)
    .meta({ title: 'Answers in the cache' }),
  timeoutMilliseconds: wholeNumber(10, 10_000).default(300).meta({
    title: 'Time limit of a question in milliseconds',
    description: 'Keep it below messageTimeout of the policy.',
  }),
  failures: wholeNumber(1, 20).default(5).meta({
    title: 'Failures that stop the questions',
    description: 'After so many in a row, requests get 503 at once.',
  }),
  openSeconds: wholeNumber(1, 300)
    .default(10)
    .meta({ title: 'Seconds until the next question after that' }),
});

const settings = z
  .strictObject({
    method: z
      .discriminatedUnion('kind', [apiKey, hmac, introspection], {
        error: 'use one of the kinds api-key, hmac and introspection',
      })
      .prefault({ kind: 'api-key' })
      .meta({
        title: 'Method',
        description: 'How a client shows who it is.',
      }),
    identityHeader: headerName.default('x-auth-identity').meta({
      title: 'Header for the identity',
      description:
        'What the upstream is told about the client. The client’s own is removed.',
    }),
    credential: z
      .enum(['remove', 'forward'], { error: 'use remove or forward' })
      .default('remove')
      .meta({
        title: 'The credential',
        description: 'Whether the upstream gets the key, signature or token.',
      }),
    preflight: z
      .enum(['refuse', 'pass'], { error: 'use refuse or pass' })
      .default('refuse')
      .meta({
        title: 'CORS preflights',
        description:
          'Browsers send them without a credential. refuse: like any request without one; SecurityPolicy spec.cors on the same route answers them before. pass: the upstream answers them.',
      }),
    realm: z
      .string({ error: 'name the realm, for example shop' })
      .regex(
        /^[A-Za-z0-9._/:-]{1,100}$/,
        'use 1 to 100 letters, digits and . _ / : -, for example shop',
      )
      .default('gateway')
      .meta({
        title: 'Realm',
        description: 'What WWW-Authenticate calls the protected area.',
      }),
  })
  .refine(s => s.identityHeader !== credentialHeader(s.method), {
    path: ['identityHeader'],
    error:
      'choose another header than the one that carries the credential, for example x-auth-identity',
  });

type AuthenticationSettings = z.infer<typeof settings>;

/** The header that carries what a client authenticates with. */
function credentialHeader(method: { kind: string; header?: string }): string {
  return method.header ?? 'authorization';
}

/**
 * Keys that tests send and everybody knows: the hashes are what `printf %s KEY | sha256sum` prints. The Secret that
 * test/support.py writes has them as well.
 */
export const exampleKeys = [
  {
    identity: 'alpha',
    key: 'example-key-alpha-7f3c9d2e5b8a41c6d0',
    sha256: 'db0d5713160379e9f51fda91a44e3e68ecf39c2859ce0bf145a534786374b136',
  },
  {
    identity: 'beta',
    key: 'example-key-beta-19e4b7c25a8d3f60b1',
    sha256: 'fdf46be61109d22e6f0ddc09af650e78aac8bb6d821d7384cc3f5bb66fe63f20',
  },
] as const;

/** Who has which key that tests know: what becomes of a key with these settings. */
export function knownKeys({
  keys,
}: z.infer<typeof apiKey>): { identity: string; key: string }[] {
  return exampleKeys.flatMap(({ identity: name, key: text, sha256 }) => {
    const listed = keys.find(k => k.sha256 === sha256);
    if (keys.length === 0) {
      return [{ identity: name, key: text }];
    }
    return listed ? [{ identity: listed.identity, key: text }] : [];
  });
}

const schemes = {
  'api-key': 'ApiKey',
  hmac: 'HMAC-SHA256',
  introspection: 'Bearer',
};

/** The answer to a request that is refused: the reference for every implementation. */
export function refusal(
  { method, realm }: AuthenticationSettings,
  status: 401 | 503,
  detail: string,
  parameters = '',
) {
  const title = status === 401 ? 'Unauthorized' : 'Service Unavailable';
  return {
    status,
    headers: {
      'content-type': ['application/problem+json'],
      'www-authenticate':
        status === 401
          ? [`${schemes[method.kind]} realm="${realm}"${parameters}`]
          : [],
    },
    body: JSON.stringify({ type: 'about:blank', title, status, detail }),
  };
}

const unavailable = 'Authentication is not available at the moment.';

/** What a client sends with a request, and what then becomes of it. */
interface Attempt {
  name: string;
  headers?: CaseHeader[];
  prepare?: Record<string, unknown>;
  method?: string;
  path?: string;
  body?: CaseBody;
  chunked?: BehaviourCase['request']['chunked'];
  alone?: boolean;
  /** Who it is; else the refusal. */
  as?: string;
  refused?: ReturnType<typeof refusal>;
  reached?: false | 'either';
}

const answer = { status: 201, headers: [{ name: 'x-answer', value: 'yes' }] };

function caseOf(
  { method, identityHeader, credential }: AuthenticationSettings,
  attempt: Attempt,
): BehaviourCase {
  const { name, alone, as, refused, reached = false } = attempt;
  const body = attempt.body === undefined ? {} : { body: attempt.body };
  const header = credentialHeader(method);
  const gone = credential === 'remove' ? { [header]: [] } : {};
  return {
    name,
    ...(alone ? { alone } : {}),
    request: {
      method: attempt.method ?? (attempt.body === undefined ? 'GET' : 'POST'),
      path: attempt.path ?? '/',
      headers: attempt.headers ?? [],
      ...body,
      ...(attempt.chunked ? { chunked: attempt.chunked } : {}),
      ...(attempt.prepare ? { prepare: attempt.prepare } : {}),
    },
    response: { ...answer, body: 'from the upstream' },
    expect: refused
      ? { reached, response: refused }
      : {
          request: { headers: { [identityHeader]: [as!], ...gone }, ...body },
          response: {
            status: answer.status,
            headers: { 'x-answer': ['yes'] },
            body: 'from the upstream',
          },
        },
  };
}

function apiKeyCases(
  s: AuthenticationSettings,
  method: z.infer<typeof apiKey>,
): BehaviourCase[] {
  const send = (...values: string[]): CaseHeader[] =>
    values.map(value => ({ name: method.header, value }));
  const spoofed: CaseHeader[] = ['admin', 'root'].map(value => ({
    name: s.identityHeader,
    value,
  }));
  const missing = refusal(s, 401, 'The API key is missing.');
  const wrong = refusal(s, 401, 'The API key is not valid.');
  const known = knownKeys(method);
  const [first] = known;
  const attempts: Attempt[] = [
    ...known.flatMap(({ identity: as, key: text }): Attempt[] => [
      { name: `the key of ${as}`, headers: send(text), as },
      {
        name: `the key of ${as} with an identity that the client made up`,
        headers: [...spoofed, ...send(text)],
        as,
      },
      {
        name: `the key of ${as} and a body in chunks`,
        headers: send(text),
        body: { parts: ['one,', 'two,', 'three'] },
        chunked: 'parts',
        as,
      },
    ]),
    { name: 'no key', refused: missing },
    {
      name: 'no key, but an identity that the client made up',
      headers: spoofed,
      refused: missing,
    },
    { name: 'an empty key', headers: send(''), refused: wrong },
    { name: 'an unknown key', headers: send('unknown'), refused: wrong },
    { name: 'a key that is not ASCII', headers: send('kéy'), refused: wrong },
    {
      name: 'a huge key',
      headers: send('k'.repeat(20_000)),
      refused: wrong,
    },
    ...(first
      ? [
          {
            name: 'a key and a letter more',
            headers: send(`${first.key}x`),
            refused: wrong,
          },
          {
            name: 'a key in another case',
            headers: send(first.key.toUpperCase()),
            refused: wrong,
          },
          {
            name: 'a key twice',
            headers: send(first.key, first.key),
            refused: wrong,
          },
          {
            name: 'a key, and another that is not valid',
            headers: send(first.key, 'unknown'),
            refused: wrong,
          },
        ]
      : []),
    ...method.keys.slice(0, 1).map(({ sha256 }) => ({
      name: 'the hash in place of the key',
      headers: send(sha256),
      refused: wrong,
    })),
  ];
  return attempts.map(attempt => caseOf(s, attempt));
}

function hmacCases(
  s: AuthenticationSettings,
  { header, windowSeconds }: z.infer<typeof hmac>,
  { processing, implementation: { beyondBuffer } }: CaseContext,
): BehaviourCase[] {
  const sign = (rest: Record<string, unknown> = {}) => ({
    header,
    key: 'alpha',
    ...rest,
  });
  const send = (value: string): CaseHeader[] => [{ name: header, value }];
  const missing = refusal(s, 401, 'The signature is missing.');
  const wrong = refusal(s, 401, 'The signature is not valid.');
  const late = refusal(
    s,
    401,
    'The timestamp is too far from the time of the gateway.',
  );
  const digest = refusal(s, 401, 'The body does not match its digest.');
  const replayed = refusal(s, 401, 'The request has been sent before.');
  const as = 'alpha';
  const bytes: CaseBody = { parts: [{ base64: '/wD+gIEKDQ==' }, 'text'] };
  const attempts: Attempt[] = [
    { name: 'a signed request without a body', prepare: sign(), as },
    {
      name: 'another key',
      prepare: sign({ key: 'beta' }),
      as: 'beta',
    },
    {
      name: 'a signed request with a query and an identity that the client made up',
      path: '/a/b?x=1&y=%20z&x=2',
      headers: [{ name: s.identityHeader, value: 'admin' }],
      prepare: sign(),
      as,
    },
    { name: 'a signed body', body: '{"a": 1}', prepare: sign(), as },
    { name: 'an empty body', body: '', prepare: sign(), as },
    {
      name: 'a signed body in chunks that is not text',
      method: 'PUT',
      body: bytes,
      chunked: 'parts',
      prepare: sign(),
      as,
    },
    {
      name: 'a timestamp within the window',
      prepare: sign({ age: Math.floor(windowSeconds / 2) }),
      as,
    },
    { name: 'no signature', refused: missing },
    {
      name: 'no signature, but a body',
      body: '{"a": 1}',
      refused: missing,
    },
    {
      name: 'another scheme',
      headers: send('Basic dXNlcjpwYXNz'),
      refused: wrong,
    },
    {
      name: 'a scheme without parameters',
      headers: send('HMAC-SHA256'),
      refused: wrong,
    },
    {
      name: 'parameters that are none',
      headers: send('HMAC-SHA256 key=alpha, timestamp, ="é", nonce=,,'),
      refused: wrong,
    },
    {
      name: 'a huge header',
      headers: send(`HMAC-SHA256 ${'a=b, '.repeat(4_000)}`),
      refused: wrong,
    },
    {
      name: 'two signatures',
      prepare: sign({ twice: true }),
      refused: wrong,
    },
    {
      name: 'an unknown key',
      prepare: sign({ key: 'unknown' }),
      refused: wrong,
    },
    {
      name: 'another secret',
      prepare: sign({ secret: 'not the secret of this key, but as long' }),
      refused: wrong,
    },
    {
      name: 'a signature for another method',
      prepare: sign({ method: 'DELETE' }),
      refused: wrong,
    },
    {
      name: 'a signature for another path',
      prepare: sign({ path: '/other' }),
      refused: wrong,
    },
    {
      name: 'a signature for another query',
      path: '/?amount=100',
      prepare: sign({ path: '/?amount=1' }),
      refused: wrong,
    },
    {
      name: 'an old timestamp',
      prepare: sign({ age: windowSeconds + 30 }),
      refused: late,
    },
    {
      name: 'a timestamp in the future',
      prepare: sign({ age: -windowSeconds - 30 }),
      refused: late,
    },
    {
      name: 'a digest of another body',
      body: '{"a": 2}',
      prepare: sign({ body: '{"a": 1}' }),
      refused: digest,
      // Where the headers go on before the body is complete, the upstream may have seen them.
      reached: beyondBuffer.reached,
    },
    {
      name: 'a body that is not there',
      prepare: sign({ body: '{"a": 1}' }),
      refused: digest,
    },
    {
      name: 'a request that is sent once',
      body: 'transfer',
      prepare: sign({ as: 'first' }),
      alone: true,
      as,
    },
    {
      name: 'the same request again',
      body: 'transfer',
      prepare: sign({ again: 'first' }),
      alone: true,
      refused: replayed,
    },
    {
      name: 'its nonce with another signature',
      body: 'another transfer',
      prepare: sign({ nonceOf: 'first' }),
      alone: true,
      refused: replayed,
    },
  ];
  const result = attempts.map(attempt => caseOf(s, attempt));
  if (processing.request && processing.request.body) {
    const body: CaseBody = { parts: [{ repeat: 'x', times: 200_000 }] };
    const large = { name: 'a large body', body, prepare: sign(), as };
    const fits = processing.request.body !== 'Buffered';
    const passed = caseOf(s, large);
    result.push(
      fits
        ? passed
        : {
            ...passed,
            // Envoy answers itself when a body that it has to hold exceeds the connection buffer.
            expect: {
              reached: beyondBuffer.reached,
              response: { status: 413 },
            },
          },
    );
  }
  return result;
}

function introspectionCases(
  s: AuthenticationSettings,
  method: z.infer<typeof introspection>,
): BehaviourCase[] {
  const send = (value: string): CaseHeader[] => [
    { name: 'authorization', value },
  ];
  const bearer = (token: string) => send(`Bearer ${token}`);
  const missing = refusal(s, 401, 'The token is missing.');
  const wrong = refusal(
    s,
    401,
    'The token is not valid.',
    ', error="invalid_token"',
  );
  const away = refusal(s, 503, unavailable);
  // As test/support.py answers.
  const as = { sub: 'alpha', username: 'Alpha', client_id: 'alpha-client' }[
    method.identityFrom
  ];
  const accepted = method.audience === '' ? { as } : { refused: wrong };
  const failing = [
    'answers-no-json',
    'answers-500',
    'answers-late',
    ...Array.from({ length: method.failures }, (_, i) => `answers-500-${i}`),
    // What is no JSON says nothing of the server's health, and is not counted.
  ].slice(0, Math.max(3, method.failures + 1));
  // More than the failures that stop the questions: what the server says about tokens is no failure.
  const unknown = Array.from(
    { length: method.failures + 1 },
    (_, i) => `refused-${i % 2 ? 401 : 400}-${i}`,
  );
  const attempts: Attempt[] = [
    { name: 'an active token', headers: bearer('active-for-all'), as },
    {
      name: 'an active token with an identity that the client made up',
      headers: [
        { name: s.identityHeader, value: 'admin' },
        ...send('bearer active-for-all'),
      ],
      as,
    },
    {
      name: 'an active token and a body in chunks',
      headers: bearer('active-for-all'),
      body: { parts: ['one,', 'two,', 'three'] },
      chunked: 'parts',
      as,
    },
    {
      name: 'an active token without an audience',
      headers: bearer('active-no-audience'),
      ...accepted,
    },
    {
      name: 'an active token for somebody else',
      headers: bearer('active-other-audience'),
      ...accepted,
    },
    { name: 'no token', refused: missing },
    { name: 'another scheme', headers: send('Basic YTpi'), refused: missing },
    { name: 'an empty token', headers: send('Bearer'), refused: missing },
    { name: 'an inactive token', headers: bearer('inactive'), refused: wrong },
    {
      name: 'a token that the server does not know',
      headers: bearer('made-up'),
      refused: wrong,
    },
    {
      name: 'a token that has expired although the server says active',
      headers: bearer('active-expired'),
      refused: wrong,
    },
    {
      name: 'an active token without an identity',
      headers: bearer('active-no-identity'),
      refused: wrong,
    },
    {
      name: 'an identity that is no header value',
      headers: bearer('active-strange-identity'),
      refused: wrong,
    },
    { name: 'two tokens in one', headers: bearer('a b'), refused: wrong },
    { name: 'a token that is none', headers: bearer('é'), refused: wrong },
    {
      name: 'a huge token',
      headers: bearer('t'.repeat(20_000)),
      refused: wrong,
    },
    {
      name: 'two tokens',
      headers: [...bearer('active-for-all'), ...bearer('active-for-all')],
      refused: wrong,
    },
    ...['once', 'again'].map((name): Attempt => {
      const cached = method.cacheSeconds > 0 || name === 'once';
      return {
        name: `a token that is revoked, ${name}`,
        headers: bearer('active-once'),
        alone: true,
        ...(cached ? { as } : { refused: wrong }),
      };
    }),
    ...unknown.map(
      (token): Attempt => ({
        name: `the server refuses a token: ${token}`,
        headers: bearer(token),
        alone: true,
        refused: wrong,
      }),
    ),
    {
      name: 'an active token after many that the server refused',
      headers: bearer('active-after'),
      alone: true,
      as,
    },
    ...failing.map(
      (token): Attempt => ({
        name: `the server fails: ${token}`,
        headers: bearer(token),
        alone: true,
        refused: away,
      }),
    ),
    {
      name: 'the server is not asked after that',
      headers: bearer('active-new'),
      alone: true,
      refused: away,
    },
    {
      name: 'what is known goes on to be accepted',
      headers: bearer('active-for-all'),
      alone: true,
      ...(method.cacheSeconds > 0 ? { as } : { refused: away }),
    },
  ];
  return attempts.map(attempt => caseOf(s, attempt));
}

const secret = (name: string, description: string): RequiredSecret => ({
  name,
  description,
});

const introspectionService: ExternalService = {
  id: 'introspection',
  title: 'token introspection endpoint',
  variable: 'INTROSPECTION_URL',
  placeholder: 'https://idp.example.com/oauth2/introspect',
};

/**
 * Memory for what an external processor remembers of a signed request, and of a token: an answer that is good and one
 * that is not, with an identity as long as a UUID. Measured with a million of each: 82 and 564;
 * TestAllThatIsRememberedFitsTheContainer of the skeleton measures it.
 */
const bytesPer = { request: 128, token: 768 };

function requires({ method }: AuthenticationSettings): Partial<Requirements> {
  switch (method.kind) {
    case 'api-key':
      return method.keys.length > 0
        ? {}
        : {
            secrets: [
              secret(
                'api-keys',
                'one line identity:sha256 for each API key; no key itself',
              ),
            ],
          };
    case 'hmac':
      return {
        state: true,
        stateBytes: method.remember * bytesPer.request,
        secrets: [
          secret(
            'hmac-keys',
            'one line key-id:secret for each client; secrets of 32 characters or more',
          ),
        ],
      };
    case 'introspection':
      return {
        calls: true,
        stateBytes: method.cacheEntries * bytesPer.token,
        services: [introspectionService],
        secrets: [
          secret('introspection-client-id', 'the client id of this extension'),
          secret('introspection-client-secret', 'the secret of that client'),
        ],
        impossible: {
          'wasm-rust':
            'introspection asks a server of yours, and call-outs from Wasm reach only clusters that Envoy already has',
        },
      };
    default:
      throw new Error(`unknown method ${(method as { kind: string }).kind}`);
  }
}

type Warnings = ReturnType<NonNullable<Purpose['warnings']>>;

function warnings(s: AuthenticationSettings): Warnings {
  const { method } = s;
  const browsers: Warnings = [
    {
      severity: 'correctness',
      text:
        s.preflight === 'refuse'
          ? 'Browsers send CORS preflights without a credential, and they are refused. Where pages of other origins call these routes, set SecurityPolicy spec.cors on the same route: Envoy then answers preflights before the extension sees them.'
          : 'CORS preflights pass without a credential: the upstream must answer an OPTIONS request with Origin and Access-Control-Request-Method, and have no other effect then.',
      source:
        'WHATWG Fetch: a CORS-preflight request has no credentials; Envoy Gateway runs the cors filter before ext_proc and wasm',
    },
  ];
  const always: Warnings = [
    {
      severity: 'security',
      text: `${s.identityHeader} is trustworthy only where this policy applies: a route to the same upstream without it passes on what the client makes up. Attach it to the Gateway, or let the upstream refuse other ways in.`,
      source: 'Envoy Gateway: an EnvoyExtensionPolicy applies to its targets',
    },
  ];
  switch (method.kind) {
    case 'api-key':
      return [
        ...(knownKeys(method).length > 0 && method.keys.length > 0
          ? [
              {
                severity: 'security' as const,
                text: 'The settings have an example key, which everybody knows. Replace it before anything real is behind the gateway.',
                source: 'examples/answers/partner-keys.yaml',
              },
            ]
          : []),
        ...always,
        {
          severity: 'security',
          text: 'A hash hides a key only if the key is hard to guess: give out random keys of at least 128 bits, for example from openssl rand -hex 32.',
          source: 'NIST SP 800-63B, 5.1.2: look-up secrets',
        },
        ...browsers,
      ];
    case 'hmac':
      return [
        {
          severity: 'security',
          text: 'Replays are remembered by each replica of the processor, or by each Envoy: with N of them, a request can be accepted N times within the window. Make what must not happen twice idempotent.',
          source: 'the extension’s memory is its process’s',
        },
        ...always,
        {
          severity: 'correctness',
          text: 'Clients sign the path that Envoy sees: without . and .. segments and with single slashes, and before any rewrite of the route.',
          source:
            'Envoy Gateway listeners: normalize_path and merge_slashes are on',
        },
        {
          severity: 'correctness',
          text: 'The clocks of clients and gateway may differ by the window at most.',
          source: 'settings.method.windowSeconds',
        },
      ];
    case 'introspection':
      return [
        {
          severity: 'outage',
          text: `When the introspection server is away, requests whose token is not in the cache get 503. Keep timeoutMilliseconds (${method.timeoutMilliseconds}) below messageTimeout of the policy, or they get 504.`,
          source: 'the extension fails closed',
        },
        ...always,
        {
          severity: 'security',
          text: `A revoked token is accepted until its answer leaves the cache: ${method.cacheSeconds} seconds at most.`,
          source: 'RFC 7662, section 4',
        },
        ...(method.audience === ''
          ? [
              {
                severity: 'security' as const,
                text: 'Tokens for any audience are accepted, also those that another service was given. Name your audience if the server tells it.',
                source: 'RFC 7662, section 4; RFC 9700, section 2.3',
              },
            ]
          : []),
        ...browsers,
      ];
    default:
      throw new Error(`unknown method ${(method as { kind: string }).kind}`);
  }
}

/** A browser asks, without a credential, what it may send. */
function preflightCases(s: AuthenticationSettings): BehaviourCase[] {
  const preflight: CaseHeader[] = [
    { name: 'origin', value: 'https://app.example.com' },
    { name: 'access-control-request-method', value: 'GET' },
    { name: 'access-control-request-headers', value: 'x-api-key' },
  ];
  const missing = {
    'api-key': 'The API key is missing.',
    hmac: 'The signature is missing.',
    introspection: 'The token is missing.',
  }[s.method.kind];
  const one = (
    name: string,
    method: string,
    headers: CaseHeader[],
    passes: boolean,
  ): BehaviourCase => ({
    name,
    request: {
      method,
      path: '/orders',
      headers: [...headers, { name: s.identityHeader, value: 'admin' }],
    },
    response: {
      status: 204,
      headers: [
        {
          name: 'access-control-allow-origin',
          value: 'https://app.example.com',
        },
      ],
    },
    expect: passes
      ? {
          request: { headers: { [s.identityHeader]: [] } },
          response: {
            status: 204,
            headers: {
              'access-control-allow-origin': ['https://app.example.com'],
            },
          },
        }
      : { reached: false, response: refusal(s, 401, missing) },
  });
  const passes = s.preflight === 'pass';
  return [
    one('a CORS preflight', 'OPTIONS', preflight, passes),
    one(
      'OPTIONS without a method that is asked for',
      'OPTIONS',
      preflight.slice(0, 1),
      false,
    ),
    one('a GET with the headers of a preflight', 'GET', preflight, false),
  ];
}

/**
 * Lets requests pass whose client has shown who it is, and tells the upstream.
 *
 * @public
 */
export const authentication: Purpose<AuthenticationSettings> = {
  id: 'authentication',
  title: 'Authenticate clients',
  description:
    'Checks API keys, request signatures or opaque tokens, refuses with 401, and tells the upstream who the client is.',
  settings,
  defaultPhases: ['requestHeaders'],
  // With the keys in a Secret, nothing needs to be known yet.
  example: () => settings.parse({ method: { kind: 'api-key' } }),
  asks: [],
  phases: ({ method }) =>
    method.kind === 'hmac'
      ? ['requestHeaders', 'requestBody']
      : ['requestHeaders'],
  wholeBody: true,
  changesBody: false,
  openEnded: false,
  requires,
  warnings,
  cases: (s, context) => {
    switch (s.method.kind) {
      case 'api-key':
        return [...apiKeyCases(s, s.method), ...preflightCases(s)];
      case 'hmac':
        return hmacCases(s, s.method, context);
      default:
        return introspectionCases(s, s.method);
    }
  },
};
