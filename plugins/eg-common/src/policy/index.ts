export { policyKind } from './constants';
export { lintPolicy, validatePolicy } from './lint';
export type { LintProblem } from './lint';
export { lintNative } from './nativeLint';
export { lintLua } from './luaLint';
export { localEnvoy } from './localEnvoy';
export { luaScript, renderFiles } from './render';
export type { Files } from './render';
