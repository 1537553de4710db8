import fs from 'fs-extra';
import { tmpdir } from 'os';
import { join } from 'path';
import { parseAnswers, plan, renderFiles } from 'backstage-plugin-eg-common';
import { KubernetesStub, startKubernetesStub } from '../kubernetes/stub';
import { Backstage, startBackstage } from './backstage';

/** What is deployed in the stub. */
export const deployed = 'guard-checkout';

/** The cluster that Backstage asks. */
export const cluster: { api: KubernetesStub } = {} as any;

/** Starts Backstage with a stub as its only cluster, and with an entity as the template writes it. */
export async function startWithCluster(): Promise<Backstage> {
  const folder = await fs.mkdtemp(join(tmpdir(), 'eg-browser-entity-'));
  const entity = join(folder, 'catalog-info.yaml');
  const answers = parseAnswers({
    name: deployed,
    owner: 'group:default/payments',
    purpose: 'body-transform',
  });
  await fs.writeFile(entity, renderFiles(plan(answers))['catalog-info.yaml']!);

  cluster.api = await startKubernetesStub();
  const file = (target: string) => ({ type: 'file', target });
  const backstage = await startBackstage({
    APP_CONFIG_kubernetes_clusterLocatorMethods: JSON.stringify([
      {
        type: 'config',
        clusters: [
          {
            name: 'stub',
            url: cluster.api.url,
            authProvider: 'serviceAccount',
            serviceAccountToken: cluster.api.token,
            skipMetricsLookup: true,
          },
        ],
      },
    ]),
    APP_CONFIG_catalog_locations: JSON.stringify([
      file('../../catalog-info.yaml'),
      file('../../examples/org.yaml'),
      file(entity),
    ]),
  });
  return {
    ...backstage,
    async stop() {
      await backstage.stop();
      await cluster.api.close();
      await fs.remove(folder);
    },
  };
}
