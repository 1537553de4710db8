export { policySchema } from './envoyExtensionPolicy';
export { milliseconds } from './types';
