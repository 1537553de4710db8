import { describeRef } from '../../kubernetes';
import { Finding, problem, unknown } from '../findings';
import { backendReferencesOf, isUndecided } from './references';
import { applied, find, needed, place, Surroundings } from './surroundings';

/** The Services and Backends that policies refer to are there, with their ports. */
export async function backends(surroundings: Surroundings): Promise<Finding[]> {
  const references = backendReferencesOf(applied(surroundings));
  const found = await Promise.all(
    references.map(async reference => {
      const { ref, port } = reference;
      const what = `${place(reference)}: ${describeRef(ref)}`;
      if (isUndecided(surroundings.plan, reference)) {
        return [unknown(`${what} is still to be named (TODO)`)];
      }
      const reading = await find(surroundings, ref);
      const exists = needed(
        reading,
        what,
        'create it first, or correct the reference: until then the routes answer 500',
      );
      const ports =
        reading.state === 'found' && ref.kind === 'Service'
          ? ((reading.value.spec?.ports ?? []) as { port: number }[])
          : undefined;
      return ports && !ports.some(p => p.port === port)
        ? [
            problem(
              `${what} has no port ${port}; it has ${ports
                .map(p => p.port)
                .join(', ')}`,
            ),
          ]
        : [exists];
    }),
  );
  return found.flat();
}
