export { parsePlan } from './parse';
export {
  plan,
  schemasFor,
  secretNameOf,
  secretVariable,
  templateValues,
} from './plan';
export { processorMemory, processorStop } from './processor';
export type { ProcessorMemory } from './processor';
export type { ExtensionPlan } from './schema';
