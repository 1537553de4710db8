import * as fc from 'fast-check';
import {
  AnswersInput,
  implementations,
  needs,
  processingPhases,
  purposes,
  releases,
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
  .filter(value => isText(value) && value.length <= 512);

const headerOperation = fc.oneof(
  fc.record({
    action: fc.constantFrom('set', 'append'),
    name: header,
    value: headerValue,
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
  fc.record({
    action: fc.constant('mask'),
    pointer,
    keep: fc.integer({ min: 0, max: 64 }),
  }),
);

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

const both = <T>(operation: fc.Arbitrary<T>) =>
  fc.record({
    request: fc.array(operation, { minLength: 1, maxLength: 4 }),
    response: fc.array(operation, { maxLength: 4 }),
  });

const settings: Record<string, fc.Arbitrary<unknown>> = {
  'header-transform': both(headerOperation),
  'body-transform': both(bodyOperation),
  'ai-gateway': gateways,
  other: fc.record({ header: fc.record({ name: header, value: headerValue }) }),
};

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
  ) as fc.Arbitrary<AnswersInput>;
