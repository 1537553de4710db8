import fs from 'fs-extra';
import { join } from 'path';
import { releaseOf } from 'backstage-plugin-eg-common';
import { Cluster, served } from './cluster';
import { Inside, Namespaces } from './namespaces';
import { Programs } from './programs';

/** The namespace of Envoy Gateway and of the proxies that it makes. */
export const systemNamespace = 'envoy-gateway-system';

/** What a lab's Envoy Gateway is configured with. */
export interface GatewaySettings {
  /** Whether it takes Lua; otherwise what its release does by itself. */
  enableLua?: boolean;
  /** Whether it takes Backends; it does unless said otherwise. */
  enableBackend?: boolean;
  /** Whether it takes EnvoyPatchPolicies; it does not unless said otherwise. */
  enableEnvoyPatchPolicy?: boolean;
}

/** A running control plane. */
export interface EnvoyGateway {
  /** What it has logged. */
  log(): string;
  /** Starts it (anew) with settings, and resolves when it is ready. */
  start(settings: GatewaySettings): Promise<void>;
  stop(): Promise<void>;
}

/** How a release is told whether to take Lua: where it does by itself, it has a switch to turn it off. */
function luaSwitch(release: string, enableLua: boolean) {
  return releaseOf(release).luaEnabledByDefault
    ? { disableLua: !enableLua }
    : { enableLua };
}

/** The configuration file of Envoy Gateway, as JSON. */
function configuration(
  release: string,
  {
    enableLua,
    enableBackend = true,
    enableEnvoyPatchPolicy = false,
  }: GatewaySettings,
) {
  return {
    apiVersion: 'gateway.envoyproxy.io/v1alpha1',
    kind: 'EnvoyGateway',
    gateway: {
      controllerName: 'gateway.envoyproxy.io/gatewayclass-controller',
    },
    provider: {
      type: 'Kubernetes',
      kubernetes: {
        proxyTopologyInjector: { disabled: true },
        // After a restart it would wait for the lease of the one before to run out.
        leaderElection: { disable: true },
      },
    },
    extensionApis: {
      enableBackend,
      enableEnvoyPatchPolicy,
      ...(enableLua === undefined ? {} : luaSwitch(release, enableLua)),
    },
    // Its own ports are those of the Envoy beside it.
    admin: { address: { host: '127.0.0.1', port: 19100 } },
    telemetry: { metrics: { prometheus: { disable: true } } },
  };
}

/** Writes the certificate of a secret as files. */
async function writeCertificate(
  cluster: Cluster,
  secret: string,
  folder: string,
): Promise<void> {
  const { data } = (await cluster.get('secret', secret, systemNamespace))!;
  await fs.ensureDir(folder);
  for (const name of ['tls.crt', 'tls.key', 'ca.crt']) {
    await fs.writeFile(join(folder, name), Buffer.from(data[name], 'base64'));
  }
}

/** Makes Envoy Gateway's namespace and certificates, and starts it. */
export async function startEnvoyGateway(
  folder: string,
  { exec, start }: Namespaces,
  programs: Programs,
  cluster: Cluster,
  release: string,
  settings: GatewaySettings,
): Promise<EnvoyGateway> {
  const env = {
    KUBECONFIG: cluster.kubeconfigInside,
    ENVOY_GATEWAY_NAMESPACE: systemNamespace,
  };
  await cluster.kubectl(['create', 'namespace', systemNamespace]);
  await exec(
    [programs.envoyGateway, 'certgen', '--disable-topology-injector'],
    { env },
  );
  await writeCertificate(cluster, 'envoy-gateway', join(folder, 'certs'));
  await writeCertificate(cluster, 'envoy', join(folder, 'proxy-certs'));

  const file = join(folder, 'envoy-gateway.yaml');
  let process: Inside | undefined;
  const gateway: EnvoyGateway = {
    log: () => (process ? fs.readFileSync(process.log, 'utf8') : ''),
    async start(wanted) {
      await gateway.stop();
      await fs.writeFile(file, JSON.stringify(configuration(release, wanted)));
      process = start(
        'envoy-gateway',
        [programs.envoyGateway, 'server', `--config-path=${file}`],
        env,
      );
      await served('Envoy Gateway', process, () =>
        exec(['curl', '-sf', 'http://127.0.0.1:8081/readyz']),
      );
    },
    async stop() {
      await process?.stop();
    },
  };
  await gateway.start(settings);
  return gateway;
}
