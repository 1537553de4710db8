import { useApiHolder } from '@backstage/frontend-plugin-api';
import {
  kubernetesApiRef,
  kubernetesAuthProvidersApiRef,
} from '@backstage/plugin-kubernetes-react';

/** Whether the app has the Kubernetes plugin, without which there is nobody to ask. */
export function useHasKubernetes(): boolean {
  const apis = useApiHolder();
  return Boolean(
    apis.get(kubernetesApiRef) && apis.get(kubernetesAuthProvidersApiRef),
  );
}
