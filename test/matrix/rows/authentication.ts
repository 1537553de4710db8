import { Variant } from './variant';

/** The hash of alpha’s example key, under another name, and one of a key that nobody has. */
const listedKeys = [
  {
    identity: 'Partner@example.com',
    sha256: 'db0d5713160379e9f51fda91a44e3e68ecf39c2859ce0bf145a534786374b136',
  },
  { identity: 'nobody', sha256: 'ab'.repeat(32) },
];

const apiKeys = {
  settings: {
    method: { kind: 'api-key', header: 'x-partner-key', keys: listedKeys },
    identityHeader: 'x-partner',
    credential: 'forward',
    preflight: 'pass',
    realm: 'shop:v1/partners',
  },
};

const signatures = {
  processing: ['requestHeaders' as const, 'requestBody' as const],
  settings: { method: { kind: 'hmac', windowSeconds: 60 } },
};

const otherSignatures = {
  ...signatures,
  settings: {
    method: { kind: 'hmac', header: 'x-signature' },
    credential: 'forward',
  },
};

/** More time than usual: a busy machine is no failure of the server that is asked. */
const tokens = {
  latency: 'flexible' as const,
  settings: { method: { kind: 'introspection', timeoutMilliseconds: 1500 } },
};

const tokensForUs = {
  latency: 'flexible' as const,
  settings: {
    method: {
      kind: 'introspection',
      timeoutMilliseconds: 1500,
      audience: 'https://api.example.com/"über"',
      identityFrom: 'username',
      cacheSeconds: 0,
      failures: 2,
    },
    credential: 'forward',
  },
};

export const authentication: readonly Variant[] = [
  {
    implementation: 'extproc-go',
    purpose: 'authentication',
    variant: 'keys in a Secret',
    answers: {},
  },
  {
    implementation: 'extproc-go',
    purpose: 'authentication',
    variant: 'keys in the settings',
    answers: apiKeys,
  },
  {
    implementation: 'extproc-go',
    purpose: 'authentication',
    variant: 'signatures',
    answers: signatures,
  },
  {
    implementation: 'extproc-go',
    purpose: 'authentication',
    variant: 'signatures, full duplex',
    answers: { ...otherSignatures, bodySize: 'large' },
  },
  {
    implementation: 'extproc-go',
    purpose: 'authentication',
    variant: 'tokens',
    answers: tokens,
  },
  {
    implementation: 'extproc-go',
    purpose: 'authentication',
    variant: 'tokens, no cache',
    answers: tokensForUs,
  },
  {
    implementation: 'wasm-rust',
    purpose: 'authentication',
    variant: 'keys in a Secret',
    answers: {},
  },
  {
    implementation: 'wasm-rust',
    purpose: 'authentication',
    variant: 'keys in the settings',
    answers: apiKeys,
  },
  {
    implementation: 'wasm-rust',
    purpose: 'authentication',
    variant: 'signatures',
    answers: signatures,
  },
  {
    implementation: 'wasm-rust',
    purpose: 'authentication',
    variant: 'signatures in another header',
    answers: otherSignatures,
  },
];
