import { bodyTransform } from './bodyTransform';
import { headerTransform } from './headerTransform';
import { other } from './other';
import { Purpose } from './types';

/**
 * All purposes, in the order in which the interview offers them. A new purpose is one file and one line here.
 *
 * @public
 */
export const purposes: readonly Purpose<any>[] = [
  headerTransform,
  bodyTransform,
  other,
];

/**
 * The purpose with the given id.
 *
 * @public
 * @throws Error when there is none
 */
export function purposeOf(id: string): Purpose<any> {
  const found = purposes.find(p => p.id === id);
  if (!found) {
    throw new Error(
      `purpose: "${id}" does not exist; choose one of ${purposes
        .map(p => p.id)
        .join(', ')}`,
    );
  }
  return found;
}
