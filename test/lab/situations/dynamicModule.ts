import { until } from '../until';
import {
  accepted,
  fails,
  object,
  passes,
  policy,
  refused,
  Situation,
} from './situation';

const proxy = (dynamicModules: object[]) =>
  object(
    'gateway.envoyproxy.io/v1alpha1',
    'EnvoyProxy',
    'eg',
    {
      spec: {
        provider: {
          type: 'Kubernetes',
          kubernetes: { envoyService: { type: 'ClusterIP' } },
        },
        ...(dynamicModules.length > 0 ? { dynamicModules } : {}),
      },
    },
    'envoy-gateway-system',
  );

const dynamicModule = [{ name: 'hello', filterName: 'hello' }];

/** What may become of a policy with a dynamic module. */
export const dynamicModuleSituations: Situation[] = [
  {
    name: 'dynamic-module-not-registered',
    objects: [policy('dynamic-module-not-registered', { dynamicModule })],
    conditions: refused,
    answer: fails,
  },
  {
    // Envoy rejects the listener with it and keeps the one before, of which no status tells.
    name: 'accepted-dynamic-module',
    objects: [
      proxy([
        {
          name: 'hello',
          source: { type: 'Local', local: { path: '/nowhere/hello.so' } },
        },
      ]),
      policy('accepted-dynamic-module', { dynamicModule }),
    ],
    conditions: accepted,
    answer: passes,
    async after({ lab }) {
      await until('Envoy has rejected the listener', 20, async () => {
        const stats = await lab.admin('/stats?filter=lds.update_rejected');
        if (!/update_rejected: [1-9]/.test(stats)) {
          throw new Error(stats.trim());
        }
      });
    },
    restore: ({ lab }) => lab.apply([proxy([])]),
  },
];
