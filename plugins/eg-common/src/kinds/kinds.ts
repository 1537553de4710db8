import {
  aiGatewayGroup,
  envoyGatewayGroup,
  gatewayGroup,
} from '../policy/constants';

/**
 * Where the status of a kind has its conditions: per Gateway as `status.ancestors` (policies) or `status.parents`
 * (routes), once as `status.conditions`, or nowhere.
 *
 * @public
 */
export type StatusPlace = 'ancestors' | 'parents' | 'conditions' | 'none';

/**
 * A kind of object that a generated repository can have, as an API server serves it.
 *
 * @public
 */
export interface ObjectKind {
  kind: string;
  group: string;
  version: string;
  plural: string;
  status: StatusPlace;
  /** Whose controller judges it, where that is not Envoy Gateway. Its CRD may be absent. */
  addOn?: string;
}

const gatewayApi = { group: gatewayGroup, version: 'v1' };
const envoyGateway = { group: envoyGatewayGroup, version: 'v1alpha1' };
const aiGateway = {
  group: aiGatewayGroup,
  version: 'v1alpha1',
  status: 'conditions',
  addOn: 'AI Gateway',
} as const;

/**
 * The kinds that extend or configure a gateway and belong to an extension, policies first. A kind that generation
 * writes is one entry here; what its states mean is in `health/meanings.ts`.
 *
 * Source: the CRDs of Envoy Gateway 1.9, Gateway API 1.6 and AI Gateway 1.1.
 *
 * @public
 */
export const objectKinds: readonly ObjectKind[] = [
  {
    kind: 'EnvoyExtensionPolicy',
    plural: 'envoyextensionpolicies',
    ...envoyGateway,
    status: 'ancestors',
  },
  {
    kind: 'SecurityPolicy',
    plural: 'securitypolicies',
    ...envoyGateway,
    status: 'ancestors',
  },
  {
    kind: 'BackendTrafficPolicy',
    plural: 'backendtrafficpolicies',
    ...envoyGateway,
    status: 'ancestors',
  },
  {
    kind: 'ClientTrafficPolicy',
    plural: 'clienttrafficpolicies',
    ...envoyGateway,
    status: 'ancestors',
  },
  {
    kind: 'EnvoyPatchPolicy',
    plural: 'envoypatchpolicies',
    ...envoyGateway,
    status: 'ancestors',
  },
  {
    kind: 'EnvoyProxy',
    plural: 'envoyproxies',
    ...envoyGateway,
    status: 'ancestors',
  },
  {
    kind: 'Backend',
    plural: 'backends',
    ...envoyGateway,
    status: 'conditions',
  },
  {
    kind: 'HTTPRouteFilter',
    plural: 'httproutefilters',
    ...envoyGateway,
    status: 'none',
  },
  { kind: 'HTTPRoute', plural: 'httproutes', ...gatewayApi, status: 'parents' },
  { kind: 'GRPCRoute', plural: 'grpcroutes', ...gatewayApi, status: 'parents' },
  { kind: 'AIGatewayRoute', plural: 'aigatewayroutes', ...aiGateway },
  { kind: 'AIServiceBackend', plural: 'aiservicebackends', ...aiGateway },
  {
    kind: 'BackendSecurityPolicy',
    plural: 'backendsecuritypolicies',
    ...aiGateway,
  },
];

/**
 * The kinds that have a status, so that one can wait until they are accepted.
 *
 * @public
 */
export const judgedKinds: readonly string[] = objectKinds
  .filter(({ status }) => status !== 'none')
  .map(({ kind }) => kind);

/**
 * The tag of catalog entities that have objects of an add-on: `ai-gateway`.
 *
 * @public
 */
export const addOnTag = (addOn: string): string =>
  addOn.toLowerCase().replaceAll(' ', '-');

/**
 * The entry of a kind in {@link objectKinds}; undefined where there is none.
 *
 * @public
 */
export function objectKindOf(kind: string): ObjectKind | undefined {
  return objectKinds.find(entry => entry.kind === kind);
}
