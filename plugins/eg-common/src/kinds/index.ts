export { addOnTag, judgedKinds, objectKindOf, objectKinds } from './kinds';
export type { ObjectKind, StatusPlace } from './kinds';
