export { policyOverview } from './clusterViews';
export type { PolicyOverview, PolicyView, Workload } from './clusterViews';
export { requestProblem } from './problems';
export type { KubernetesProblem, ProblemKind } from './problems';
export { kubernetesId } from './kubernetesId';
export {
  objectResources,
  reachResources,
  workloadResources,
} from './resources';
export {
  deploymentReadiness,
  podReadiness,
  unreadyDeployments,
} from './workloads';
