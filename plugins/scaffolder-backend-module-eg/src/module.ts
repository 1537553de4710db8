import {
  coreServices,
  createBackendModule,
} from '@backstage/backend-plugin-api';
import { scaffolderActionsExtensionPoint } from '@backstage/plugin-scaffolder-node';
import { createRecommendAction } from './actions/recommend';
import { createRenderPolicyAction } from './actions/renderPolicy';
import { createVerifyAction } from './actions/verify';
import {
  Place,
  readVerifyOptions,
  readWaitingLimits,
  waitingRoom,
} from './verify';

/**
 * A module that adds the actions to the scaffolder.
 *
 * @public
 * @param place - where reports of eg:verify are read, if not in tasks and dry runs of a Backstage; such a place asks no
 *   cluster
 */
export const createEgModule = (place?: Place) =>
  createBackendModule({
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
              { ...readVerifyOptions(config), place },
              place ? undefined : { auth, discovery },
              waitingRoom(readWaitingLimits(config)),
              lifecycle,
            ),
          );
        },
      });
    },
  });

/**
 * Adds the actions to the scaffolder.
 *
 * @public
 */
export const egModule = createEgModule();
