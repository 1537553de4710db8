import * as fc from 'fast-check';
import {
  Answers,
  AnswersInput,
  implementations,
  InvalidAnswersError,
  missingSettings,
  needs,
  parseAnswers,
  processingPhases,
  purposes,
  recommend,
  releases,
  unreadSettings,
  withExample,
} from 'backstage-plugin-eg-common';

// Arbitrary answers for property tests: most are valid, and texts are as hostile as the questions allow.

/** Texts that end strings, comments, templates and documents in one language or another. */
export const hostileTexts: readonly string[] = [
  '"quoted" and \'quoted\'',
  '${{ secrets.TOKEN }}',
  '{{ values.name }}',
  '{% raw %}',
  '{# comment #}',
  '${HOME} $(id) `id`',
  ']] --[[ ]=]',
  '!!js/function "x"',
  '&anchor *alias',
  '<<: {a: 1}',
  '- item',
  'key: value # comment',
  '%REQ(:path)%',
  "'; DROP TABLE x; --",
  '</script><script>',
  '\\u0000 \\n \\',
  '@tag, [1], {a}',
  'yes',
  '0x1F',
  '1e3',
  '~',
];

/** Texts that can never arrive: they have line breaks, controls or formatting characters. */
export const impossibleTexts: readonly string[] = [
  'a\nb',
  'a\r\nb: c',
  'a\tb',
  'a\0b',
  'a\u001bb',
  'a\u0085b',
  'a\u2028b',
  'a\u200bb',
  'a\u202eb',
  '\ufeffa',
  'a\ud800',
];

const isText = (text: string) =>
  !/[\p{C}\p{Zl}\p{Zp}]/u.test(text) && text === text.trim();

const text = fc
  .oneof(
    fc.constantFrom(...hostileTexts),
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.string({ maxLength: 60 }),
  )
  .filter(isText);

const headerValue = text.filter(value =>
  /^[\x21-\x7e]+( [\x21-\x7e]+)*$/.test(value),
);

const label = fc
  .stringMatching(/^[a-z]([a-z0-9-]{0,20}[a-z0-9])?$/)
  .filter(value => value.length > 0);

const header = label.map(value => `x-${value}`);

const pointer = fc
  .array(text, { minLength: 1, maxLength: 4 })
  .map(tokens =>
    tokens
      .map(token => `/${token.replace(/~/g, '~0').replace(/\//g, '~1')}`)
      .join(''),
  )
  .filter(
    value =>
      isText(value) &&
      value.length <= 512 &&
      // Array indexes go up to 1000.
      !/\/[1-9][0-9]{3,}(?=\/|$)/.test(value),
  );

const headerOperation = fc.oneof(
  fc.record({
    action: fc.constantFrom('set', 'append'),
    name: header,
    value: headerValue,
  }),
  fc.record({
    action: fc.constantFrom('set-from', 'append-from'),
    name: header,
    from: fc.oneof(
      fc.record({
        kind: fc.constantFrom('header', 'request-header'),
        name: header,
      }),
      fc.constant({ kind: 'path' }),
      fc.record({
        kind: fc.constant('path-segment'),
        segment: fc.integer({ min: 1, max: 32 }),
      }),
      fc.record({ kind: fc.constant('query'), name: label }),
    ),
    default: fc.oneof(fc.constant(''), headerValue),
  }),
  fc.record({ action: fc.constant('remove'), name: header }),
  fc.record({ action: fc.constant('rename'), name: header, to: header }),
);

const bodyOperation = fc.oneof(
  fc.record({ action: fc.constant('set'), pointer, value: text }),
  fc.record({
    action: fc.constant('set-json'),
    pointer,
    value: text.map(value => JSON.stringify({ [value]: value })).filter(isText),
  }),
  fc.record({ action: fc.constant('remove'), pointer }),
  fc.record({ action: fc.constant('rename'), pointer, to: text }),
  fc.record({
    action: fc.constant('mask'),
    pointer,
    keep: fc.integer({ min: 0, max: 64 }),
  }),
);

const keyPart = fc.oneof(
  fc.constant({ from: 'client-address' }),
  fc.record({
    from: fc.constant('forwarded-for'),
    trustedHops: fc.integer({ min: 1, max: 10 }),
  }),
  fc.record({ from: fc.constant('header'), header }),
  fc.record({
    from: fc.constant('claim'),
    claim: fc.array(
      text.filter(name => name !== '' && !['exp', 'nbf', 'iat'].includes(name)),
      { minLength: 1, maxLength: 3 },
    ),
  }),
  fc.record({
    from: fc.constant('path'),
    segments: fc.integer({ min: 1, max: 10 }),
  }),
);

