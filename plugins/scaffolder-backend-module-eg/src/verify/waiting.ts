import { Config } from '@backstage/config';

/** How much waiting for policies a Backstage allows. */
export interface WaitingLimits {
  /** Milliseconds that one task may wait. */
  longest: number;
  /** How many tasks may wait at the same time; each holds one of the scaffolder's workers. */
  atOnce: number;
}

/** The limits where the configuration has none: ten minutes, and three of the scaffolder's ten workers. */
export const defaultWaiting: WaitingLimits = {
  longest: 10 * 60_000,
  atOnce: 3,
};

/**
 * Limits from `egExtensions.verify.waiting` of the configuration.
 *
 * @public
 * @throws Error naming the key, where a value is not a whole number that makes sense
 */
export function readWaitingLimits(config: Config): WaitingLimits {
  const read = (key: string, least: number) => {
    const path = `egExtensions.verify.waiting.${key}`;
    const value = config.getOptionalNumber(path);
    if (value !== undefined && !(Number.isInteger(value) && value >= least)) {
      throw new Error(
        `${path}: ${value} is not valid: use a whole number, ${least} or more`,
      );
    }
    return value;
  };
  const seconds = read('maxSeconds', 0);
  return {
    longest: seconds === undefined ? defaultWaiting.longest : seconds * 1000,
    atOnce: read('maxTasks', 0) ?? defaultWaiting.atOnce,
  };
}

/** The places in which tasks wait. */
export interface WaitingRoom {
  limits: WaitingLimits;
  /** Takes a place, and gives back how to leave it; undefined where all are taken. */
  enter(): (() => void) | undefined;
}

/** A room for all tasks of a process. */
export function waitingRoom(
  limits: WaitingLimits = defaultWaiting,
): WaitingRoom {
  let taken = 0;
  return {
    limits,
    enter() {
      if (taken >= limits.atOnce) {
        return undefined;
      }
      taken++;
      let left = false;
      return () => {
        taken -= left ? 0 : 1;
        left = true;
      };
    },
  };
}

/** Milliseconds to the second look, and the most between any two. */
const pauses = { first: 2000, longest: 30_000 };

/** Each pause is half as long again as the one before: what comes soon is seen soon, what takes long costs little. */
export function nextPause(previous?: number): number {
  return previous === undefined
    ? pauses.first
    : Math.min(pauses.longest, previous * 1.5);
}
