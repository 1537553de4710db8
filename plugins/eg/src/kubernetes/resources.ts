import { CustomResourceMatcher } from '@backstage/plugin-kubernetes-common';
import { addOnTag, ObjectKind, objectKinds } from 'backstage-plugin-eg-common';

const matcher = ({ group, version, plural }: ObjectKind) => ({
  group,
  apiVersion: version,
  plural,
});

/**
 * The policies, routes and other objects that belong to an extension.
 *
 * @param tags - of the entity: kinds of an add-on are asked for only where it has them
 */
export function objectResources(
  tags: readonly string[],
): CustomResourceMatcher[] {
  return objectKinds
    .filter(({ addOn }) => !addOn || tags.includes(addOnTag(addOn)))
    .map(matcher);
}

/** What an external processor runs as. The Kubernetes back end asks for any resource by the same request. */
export const workloadResources: CustomResourceMatcher[] = [
  { group: 'apps', apiVersion: 'v1', plural: 'deployments' },
  { group: '', apiVersion: 'v1', plural: 'pods' },
];

/** How an external processor is reached: not every cluster has or shows it. */
export const reachResources: CustomResourceMatcher[] = [
  {
    group: 'discovery.k8s.io',
    apiVersion: 'v1',
    plural: 'endpointslices',
  },
  {
    group: 'gateway.networking.k8s.io',
    apiVersion: 'v1',
    plural: 'backendtlspolicies',
  },
];
