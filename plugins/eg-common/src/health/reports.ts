import { ObjectKind, StatusPlace } from '../kinds';
import { LivePolicy, PolicyAncestorStatus, PolicyCondition } from './types';

const time = ({ lastTransitionTime = '' }: PolicyCondition) =>
  Date.parse(lastTransitionTime) || 0;

/**
 * The conditions that count. Envoy Gateway gives a Backend the type Accepted when it accepts it and Invalid when it does
 * not, and never takes the other back: of conditions for different generations, the newest says how it is.
 */
function newest(conditions: PolicyCondition[]): PolicyCondition[] {
  const later = (a: PolicyCondition, b: PolicyCondition) =>
    (a.observedGeneration ?? 0) - (b.observedGeneration ?? 0) ||
    time(a) - time(b);
  return conditions.filter(c =>
    conditions.every(other => later(c, other) >= 0),
  );
}

/** Who reports on an object, and what, wherever its kind has it. */
const readers: Record<
  StatusPlace,
  (object: LivePolicy, kind: string) => PolicyAncestorStatus[]
> = {
  ancestors: ({ status }) => status?.ancestors ?? [],
  parents: ({ status, metadata }) =>
    (status?.parents ?? []).map(({ parentRef, ...report }) => ({
      ...report,
      // A parent is a Gateway in the namespace of the route, unless it says otherwise.
      ancestorRef: {
        kind: 'Gateway',
        namespace: metadata?.namespace,
        ...parentRef,
      },
    })),
  conditions: ({ status, metadata }, kind) =>
    status?.conditions?.length
      ? [
          {
            ancestorRef: {
              kind,
              namespace: metadata?.namespace,
              name: metadata?.name,
            },
            conditions: newest(status.conditions),
          },
        ]
      : [],
  none: () => [],
};

/**
 * What is reported about an object: one entry for each Gateway, or one for the object itself where its kind has no
 * others.
 *
 * @public
 */
export function reportsOf(
  object: LivePolicy,
  { kind, status }: ObjectKind,
): PolicyAncestorStatus[] {
  return readers[status](object, kind);
}
