export { chooseCluster, clusterOf, groupVersion } from './cluster';
export type { Cluster, LiveObject, ObjectRef, Reading } from './cluster';
export { sharedDiscovery } from './discovery';
export { ClusterUnavailableError } from './errors';
export { kubernetesOfBackstage } from './kubernetes';
export type {
  Kubernetes,
  KubernetesAnswer,
  KubernetesRequest,
  KubernetesServices,
} from './kubernetes';
export { describeRef, gatewaysOf, isEnvoyGateway } from './gateways';
export type { GatewayParent } from './gateways';
