export {
  parsePlan,
  plan,
  secretNameOf,
  secretVariable,
  templateValues,
} from './plan';
export type { ExtensionPlan } from './plan';
