export { WorkloadWarning } from './WorkloadWarning';
