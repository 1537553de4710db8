import fs from 'fs-extra';
import { tmpdir } from 'os';
import { join } from 'path';
import { newestRelease } from 'backstage-plugin-eg-common';
import { Cluster, installCrds, startCluster } from './cluster';
import {
  EnvoyGateway,
  GatewaySettings,
  startEnvoyGateway,
} from './envoyGateway';
import { checkMachine, Inside, makeNamespaces, Namespaces } from './namespaces';
import { apiServerPrograms, labPrograms, Programs, Say } from './programs';
import { startProxy } from './proxy';
import { until } from './until';

/** Which lab is wanted. */
export interface LabOptions extends GatewaySettings {
  /** Release of Envoy Gateway; the newest unless said otherwise. */
  release?: string;
  /** Only an API server with the release's CRDs, without Envoy Gateway and Envoy. */
  apiServerOnly?: boolean;
  /** Where logs and sockets are, and removed from at the end; a temporary folder unless said otherwise. */
  folder?: string;
  /** Is told what takes long. */
  say?: Say;
}

/** A real API server, Envoy Gateway and Envoy on this machine. They end with this process at the latest. */
export interface Lab extends Cluster {
  release: string;
  folder: string;
  namespaces: Namespaces;
  /** The Gateway default/eg, reachable from outside. */
  gatewayUrl: string;
  /** A request through it. */
  request(path: string, init?: RequestInit): Promise<Response>;
  /** What Envoy's admin interface answers, for example to `/config_dump`. */
  admin(path: string, init?: RequestInit): Promise<string>;
  /** The control plane, which can be stopped and started with other settings. */
  envoyGateway: EnvoyGateway;
  envoy: Inside;
  /** Ends everything, and removes the folder. */
  down(): Promise<void>;
}

/** A lab with an API server only. */
export type ApiServerLab = Omit<
  Lab,
  'gatewayUrl' | 'request' | 'admin' | 'envoyGateway' | 'envoy'
>;

async function startGateway(
  base: ApiServerLab,
  programs: Programs,
  settings: GatewaySettings,
): Promise<Lab> {
  const { folder, namespaces, release } = base;
  const envoyGateway = await startEnvoyGateway(
    folder,
    namespaces,
    programs,
    base,
    release,
    settings,
  );
  await base.apply(await fs.readFile(join(__dirname, 'gateway.yaml'), 'utf8'));
  const envoy = await startProxy(folder, namespaces, programs, base, 'eg');
  await base.kubectl([
    ...['wait', '--for=condition=Programmed', 'gateway/eg'],
    ...['--namespace=default', '--timeout=60s'],
  ]);

  const port = await namespaces.forward('127.0.0.1:8888');
  const adminPort = await namespaces.forward('127.0.0.1:19000');
  const gatewayUrl = `http://127.0.0.1:${port}`;
  const request: Lab['request'] = (path, init) =>
    fetch(gatewayUrl + path, {
      signal: AbortSignal.timeout(20_000),
      ...init,
    });
  await until('the Gateway answers', 30, async () => {
    const { status } = await request('/');
    if (status !== 200) {
      throw new Error(`it answers ${status}`);
    }
  });
  return {
    ...base,
    gatewayUrl,
    request,
    async admin(path, init) {
      const response = await fetch(
        `http://127.0.0.1:${adminPort}${path}`,
        init,
      );
      return response.text();
    },
    envoyGateway,
    envoy,
  };
}

/**
 * Starts a lab, and resolves when Gateway default/eg answers.
 *
 * @param options - which lab
 * @throws Error with what the machine lacks, or with what the program that did not start said
 */
export function startLab(
  options: LabOptions & { apiServerOnly: true },
): Promise<ApiServerLab>;
export function startLab(options?: LabOptions): Promise<Lab>;
export async function startLab(
  options: LabOptions = {},
): Promise<Lab | ApiServerLab> {
  checkMachine();
  const {
    release = newestRelease.version,
    apiServerOnly,
    say = () => {},
  } = options;
  const gateway = apiServerOnly ? undefined : await labPrograms(release, say);
  const programs = gateway ?? (await apiServerPrograms(release, say));
  const folder =
    options.folder ?? (await fs.mkdtemp(join(tmpdir(), 'eg-lab-')));
  await fs.ensureDir(folder);

  let namespaces: Namespaces | undefined;
  const down = async () => {
    await namespaces?.end();
    await fs.remove(folder);
  };
  try {
    namespaces = await makeNamespaces(folder);
    const cluster = await startCluster(folder, namespaces, programs);
    await installCrds(cluster, programs.crds);
    const base = { ...cluster, release, folder, namespaces, down };
    return gateway ? await startGateway(base, gateway, options) : base;
  } catch (error) {
    await down();
    throw error;
  }
}
