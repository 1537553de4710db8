import { resolveSafeChildPath } from '@backstage/backend-plugin-api';
import fs from 'fs-extra';
import { dirname, join, relative, sep } from 'path';
import { Document, parseAllDocuments } from 'yaml';
import { yamlData } from 'backstage-plugin-eg-common';
import { textFiles } from './files';

/** A Kubernetes object of the repository and where it is. */
export interface Manifest {
  file: string;
  object: {
    apiVersion?: string;
    kind?: string;
    metadata?: {
      name?: string;
      namespace?: string;
      labels?: Record<string, string>;
    };
    [key: string]: any;
  };
  /** It is in no kustomization: its owner merges it by hand. */
  byHand?: boolean;
}

function documentData(file: string, document: Document.Parsed): any {
  try {
    return yamlData(document);
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}`);
  }
}

/**
 * The objects in policy/ and k8s/.
 *
 * @throws Error naming the file that is not YAML
 */
export async function readManifests(directory: string): Promise<Manifest[]> {
  const manifests: Manifest[] = [];
  // From the repository down, since a link may stand in place of a folder.
  const files = await textFiles(directory);
  for (const folder of ['policy', 'k8s']) {
    for (const file of files.filter(
      f => f.startsWith(join(directory, folder, sep)) && /\.ya?ml$/.test(f),
    )) {
      const name = relative(directory, file);
      for (const document of parseAllDocuments(
        await fs.readFile(file, 'utf8'),
      )) {
        const object = documentData(name, document);
        if (object) {
          manifests.push({ file: name, object });
        }
      }
    }
  }
  return manifests;
}

/** The ConfigMaps that a kustomization makes of files; kustomize adds a hash to their names. */
async function generatedConfigMaps(
  directory: string,
  { file, object }: Manifest,
): Promise<Manifest[]> {
  return Promise.all(
    (object.configMapGenerator ?? []).map(
      async (generator: {
        name: string;
        namespace?: string;
        files?: string[];
        options?: { labels?: Record<string, string> };
      }) => {
        const { name, namespace, files = [], options } = generator;
        const texts = files.map(async (key): Promise<[string, string]> => {
          const path = resolveSafeChildPath(
            directory,
            join(dirname(file), key),
          );
          return [key, await fs.readFile(path, 'utf8')];
        });
        return {
          file,
          object: {
            apiVersion: 'v1',
            kind: 'ConfigMap',
            metadata: { name, namespace, labels: options?.labels },
            data: Object.fromEntries(await Promise.all(texts)),
          },
        };
      },
    ),
  );
}

/**
 * The objects that `kubectl apply -k` would send, and those that are to be merged by hand.
 *
 * @throws Error naming the file that is not YAML
 */
export async function appliedManifests(directory: string): Promise<Manifest[]> {
  const manifests = await readManifests(directory);
  const isKustomization = ({ object }: Manifest) =>
    object.kind === 'Kustomization';
  const kustomizations = manifests.filter(isKustomization);
  const applied = kustomizations.flatMap(({ file, object }) =>
    ((object.resources ?? []) as string[]).map(r => join(dirname(file), r)),
  );
  const generated = await Promise.all(
    kustomizations.map(k => generatedConfigMaps(directory, k)),
  );
  return [
    ...manifests
      .filter(m => !isKustomization(m))
      .map(m => (applied.includes(m.file) ? m : { ...m, byHand: true })),
    ...generated.flat(),
  ];
}
