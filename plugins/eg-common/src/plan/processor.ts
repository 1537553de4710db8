import { purposeOf, requirementsOf } from '../purposes';
import type { ExtensionPlan } from './schema';

const mebibyte = 2 ** 20;

/** The largest body that a processor collects, and all that it holds of bodies at once, in bytes. */
const bodies = { max: 8 * mebibyte, collected: 64 * mebibyte };

/**
 * What a processor needs without bodies, in MiB: 15 when idle, about 50 with 900 streams open. Measured with
 * test/faults/uploads.py.
 */
const base = 64;
/**
 * Memory for each byte of a body that is held: the body, the same in one piece, the changed one, and what is on its
 * way to Envoy. Measured: at most 3.4 with the same script.
 */
const perCollectedByte = 4;

/**
 * How much memory an external processor is given. The only place that says so: flags, GOMEMLIMIT, the container's limit
 * and the documentation follow from it.
 *
 * @public
 */
export interface ProcessorMemory {
  /** In bytes; null where the policy sends no body. */
  bodies: { max: number; collected: number } | null;
  /** For what the settings let it remember, in MiB. */
  state: number;
  /** The container's memory limit in MiB. */
  limit: number;
  /** Where Go's garbage collector begins to work harder, in MiB: the rest is for what it does not manage. */
  goLimit: number;
}

/**
 * The memory that an external processor needs for the bodies and the state of its settings.
 *
 * @public
 */
export function processorMemory({
  processing,
  purpose,
  settings,
}: ExtensionPlan): ProcessorMemory {
  const seesBodies = [processing.request, processing.response].some(
    direction => direction && direction.body,
  );
  const { stateBytes } = requirementsOf(purposeOf(purpose), settings);
  const state = Math.ceil(stateBytes / mebibyte);
  const needed =
    base +
    (seesBodies ? perCollectedByte * bodies.collected : 0) / mebibyte +
    state;
  const limit = Math.max(128, Math.ceil(needed / 32) * 32);
  return {
    bodies: seesBodies ? bodies : null,
    state,
    limit,
    goLimit: Math.floor(limit * 0.9),
  };
}

/** The slowest way in which an Envoy learns that an endpoint leaves, with time to spare: it takes a changed cluster up to 15 s later. */
const drainDelay = 20;
/** How long streams that are open then may take to end. */
const grace = 30;

/**
 * How a processor stops, in seconds: first it goes on for `drainDelay`, then open streams may end within `grace`.
 * `total` is when the kubelet kills it.
 *
 * @public
 */
export const processorStop = {
  drainDelay,
  grace,
  total: drainDelay + grace + 10,
};
