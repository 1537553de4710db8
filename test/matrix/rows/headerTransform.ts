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
];
