import execa from 'execa';
import { join } from 'path';
import { AnswersInput, parseAnswers } from 'backstage-plugin-eg-common';
import { generateInto, startScaffolder } from 'eg-cli';
import { sharedVenv } from '../envoy/envoy';
import { cacheFolder } from '../src/cache';

/**
 * Generates repositories through the real scaffolder back end and builds them with their own Makefiles.
 *
 * @param answers - what each is generated from
 * @param folder - has a folder of each repository’s name afterwards
 */
export async function buildExtensions(
  answers: readonly AnswersInput[],
  folder: string,
): Promise<void> {
  const scaffolder = await startScaffolder();
  try {
    for (const input of answers) {
      const directory = join(folder, input.name);
      await generateInto(scaffolder, parseAnswers(input), directory);
      await execa(
        'make',
        ['--no-print-directory', `VENV=${sharedVenv}`, 'build'],
        {
          cwd: directory,
          stdin: 'ignore',
          env: { CARGO_TARGET_DIR: join(cacheFolder, 'cargo-target') },
        },
      );
    }
  } finally {
    await scaffolder.stop();
  }
}
