import fs from 'fs-extra';
import { dirname, resolve, sep } from 'path';
import { Answers } from 'backstage-plugin-eg-common';
import { Generated, Scaffolder } from './scaffolder';

async function refuseContent(directory: string): Promise<void> {
  const entries = await fs.readdir(directory).catch(error => {
    if (error.code === 'ENOENT') {
      return [];
    }
    throw new Error(`--out: ${directory} is not a folder; name a new one`);
  });
  if (entries.length > 0) {
    throw new Error(
      `--out: ${directory} is not empty; nothing was written. Name a new folder, or empty it first`,
    );
  }
}

/**
 * Generates a repository into a folder that is new or empty. Writes all of it or nothing.
 *
 * @param scaffolder - see {@link startScaffolder}
 * @param answers - valid answers
 * @param directory - the folder
 * @throws Error when the folder has content; GenerationError when a step of the template fails
 */
export async function generateInto(
  scaffolder: Scaffolder,
  answers: Answers,
  directory: string,
): Promise<Generated> {
  const target = resolve(directory);
  await refuseContent(target);
  const generated = await scaffolder.generate(answers);
  await fs.ensureDir(dirname(target));
  // Beside the target, so that the last step is one rename.
  const partial = await fs.mkdtemp(`${target}.partial-`);
  try {
    for (const { path, content, executable } of generated.files) {
      const file = resolve(partial, path);
      if (!file.startsWith(partial + sep)) {
        throw new Error(`the template wrote outside of its workspace: ${path}`);
      }
      await fs.outputFile(file, content);
      if (executable) {
        await fs.chmod(file, 0o755);
      }
    }
    await fs.chmod(partial, 0o755);
    if (await fs.pathExists(target)) {
      await fs.rmdir(target);
    }
    await fs.rename(partial, target);
  } finally {
    await fs.remove(partial);
  }
  return generated;
}
