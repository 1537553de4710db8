export { HintList } from './HintList';
