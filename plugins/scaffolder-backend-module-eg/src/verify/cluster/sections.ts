import { describeRef, LiveObject, ObjectRef } from '../../kubernetes';
import { Finding, holds, problem } from '../findings';
import { decidedTargets, find, place, Surroundings } from './surroundings';

/** The names of the sections that a target has. */
function sectionsOf({ spec = {} }: LiveObject): string[] {
  return (spec.listeners ?? spec.rules ?? spec.ports ?? [])
    .map(({ name }: { name?: string }) => name)
    .filter(Boolean);
}

/** Whether a listener, named rule or port is there. */
export function judgeSection(
  where: string,
  section: string,
  ref: ObjectRef,
  object: LiveObject,
): Finding {
  const names = sectionsOf(object);
  return names.includes(section)
    ? holds(`${where}: ${describeRef(ref)} has ${section}`)
    : problem(
        `${where}: ${describeRef(ref)} has no section ${section}; ${
          names.length
            ? `it has ${names.join(', ')}`
            : 'none of them has a name'
        }`,
      );
}

/** The sections that targets name are there. */
export async function sections(surroundings: Surroundings): Promise<Finding[]> {
  const withSection = decidedTargets(surroundings).filter(t => t.sectionName);
  const found = await Promise.all(
    withSection.map(async target => {
      const reading = await find(surroundings, target.ref);
      return reading.state === 'found'
        ? [
            judgeSection(
              `${place(target)}.sectionName`,
              target.sectionName!,
              target.ref,
              reading.value,
            ),
          ]
        : [];
    }),
  );
  return found.flat();
}
