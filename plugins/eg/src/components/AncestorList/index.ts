export { AncestorList } from './AncestorList';
