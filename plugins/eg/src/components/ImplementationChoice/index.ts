export { ImplementationChoice } from './ImplementationChoice';
