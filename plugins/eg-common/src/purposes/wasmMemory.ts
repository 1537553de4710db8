import type { PurposeId } from './types';

/**
 * How much more memory an Envoy needs for the Wasm module of a purpose with its default settings, in MiB. The only place
 * that says so. It is the most of what test/faults/wasm_memory.py measured with Envoy 1.39.3 on x86-64: with one worker and
 * with three, before requests and after them;
 * test/faults/README.md says how to measure again.
 *
 * @public
 */
export const wasmMemory: Readonly<Record<PurposeId, number>> = {
  'header-transform': 32,
  'body-transform': 30,
  'content-inspection': 51,
  authentication: 31,
  authorization: 36,
  'rate-limit': 37,
  'audit-log': 36,
  'ai-gateway': 53,
  other: 27,
};
