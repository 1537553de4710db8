import { Variant } from './variant';

const auditSettings = {
  requestHeaders: ['x-tenant', 'authorization', 'cookie', 'x-own', 'accept'],
  responseHeaders: ['x-cache', 'set-cookie', 'content-type'],
  redactedHeaders: ['x-own'],
  keptQueryParameters: ['page'],
};

/** A sample by a header, with claims; errors of clients are not always there. */
const sampledAudit = {
  settings: {
    fields: ['status', 'path', 'clientAddress'],
    requestHeaders: ['authorization', 'x-caller'],
    claims: [
      { name: 'subject', claim: ['sub'] },
      { name: 'roles', claim: ['realm_access', 'roles'] },
      { name: 'level', claim: ['https://example.com/level'] },
      { name: 'admin', claim: ['admin'] },
    ],
    provider: 'my-provider',
    sampling: { perTenThousand: 3000, header: 'x-caller', always: 'errors' },
  },
};

/** Nothing but errors of the upstream. */
const auditedErrors = {
  settings: { sampling: { perTenThousand: 0, always: 'server-errors' } },
};

export const auditLog: readonly Variant[] = [
  {
    implementation: 'extproc-go',
    purpose: 'audit-log',
    variant: '',
    answers: { settings: auditSettings },
  },
  {
    implementation: 'extproc-go',
    purpose: 'audit-log',
    variant: 'sampled, with claims',
    answers: sampledAudit,
  },
  {
    implementation: 'extproc-go',
    purpose: 'audit-log',
    variant: 'errors only',
    answers: auditedErrors,
  },
  {
    implementation: 'extproc-go',
    purpose: 'audit-log',
    variant: 'OpenTelemetry',
    answers: { settings: { ...auditSettings, output: 'otlp' } },
  },
  {
    implementation: 'wasm-rust',
    purpose: 'audit-log',
    variant: '',
    answers: { settings: auditSettings },
  },
  {
    implementation: 'wasm-rust',
    purpose: 'audit-log',
    variant: 'sampled, with claims',
    answers: sampledAudit,
  },
  {
    implementation: 'wasm-rust',
    purpose: 'audit-log',
    variant: 'errors only',
    answers: auditedErrors,
  },
  {
    implementation: 'lua',
    purpose: 'audit-log',
    variant: '',
    answers: { settings: auditSettings },
  },
  {
    implementation: 'lua',
    purpose: 'audit-log',
    variant: 'sampled, with claims',
    answers: sampledAudit,
  },
  {
    implementation: 'lua',
    purpose: 'audit-log',
    variant: 'errors only',
    answers: auditedErrors,
  },
];
