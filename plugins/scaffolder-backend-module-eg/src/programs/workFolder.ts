import fs from 'fs-extra';
import os from 'os';
import { join } from 'path';

/** Folders of a run, all in one that is removed at its end. */
export interface WorkFolder {
  path: string;
  home: string;
  tmp: string;
}

/** Makes folders writable that a tool left read-only: what is in them could not be removed. */
async function unlock(path: string): Promise<void> {
  await fs.chmod(path, 0o700).catch(() => {});
  const entries = await fs
    .readdir(path, { withFileTypes: true })
    .catch(() => []);
  for (const entry of entries.filter(e => e.isDirectory())) {
    await unlock(join(path, entry.name));
  }
}

async function remove(path: string): Promise<void> {
  try {
    await fs.rm(path, { recursive: true, force: true });
  } catch {
    await unlock(path);
    await fs.rm(path, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Does something with a folder of its own, and removes the folder however it ends. */
export async function withWorkFolder<T>(
  use: (folder: WorkFolder) => Promise<T>,
): Promise<T> {
  // The real path: a sandbox shows no symbolic links on the way to it.
  const path = await fs.realpath(
    await fs.mkdtemp(join(os.tmpdir(), 'eg-verify-')),
  );
  try {
    const folder = { path, home: join(path, 'home'), tmp: join(path, 'tmp') };
    await fs.mkdir(folder.home);
    await fs.mkdir(folder.tmp);
    return await use(folder);
  } finally {
    await remove(path);
  }
}
