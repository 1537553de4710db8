export { parsePlan } from './parse';
export { plan, secretNameOf, secretVariable, templateValues } from './plan';
export type { ExtensionPlan } from './schema';
