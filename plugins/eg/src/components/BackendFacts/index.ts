export { BackendFacts } from './BackendFacts';
