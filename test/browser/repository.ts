import execa from 'execa';
import fs from 'fs-extra';
import { tmpdir } from 'os';
import { join } from 'path';
import { world } from './story';

/**
 * Clones what was published, as anybody would.
 *
 * @param name - of a repository of the owner payments
 * @param use - what to do with the folder, which is removed afterwards
 */
export async function inClone(
  name: string,
  use: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await fs.mkdtemp(join(tmpdir(), 'eg-browser-clone-'));
  try {
    await execa('git', [
      'clone',
      '--quiet',
      `${world.backstage.forgeUrl}/payments/${name}.git`,
      folder,
    ]);
    await use(folder);
  } finally {
    await fs.remove(folder);
  }
}

/** The texts of files by path. */
export async function readFiles(
  folder: string,
  paths: string[],
): Promise<Record<string, string>> {
  return Object.fromEntries(
    await Promise.all(
      paths.map(async path => [
        path,
        await fs.readFile(join(folder, path), 'utf8'),
      ]),
    ),
  );
}
