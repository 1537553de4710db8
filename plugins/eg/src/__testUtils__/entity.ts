import { Entity } from '@backstage/catalog-model';

/** The component that a generated repository registers. */
export const entity: Entity = {
  apiVersion: 'backstage.io/v1alpha1',
  kind: 'Component',
  metadata: {
    name: 'my-extension',
    namespace: 'default',
    annotations: {
      'backstage.io/kubernetes-id': 'my-extension',
      'backstage.io/techdocs-ref': 'dir:.',
      'backstage.io/source-location':
        'url:https://github.com/acme/my-extension/tree/main/',
    },
    tags: ['envoy-gateway', 'lua'],
  },
  spec: {
    type: 'gateway-extension',
    lifecycle: 'production',
    owner: 'group:default/payments',
  },
};
