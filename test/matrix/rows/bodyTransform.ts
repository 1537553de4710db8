import { hostile, Variant } from './variant';

const bodySettings = {
  request: [
    { action: 'mask', pointer: '/card/number', keep: 4 },
    { action: 'set', pointer: '/meta/via', value: 'gate"way ü' },
    { action: 'remove', pointer: '/card/cvc' },
    { action: 'rename', pointer: '/card/holder', to: 'na"me ü' },
    ...hostile.map((value, i) => ({
      action: 'set',
      pointer: `/hostile/"${i}`,
      value,
    })),
  ],
  response: [
    {
      action: 'set-json',
      pointer: '/flags',
      value: '{"n":1.0,"list":[true,null]}',
    },
    { action: 'mask', pointer: '/items/1/secret', keep: 0 },
    { action: 'remove', pointer: '/a~1b/m~0n' },
    { action: 'rename', pointer: '/items/0/old', to: 'new' },
  ],
};

const bodies = { settings: bodySettings };
const rejecting = { settings: { ...bodySettings, encoded: 'reject' } };

export const bodyTransform: readonly Variant[] = [
  {
    implementation: 'extproc-go',
    purpose: 'body-transform',
    variant: 'buffered',
    answers: bodies,
  },
  {
    implementation: 'extproc-go',
    purpose: 'body-transform',
    variant: 'full duplex',
    answers: { ...bodies, bodySize: 'large' },
  },
  {
    implementation: 'extproc-go',
    purpose: 'body-transform',
    variant: 'buffered, encoded rejected',
    answers: rejecting,
  },
  {
    implementation: 'extproc-go',
    purpose: 'body-transform',
    variant: 'full duplex, encoded rejected',
    answers: { ...rejecting, bodySize: 'large' },
  },
  {
    implementation: 'wasm-rust',
    purpose: 'body-transform',
    variant: '',
    answers: bodies,
  },
  {
    implementation: 'wasm-rust',
    purpose: 'body-transform',
    variant: 'encoded rejected',
    answers: rejecting,
  },
];
