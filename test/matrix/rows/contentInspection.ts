import { withExample } from 'backstage-plugin-eg-common';
import { Variant } from './variant';

const example = withExample({ purpose: 'content-inspection' as const });

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

/** What cannot be read passes, a mask that keeps numbers numbers, one direction only. */
const requestInspection = {
  settings: {
    request: { places: ['body'], cards: 'block', credentials: 'report' },
    maskWith: '1',
    contentTypes: ['*'],
    unreadable: 'pass',
  },
};

/** As examples/answers/inspect-uploads.yaml asks for it; `own` are patterns. */
const uploads = (own: boolean) => ({
  settings: {
    request: {
      headers: ['referer'],
      cards: 'mask',
      credentials: 'report',
      sqlInjection: 'block',
      pathTraversal: 'block',
    },
    response: { cards: 'mask', emails: 'report', credentials: 'mask' },
    patterns: own
      ? [
          {
            name: 'employee-number',
            pattern: 'EMP-\\d{6}',
            request: 'report',
            response: 'mask',
          },
        ]
      : [],
  },
});

export const contentInspection: readonly Variant[] = [
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
    variant: 'the example',
    answers: example,
  },
  {
    implementation: 'extproc-go',
    purpose: 'content-inspection',
    variant: 'uploads',
    answers: { ...uploads(true), bodySize: 'large' },
  },
  {
    implementation: 'wasm-rust',
    purpose: 'content-inspection',
    variant: 'uploads',
    answers: uploads(true),
  },
  {
    implementation: 'lua',
    purpose: 'content-inspection',
    variant: 'uploads',
    answers: uploads(false),
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
    variant: 'the example',
    answers: { ...example, bodySize: 'streaming' },
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
    answers: { ...example, environment: 'prototype' },
  },
];
