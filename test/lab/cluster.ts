import execa from 'execa';
import fs from 'fs-extra';
import { generateKeyPairSync, randomBytes } from 'crypto';
import { join } from 'path';
import { Inside, Namespaces } from './namespaces';
import { ApiServerPrograms } from './programs';
import { Hopeless, until } from './until';

/** Anything that an API server holds. */
export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    [key: string]: any;
  };
  [key: string]: any;
}

/** An API server and how to talk to it. */
export interface Cluster {
  /** Path of a kubeconfig for processes outside of the lab, with all rights. */
  kubeconfig: string;
  /** The same for processes inside. */
  kubeconfigInside: string;
  /** Where it listens, for processes outside. */
  url: string;
  /** Its certificate authority, as `caData` in Backstage’s configuration. */
  caData: string;
  /** Runs kubectl, from outside; answers with its output. */
  kubectl(args: readonly string[], input?: string): Promise<string>;
  /** Server-side apply of objects, or of YAML. */
  apply(objects: string | readonly object[]): Promise<void>;
  /** An object, or undefined where there is none. */
  get(
    kind: string,
    name: string,
    namespace?: string,
  ): Promise<KubernetesObject | undefined>;
  /** Deletes objects; what is not there is no error. */
  remove(objects: string | readonly object[]): Promise<void>;
  /** A token of a service account, for example for Backstage. */
  token(serviceAccount: string, namespace?: string): Promise<string>;
}

/** The end of a log, for an error. */
const tail = (log: string) =>
  fs.readFileSync(log, 'utf8').trimEnd().split('\n').slice(-8).join('\n');

/** Waits until something that a process serves is there; fails with the end of its log where it ended. */
export function served<T>(
  what: string,
  process: Inside,
  attempt: () => Promise<T>,
): Promise<T> {
  return until(`${what} is ready`, 60, async () => {
    if (!process.running()) {
      throw new Hopeless(`${what} ended:\n${tail(process.log)}`);
    }
    return attempt();
  });
}

const kubeconfigOf = (server: string, ca: string, token: string) => ({
  apiVersion: 'v1',
  kind: 'Config',
  clusters: [
    { name: 'lab', cluster: { server, 'certificate-authority-data': ca } },
  ],
  users: [{ name: 'admin', user: { token } }],
  contexts: [{ name: 'lab', context: { cluster: 'lab', user: 'admin' } }],
  'current-context': 'lab',
});

/** Objects as JSON, which kubectl reads as YAML and in which yes is no boolean. */
const text = (objects: string | readonly object[]) =>
  typeof objects === 'string'
    ? objects
    : objects.map(object => JSON.stringify(object)).join('\n---\n');

/** Starts etcd and an API server, and resolves when it is ready. */
export async function startCluster(
  folder: string,
  { exec, start, forward }: Namespaces,
  programs: ApiServerPrograms,
): Promise<Cluster> {
  const url = 'http://127.0.0.1';
  const etcd = start('etcd', [
    programs.etcd,
    ...[`--data-dir=${folder}/etcd`, '--unsafe-no-fsync', '--log-level=warn'],
    `--listen-client-urls=${url}:2379`,
    `--advertise-client-urls=${url}:2379`,
    `--listen-peer-urls=${url}:2380`,
  ]);

  const token = randomBytes(16).toString('hex');
  const tokens = join(folder, 'tokens.csv');
  await fs.writeFile(tokens, `${token},admin,admin,"system:masters"\n`, {
    mode: 0o600,
  });
  const key = join(folder, 'service-accounts.key');
  await fs.writeFile(
    key,
    generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    }).privateKey,
    { mode: 0o600 },
  );
  const server = start('kube-apiserver', [
    programs.kubeApiserver,
    `--etcd-servers=${url}:2379`,
    ...['--bind-address=127.0.0.1', '--secure-port=6443'],
    '--advertise-address=10.99.0.1',
    `--cert-dir=${folder}/kube-apiserver`,
    ...[`--token-auth-file=${tokens}`, '--authorization-mode=RBAC'],
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${key}`,
    `--service-account-signing-key-file=${key}`,
    '--service-cluster-ip-range=10.96.0.0/16',
    // There is no controller that makes service accounts for pods, and none that needs the API server's endpoints.
    '--disable-admission-plugins=ServiceAccount',
    '--endpoint-reconciler-type=none',
  ]);

  const caData = await served('kube-apiserver', server, async () => {
    if (!etcd.running()) {
      throw new Hopeless(`etcd ended:\n${tail(etcd.log)}`);
    }
    return fs.readFile(`${folder}/kube-apiserver/apiserver.crt`, 'base64');
  });
  const outside = `https://127.0.0.1:${await forward('127.0.0.1:6443')}`;
  const kubeconfig = join(folder, 'kubeconfig');
  const kubeconfigInside = join(folder, 'kubeconfig-inside');
  for (const [path, address] of [
    [kubeconfig, outside],
    [kubeconfigInside, 'https://127.0.0.1:6443'],
  ] as const) {
    await fs.writeFile(
      path,
      JSON.stringify(kubeconfigOf(address, caData, token)),
      { mode: 0o600 },
    );
  }

  const kubectl: Cluster['kubectl'] = async (args, input) => {
    const { stdout } = await execa(programs.kubectl, args, {
      env: { KUBECONFIG: kubeconfig },
      ...(input === undefined ? { stdin: 'ignore' } : { input }),
    });
    return stdout;
  };
  const inNamespace = (namespace?: string) =>
    namespace ? [`--namespace=${namespace}`] : [];
  await served('kube-apiserver', server, () =>
    exec([programs.kubectl, 'get', '--raw', '/readyz'], {
      env: { KUBECONFIG: kubeconfigInside },
    }),
  );

  return {
    kubeconfig,
    kubeconfigInside,
    url: outside,
    caData,
    kubectl,
    async apply(objects) {
      await kubectl(
        ['apply', '--server-side', '--force-conflicts', '--filename=-'],
        text(objects),
      );
    },
    async get(kind, name, namespace) {
      const found = await kubectl([
        ...['get', kind, name, '--ignore-not-found', '--output=json'],
        ...inNamespace(namespace),
      ]);
      return found ? JSON.parse(found) : undefined;
    },
    async remove(objects) {
      await kubectl(
        [
          ...['delete', '--ignore-not-found', '--timeout=60s'],
          // There is no kubelet that would end pods.
          ...['--grace-period=0', '--force', '--filename=-'],
        ],
        text(objects),
      );
    },
    token: (serviceAccount, namespace = 'default') =>
      kubectl([
        ...['create', 'token', serviceAccount],
        ...inNamespace(namespace),
      ]),
  };
}

/** Installs CRDs, and resolves when their kinds can be used. */
export async function installCrds(
  { kubectl }: Cluster,
  folder: string,
): Promise<void> {
  // Client-side apply would keep each in an annotation, which they are too large for.
  await kubectl([
    ...['apply', '--server-side', '--recursive', `--filename=${folder}`],
  ]);
  await kubectl([
    ...['wait', '--for=condition=Established', 'crd', '--all'],
    '--timeout=60s',
  ]);
}
