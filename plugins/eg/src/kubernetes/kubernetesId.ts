import { Entity } from '@backstage/catalog-model';
import { KUBERNETES_ANNOTATION } from '@backstage/plugin-kubernetes-common';

/** The value of the label that an entity's objects carry. */
export function kubernetesId({ metadata }: Entity): string {
  return metadata.annotations?.[KUBERNETES_ANNOTATION] ?? metadata.name;
}
