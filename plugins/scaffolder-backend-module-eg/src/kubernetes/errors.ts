/** Why a cluster cannot be asked. */
export class ClusterUnavailableError extends Error {
  name = 'ClusterUnavailableError';
}
