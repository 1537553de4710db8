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

const headers = { settings: headerSettings };

export const headerTransform: readonly Variant[] = [
  {
    implementation: 'extproc-go',
    purpose: 'header-transform',
    variant: '',
    answers: headers,
  },
  {
    implementation: 'wasm-rust',
    purpose: 'header-transform',
    variant: '',
    answers: headers,
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
];
