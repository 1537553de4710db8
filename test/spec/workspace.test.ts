import fs from 'fs-extra';
import { join } from 'path';

const root = join(__dirname, '../..');

describe('the workspace', () => {
  it('has one Backstage release train: no @backstage package in two versions', async () => {
    const lockfile = await fs.readFile(join(root, 'yarn.lock'), 'utf8');
    const versions = new Map<string, Set<string>>();
    for (const [, name, version] of lockfile.matchAll(
      /^"(@backstage\/[^@]+)@npm:[^\n]*:\n {2}version: (\S+)$/gm,
    )) {
      versions.set(name!, (versions.get(name!) ?? new Set()).add(version!));
    }
    expect(versions.size).toBeGreaterThan(50);
    const twice = [...versions].filter(([, all]) => all.size > 1);
    expect(twice.map(([name, all]) => [name, ...all])).toEqual([]);
  });

  it('names no place of one machine and no registry in what it contains', async () => {
    const { execaSync } = { execaSync: require('execa').sync };
    const { stdout } = execaSync('git', ['ls-files'], { cwd: root });
    const found: string[] = [];
    for (const file of stdout.split('\n').filter(Boolean)) {
      const path = join(root, file);
      const text = (await fs.pathExists(path))
        ? await fs.readFile(path, 'utf8')
        : '';
      if (
        file !== 'test/spec/workspace.test.ts' &&
        /\/root\/|\/work\/|registry\.(npmjs|yarnpkg)|proxy\.golang|pypi\.org|static\.crates|index\.crates/.test(
          text,
        )
      ) {
        found.push(file);
      }
    }
    expect(found).toEqual([]);
  });

  it('starts programs in one place only, which docs/security.md is about', async () => {
    const filesWith = (pattern: string): string[] =>
      require('execa')
        .sync(
          'git',
          [
            'grep',
            '-lE',
            pattern,
            '--',
            'plugins/*/src/*.ts',
            'plugins/*/src/*.tsx',
            'cli/src/*.ts',
          ],
          { cwd: root },
        )
        .stdout.split('\n')
        .filter((file: string) => !/\.test\.tsx?$/.test(file))
        .map((file: string) =>
          file.replace('plugins/scaffolder-backend-module-eg/src/', ''),
        );
    expect(
      filesWith(
        "child_process|from 'execa'|require\\('execa'\\)|executeShellCommand|worker_threads",
      ),
    ).toEqual(['programs/run.ts']);
    expect(filesWith('runProgram\\(')).toEqual([
      'programs/run.ts',
      'verify/behaviour.ts',
      'verify/egctl.ts',
    ]);
    expect(filesWith('luaVerdict\\(')).toEqual([
      'verify/egctl.ts',
      'verify/lua.ts',
    ]);
  });
});
