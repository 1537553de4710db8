import { newestRelease, Release } from 'backstage-plugin-eg-common';
import { sync } from 'execa';
import fs from 'fs-extra';
import { tmpdir } from 'os';
import { join } from 'path';
import { stripVTControlCharacters } from 'util';
import { cacheFolder } from './cache';

/**
 * Envoy Gateway's own command line of a release: from the cache where CI builds it; that of the newest release also from
 * the environment or from the path.
 */
export function egctlOf({ module, version }: Release): string {
  const built = join(cacheFolder, `bin/egctl-v${module}`);
  return version !== newestRelease.version
    ? built
    : [process.env.EGCTL, built].find(
        path => path && fs.pathExistsSync(path),
      ) ?? 'egctl';
}

/** The command line of the newest release. */
export const egctl = egctlOf(newestRelease);

function withFile<T>(objects: readonly object[], run: (file: string) => T): T {
  const folder = fs.mkdtempSync(join(tmpdir(), 'eg-egctl-'));
  try {
    const file = join(folder, 'objects.yaml');
    // JSON, since egctl reads YAML 1.1, in which yes is true.
    fs.writeFileSync(
      file,
      objects.map(object => JSON.stringify(object)).join('\n---\n'),
    );
    return run(file);
  } finally {
    fs.removeSync(folder);
  }
}

/**
 * What Envoy Gateway's schema and CEL validation says against objects; empty when it accepts them. The exit code says
 * nothing.
 */
export function validate(objects: readonly object[], program = egctl): string {
  return withFile(objects, file => {
    const { stdout, stderr } = sync(
      program,
      ['experimental', 'validate', '-f', file],
      { reject: false },
    );
    const text = stripVTControlCharacters(`${stdout}\n${stderr}`).trim();
    return text === 'OK' ? '' : text || 'no answer';
  });
}

/** What Envoy Gateway translates objects into. */
export function translate(
  objects: readonly object[],
  to: 'xds' | 'gateway-api',
  program = egctl,
): string {
  return withFile(
    objects,
    file =>
      sync(program, [
        'experimental',
        'translate',
        '--from',
        'gateway-api',
        '--to',
        to,
        '-f',
        file,
        '-o',
        'json',
        ...(to === 'xds' ? ['-t', 'all'] : []),
      ]).stdout,
  );
}

/** A small gateway that a policy on HTTPRoute my-route in namespace default attaches to. */
export function smallGateway(service?: string): object[] {
  const metadata = (name: string) => ({ name, namespace: 'default' });
  const group = 'gateway.networking.k8s.io/v1';
  return [
    {
      apiVersion: group,
      kind: 'GatewayClass',
      metadata: { name: 'eg' },
      spec: { controllerName: 'gateway.envoyproxy.io/gatewayclass-controller' },
    },
    {
      apiVersion: group,
      kind: 'Gateway',
      metadata: metadata('eg'),
      spec: {
        gatewayClassName: 'eg',
        listeners: [{ name: 'http', protocol: 'HTTP', port: 10000 }],
      },
    },
    {
      apiVersion: group,
      kind: 'HTTPRoute',
      metadata: metadata('my-route'),
      spec: {
        parentRefs: [{ name: 'eg' }],
        rules: [{ backendRefs: [{ name: 'backend', port: 3000 }] }],
      },
    },
    ...['backend', service]
      .filter(name => name !== undefined)
      .map((name, i) => ({
        apiVersion: 'v1',
        kind: 'Service',
        metadata: metadata(name),
        spec: {
          clusterIP: `10.1.1.${i + 1}`,
          ports: [{ name: 'p', port: i === 0 ? 3000 : 9002, protocol: 'TCP' }],
        },
      })),
  ];
}
