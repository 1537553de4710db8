import { Cluster, ClusterUnavailableError } from '../kubernetes';
import { remedies } from './remedies';
import { CheckContext, Outcome, skipped } from './types';

/**
 * Asks the cluster; skipped, with the reason, where there is none that answers.
 *
 * @param check - whose remedy is shown where no cluster can be asked at all
 */
export async function withCluster(
  { cluster, place, plan }: CheckContext,
  check: 'dryRun' | 'cluster',
  ask: (cluster: Cluster) => Promise<Outcome>,
): Promise<Outcome> {
  if (!cluster) {
    return skipped(
      'no cluster can be asked from here',
      remedies[check](place, plan),
    );
  }
  try {
    return await ask(await cluster());
  } catch (error) {
    if (error instanceof ClusterUnavailableError) {
      return skipped(error.message, remedies.unavailable());
    }
    throw error;
  }
}
