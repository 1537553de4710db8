export { parsePlan, plan, templateValues } from './plan';
export type { ExtensionPlan } from './plan';
