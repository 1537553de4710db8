import {
  Cluster,
  describeRef,
  groupVersion,
  LiveObject,
  Reading,
} from '../../kubernetes';
import { Finding, holds, note, problem, unknown } from '../findings';
import { Manifest } from '../manifests';
import { Target, targetsOf } from './references';
import { Attached, attached, Surroundings } from './surroundings';

interface Selector {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

/** Whether labels are selected, as Kubernetes does it. */
function isSelected(
  { matchLabels = {}, matchExpressions = [] }: Selector,
  labels: Record<string, string>,
): boolean {
  return (
    Object.entries(matchLabels).every(([k, v]) => labels[k] === v) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = labels[key];
      switch (operator) {
        case 'In':
          return value !== undefined && values.includes(value);
        case 'NotIn':
          return value === undefined || !values.includes(value);
        case 'Exists':
          return value !== undefined;
        default:
          return value === undefined;
      }
    })
  );
}

/** Whether a policy of the cluster targets the same: the object, and the section of it. */
function targetsSame(
  policy: LiveObject,
  { ref, sectionName }: Pick<Target, 'ref' | 'sectionName'>,
  object: LiveObject,
): boolean {
  const byName = targetsOf([{ file: '', object: policy }]).some(
    other =>
      other.ref.kind === ref.kind &&
      other.ref.name === ref.name &&
      other.sectionName === sectionName,
  );
  const bySelector = ((policy.spec?.targetSelectors ?? []) as any[]).some(
    selector =>
      selector.kind === ref.kind &&
      sectionName === undefined &&
      isSelected(selector, object.metadata?.labels ?? {}),
  );
  return byName || bySelector;
}

const nameOf = ({ metadata = {} }: LiveObject) =>
  `${metadata.namespace ?? 'default'}/${metadata.name}`;

/** The policies of a namespace that are of the same kind as a generated one, without that one. */
async function othersOf(
  cluster: Cluster,
  { object }: Manifest,
  namespace: string | undefined,
): Promise<Reading<LiveObject[]>> {
  const { group } = groupVersion(object.apiVersion ?? '');
  const reading = await cluster.list({ group, kind: object.kind!, namespace });
  return reading.state === 'found'
    ? {
        ...reading,
        value: reading.value.filter(p => nameOf(p) !== nameOf(object)),
      }
    : reading;
}

async function heldBy(cluster: Cluster, target: Attached): Promise<Finding[]> {
  const { manifest, ref, sectionName, object } = target;
  const { kind } = manifest.object;
  const what = `${describeRef(ref)}${
    sectionName ? `, section ${sectionName}` : ''
  }`;
  const others = await othersOf(cluster, manifest, ref.namespace);
  if (others.state !== 'found') {
    return [unknown(`other ${kind}s of ${what}: ${others.reason}`)];
  }
  const same = others.value.filter(p => targetsSame(p, target, object));
  return same.length === 0
    ? [holds(`${what} has no other ${kind}`)]
    : same.map(p =>
        problem(
          `${what} has ${kind} ${nameOf(
            p,
          )} already, and the oldest one wins; put both into one policy, give this one another target or a sectionName, or delete the other`,
        ),
      );
}

/** A policy of a route takes the place of its Gateway’s, not only of what they have in common. */
async function displaced(
  cluster: Cluster,
  { manifest, ref, parents }: Attached,
): Promise<Finding[]> {
  if (parents.some(({ ancestor }) => ancestor === ref)) {
    return [];
  }
  const findings = await Promise.all(
    parents.map(async ({ ancestor, named }) => {
      const others = await othersOf(cluster, manifest, ancestor.namespace);
      return others.state === 'found' && named.state === 'found'
        ? others.value
            .filter(p => targetsSame(p, { ref: ancestor }, named.value))
            .map(p =>
              note(
                `${describeRef(ancestor)} has ${manifest.object.kind} ${nameOf(
                  p,
                )}: once this one is there, it no longer runs on ${describeRef(
                  ref,
                )}; where both should, set mergeType (Envoy Gateway 1.9)`,
              ),
            )
        : [];
    }),
  );
  return findings.flat();
}

/** No other policy has the target, and none loses it unnoticed. */
export async function conflicts(
  surroundings: Surroundings,
): Promise<Finding[]> {
  const { cluster } = surroundings;
  const findings = await Promise.all(
    (
      await attached(surroundings)
    ).flatMap(target => [heldBy(cluster, target), displaced(cluster, target)]),
  );
  return findings.flat();
}
