import {
  EntityCardBlueprint,
  EntityContentBlueprint,
} from '@backstage/plugin-catalog-react/alpha';
import { tabRouteRef } from '../routes';

/** The components that the template registers. */
const gatewayExtensions = {
  kind: 'component',
  'spec.type': 'gateway-extension',
};

/** The tab with every policy, gateway and condition. */
export const gatewayExtensionTab = EntityContentBlueprint.make({
  name: 'gateway-extension',
  params: {
    path: '/gateway-extension',
    title: 'Gateway extension',
    filter: gatewayExtensions,
    routeRef: tabRouteRef,
    loader: () =>
      import('../components/GatewayExtensionTab').then(m => (
        <m.GatewayExtensionTab />
      )),
  },
});

/** The overview card with the state in one word. */
export const gatewayExtensionCard = EntityCardBlueprint.make({
  name: 'gateway-extension',
  params: {
    type: 'content',
    filter: gatewayExtensions,
    loader: () =>
      import('../components/GatewayExtensionCard').then(m => (
        <m.GatewayExtensionCard />
      )),
  },
});
