import { Variant } from './variant';

const everyPhase = [
  'requestHeaders',
  'responseHeaders',
  'requestBody',
  'responseBody',
] as const;

const pass = { processing: [...everyPhase] };

export const other: readonly Variant[] = [
  {
    implementation: 'extproc-go',
    purpose: 'other',
    variant: 'buffered',
    answers: pass,
  },
  {
    implementation: 'extproc-go',
    purpose: 'other',
    variant: 'full duplex',
    answers: { ...pass, bodySize: 'streaming' },
  },
  { implementation: 'wasm-rust', purpose: 'other', variant: '', answers: pass },
  { implementation: 'lua', purpose: 'other', variant: '', answers: pass },
];
