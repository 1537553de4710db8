export * from './purposes';
export type {
  BehaviourCase,
  BodyMode,
  CaseContext,
  CaseBody,
  CaseHeader,
  DirectionProcessing,
  Processing,
  Purpose,
} from './types';
