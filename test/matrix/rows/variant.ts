import { AnswersInput } from 'backstage-plugin-eg-common';

/** One repository of the matrix: the answers that it is generated from. */
export interface Variant {
  implementation: 'extproc-go' | 'wasm-rust' | 'lua';
  purpose: string;
  /** What tells it from other variants of the same implementation and purpose. */
  variant: string;
  answers: Partial<AnswersInput>;
}

/** Text that ends strings or begins templates in one language or another; it has to arrive as it is. */
export const hostile = [
  "it's `id` $(id) ${HOME}",
  '${{ secrets.A }} {{ b }} {% c %} {# d #}',
  ']] --[[ \\n \\',
  '%REQ(:path)% !!js/x &a *b <<: {c: d} # e',
];
