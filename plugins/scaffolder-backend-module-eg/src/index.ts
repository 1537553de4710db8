/**
 * Scaffolder actions for Envoy Gateway extensions: `eg:recommend`, `eg:render-policy` and `eg:verify`.
 *
 * @packageDocumentation
 */
export { createEgModule, egModule as default } from './module';
export { createRecommendAction } from './actions/recommend';
export { createRenderPolicyAction } from './actions/renderPolicy';
export { createVerifyAction } from './actions/verify';
export {
  differences,
  readVerifyOptions,
  reportMarkdown,
  reportSummary,
  repositoryOf,
  shippedSkeletons,
  verify,
} from './verify';
export type { ProgramLimits, ProgramOptions, SandboxOptions } from './programs';
export type { KubernetesServices } from './kubernetes';
export type {
  Check,
  CheckStatus,
  Place,
  Report,
  Tree,
  VerifyOptions,
} from './verify';
