/** Why a cluster cannot be asked. */
export class ClusterUnavailableError extends Error {
  name = 'ClusterUnavailableError';

  /**
   * @param message - the reason, and what to do
   * @param transient - whether it may be otherwise in a moment
   */
  constructor(message: string, readonly transient: boolean = false) {
    super(message);
  }
}
