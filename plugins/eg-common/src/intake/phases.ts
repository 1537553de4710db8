/**
 * What of the traffic an extension can look at.
 *
 * @public
 */
export const processingPhases = [
  'requestHeaders',
  'responseHeaders',
  'requestBody',
  'responseBody',
] as const;

/**
 * One of {@link processingPhases}.
 *
 * @public
 */
export type ProcessingPhase = (typeof processingPhases)[number];
