import { hostile, Variant } from './variant';

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

/** Cookies, parts, tables, joined sources, and text around them. */
const derivedSettings = {
  request: [
    {
      action: 'set-from',
      name: 'authorization',
      from: from('cookie', { name: 'token' }),
      prefix: 'Bearer ',
    },
    {
      action: 'set-from',
      name: 'x-region',
      from: from('header', { name: 'x-zone' }),
      part: { kind: 'separated', separator: '-', number: 2 },
      default: 'unknown',
    },
    {
      action: 'set-from',
      name: 'x-plan',
      from: from('query', { name: 'plan' }),
      table: [
        { when: 'g', use: 'gold' },
        { when: 's', use: 'silver, with a comma' },
      ],
      default: 'free',
    },
    {
      action: 'append-from',
      name: 'x-key',
      from: from('joined', {
        inputs: [
          from('path-segment', { segment: 1 }),
          from('cookie', { name: 'id' }),
          from('header', { name: 'x-zone' }),
        ],
        separator: ':',
      }),
      suffix: '/v1',
    },
  ],
  response: [
    {
      action: 'set-from',
      name: 'x-last',
      from: from('header', { name: 'x-chain' }),
      part: { kind: 'separated', separator: ',', number: -1 },
    },
    {
      action: 'set-from',
      name: 'x-of-both',
      from: from('joined', {
        inputs: [
          from('header', { name: 'x-chain' }),
          from('request-header', { name: 'x-plan' }),
        ],
        separator: ' for ',
      }),
      default: 'none',
    },
    {
      action: 'append-from',
      name: 'x-session',
      from: from('cookie', { name: 'id' }),
      table: [{ when: 'a=b%2C+"x"', use: 'known' }],
    },
  ],
};

const patternSettings = {
  request: [
    {
      action: 'set-from',
      name: 'x-employee',
      from: from('header', { name: 'x-note' }),
      part: { kind: 'pattern', pattern: 'EMP-\\d{6}' },
    },
    {
      action: 'set-from',
      name: 'x-order',
      from: from('path'),
      part: { kind: 'pattern', pattern: '/part-(\\d{1,4})|/other' },
      default: 'none',
    },
  ],
  response: [
    {
      action: 'append-from',
      name: 'x-version',
      from: from('request-header', { name: 'x-client' }),
      part: { kind: 'pattern', pattern: '(?:app|lib)/(\\d{1,3}[.]\\d{1,3})' },
      prefix: 'v',
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

const headers = { settings: headerSettings };
const sources = { settings: sourceSettings };
const derived = { settings: derivedSettings };
const patterns = { settings: patternSettings };
const rerouted = { settings: rerouteSettings };

export const headerTransform: readonly Variant[] = [
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
    variant: 'derived values',
    answers: derived,
  },
  {
    implementation: 'extproc-go',
    purpose: 'header-transform',
    variant: 'patterns',
    answers: patterns,
  },
  {
    implementation: 'extproc-go',
    purpose: 'header-transform',
    variant: 'route again',
    answers: rerouted,
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
    variant: 'derived values',
    answers: derived,
  },
  {
    implementation: 'wasm-rust',
    purpose: 'header-transform',
    variant: 'patterns',
    answers: patterns,
  },
  {
    implementation: 'wasm-rust',
    purpose: 'header-transform',
    variant: 'route again',
    answers: rerouted,
  },
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
  {
    implementation: 'lua',
    purpose: 'header-transform',
    variant: 'derived values',
    answers: derived,
  },
];
