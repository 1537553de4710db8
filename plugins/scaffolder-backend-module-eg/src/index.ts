/**
 * Scaffolder actions for Envoy Gateway extensions: `eg:recommend`, `eg:render-policy` and `eg:verify`.
 *
 * @packageDocumentation
 */
export { egModule as default } from './module';
export { createRecommendAction } from './actions/recommend';
export { createRenderPolicyAction } from './actions/renderPolicy';
export { createVerifyAction } from './actions/verify';
export { readVerifyOptions, reportMarkdown, verify } from './verify';
export type { KubernetesServices } from './kubernetes';
export type { Check, CheckStatus, Report, VerifyOptions } from './verify';
