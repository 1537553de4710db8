export { parsePlan, plan, secretNameOf, templateValues } from './plan';
export type { ExtensionPlan } from './plan';
