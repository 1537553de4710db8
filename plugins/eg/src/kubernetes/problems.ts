import { KubernetesFetchError } from '@backstage/plugin-kubernetes-common';
import { policyResource } from './resources';

/** Why policies cannot be shown. */
export type ProblemKind =
  | 'plugin-missing'
  | 'no-cluster'
  | 'backend-missing'
  | 'not-permitted'
  | 'failed'
  | 'unreachable'
  | 'unauthorized'
  | 'forbidden'
  | 'crd-missing'
  | 'not-deployed'
  | 'other';

/** One of them, in one cluster or as a whole. */
export interface KubernetesProblem {
  kind: ProblemKind;
  cluster?: string;
  /** What was reported. */
  detail?: string;
}

function statusKind(statusCode: number | undefined): ProblemKind {
  switch (statusCode) {
    case 401:
      return 'unauthorized';
    case 403:
      return 'forbidden';
    case 404:
      return 'crd-missing';
    default:
      return 'other';
  }
}

/** What a cluster answered instead of policies; undefined where the error is about something else. */
export function policyProblem(
  cluster: string,
  error: KubernetesFetchError,
): KubernetesProblem | undefined {
  if (error.errorType === 'FETCH_ERROR') {
    return {
      kind: 'unreachable',
      cluster,
      detail: 'message' in error ? error.message : undefined,
    };
  }
  const { statusCode, resourcePath, errorType } = error as {
    statusCode?: number;
    resourcePath?: string;
    errorType: string;
  };
  if (resourcePath && !resourcePath.endsWith(`/${policyResource.plural}`)) {
    return undefined;
  }
  return {
    kind: statusKind(statusCode),
    cluster,
    detail: [errorType, statusCode, resourcePath].filter(Boolean).join(' '),
  };
}

/** What Backstage's back end answered instead of clusters. */
export function requestProblem(message: string): KubernetesProblem {
  if (/HTTP 404/.test(message)) {
    return { kind: 'backend-missing', detail: message };
  }
  if (/failed with 40[13]\b/.test(message)) {
    return { kind: 'not-permitted', detail: message };
  }
  return { kind: 'failed', detail: message };
}
