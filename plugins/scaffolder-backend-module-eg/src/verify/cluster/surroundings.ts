import { ExtensionPlan } from 'backstage-plugin-eg-common';
import {
  Cluster,
  GatewayParent,
  gatewaysOf,
  groupVersion,
  LiveObject,
  ObjectRef,
  Reading,
} from '../../kubernetes';
import { Finding, holds, problem, unknown } from '../findings';
import { Manifest } from '../manifests';
import { BackendReference, isUndecided, Target, targetsOf } from './references';

/** What the questions are asked about. */
export interface Surroundings {
  plan: ExtensionPlan;
  /** All generated objects; what refers to one of them needs nothing of the cluster. */
  manifests: readonly Manifest[];
  cluster: Cluster;
}

/** A target that the cluster has, and its Gateways. */
export interface Attached extends Target {
  object: LiveObject;
  parents: GatewayParent[];
}

/** `policy/x.yaml: spec.targetRefs[0]` */
export const place = ({ manifest, path }: BackendReference | Target) =>
  `${manifest.file}: ${path
    .map(part => (typeof part === 'number' ? `[${part}]` : `.${part}`))
    .join('')
    .slice(1)}`;

/** What is applied; what its owner merges by hand has values that stand for theirs. */
export const applied = ({ manifests }: Surroundings) =>
  manifests.filter(({ byHand }) => !byHand);

/** Targets without those that still have to be named. */
export const decidedTargets = (s: Surroundings) =>
  targetsOf(applied(s)).filter(target => !isUndecided(s.plan, target));

const own = (surroundings: Surroundings, { group, kind, ...ref }: ObjectRef) =>
  applied(surroundings).find(
    ({ object }) =>
      groupVersion(object.apiVersion ?? '').group === group &&
      object.kind === kind &&
      object.metadata?.name === ref.name &&
      (object.metadata?.namespace ?? 'default') === ref.namespace,
  )?.object;

/** An object of the repository or, where it brings none, of the cluster. */
export async function find(
  surroundings: Surroundings,
  ref: ObjectRef,
): Promise<Reading<LiveObject>> {
  const value = own(surroundings, ref);
  return value ? { state: 'found', value } : surroundings.cluster.read(ref);
}

/** The targets that are there, with their Gateways. */
export async function attached(
  surroundings: Surroundings,
): Promise<Attached[]> {
  const found = await Promise.all(
    decidedTargets(surroundings).map(async target => {
      const reading = await find(surroundings, target.ref);
      return reading.state === 'found' && target.ref.group !== ''
        ? [
            {
              ...target,
              object: reading.value,
              parents: await gatewaysOf(
                surroundings.cluster,
                target.ref,
                reading.value,
              ),
            },
          ]
        : [];
    }),
  );
  return found.flat();
}

/** What follows from a reading that is needed. */
export function needed(
  reading: Reading<LiveObject>,
  what: string,
  remedy: string,
): Finding {
  switch (reading.state) {
    case 'found':
      return holds(`${what} is there`);
    case 'absent':
      return problem(`${what} is not there: ${reading.reason}; ${remedy}`);
    default:
      return unknown(`${what}: ${reading.reason}`);
  }
}
