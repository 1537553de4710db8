import {
  coreServices,
  createBackendModule,
} from '@backstage/backend-plugin-api';
import { scaffolderActionsExtensionPoint } from '@backstage/plugin-scaffolder-node';
import { createRecommendAction } from './actions/recommend';
import { createRenderPolicyAction } from './actions/renderPolicy';
import { createVerifyAction } from './actions/verify';
import { readVerifyOptions, readWaitingLimits, waitingRoom } from './verify';

/**
 * Adds the actions to the scaffolder.
 *
 * @public
 */
export const egModule = createBackendModule({
  pluginId: 'scaffolder',
  moduleId: 'eg',
  register({ registerInit }) {
    registerInit({
      deps: {
        scaffolder: scaffolderActionsExtensionPoint,
        config: coreServices.rootConfig,
        auth: coreServices.auth,
        discovery: coreServices.discovery,
        lifecycle: coreServices.lifecycle,
      },
      async init({ scaffolder, config, auth, discovery, lifecycle }) {
        scaffolder.addActions(
          createRecommendAction(),
          createRenderPolicyAction(),
          createVerifyAction(
            readVerifyOptions(config),
            { auth, discovery },
            waitingRoom(readWaitingLimits(config)),
            lifecycle,
          ),
        );
      },
    });
  },
});
