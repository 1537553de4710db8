import { CustomResourceMatcher } from '@backstage/plugin-kubernetes-common';

/** Envoy Gateway's policy. */
export const policyResource: CustomResourceMatcher = {
  group: 'gateway.envoyproxy.io',
  apiVersion: 'v1alpha1',
  plural: 'envoyextensionpolicies',
};

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

/** `apiVersion` of the policy, which lists leave out. */
export const policyApiVersion = `${policyResource.group}/${policyResource.apiVersion}`;
