import { withExample } from 'backstage-plugin-eg-common';
import { hostile, Variant } from './variant';

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
};

/** Claims that are compared with the request itself, in rules that allow and that deny. */
const ownSettings = {
  provider: 'my-idp',
  rules: [
    {
      name: 'not of another tenant',
      effect: 'deny',
      paths: [{ match: 'prefix', path: '/blocked' }],
      claims: [
        { is: 'equals-query', claim: ['blocked'], name: 'tenant' },
        { is: 'equals-header', claim: ['blocked'], name: 'x-tenant' },
      ],
    },
    {
      name: 'own path',
      effect: 'allow',
      paths: [{ match: 'segments', path: '/users/*/**' }],
      claims: [{ is: 'equals-segment', claim: ['sub'], segment: 2 }],
    },
    {
      name: 'own tenant',
      effect: 'allow',
      paths: [{ match: 'prefix', path: '/orders' }],
      claims: [{ is: 'equals-query', claim: ['tenant', 'id'], name: 'tenant' }],
    },
    {
      name: 'own tenant by header',
      effect: 'allow',
      paths: [{ match: 'prefix', path: '/invoices' }],
      claims: [{ is: 'equals-header', claim: ['tenants'], name: 'x-tenant' }],
    },
    {
      name: 'own host',
      effect: 'allow',
      methods: ['PUT'],
      claims: [{ is: 'equals-host', claim: ['site'] }],
    },
  ],
};

export const authorization: readonly Variant[] = [
  ...(['extproc-go', 'wasm-rust', 'lua'] as const).flatMap(
    (implementation): Variant[] => [
      {
        implementation,
        purpose: 'authorization',
        variant: 'rules and claims',
        answers: { settings: authorizationSettings },
      },
      {
        implementation,
        purpose: 'authorization',
        variant: 'own values',
        answers: { settings: ownSettings },
      },
      {
        implementation,
        purpose: 'authorization',
        variant: 'the example',
        answers: withExample({ purpose: 'authorization' as const }),
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
    ],
  ),
];
