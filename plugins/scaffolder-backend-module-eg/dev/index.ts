// The back end of the local Backstage: what an adopter's back end has, as far as the template and its pages need it.
import { createBackend } from '@backstage/backend-defaults';
import { publishingHostsModule } from './publishingHosts';

const backend = createBackend();

backend.add(import('@backstage/plugin-auth-backend'));
backend.add(import('@backstage/plugin-auth-backend-module-guest-provider'));

backend.add(import('@backstage/plugin-catalog-backend'));
backend.add(
  import('@backstage/plugin-catalog-backend-module-scaffolder-entity-model'),
);
backend.add(publishingHostsModule);

backend.add(import('@backstage/plugin-scaffolder-backend'));
backend.add(import('@backstage/plugin-scaffolder-backend-module-github'));
backend.add(import('../src'));

backend.add(import('@backstage/plugin-kubernetes-backend'));

backend.start();
