import { KubernetesFetchError } from '@backstage/plugin-kubernetes-common';
import { ObjectKind, objectKinds } from 'backstage-plugin-eg-common';

/** Why an extension's objects cannot be shown. */
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
  /** The kinds of object that it concerns, and what serves them. */
  kinds?: string;
  software?: string;
  /** The same as an RBAC rule names them: `securitypolicies.gateway.envoyproxy.io`. */
  resources?: string;
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

type StatusError = {
  statusCode?: number;
  resourcePath?: string;
  errorType: string;
};

/** The kind that a path lists; undefined where it lists something else. */
function kindAt(path: string): ObjectKind | undefined {
  return objectKinds.find(
    ({ group, plural }) =>
      path.includes(`/${group}/`) && path.endsWith(`/${plural}`),
  );
}

/**
 * What a cluster answered instead of an extension's objects: one problem for all kinds that it concerns.
 *
 * @param cluster - its name for people
 * @param errors - what the Kubernetes back end reported; errors about other resources are left out
 */
export function clusterProblems(
  cluster: string,
  errors: readonly KubernetesFetchError[],
): KubernetesProblem[] {
  const unreachable = errors.find(e => e.errorType === 'FETCH_ERROR');
  if (unreachable) {
    return [
      {
        kind: 'unreachable',
        cluster,
        detail: 'message' in unreachable ? unreachable.message : undefined,
      },
    ];
  }
  const found = new Map<
    string,
    { kind: ProblemKind; software: string; kinds: ObjectKind[]; detail: string }
  >();
  for (const error of errors as readonly StatusError[]) {
    const { statusCode, resourcePath = '', errorType } = error;
    const listed = kindAt(resourcePath);
    if (resourcePath && !listed) {
      continue;
    }
    const kind = statusKind(statusCode);
    const software = listed?.addOn ?? 'Envoy Gateway';
    const key = `${kind} ${software}`;
    const same = found.get(key);
    if (!same) {
      found.set(key, {
        kind,
        software,
        kinds: listed ? [listed] : [],
        detail: [errorType, statusCode, resourcePath].filter(Boolean).join(' '),
      });
    } else if (listed) {
      same.kinds.push(listed);
    }
  }
  return [...found.values()].map(({ kinds, ...problem }) => ({
    ...problem,
    cluster,
    kinds: kinds.map(k => k.kind).join(', '),
    resources: kinds.map(k => `${k.plural}.${k.group}`).join(', '),
  }));
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
