export { EntityLinks } from './EntityLinks';
