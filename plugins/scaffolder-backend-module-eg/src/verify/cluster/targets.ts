import { describeRef } from '../../kubernetes';
import { Finding, unknown } from '../findings';
import { isUndecided, targetsOf } from './references';
import { applied, find, needed, place, Surroundings } from './surroundings';

/** What the policies target is there. */
export async function targets(surroundings: Surroundings): Promise<Finding[]> {
  return Promise.all(
    targetsOf(applied(surroundings)).map(async target => {
      if (isUndecided(surroundings.plan, target)) {
        return unknown(
          `${place(target)}: the target is still to be named (TODO)`,
        );
      }
      return needed(
        await find(surroundings, target.ref),
        `${place(target)}: ${describeRef(target.ref)}`,
        'correct its name, kind or namespace, or create it first: until then no gateway takes notice of the policy, and requests pass without it',
      );
    }),
  );
}
