// The front end of the local Backstage: the stock pages that a developer meets on the way, and this plugin.
// This file is an app, although its package is a plugin.
// eslint-disable-next-line @backstage/no-ui-css-imports-in-non-frontend
import '@backstage/ui/css/styles.css';
import { ProxiedSignInPage } from '@backstage/core-components';
import { createApp } from '@backstage/frontend-defaults';
import { createFrontendModule } from '@backstage/frontend-plugin-api';
import { SignInPageBlueprint } from '@backstage/plugin-app-react';
import catalogPlugin from '@backstage/plugin-catalog/alpha';
import kubernetesPlugin from '@backstage/plugin-kubernetes/alpha';
import scaffolderPlugin from '@backstage/plugin-scaffolder/alpha';
import userSettingsPlugin from '@backstage/plugin-user-settings/alpha';
import { createRoot } from 'react-dom/client';
import egPlugin from '../src';

/** Signs everybody in as the guest, without a click. */
const guestSignIn = SignInPageBlueprint.make({
  params: {
    loader: async () => props =>
      <ProxiedSignInPage {...props} provider="guest" />,
  },
});

const app = createApp({
  features: [
    createFrontendModule({ pluginId: 'app', extensions: [guestSignIn] }),
    catalogPlugin,
    scaffolderPlugin,
    kubernetesPlugin,
    userSettingsPlugin,
    egPlugin,
  ],
});

createRoot(document.getElementById('root')!).render(app.createRoot());
