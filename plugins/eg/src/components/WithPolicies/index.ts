export { WithPolicies } from './WithPolicies';
