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
  PurposeId,
  RequiredSecret,
  Requirements,
} from './types';
