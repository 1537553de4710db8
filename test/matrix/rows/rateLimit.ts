import { Variant } from './variant';

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

export const rateLimit: readonly Variant[] = [
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
    answers: {
      settings: {
        ...costSettings,
        clientHeaders: 'none',
        // As many as there can be: its unit tests fill them, in the memory that the manifest grants.
        store: { kind: 'memory', maxKeys: 500_000 },
      },
    },
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
];
