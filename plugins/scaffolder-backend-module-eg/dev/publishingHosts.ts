import {
  coreServices,
  createBackendModule,
} from '@backstage/backend-plugin-api';
import { Entity } from '@backstage/catalog-model';
import { ScmIntegrations } from '@backstage/integration';
import { catalogProcessingExtensionPoint } from '@backstage/plugin-catalog-node';

/** The GitHub hosts that this back end has credentials for, so that publishing to them can work. */
export function publishingHosts(integrations: ScmIntegrations): string[] {
  return integrations.github
    .list()
    .map(({ config }) => config)
    .filter(({ token, apps }) => token || apps?.length)
    .map(({ host }) => host);
}

/** A copy of a JSON value in which every RepoUrlPicker offers these hosts. */
function withHosts(value: any, hosts: string[]): any {
  if (Array.isArray(value)) {
    return value.map(item => withHosts(item, hosts));
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  const copy = Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, withHosts(item, hosts)]),
  );
  return copy['ui:field'] === 'RepoUrlPicker'
    ? { ...copy, 'ui:options': { ...copy['ui:options'], allowedHosts: hosts } }
    : copy;
}

/** A template whose repository pickers offer these hosts; any other entity, and without hosts any entity, as it is. */
export function offerHosts(entity: Entity, hosts: string[]): Entity {
  return entity.kind === 'Template' && hosts.length
    ? {
        ...entity,
        spec: {
          ...entity.spec,
          parameters: withHosts(entity.spec?.parameters, hosts),
        },
      }
    : entity;
}

/**
 * Lets the forms offer the hosts that can be published to. The stock picker shows only hosts that the template names,
 * and the template cannot know the port of the local Git host or the name of somebody's GitHub Enterprise Server.
 */
export const publishingHostsModule = createBackendModule({
  pluginId: 'catalog',
  moduleId: 'publishing-hosts',
  register({ registerInit }) {
    registerInit({
      deps: {
        catalog: catalogProcessingExtensionPoint,
        config: coreServices.rootConfig,
      },
      async init({ catalog, config }) {
        const hosts = publishingHosts(ScmIntegrations.fromConfig(config));
        catalog.addProcessor({
          getProcessorName: () => 'publishing-hosts',
          preProcessEntity: async entity => offerHosts(entity, hosts),
        });
      },
    });
  },
});
