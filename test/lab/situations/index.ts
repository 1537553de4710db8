import { attachment } from './attachment';
import { dynamicModuleSituations } from './dynamicModule';
import { extProc } from './extProc';
import { lua } from './lua';
import { Situation } from './situation';
import { wasmSituations } from './wasm';

export { usualService } from './extProc';
export type { Answer, Situation, Stage } from './situation';

/** Everything that is provoked and recorded. */
export const situations: readonly Situation[] = [
  ...attachment,
  ...lua,
  ...extProc,
  ...wasmSituations,
  ...dynamicModuleSituations,
];
