import { execFile } from 'child_process';
import fs from 'fs-extra';
import { tmpdir } from 'os';
import { join } from 'path';
import { promisify } from 'util';

const run = promisify(execFile);

const gatewayApi = 'gateway.networking.k8s.io/v1';

/** A Gateway and a route, for a policy whose own target is in a cluster. */
function surroundings(namespace: string): object[] {
  const metadata = (name: string) => ({ name, namespace });
  return [
    {
      apiVersion: gatewayApi,
      kind: 'GatewayClass',
      metadata: { name: 'eg' },
      spec: { controllerName: 'gateway.envoyproxy.io/gatewayclass-controller' },
    },
    {
      apiVersion: gatewayApi,
      kind: 'Gateway',
      metadata: metadata('eg'),
      spec: {
        gatewayClassName: 'eg',
        listeners: [{ name: 'http', protocol: 'HTTP', port: 10000 }],
      },
    },
    {
      apiVersion: gatewayApi,
      kind: 'HTTPRoute',
      metadata: metadata('route'),
      spec: {
        parentRefs: [{ name: 'eg' }],
        rules: [{ backendRefs: [{ name: 'backend', port: 80 }] }],
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: metadata('backend'),
      spec: { clusterIP: '10.0.0.1', ports: [{ name: 'http', port: 80 }] },
    },
  ];
}

/** What Envoy Gateway says of a script: nothing against it, its message, or why it was not asked. */
export type LuaVerdict =
  | { state: 'accepted' }
  | { state: 'refused'; message: string }
  | { state: 'unknown'; reason: string };

/**
 * Asks the translation of Envoy Gateway, which runs its strict validator.
 *
 * @param program - path of egctl
 * @param source - the script
 * @param filterContext - settings that the script gets, where the release has them
 */
export async function luaVerdict(
  program: string,
  source: string,
  filterContext: unknown,
  signal?: AbortSignal,
): Promise<LuaVerdict> {
  const policy = {
    apiVersion: 'gateway.envoyproxy.io/v1alpha1',
    kind: 'EnvoyExtensionPolicy',
    metadata: { name: 'policy', namespace: 'default' },
    spec: {
      targetRefs: [
        {
          group: 'gateway.networking.k8s.io',
          kind: 'HTTPRoute',
          name: 'route',
        },
      ],
      lua: [
        {
          type: 'Inline',
          inline: source,
          ...(filterContext === undefined ? {} : { filterContext }),
        },
      ],
    },
  };
  const folder = await fs.mkdtemp(join(tmpdir(), 'eg-lua-'));
  try {
    const file = join(folder, 'objects.yaml');
    // JSON, since egctl reads YAML 1.1, in which yes is true.
    await fs.writeFile(
      file,
      [...surroundings('default'), policy]
        .map(object => JSON.stringify(object))
        .join('\n---\n'),
    );
    const api = ['--from', 'gateway-api', '--to', 'gateway-api'];
    const { stdout } = await run(
      program,
      ['experimental', 'translate', ...api, '-f', file, '-o', 'json'],
      {
        // Nothing of the back end's environment; egctl needs a place for its own files only.
        env: { HOME: folder, PATH: process.env.PATH ?? '' },
        timeout: 60_000,
        killSignal: 'SIGKILL',
        maxBuffer: 16 * 1024 * 1024,
        signal,
      },
    );
    return verdictIn(stdout);
  } catch (error) {
    const { message, code } = error as Error & { code?: unknown };
    signal?.throwIfAborted();
    return {
      state: 'unknown',
      reason:
        code === 'ENOENT'
          ? `${program} is not there (egExtensions.verify.egctl)`
          : `egctl failed: ${message.split('\n')[0]}`,
    };
  } finally {
    await fs.remove(folder);
  }
}

function verdictIn(output: string): LuaVerdict {
  const conditions = (
    JSON.parse(output).envoyExtensionPolicies?.[0]?.status?.ancestors ?? []
  ).flatMap((ancestor: any) => ancestor.conditions ?? []);
  const found = conditions.find((c: any) => c.type === 'Accepted');
  if (!found) {
    return { state: 'unknown', reason: 'egctl says nothing of the policy' };
  }
  if (found.status === 'True') {
    return { state: 'accepted' };
  }
  return /feature is disabled/.test(found.message ?? '')
    ? {
        state: 'unknown',
        reason:
          'this release has Lua off by default, and egctl cannot be told otherwise',
      }
    : { state: 'refused', message: found.message ?? found.reason };
}
