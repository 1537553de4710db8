// A back end with the scaffolder, this project's actions, the Kubernetes plugin and the template of a check, as an adopter
// has it. A process of its own, because the Kubernetes plugin loads modules as Jest does not.
//
//   backend.ts PORT TOKEN CLUSTERS   CLUSTERS is JSON for `kubernetes.clusterLocatorMethods[0].clusters`
import { createBackend } from '@backstage/backend-defaults';
import { mockServices } from '@backstage/backend-test-utils';
import { catalogServiceMock } from '@backstage/plugin-catalog-node/testUtils';
import fs from 'fs-extra';
import { join } from 'path';
import { parse } from 'yaml';

const [port, token, clusters] = process.argv.slice(2);
const template = join(
  __dirname,
  '../../templates/check-gateway-extension/template.yaml',
);

const backend = createBackend();
backend.add(import('@backstage/plugin-scaffolder-backend'));
backend.add(import('@backstage/plugin-kubernetes-backend'));
backend.add(import('backstage-plugin-scaffolder-backend-module-eg'));
backend.add(
  catalogServiceMock.factory({
    entities: [parse(fs.readFileSync(template, 'utf8'))],
  }),
);
backend.add(
  mockServices.rootConfig.factory({
    data: {
      backend: {
        baseUrl: `http://127.0.0.1:${port}`,
        listen: { host: '127.0.0.1', port },
        database: { client: 'better-sqlite3', connection: ':memory:' },
        auth: {
          externalAccess: [
            { type: 'static', options: { token, subject: 'test' } },
          ],
        },
      },
      kubernetes: {
        serviceLocatorMethod: { type: 'multiTenant' },
        clusterLocatorMethods: [
          { type: 'config', clusters: JSON.parse(clusters!) },
        ],
      },
    },
  }),
);
backend.start().then(() => process.stdout.write('ready\n'));
