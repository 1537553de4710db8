/** What of a Deployment is read. */
export interface Deployment {
  metadata?: { name?: string; namespace?: string };
  spec?: { replicas?: number };
  status?: { readyReplicas?: number; replicas?: number };
}

/** What of a Pod is read. */
export interface Pod {
  metadata?: { name?: string; namespace?: string };
  status?: {
    phase?: string;
    containerStatuses?: {
      ready?: boolean;
      restartCount?: number;
      state?: { waiting?: { reason?: string } };
    }[];
  };
}

/** A Deployment in one line. */
export interface DeploymentReadiness {
  name: string;
  ready: number;
  wanted: number;
  isReady: boolean;
}

/** A Pod in one line. */
export interface PodReadiness {
  name: string;
  /** Why it waits, where it does; else its phase. */
  phase: string;
  restarts: number;
  isReady: boolean;
}

function fullName({ metadata = {} }: Deployment | Pod): string {
  return `${metadata.namespace ?? 'default'}/${metadata.name ?? ''}`;
}

/** How many of a Deployment's replicas are ready; Kubernetes leaves the count out where none is. */
export function deploymentReadiness(
  deployment: Deployment,
): DeploymentReadiness {
  const wanted = deployment.spec?.replicas ?? 1;
  const ready = deployment.status?.readyReplicas ?? 0;
  return {
    name: fullName(deployment),
    ready,
    wanted,
    isReady: wanted > 0 && ready >= wanted,
  };
}

/** Whether a Pod is ready, and if not what it waits for. */
export function podReadiness(pod: Pod): PodReadiness {
  const containers = pod.status?.containerStatuses ?? [];
  const waiting = containers.find(c => c.state?.waiting?.reason);
  return {
    name: fullName(pod),
    phase: waiting?.state?.waiting?.reason ?? pod.status?.phase ?? '?',
    restarts: containers.reduce((sum, c) => sum + (c.restartCount ?? 0), 0),
    isReady: containers.length > 0 && containers.every(c => c.ready),
  };
}

/** Deployments of a processor that have fewer replicas ready than they want. */
export function unreadyDeployments(
  workload: { deployments: Deployment[] } | undefined,
): DeploymentReadiness[] {
  return (workload?.deployments ?? [])
    .map(deploymentReadiness)
    .filter(({ isReady }) => !isReady);
}
