import fs from 'fs-extra';
import { join } from 'path';
import { parse } from 'yaml';
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

/** Masking and removing refuse what they cannot read, unless told otherwise. */
const bodies = { settings: bodySettings };
const passing = { settings: { ...bodySettings, unreadable: 'pass' } };
const file = '../../../examples/answers/mask-card-numbers.yaml';
const { settings } = parse(fs.readFileSync(join(__dirname, file), 'utf8'));
const example = { settings };

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
    variant: 'the example',
    answers: example,
  },
  {
    implementation: 'extproc-go',
    purpose: 'body-transform',
    variant: 'full duplex, unreadable passes',
    answers: { ...passing, bodySize: 'large' },
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
    variant: 'the example',
    answers: example,
  },
  {
    implementation: 'wasm-rust',
    purpose: 'body-transform',
    variant: 'unreadable passes',
    answers: passing,
  },
];
