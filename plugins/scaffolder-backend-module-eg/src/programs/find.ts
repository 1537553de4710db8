import fs from 'fs-extra';
import { delimiter, join } from 'path';

/**
 * Where a program is, as a shell would find it.
 *
 * @param name - its name, or its path
 * @param path - folders, as in the variable PATH
 * @returns undefined when there is none that can be run
 */
export async function findProgram(
  name: string,
  path: string = process.env.PATH ?? '',
): Promise<string | undefined> {
  const candidates = name.includes('/')
    ? [name]
    : path
        .split(delimiter)
        .filter(Boolean)
        .map(folder => join(folder, name));
  for (const candidate of candidates) {
    const runs = await fs.access(candidate, fs.constants.X_OK).then(
      async () => (await fs.stat(candidate)).isFile(),
      () => false,
    );
    if (runs) {
      return candidate;
    }
  }
  return undefined;
}
