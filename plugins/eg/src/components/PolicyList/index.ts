export { PolicyList } from './PolicyList';
