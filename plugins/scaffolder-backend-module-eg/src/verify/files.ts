import fs from 'fs-extra';
import { join } from 'path';

/** Folders that builds and tools make; they are no part of a repository. */
export const madeByBuilds = [
  '.git',
  '.venv',
  'build',
  'target',
  'node_modules',
  '__pycache__',
];

/** Paths of all files of a repository, without what builds make. */
export async function textFiles(directory: string): Promise<string[]> {
  const entries = await fs.readdir(directory, { withFileTypes: true });
  const nested = await Promise.all(
    entries
      .filter(entry => !madeByBuilds.includes(entry.name))
      .map(async entry => {
        const path = join(directory, entry.name);
        if (entry.isDirectory()) {
          return textFiles(path);
        }
        return entry.isFile() ? [path] : [];
      }),
  );
  return nested.flat().sort();
}
