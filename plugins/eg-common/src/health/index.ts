export { ageSince } from './age';
export { policyHealth } from './health';
export { policyStates } from './types';
export type {
  AncestorHealth,
  HealthHint,
  LivePolicy,
  PolicyAncestorStatus,
  PolicyCondition,
  PolicyHealth,
  PolicyMechanism,
  PolicyState,
  PolicyTarget,
  PolicyTargetRef,
  PolicyTargetSelector,
} from './types';
