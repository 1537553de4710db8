import fs from 'fs-extra';
import { join, relative } from 'path';
import { parseAllDocuments } from 'yaml';
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
}

/**
 * The objects in policy/ and k8s/.
 *
 * @throws Error naming the file that is not YAML
 */
export async function readManifests(directory: string): Promise<Manifest[]> {
  const manifests: Manifest[] = [];
  for (const folder of ['policy', 'k8s']) {
    const path = join(directory, folder);
    const files = (await fs.pathExists(path)) ? await textFiles(path) : [];
    for (const file of files.filter(f => /\.ya?ml$/.test(f))) {
      const name = relative(directory, file);
      for (const document of parseAllDocuments(
        await fs.readFile(file, 'utf8'),
      )) {
        const [error] = document.errors;
        if (error) {
          throw new Error(`${name}: ${error.message}`);
        }
        const object = document.toJS();
        if (object) {
          manifests.push({ file: name, object });
        }
      }
    }
  }
  return manifests;
}
