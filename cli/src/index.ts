export { readAnswers } from './answersFile';
export { generateInto } from './generate';
export { main } from './main';
export { GenerationError, startScaffolder, templateFolder } from './scaffolder';
export type { Generated, GeneratedFile, Scaffolder } from './scaffolder';
