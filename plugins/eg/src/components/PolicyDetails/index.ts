export { PolicyDetails } from './PolicyDetails';
