import { generateInto, Scaffolder, startScaffolder } from 'eg-cli';
import fs from 'fs-extra';
import os from 'os';
import { join } from 'path';
import { newestRelease, parseAnswers } from 'backstage-plugin-eg-common';
import {
  readVerifyOptions,
  verify,
  VerifyOptions,
} from 'backstage-plugin-scaffolder-backend-module-eg';
import { ConfigReader } from '@backstage/config';
import { describeWith, hasProgram, requireAll } from '../src/tools';
import { envoyBinary } from './envoy';

const marker = { action: 'set', name: 'x-processed-by', value: 'my-extension' };

describeWith(['make', 'python3'], 'eg:verify with a real Envoy', () => {
  let scaffolder: Scaffolder;
  let folder: string;
  let directory: string;
  let envoy: string;

  beforeAll(async () => {
    envoy = await envoyBinary(newestRelease.testEnvoy);
    folder = await fs.mkdtemp(join(os.tmpdir(), 'eg-verify-test-'));
    directory = join(folder, 'repository');
    scaffolder = await startScaffolder();
    await generateInto(
      scaffolder,
      parseAnswers({
        name: 'my-extension',
        owner: 'group:default/platform',
        purpose: 'header-transform',
        settings: { request: [marker], response: [marker] },
        implementation: 'lua',
      }),
      directory,
    );
  });
  afterAll(async () => {
    await scaffolder?.stop();
    await fs.remove(folder);
  });

  const behaviour = async (rest: Partial<VerifyOptions> = {}) => {
    const { checks } = await verify(directory, {
      envoy,
      timeout: 300_000,
      ...rest,
    });
    return checks.find(check => check.id === 'behaviour')!;
  };
  const names = async () => (await fs.readdir(directory)).sort();

  it('passes what does what was asked for, and leaves the repository as it was', async () => {
    const before = await names();
    expect(await behaviour()).toMatchObject({
      status: 'passed',
      details: ['5 cases passed in a real Envoy'],
    });
    expect(await names()).toEqual(before);
  });

  const withSandbox =
    hasProgram('bwrap') || requireAll ? describe : describe.skip;
  withSandbox('with bubblewrap', () => {
    it('does so in a sandbox', async () => {
      const wheels = process.env.PIP_FIND_LINKS;
      const { programs } = readVerifyOptions(
        new ConfigReader({
          egExtensions: {
            verify: {
              sandbox: {
                program: 'bubblewrap',
                // For Python's packages.
                network: true,
                readable: wheels?.startsWith('/') ? [wheels] : [],
              },
            },
          },
        }),
      );
      expect(await behaviour({ programs })).toMatchObject({
        status: 'passed',
        details: ['5 cases passed in a real Envoy'],
      });
    });
  });

  it('ends what takes too long, and says so', async () => {
    const { status, details } = await behaviour({ timeout: 50 });
    expect(status).toBe('failed');
    expect(details[0]).toContain('not finished after 0.05 s');
  });

  it('fails what does something else, and names the case', async () => {
    const file = join(directory, 'src/filter.lua');
    const text = await fs.readFile(file, 'utf8');
    await fs.writeFile(
      file,
      text.replace('operation.value)', 'operation.value .. "!")'),
    );
    expect(await behaviour()).toMatchObject({
      status: 'failed',
      details: [
        expect.stringContaining('nothing was built'),
        'src/filter.lua is not what the skeleton has',
      ],
    });
    const { status, details } = await behaviour({ trustFolder: true });
    expect(status).toBe('failed');
    expect(details.join()).toMatch(
      /headers that are absent: .*x-processed-by.*expected \['my-extension'\], got \['my-extension!'\]/,
    );
  });

  it('skips, with the reason, where there is no such Envoy', async () => {
    const { checks } = await verify(directory, {
      envoy: join(folder, 'nowhere'),
      timeout: 60_000,
      trustFolder: true,
    });
    expect(checks.find(c => c.id === 'behaviour')).toMatchObject({
      status: 'skipped',
      details: [expect.stringContaining('there is no program')],
    });
  });
});
