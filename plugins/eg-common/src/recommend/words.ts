import type { Need } from '../needs';

/**
 * A title as it stands alone or begins a sentence.
 *
 * @public
 */
export const capital = (text: string): string =>
  text.charAt(0).toUpperCase() + text.slice(1);

/** Several things in a sentence: `a, b and c`. */
export const enumeration = (things: readonly string[]): string =>
  [things.slice(0, -1).join(', '), ...things.slice(-1)]
    .filter(part => part !== '')
    .join(' and ');

/** The titles of the features for needs, each once. */
export const featureTitles = (list: readonly Need[]): string[] => [
  ...new Set(list.flatMap(({ native }) => (native ? [native.title] : []))),
];
