import { Cluster, ClusterUnavailableError } from '../kubernetes';
import { CheckContext, Outcome, skipped } from './types';

/** Asks the cluster; skipped, with the reason, where there is none that answers. */
export async function withCluster(
  { cluster }: CheckContext,
  ask: (cluster: Cluster) => Promise<Outcome>,
): Promise<Outcome> {
  if (!cluster) {
    return skipped(
      'no cluster can be asked from here',
      'Run eg:verify in a Backstage with the Kubernetes plugin.',
    );
  }
  try {
    return await ask(await cluster());
  } catch (error) {
    if (error instanceof ClusterUnavailableError) {
      return skipped(
        error.message,
        'Let Backstage’s Kubernetes plugin reach the cluster; what is missing stands beside the check.',
      );
    }
    throw error;
  }
}