const rateLimits = fc.record({
  limits: fc.uniqueArray(
    fc.record({
      name: label,
      quota: fc.integer({ min: 1, max: 1_000_000 }),
      windowSeconds: fc.integer({ min: 1, max: 2_678_400 }),
      key: fc.array(keyPart, { maxLength: 4 }),
      whenAbsent: fc.constantFrom('share', 'skip'),
      cost: fc.oneof(
        fc.constant({ from: 'one' }),
        fc.record({
          from: fc.constantFrom('request-header', 'response-header'),
          // Not the header of a key.
          header: label.map(name => `cost-${name}`),
        }),
      ),
    }),
    { minLength: 1, maxLength: 3, selector: ({ name }) => name },
  ),
  provider: text.filter(name => name !== ''),
  store: fc.oneof(
    fc.record({
      kind: fc.constant('memory'),
      maxKeys: fc.integer({ min: 1, max: 500_000 }),
    }),
    fc.record({
      kind: fc.constant('redis'),
      prefix: label,
      timeoutMilliseconds: fc.integer({ min: 1, max: 1000 }),
      whenAway: fc.constantFrom('deny', 'allow', 'local'),
      maxKeys: fc.integer({ min: 1, max: 500_000 }),
      password: fc.constantFrom('none', 'secret'),
    }),
  ),
  clientHeaders: fc.constantFrom('ratelimit', 'none'),
});

const auditLogs = fc.record({
  fields: fc.subarray(['method', 'path', 'query', 'status', 'clientAddress']),
  requestHeaders: fc.uniqueArray(header, { maxLength: 3 }),
  responseHeaders: fc.uniqueArray(header, { maxLength: 3 }),
  redactedHeaders: fc.uniqueArray(header, { maxLength: 3 }),
  keptQueryParameters: fc.uniqueArray(label, { maxLength: 3 }),
  claims: fc.uniqueArray(
    fc.record({
      name: label,
      claim: fc.array(
        text.filter(name => name !== ''),
        { minLength: 1, maxLength: 3 },
      ),
    }),
    { maxLength: 3, selector: ({ name }) => name },
  ),
  provider: text.filter(name => name !== ''),
  sampling: fc.record({
    perTenThousand: fc.integer({ min: 0, max: 10_000 }),
    header: fc.oneof(fc.constant(''), header),
    always: fc.constantFrom('none', 'server-errors', 'errors'),
  }),
  output: fc.constantFrom('stdout', 'otlp'),
});

const modelName = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,40}$/);

const gateways = fc.record({
  basePath: fc.constantFrom('', '/v1', '/openai/v1'),
  otherPaths: fc.constantFrom('deny', 'pass'),
  models: fc.uniqueArray(
    fc.record({
      name: modelName,
      upstream: fc.oneof(fc.constant(''), modelName),
    }),
    { maxLength: 3, selector: ({ name }) => name },
  ),
  tenant: fc.oneof(
    fc.constant({ from: 'all' }),
    fc.record({ from: fc.constant('header'), header }),
    fc.record({
      from: fc.constant('claim'),
      provider: text.filter(name => name !== ''),
      claim: fc.array(
        text.filter(name => !['', 'exp', 'nbf', 'iat'].includes(name)),
        { minLength: 1, maxLength: 3 },
      ),
    }),
  ),
  budget: fc.record({
    tokens: fc.integer({ min: 0, max: 1_000_000_000 }),
    windowSeconds: fc.integer({ min: 1, max: 2_678_400 }),
    maxTenants: fc.integer({ min: 1, max: 100_000 }),
    withoutUsage: fc.integer({ min: 0, max: 1_000_000 }),
  }),
  streamUsage: fc.constantFrom('ask', 'as-sent'),
  clientHeaders: fc.constantFrom('none', 'usage'),
  guard: fc.uniqueArray(
    fc.record({
      name: label,
      pattern: fc.constantFrom('EMP-\\d{6}', '(a|b)c?', '[\'"]{2} \\$\\{'),
    }),
    { maxLength: 2, selector: ({ name }) => name },
  ),
});

const both = <T>(
  operation: fc.Arbitrary<T>,
  others: Record<string, fc.Arbitrary<unknown>>,
) =>
  fc.record({
    request: fc.array(operation, { minLength: 1, maxLength: 4 }),
    response: fc.array(operation, { maxLength: 4 }),
    ...others,
  });

