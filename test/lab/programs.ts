import execa from 'execa';
import fs from 'fs-extra';
import { tmpdir } from 'os';
import { join } from 'path';
import { releaseOf } from 'backstage-plugin-eg-common';
import { envoyBinary } from '../envoy/envoy';
import { cacheFolder } from '../src/cache';

const kubernetesVersion = 'v1.36.3';
const craneVersion = 'v0.22.1';
const etcdVersion = 'v3.6.14';
const gatewayModule = 'github.com/envoyproxy/gateway';

/** What an API server needs, as paths. */
export interface ApiServerPrograms {
  etcd: string;
  kubeApiserver: string;
  kubectl: string;
  /** Folder with the CRDs of Gateway API and Envoy Gateway. */
  crds: string;
}

/** The programs that a lab runs, as paths. */
export interface Programs extends ApiServerPrograms {
  envoyGateway: string;
  envoy: string;
}

/** Says what takes long. */
export type Say = (line: string) => void;

const go = (args: string[], cwd: string) =>
  execa('go', args, { cwd, env: { CGO_ENABLED: '0' } });

interface Module {
  Dir: string;
  GoMod: string;
}

/** Downloads a Go module, if it is not there yet, and says where it is. */
export async function goModule(name: string): Promise<Module> {
  const { stdout } = await go(['mod', 'download', '-json', name], tmpdir());
  return JSON.parse(stdout);
}

/** What is made once is made beside its place and then renamed, so that it is there whole or not at all. */
async function cached(
  name: string,
  make: (path: string) => Promise<unknown>,
  say: Say,
): Promise<string> {
  const path = join(cacheFolder, 'bin', name);
  if (!(await fs.pathExists(path))) {
    const started = Date.now();
    say(`making ${name}, once`);
    const part = `${path}.${process.pid}`;
    try {
      await fs.ensureDir(join(cacheFolder, 'bin'));
      await make(part);
      await fs.move(part, path, { overwrite: true });
    } finally {
      await fs.remove(part);
    }
    say(`made ${name} in ${Math.round((Date.now() - started) / 1000)} s`);
  }
  return path;
}

/**
 * Builds a program of a module that `go install` refuses because its go.mod replaces parts of itself: as a dependency
 * of a module that is made here, with the replacements as they are published.
 */
async function buildAsDependency(
  module: string,
  version: string,
  program: string,
  replacements: readonly string[],
  out: string,
): Promise<void> {
  const folder = await fs.mkdtemp(join(tmpdir(), 'eg-lab-build-'));
  try {
    await go(['mod', 'init', 'lab/build'], folder);
    await fs.writeFile(
      join(folder, 'tools.go'),
      `//go:build tools\n\npackage build\n\nimport _ "${program}"\n`,
    );
    for (const replacement of replacements) {
      await go(['mod', 'edit', `-replace=${replacement}`], folder);
    }
    await go(['get', `${module}@${version}`], folder);
    await go(['mod', 'tidy'], folder);
    await go(['build', '-o', out, program], folder);
  } finally {
    await fs.remove(folder);
  }
}

async function buildKubernetes(name: string, out: string): Promise<void> {
  const { GoMod } = await goModule(`k8s.io/kubernetes@${kubernetesVersion}`);
  const staging = [
    ...(await fs.readFile(GoMod, 'utf8')).matchAll(
      /^\t(k8s\.io\/\S+) => \.\/staging\//gm,
    ),
  ].map(([, path]) => path!);
  // k8s.io/api and its like are published as v0.MINOR.PATCH.
  const published = kubernetesVersion.replace('v1.', 'v0.');
  await buildAsDependency(
    'k8s.io/kubernetes',
    kubernetesVersion,
    `k8s.io/kubernetes/cmd/${name}`,
    staging.map(path => `${path}=${path}@${published}`),
    out,
  );
}

/** The version of Envoy Gateway that stands for a release. */
export function gatewayVersion(release: string): string {
  return `v${releaseOf(release).module}`;
}

/** The CRDs of a release, as its Helm chart has them. */
export function crdFolder(release: string, say: Say): Promise<string> {
  const version = gatewayVersion(release);
  return cached(
    `crds-${version}`,
    async path => {
      const { Dir } = await goModule(`${gatewayModule}@${version}`);
      // Since 1.8 the chart has them in a chart of their own.
      const folder = ['gateway-helm/charts/crds/crds', 'gateway-helm/crds']
        .map(place => join(Dir, 'charts', place))
        .find(place => fs.pathExistsSync(place));
      if (!folder) {
        throw new Error(`${Dir}/charts has no CRDs where they are expected`);
      }
      await fs.copy(folder, path);
      // Modules are read-only.
      await execa('chmod', ['-R', 'u+w', path]);
    },
    say,
  );
}

/** The client of the API server. */
export const kubectlProgram = (say: Say): Promise<string> =>
  cached(
    `kubectl-${kubernetesVersion}`,
    path => buildKubernetes('kubectl', path),
    say,
  );

/** etcd, which the API server keeps its objects in. */
export const etcdProgram = (say: Say): Promise<string> =>
  cached(
    `etcd-${etcdVersion}`,
    path =>
      buildAsDependency(
        'go.etcd.io/etcd/server/v3',
        etcdVersion,
        'go.etcd.io/etcd/server/v3',
        [],
        path,
      ),
    say,
  );

/** Puts images into registries. */
export const craneProgram = (say: Say): Promise<string> =>
  cached(
    `crane-${craneVersion}`,
    async path => {
      const folder = await fs.mkdtemp(join(tmpdir(), 'eg-lab-build-'));
      try {
        await execa(
          'go',
          [
            'install',
            `github.com/google/go-containerregistry/cmd/crane@${craneVersion}`,
          ],
          { cwd: folder, env: { CGO_ENABLED: '0', GOBIN: folder } },
        );
        await fs.move(join(folder, 'crane'), path);
      } finally {
        await fs.remove(folder);
      }
    },
    say,
  );

/** What an API server with the CRDs of a release needs, from the cache, else built. */
export async function apiServerPrograms(
  release: string,
  say: Say,
): Promise<ApiServerPrograms> {
  // One after the other: each build uses all processors anyway.
  return {
    etcd: await etcdProgram(say),
    kubeApiserver: await cached(
      `kube-apiserver-${kubernetesVersion}`,
      path => buildKubernetes('kube-apiserver', path),
      say,
    ),
    kubectl: await kubectlProgram(say),
    crds: await crdFolder(release, say),
  };
}

/**
 * All programs of a lab, from the cache; what is not there yet is built from its Go module or installed.
 *
 * @param release - of Envoy Gateway, for example `1.9`
 * @param say - is told what is being built
 */
export async function labPrograms(
  release: string,
  say: Say,
): Promise<Programs> {
  const version = gatewayVersion(release);
  return {
    ...(await apiServerPrograms(release, say)),
    envoyGateway: await cached(
      `envoy-gateway-${version}`,
      async path => {
        // In the module's own folder, its go.sum says which dependencies it was released with.
        const { Dir } = await goModule(`${gatewayModule}@${version}`);
        await go(['build', '-o', path, './cmd/envoy-gateway'], Dir);
      },
      say,
    ),
    envoy: await envoyBinary(releaseOf(release).testEnvoy),
  };
}
