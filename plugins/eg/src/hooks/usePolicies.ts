import { Entity } from '@backstage/catalog-model';
import { useApi } from '@backstage/frontend-plugin-api';
import { ObjectsByEntityResponse } from '@backstage/plugin-kubernetes-common';
import {
  kubernetesApiRef,
  useCustomResources,
} from '@backstage/plugin-kubernetes-react';
import { useEffect, useMemo, useState } from 'react';
import {
  KubernetesProblem,
  objectResources,
  PolicyOverview,
  policyOverview,
  reachResources,
  requestProblem,
  workloadResources,
} from '../kubernetes';

/** How often the clusters are asked. */
export const refreshMs = 10_000;

/** The policies, routes and other objects of an entity, as far as they are known. */
export interface Policies {
  loading: boolean;
  overview?: PolicyOverview;
  /** Why there is no overview, or why it could not be refreshed. */
  problem?: KubernetesProblem;
}

/** The clusters that Backstage knows: asked once, because they do not change while a page is open. */
function useClusterNames(): { names?: string[]; error?: string } {
  const api = useApi(kubernetesApiRef);
  const [result, setResult] = useState<{ names?: string[]; error?: string }>(
    {},
  );
  useEffect(() => {
    let current = true;
    api.getClusters().then(
      clusters =>
        current && setResult({ names: clusters.map(({ name }) => name) }),
      (error: Error) => current && setResult({ error: error.message }),
    );
    return () => {
      current = false;
    };
  }, [api]);
  return result;
}

function usesExtProc(response: ObjectsByEntityResponse | undefined): boolean {
  return (response?.items ?? [])
    .flatMap(({ resources }) => resources)
    .flatMap(({ resources }) => resources as { spec?: { extProc?: [] } }[])
    .some(({ spec }) => (spec?.extProc?.length ?? 0) > 0);
}

/**
 * The objects of an entity in every cluster. One request to Backstage's back end for each refresh, whatever their number; Deployments, Pods, endpoints and TLS policies are part of it where there is an external processor.
 */
export function usePolicies(entity: Entity): Policies {
  const [last, setLast] = useState<ObjectsByEntityResponse>();
  const { tags = [] } = entity.metadata;
  const withWorkloads = tags.includes('extproc') || usesExtProc(last);
  const { kubernetesObjects, error } = useCustomResources(
    entity,
    [
      ...objectResources(tags),
      ...(withWorkloads ? [...workloadResources, ...reachResources] : []),
    ],
    refreshMs,
  );
  const clusters = useClusterNames();

  // A failed refresh leaves nothing behind, so what was there before is kept here.
  useEffect(() => {
    if (kubernetesObjects) {
      setLast(kubernetesObjects);
    }
  }, [kubernetesObjects]);
  const response = kubernetesObjects ?? last;

  return useMemo(() => {
    const message = error ?? clusters.error;
    const problem =
      (message && requestProblem(message)) ||
      (clusters.names?.length === 0
        ? { kind: 'no-cluster' as const }
        : undefined);
    if (!response || !clusters.names) {
      return { loading: !problem, problem };
    }
    return {
      loading: false,
      overview: policyOverview(response, clusters.names),
      problem,
    };
  }, [response, clusters, error]);
}
