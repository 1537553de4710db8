export { findProgram } from './find';
export { runProgram } from './run';
export type { ProgramEnd, ProgramRun } from './run';
export { defaultLimits, defaultProgramOptions } from './types';
export type { ProgramLimits, ProgramOptions, SandboxOptions } from './types';
export { withWorkFolder } from './workFolder';
export type { WorkFolder } from './workFolder';
