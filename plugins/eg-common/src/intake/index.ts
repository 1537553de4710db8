export { answersSchema, isConnectionKind, parseAnswers } from './answers';
export type { Answers, AnswersInput } from './answers';
export { beginning } from './beginning';
export { customFields, formSchema, settingsSchema } from './form';
export type { FormOptions } from './form';
export { processingPhases } from './phases';
export type { ProcessingPhase } from './phases';
export { describeProblem, InvalidAnswersError } from './problems';
export type { Problem } from './problems';
