import fs from 'fs-extra';
import { join } from 'path';
import { Cluster, KubernetesObject, served } from './cluster';
import { systemNamespace } from './envoyGateway';
import { Inside, Namespaces } from './namespaces';
import { Programs } from './programs';
import { until } from './until';

/** The Deployment that Envoy Gateway made for a Gateway. */
async function deploymentOf(
  { kubectl }: Cluster,
  gateway: string,
  namespace: string,
): Promise<KubernetesObject> {
  const owner = 'gateway.envoyproxy.io/owning-gateway';
  return until(
    `Envoy Gateway has made a proxy for Gateway ${namespace}/${gateway}`,
    30,
    async () => {
      const { items } = JSON.parse(
        await kubectl([
          ...['get', 'deployments', `--namespace=${systemNamespace}`],
          `--selector=${owner}-name=${gateway},${owner}-namespace=${namespace}`,
          '--output=json',
        ]),
      );
      if (items.length === 0) {
        throw new Error('there is no Deployment with its labels');
      }
      return items[0];
    },
  );
}

/**
 * What a kubelet would do for the proxy of a Gateway: runs its Envoy with the arguments, certificates and files that
 * Envoy Gateway gave it, and reports that it is ready.
 *
 * @param gateway - name of a Gateway in namespace default
 */
export async function startProxy(
  folder: string,
  { exec, start }: Namespaces,
  programs: Programs,
  cluster: Cluster,
  gateway: string,
): Promise<Inside> {
  const deployment = await deploymentOf(cluster, gateway, 'default');
  const { name } = deployment.metadata;
  const { data } = (await cluster.get('configmap', name, systemNamespace))!;
  const sds = join(folder, 'sds');
  await fs.ensureDir(sds);
  for (const [file, content] of Object.entries(data)) {
    await fs.writeFile(join(sds, file), content as string);
  }
  const { args } = deployment.spec.template.spec.containers.find(
    (container: any) => container.name === 'envoy',
  );
  const variables: Record<string, string> = {
    ENVOY_POD_NAME: `${name}-0`,
    ENVOY_POD_NAMESPACE: systemNamespace,
    ENVOY_SERVICE_ZONE: 'lab',
  };
  const filled = args.map((arg: string) =>
    arg.replace(/\$\((\w+)\)/g, (all, variable) => variables[variable] ?? all),
  );
  const mounts = `mount --bind ${folder}/proxy-certs /certs; mount --bind ${sds} /sds`;
  const process = start('envoy', [
    ...['unshare', '--mount', 'sh', '-ec', `${mounts}; exec "$@"`, 'sh'],
    ...[programs.envoy, ...filled, '--disable-hot-restart'],
  ]);
  await served('Envoy', process, () =>
    exec(['curl', '-sf', 'http://127.0.0.1:19003/ready']),
  );
  const ready = [
    'replicas',
    'updatedReplicas',
    'readyReplicas',
    'availableReplicas',
  ];
  await cluster.kubectl([
    ...['patch', 'deployment', name, `--namespace=${systemNamespace}`],
    ...['--subresource=status', '--type=merge', '--patch'],
    JSON.stringify({
      status: Object.fromEntries(ready.map(field => [field, 1])),
    }),
  ]);
  return process;
}
