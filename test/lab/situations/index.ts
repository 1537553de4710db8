import { attachment } from './attachment';
import { backendTrafficSituations } from './backendTraffic';
import { clientTrafficSituations } from './clientTraffic';
import { dynamicModuleSituations } from './dynamicModule';
import { extProc } from './extProc';
import { lua } from './lua';
import { patchSituations, proxySituations } from './patches';
import { routeSituations } from './routes';
import { securitySituations } from './security';
import { Situation } from './situation';
import { wasmSituations } from './wasm';

export { usualService } from './extProc';
export { usualSettings } from './situation';
export type { Answer, Situation, Stage } from './situation';

/** Everything that is provoked and recorded. */
export const situations: readonly Situation[] = [
  ...attachment,
  ...lua,
  ...extProc,
  ...wasmSituations,
  ...dynamicModuleSituations,
  ...securitySituations,
  ...backendTrafficSituations,
  ...clientTrafficSituations,
  ...routeSituations,
  ...patchSituations,
  ...proxySituations,
];
