export { ProcessingField } from './ProcessingField';
