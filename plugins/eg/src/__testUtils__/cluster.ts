import {
  KubernetesFetchError,
  ObjectsByEntityResponse,
} from '@backstage/plugin-kubernetes-common';
import { LivePolicy } from 'backstage-plugin-eg-common';
import deployment from '../__fixtures__/deployment.json';
import pods from '../__fixtures__/pods.json';

type Item = ObjectsByEntityResponse['items'][number];

/** Members of lists have no apiVersion; the Kubernetes back end puts the kind in. */
function listed(objects: { apiVersion?: string }[]) {
  return {
    type: 'customresources' as const,
    resources: objects.map(({ apiVersion, ...object }) => object),
  };
}

/** What the Kubernetes back end answers for one cluster. */
export function clusterItem(
  name: string,
  given: {
    policies?: LivePolicy[];
    workload?: boolean;
    related?: { apiVersion?: string; kind: string }[];
    errors?: KubernetesFetchError[];
  },
): Item {
  const { policies, workload, related, errors = [] } = given;
  return {
    cluster: { name },
    podMetrics: [],
    errors,
    resources: [
      ...(policies ? [listed(policies)] : []),
      ...(related ? [listed(related)] : []),
      ...(workload ? [listed([deployment]), listed(pods)] : []),
    ],
  };
}

const policiesPath =
  '/apis/gateway.envoyproxy.io/v1alpha1/envoyextensionpolicies';

/** What it answers where a cluster gives no policies. */
export const clusterErrors = {
  unreachable: {
    errorType: 'FETCH_ERROR',
    message:
      'request to https://10.0.0.9:6443/apis/gateway.envoyproxy.io/v1alpha1/envoyextensionpolicies?labelSelector=backstage.io%2Fkubernetes-id%3Dmy-extension failed, reason: connect ECONNREFUSED 10.0.0.9:6443',
  },
  unauthorized: {
    errorType: 'UNAUTHORIZED_ERROR',
    statusCode: 401,
    resourcePath: policiesPath,
  },
  forbidden: {
    errorType: 'UNKNOWN_ERROR',
    statusCode: 403,
    resourcePath: policiesPath,
  },
  'crd-missing': {
    errorType: 'NOT_FOUND',
    statusCode: 404,
    resourcePath: policiesPath,
  },
  other: {
    errorType: 'SYSTEM_ERROR',
    statusCode: 500,
    resourcePath: policiesPath,
  },
  podsForbidden: {
    errorType: 'UNKNOWN_ERROR',
    statusCode: 403,
    resourcePath: '/api/v1/pods',
  },
  endpointSlicesForbidden: {
    errorType: 'UNKNOWN_ERROR',
    statusCode: 403,
    resourcePath: '/apis/discovery.k8s.io/v1/endpointslices',
  },
} satisfies Record<string, KubernetesFetchError>;
