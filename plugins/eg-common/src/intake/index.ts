export {
  answersSchema,
  isConnectionKind,
  missingSettings,
  parseAnswers,
  unreadSettings,
} from './answers';
export type { Answers, AnswersInput } from './answers';
export { beginning } from './beginning';
export { withExample } from './example';
export { namespaceName, objectName } from './fields';
export { customFields, formSchema, settingsSchema } from './form';
export type { FormOptions } from './form';
export { processingPhases } from './phases';
export type { ProcessingPhase } from './phases';
export { describeProblem, InvalidAnswersError } from './problems';
export type { Problem } from './problems';
export { isSecretName, looksSecret, withoutSecrets } from './secrets';
export { yamlData, yamlProblem } from './yamlProblem';
