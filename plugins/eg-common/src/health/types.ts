/**
 * What is read of a policy, or of another object of one of the `objectKinds`. Everything may be missing, because it comes
 * from a cluster. Lists in the Kubernetes plugin's answers lack `apiVersion`.
 *
 * @public
 */
export interface LivePolicy {
  apiVersion?: string;
  kind?: string;
  metadata?: {
    name?: string;
    namespace?: string;
    uid?: string;
    creationTimestamp?: string;
    generation?: number;
    labels?: Record<string, string>;
    [key: string]: unknown;
  };
  spec?: {
    targetRef?: PolicyTargetRef;
    targetRefs?: PolicyTargetRef[];
    targetSelectors?: PolicyTargetSelector[];
    parentRefs?: (PolicyTargetRef & { namespace?: string })[];
    mergeType?: string;
    extProc?: { failOpen?: boolean; [key: string]: unknown }[];
    wasm?: { failOpen?: boolean; [key: string]: unknown }[];
    lua?: Record<string, unknown>[];
    dynamicModule?: Record<string, unknown>[];
    [key: string]: unknown;
  };
  status?: {
    ancestors?: PolicyAncestorStatus[];
    parents?: RouteParentStatus[];
    conditions?: PolicyCondition[];
  };
}

/** An entry of `status.parents` of a route. @public */
export interface RouteParentStatus
  extends Omit<PolicyAncestorStatus, 'ancestorRef'> {
  parentRef?: PolicyAncestorStatus['ancestorRef'];
}

/** An entry of `spec.targetRefs`. @public */
export interface PolicyTargetRef {
  group?: string;
  kind?: string;
  name?: string;
  sectionName?: string;
}

/** An entry of `spec.targetSelectors`. @public */
export interface PolicyTargetSelector {
  group?: string;
  kind?: string;
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
  namespaces?: { from?: string };
}

/** An entry of `status.ancestors`. @public */
export interface PolicyAncestorStatus {
  ancestorRef?: PolicyTargetRef & { namespace?: string };
  controllerName?: string;
  conditions?: PolicyCondition[];
}

/** A condition of an ancestor. @public */
export interface PolicyCondition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  observedGeneration?: number;
  lastTransitionTime?: string;
}

/**
 * What a cluster holds of an extension beside its policy. What is left out is not known.
 *
 * @public
 */
export interface LiveBackend {
  deployments?: LiveDeployment[];
  endpointSlices?: LiveEndpointSlice[];
  tlsPolicies?: LiveTlsPolicy[];
}

/** What of a Deployment is read. @public */
export interface LiveDeployment {
  metadata?: { name?: string; namespace?: string };
  status?: { readyReplicas?: number };
}

/** What of an EndpointSlice is read. @public */
export interface LiveEndpointSlice {
  metadata?: { namespace?: string; labels?: Record<string, string> };
  endpoints?: { conditions?: { ready?: boolean } }[] | null;
}

/** What of a BackendTLSPolicy is read. @public */
export interface LiveTlsPolicy {
  metadata?: { name?: string; namespace?: string };
  spec?: {
    targetRefs?: PolicyTargetRef[];
    validation?: { hostname?: string };
  };
  status?: { ancestors?: PolicyAncestorStatus[] };
}

/**
 * Something that is known, or is not, of what a policy's extension runs as.
 *
 * @public
 */
export interface BackendFact {
  /** `unknown` where the cluster does not say. */
  state: 'good' | 'bad' | 'unknown';
  text: string;
}

/**
 * The one word for what a gateway makes of an object, the gravest first. Accepted is the gateway's word for the
 * configuration, and says nothing of requests; BackendNotReady is what is known to the contrary. Incomplete: accepted,
 * but the gateway could not carry out all of it. NoStatus: the kind has none, so nothing is known.
 *
 * @public
 */
export const policyStates = [
  'NotAccepted',
  'Conflicted',
  'NotAttached',
  'BackendNotReady',
  'Incomplete',
  'Stale',
  'Unknown',
  'NotDeployed',
  'Overridden',
  'Merged',
  'Accepted',
  'NoStatus',
] as const;

/** One of {@link policyStates}. @public */
export type PolicyState = (typeof policyStates)[number];

/** How a policy extends the gateway, in the words of its documentation. @public */
export type PolicyMechanism = 'ExtProc' | 'Wasm' | 'Lua' | 'DynamicModule';

/** What a policy is attached to. @public */
export interface PolicyTarget {
  kind: string;
  /** `default/my-route`, or what is selected: `HTTPRoutes with app=shop`. */
  text: string;
  sectionName?: string;
}

/**
 * What is so, and what to do about it.
 *
 * @public
 */
export interface HealthHint {
  /** Which entry of the table it is from. */
  id: string;
  severity: 'error' | 'warning' | 'info';
  meaning: string;
  remedy: string;
  /** The ancestors whose conditions it explains: `Gateway default/eg`. Empty where it concerns the policy as a whole. */
  ancestors: string[];
}

/** An ancestor with its own state. @public */
export interface AncestorHealth {
  /** `Gateway default/eg`, with `, section http` where there is one. */
  name: string;
  controller: string;
  state: PolicyState;
  conditions: PolicyCondition[];
  /** The oldest generation that a condition was written for. */
  observedGeneration?: number;
}

/**
 * What the status of a live object says.
 *
 * @public
 */
export interface PolicyHealth {
  state: PolicyState;
  /** What requests see because of it. */
  effect: string;
  kind: string;
  name: string;
  namespace: string;
  mechanisms: PolicyMechanism[];
  /** What it has, for people: mechanisms of an extension, fields of another policy, filters of a route. */
  features: string[];
  targets: PolicyTarget[];
  generation?: number;
  observedGeneration?: number;
  createdAt?: string;
  ancestors: AncestorHealth[];
  /** What is known of the external processors; empty where there is none. */
  backend: BackendFact[];
  hints: HealthHint[];
}
