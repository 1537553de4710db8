export { policySchema } from './envoyExtensionPolicy';
