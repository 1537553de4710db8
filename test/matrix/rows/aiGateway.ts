import { Variant } from './variant';

const gatewaySettings = {
  models: [
    { name: 'gpt-4o-mini' },
    { name: 'meta-llama/Llama-3:free', upstream: 'llama-3' },
    { name: 'small', upstream: 'gpt-4o-mini' },
  ],
  tenant: { from: 'header', header: 'x-tenant' },
  budget: {
    tokens: 1000,
    windowSeconds: 3600,
    reserve: 100,
    withoutUsage: 1000,
  },
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
  budget: { tokens: 1000, windowSeconds: 3600, reserve: 0, withoutUsage: 0 },
};

export const aiGateway: readonly Variant[] = [
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
];
