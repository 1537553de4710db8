export { lintPolicy } from './lint';
export type { LintProblem } from './lint';
export { lintLua } from './luaLint';
export { localEnvoy } from './localEnvoy';
export { luaScript, renderFiles } from './render';
export type { Files } from './render';
