export { addOnTag, objectKindOf, objectKinds } from './kinds';
export type { ObjectKind, StatusPlace } from './kinds';
