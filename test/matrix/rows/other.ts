import { Variant } from './variant';

const everyPhase = [
  'requestHeaders',
  'responseHeaders',
  'requestBody',
  'responseBody',
] as const;

const pass = { processing: [...everyPhase] };
const mark = {
  ...pass,
  settings: { header: { name: 'x-processed-by', value: 'my-extension' } },
};

export const other: readonly Variant[] = [
  {
    implementation: 'extproc-go',
    purpose: 'other',
    variant: 'buffered',
    answers: mark,
  },
  {
    implementation: 'extproc-go',
    purpose: 'other',
    variant: 'full duplex',
    answers: { ...mark, bodySize: 'streaming' },
  },
  {
    implementation: 'extproc-go',
    purpose: 'other',
    variant: 'without a marker',
    answers: pass,
  },
  { implementation: 'wasm-rust', purpose: 'other', variant: '', answers: mark },
  {
    implementation: 'wasm-rust',
    purpose: 'other',
    variant: 'without a marker',
    answers: pass,
  },
  { implementation: 'lua', purpose: 'other', variant: '', answers: mark },
  {
    implementation: 'lua',
    purpose: 'other',
    variant: 'without a marker',
    answers: pass,
  },
];