const claimName = text.filter(
  name => name.length > 0 && !['exp', 'nbf', 'iat'].includes(name),
);
const filledText = text.filter(value => value.length > 0);
const claimPath = fc.array(claimName, { minLength: 1, maxLength: 3 });

const authorizationRule = fc.record({
  effect: fc.constantFrom('allow', 'deny'),
  methods: fc.uniqueArray(fc.constantFrom('GET', 'HEAD', 'POST', 'DELETE')),
  paths: fc.array(
    fc.record({
      match: fc.constantFrom('exact', 'prefix', 'segments'),
      path: fc
        .array(
          text.filter(segment => /^[^/?#;\\%*]+$/.test(segment)),
          { minLength: 1, maxLength: 3 },
        )
        .filter(segments => !segments.some(s => s === '.' || s === '..'))
        .map(segments => `/${segments.join('/')}`),
    }),
    { maxLength: 2 },
  ),
  headers: fc.array(
    fc.oneof(
      fc.record({ is: fc.constant('present'), name: header }),
      fc.record({
        is: fc.constant('equals'),
        name: header,
        value: headerValue,
      }),
    ),
    { maxLength: 2 },
  ),
  claims: fc.array(
    fc.oneof(
      fc.record({ is: fc.constant('present'), claim: claimPath }),
      fc.record({
        is: fc.constantFrom('equals', 'contains'),
        claim: claimPath,
        value: filledText,
      }),
      fc.record({
        is: fc.constant('one-of'),
        claim: claimPath,
        values: fc.array(filledText, { minLength: 1, maxLength: 3 }),
      }),
    ),
    { maxLength: 2 },
  ),
});
const inspected = {
  cards: fc.constantFrom('off', 'report', 'mask', 'block'),
  emails: fc.constantFrom('off', 'report', 'mask', 'block'),
  credentials: fc.constantFrom('off', 'report', 'mask'),
};

const inspectionSettings = fc.record(
  {
    request: fc.record({
      places: fc.subarray(['path', 'body']),
      headers: fc.uniqueArray(header, { maxLength: 3 }),
      ...inspected,
      // There is always something to do.
      sqlInjection: fc.constantFrom('report', 'block'),
      pathTraversal: fc.constantFrom('off', 'report', 'block'),
    }),
    response: fc.record(inspected, { requiredKeys: [] }),
    patterns: fc.uniqueArray(
      fc.record({
        name: label,
        pattern: fc.constantFrom(
          'EMP-\\d{6}',
          '(a|b){2,9}',
          "'; \\$\\{[x-z]\\}",
        ),
        request: fc.constantFrom('off', 'report', 'mask', 'block'),
        response: fc.constantFrom('off', 'report', 'mask', 'block'),
      }),
      { maxLength: 2, selector: ({ name }) => name },
    ),
    maskWith: fc.constantFrom('*', 'x', 'X', '#', '1'),
    keepDigits: fc.integer({ min: 0, max: 4 }),
    unreadable: fc.constantFrom('reject', 'pass'),
  },
  { requiredKeys: ['request'] },
);

const hexDigits = (length: number) =>
  fc
    .array(fc.constantFrom(...'0123456789abcdefABCDEF'), {
      minLength: length,
      maxLength: length,
    })
    .map(digits => digits.join(''));

const authentication = fc.record(
  {
    method: fc.oneof(
      fc.record(
        {
          kind: fc.constant('api-key'),
          header,
          keys: fc.uniqueArray(
            fc.record({
              identity: fc.stringMatching(/^[A-Za-z0-9._@-]{1,128}$/),
              sha256: hexDigits(64),
            }),
            { maxLength: 3, selector: key => key.sha256.toLowerCase() },
          ),
        },
        { requiredKeys: ['kind'] },
      ),
      fc.record(
        {
          kind: fc.constant('hmac'),
          header,
          windowSeconds: fc.integer({ min: 1, max: 3600 }),
          remember: fc.integer({ min: 1000, max: 1_000_000 }),
        },
        { requiredKeys: ['kind'] },
      ),
      fc.record(
        {
          kind: fc.constant('introspection'),
          audience: text,
          identityFrom: fc.constantFrom('sub', 'username', 'client_id'),
          failures: fc.integer({ min: 1, max: 20 }),
        },
        { requiredKeys: ['kind'] },
      ),
    ),
    identityHeader: header.map(name => `${name}-identity`),
    credential: fc.constantFrom('remove', 'forward'),
    realm: fc.stringMatching(/^[A-Za-z0-9._/:-]{1,100}$/),
  },
  { requiredKeys: ['method', 'identityHeader'] },
);

const settings: Record<string, fc.Arbitrary<unknown>> = {
  authorization: fc.record({
    provider: filledText,
    subject: fc.oneof(fc.constant([]), claimPath),
    pathCase: fc.constantFrom('sensitive', 'ignored'),
    decisionLog: fc.constantFrom('all', 'denied', 'none'),
    mode: fc.constantFrom('enforce', 'report-only'),
    rules: fc
      .array(authorizationRule, { maxLength: 4 })
      .map(rules =>
        rules.map((rule, i) => ({ ...rule, name: `${hostileTexts[i]}` })),
      ),
  }),
  'rate-limit': rateLimits,
  'content-inspection': inspectionSettings.filter(
    // Something is looked at.
    ({ request: { places, headers } }) => places.length + headers.length > 0,
  ),
  authentication,
  'audit-log': auditLogs,
  'header-transform': both(headerOperation, { reroute: fc.boolean() }),
  'body-transform': both(bodyOperation, {
    unreadable: fc.constantFrom('pass', 'reject'),
  }),
  'ai-gateway': gateways,
  other: fc.record({ header: fc.record({ name: header, value: headerValue }) }),
};

/** Answers with the example of their purpose, where an extension would have nothing to do without it. */
export function completed(answers: Partial<AnswersInput>): Answers {
  const parsed = parseAnswers(answers);
  const { implementation, purpose, processing } = parsed;
  // Advice cannot be asked about a choice that is impossible.
  const extension =
    implementation === 'recommended'
      ? recommend(parsed).decision !== 'native'
      : implementation !== 'native';
  return extension && missingSettings(parsed).length > 0
    ? parseAnswers({
        ...answers,
        ...withExample({ purpose, processing }),
      })
    : parsed;
}

/** What is wrong with answers, by field. */
function wrong(answers: AnswersInput): string[] {
  try {
    const parsed = parseAnswers(answers);
    const unread = unreadSettings(parsed).map(({ field }) => field);
    return unread.length === 0 && missingSettings(parsed).length > 0
      ? ['nothing to do']
      : unread;
  } catch (error) {
    return (error as InvalidAnswersError).problems.map(({ field }) => field);
  }
}

/** Answers that pass validation, except that their implementation may be impossible. */
export const validAnswers: fc.Arbitrary<AnswersInput> = fc
  .constantFrom(...purposes.map(p => p.id))
  .chain(purpose =>
    fc.record(
      {
        name: label,
        owner: fc.constantFrom(
          'group:default/platform',
          'user:guest',
          'team-a',
        ),
        purpose: fc.constant(purpose),
        description: text,
        need: fc.constantFrom(...needs.map(n => n.id)),
        furtherNeeds: fc.uniqueArray(fc.constantFrom(...needs.map(n => n.id)), {
          maxLength: 2,
        }),
        settings: settings[purpose]!,
        processing: fc.constant([...processingPhases]),
        bodySize: fc.constantFrom('none', 'small', 'large', 'streaming'),
        language: fc.constantFrom('none', 'go', 'rust', 'lua', 'other'),
        latency: fc.constantFrom('minimal', 'moderate', 'flexible', 'unknown'),
        externalCalls: fc.boolean(),
        stateAcrossRequests: fc.boolean(),
        environment: fc.constantFrom('production', 'prototype', 'unknown'),
        gatewayVersion: fc.constantFrom(...releases.map(r => r.version)),
        target: fc.record(
          {
            kind: fc.constantFrom('HTTPRoute', 'GRPCRoute', 'Gateway'),
            name: label,
            namespace: label,
            sectionName: label,
          },
          { requiredKeys: [] },
        ),
        namespace: label,
        registry: label.map(host => `${host}.example.com/team`),
        repoUrl: label.map(repo => `github.com?owner=acme&repo=${repo}`),
        implementation: fc.constantFrom(
          'recommended',
          'recommended',
          'native',
          ...implementations.map(i => i.id),
        ),
      },
      { requiredKeys: ['name', 'owner', 'purpose', 'settings', 'processing'] },
    ),
  )
  .map(given => given as unknown as AnswersInput)
  // Settings are refused where there will be no extension, and a route has one upstream.
  .map(given => ({ given, problems: wrong(given) }))
  .filter(
    ({ problems }) =>
      !['furtherNeeds', 'nothing to do'].some(one => problems.includes(one)),
  )
  .map(({ given, problems }) =>
    problems.includes('settings') ? { ...given, settings: undefined } : given,
  );
