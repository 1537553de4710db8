export { modifiersOf, saysStaticHeaders } from './headers';
export { MergeConflict } from './merge';
export { isUnspecified, needOf, needs, needTitle, needTopics } from './needs';
export type {
  Hybrid,
  Implications,
  Native,
  NativeContext,
  Need,
} from './types';
export {
  divide,
  exclusive,
  impliedBy,
  nativeObjects,
  nativeVerdicts,
  primaryFirst,
  settingsOfNeed,
  wishOf,
} from './wish';
export type { Covered, Division, NativeVerdict } from './wish';
