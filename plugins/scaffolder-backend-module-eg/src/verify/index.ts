export { verifyDeployed } from './deployed';
export type { DeployedOptions } from './deployed';
export { readWaitingLimits, waitingRoom } from './waiting';
export type { WaitingLimits, WaitingRoom } from './waiting';
export { checks, readVerifyOptions, reportMarkdown, verify } from './verify';
export type { Check, CheckStatus, Report, VerifyOptions } from './types';
