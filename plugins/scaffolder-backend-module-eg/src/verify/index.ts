export { verifyDeployed } from './deployed';
export type { DeployedOptions } from './deployed';
export { checks, readVerifyOptions, reportMarkdown, verify } from './verify';
export type { Check, CheckStatus, Report, VerifyOptions } from './types';
