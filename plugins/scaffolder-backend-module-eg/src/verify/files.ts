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

/** What is in a folder, below it, without what builds make. Nothing is read through a symbolic link. */
async function entriesBelow(
  directory: string,
): Promise<{ path: string; entry: fs.Dirent }[]> {
  const entries = await fs.readdir(directory, { withFileTypes: true });
  const nested = await Promise.all(
    entries
      .filter(entry => !madeByBuilds.includes(entry.name))
      .map(async entry => {
        const path = join(directory, entry.name);
        return entry.isDirectory() ? entriesBelow(path) : [{ path, entry }];
      }),
  );
  return nested.flat();
}

/** Paths of all files of a repository, without what builds make and without symbolic links. */
export async function textFiles(directory: string): Promise<string[]> {
  const entries = await entriesBelow(directory);
  return entries
    .filter(({ entry }) => entry.isFile())
    .map(({ path }) => path)
    .sort();
}

/** Paths of all symbolic links of a repository, without what builds make. */
export async function linksIn(directory: string): Promise<string[]> {
  const entries = await entriesBelow(directory);
  return entries
    .filter(({ entry }) => entry.isSymbolicLink())
    .map(({ path }) => path)
    .sort();
}
