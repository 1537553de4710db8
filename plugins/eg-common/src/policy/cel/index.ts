export { lintCel, lintCelFormat } from './cel';
export type { CelPlaceName } from './cel';
