export * from './purposes';
export type {
  BehaviourCase,
  BodyMode,
  CaseContext,
  CaseBody,
  CaseChunks,
  CaseHeader,
  DirectionProcessing,
  ExternalService,
  Processing,
  Purpose,
  RequiredSecret,
  Requirements,
} from './types';
