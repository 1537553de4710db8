import fs from 'fs-extra';
import { join } from 'path';
import {
  defaultProgramOptions,
  findProgram,
  ProgramOptions,
  runProgram,
  withWorkFolder,
} from '../programs';

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
 * @param options - how programs run
 * @param signal - ends it
 */
export async function luaVerdict(
  program: string,
  source: string,
  filterContext: unknown,
  options: ProgramOptions = defaultProgramOptions,
  signal?: AbortSignal,
): Promise<LuaVerdict> {
  const place = await findProgram(program);
  if (!place) {
    return {
      state: 'unknown',
      reason: `${program} is not there (egExtensions.verify.egctl)`,
    };
  }
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
  return withWorkFolder(async folder => {
    const file = join(folder.path, 'objects.yaml');
    // JSON, since egctl reads YAML 1.1, in which yes is true.
    await fs.writeFile(
      file,
      [...surroundings('default'), policy]
        .map(object => JSON.stringify(object))
        .join('\n---\n'),
    );
    const api = ['--from', 'gateway-api', '--to', 'gateway-api'];
    const { how, exitCode, stdout, stderr } = await runProgram({
      command: [
        place,
        ...['experimental', 'translate', ...api, '-f', file, '-o', 'json'],
      ],
      cwd: folder.path,
      folder,
      options,
      timeout: 60_000,
      signal,
      programs: [place],
    });
    signal?.throwIfAborted();
    return how === 'exited' && exitCode === 0
      ? verdictIn(stdout)
      : {
          state: 'unknown',
          reason: `egctl failed: ${
            stderr.trim().split('\n')[0] || `${how} ${exitCode ?? ''}`
          }`,
        };
  });
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
