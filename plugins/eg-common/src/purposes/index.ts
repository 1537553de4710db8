export * from './purposes';
export type {
  BehaviourCase,
  BodyMode,
  CaseBody,
  CaseHeader,
  DirectionProcessing,
  Processing,
  Purpose,
} from './types';
