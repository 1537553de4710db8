import { hostile, Variant } from './variant';

const bodySettings = {
  request: [
    { action: 'mask', pointer: '/card/number', keep: 4 },
    { action: 'set', pointer: '/meta/via', value: 'gate"way ü' },
    { action: 'remove', pointer: '/card/cvc' },
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
  ],
};

const bodies = { settings: bodySettings };

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
    implementation: 'wasm-rust',
    purpose: 'body-transform',
    variant: '',
    answers: bodies,
  },
];
