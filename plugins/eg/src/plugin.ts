import { createFrontendPlugin } from '@backstage/frontend-plugin-api';
import {
  gatewayExtensionCard,
  gatewayExtensionTab,
  processingField,
  recommendationField,
  settingsField,
} from './extensions';
import { docsRouteRef, tabRouteRef } from './routes';

/**
 * The front end of the Envoy Gateway Extensions Builder: form fields for the interview, and what gateways make of a
 * component's policies.
 *
 * @public
 */
export const egPlugin = createFrontendPlugin({
  pluginId: 'eg',
  title: 'Gateway extensions',
  info: { packageJson: () => import('../package.json') },
  routes: { tab: tabRouteRef },
  externalRoutes: { docs: docsRouteRef },
  extensions: [
    recommendationField,
    settingsField,
    processingField,
    gatewayExtensionTab,
    gatewayExtensionCard,
  ],
});
