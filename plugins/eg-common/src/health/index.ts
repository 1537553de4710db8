export { ageSince } from './age';
export { policyHealth } from './health';
export { reportsOf } from './reports';
export { policyStates } from './types';
export type {
  AncestorHealth,
  BackendFact,
  HealthHint,
  LiveBackend,
  LiveDeployment,
  LiveEndpointSlice,
  LivePolicy,
  LiveTlsPolicy,
  PolicyAncestorStatus,
  PolicyCondition,
  PolicyHealth,
  PolicyMechanism,
  PolicyState,
  PolicyTarget,
  PolicyTargetRef,
  PolicyTargetSelector,
  RouteParentStatus,
} from './types';
