export * from './purposes';
export type {
  BehaviourCase,
  BodyMode,
  CaseContext,
  CaseBody,
  CaseChunks,
  CaseHeader,
  CaseProtocol,
  DirectionProcessing,
  ExternalService,
  LocalRoute,
  Processing,
  Purpose,
  PurposeId,
  RequiredSecret,
  Requirements,
} from './types';
export { wasmMemory } from './wasmMemory';
