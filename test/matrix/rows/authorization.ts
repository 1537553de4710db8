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
    ],
  ),
];
