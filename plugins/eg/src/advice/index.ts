export { advise, problemsOf, sent } from './advise';
export type { Advice } from './advise';
export { describeProblem, describeProblems } from './describe';
export { manifestsOf } from './manifests';
export { questionOf } from './questions';
