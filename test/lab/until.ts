import { setTimeout as sleep } from 'timers/promises';

/** What trying again does not mend. */
export class Hopeless extends Error {}

/**
 * Tries until it works.
 *
 * @param what - what then holds, for the error
 * @param seconds - for how long to try
 * @param attempt - fails while it does not hold
 * @throws Error with the last failure, or at once what is {@link Hopeless}
 */
export async function until<T>(
  what: string,
  seconds: number,
  attempt: () => Promise<T>,
): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof Hopeless) {
        throw error;
      }
      if (Date.now() > end) {
        throw new Error(
          `after ${seconds} seconds it is still not so that ${what}: ${
            (error as Error).message
          }`,
          { cause: error },
        );
      }
      await sleep(100);
    }
  }
}
