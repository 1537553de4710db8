/**
 * The front end of the Envoy Gateway Extensions Builder.
 *
 * @packageDocumentation
 */
export { egPlugin as default } from './plugin';
export { egTranslationRef } from './translation';
