import { createMockDirectory } from '@backstage/backend-test-utils';
import { createMockActionContext } from '@backstage/plugin-scaffolder-node-test-utils';
import {
  AnswersInput,
  ExtensionPlan,
  parseAnswers,
  plan,
  withExample,
} from 'backstage-plugin-eg-common';
import fs from 'fs-extra';
import os from 'os';
import { join, relative } from 'path';
import { createVerifyAction } from '../actions/verify';
import { differences, repositoryOf, shippedSkeletons } from './shipped';
import { Report, VerifyOptions } from './types';
import { verify } from './verify';

const workspace = createMockDirectory();
const outside = createMockDirectory();
/** Where work folders are made, so that what is left of them is seen. */
const temporary = createMockDirectory();
beforeEach(() => {
  workspace.clear();
  outside.clear();
  temporary.clear();
  jest.spyOn(os, 'tmpdir').mockReturnValue(temporary.path);
});
afterEach(() => jest.restoreAllMocks());

const marker = () => join(outside.path, 'foreign-code-ran');
const limited: VerifyOptions = { timeout: 60_000, envoy: '/bin/true' };

function planned(answers: Partial<AnswersInput> = {}): ExtensionPlan {
  return plan(
    parseAnswers(
      withExample({
        name: 'my-extension',
        owner: 'group:default/platform',
        purpose: 'header-transform',
        implementation: 'lua',
        ...answers,
      }),
    ),
  );
}

/** The workspace as the template leaves it. */
async function generated(
  plan_: ExtensionPlan = planned(),
  skeletons?: string,
): Promise<void> {
  const tree = await repositoryOf(
    skeletons ?? (await shippedSkeletons()),
    plan_,
  );
  for (const [path, content] of tree) {
    await fs.outputFile(join(workspace.path, path), content);
  }
}

/** Skeletons of an adopter: ours, with another makefile for Lua. */
async function ownSkeletons(recipe: string): Promise<string> {
  const folder = join(outside.path, 'skeletons');
  await fs.copy(await shippedSkeletons(), folder);
  await fs.writeFile(
    join(folder, 'lua/base/Makefile'),
    `envoy-test:\n${recipe
      .split('\n')
      .map(line => `\t@${line}\n`)
      .join('')}`,
  );
  return folder;
}

const behaviourOf = ({ checks }: Report) =>
  checks.find(check => check.id === 'behaviour')!;

async function behaviour(options: Partial<VerifyOptions> = {}) {
  return behaviourOf(await verify(workspace.path, { ...limited, ...options }));
}

async function put(path: string, content: string): Promise<void> {
  await fs.outputFile(join(workspace.path, path), content);
}

async function append(path: string, content: string): Promise<void> {
  const file = join(workspace.path, path);
  await fs.writeFile(file, (await fs.readFile(file, 'utf8')) + content);
}

const inMake = () => `\n$(shell touch ${marker()})\n`;
const inPython = () => `import pathlib; pathlib.Path("${marker()}").touch()\n`;

describe('what a workspace can make verification run', () => {
  it.each<[string, () => Promise<void>]>([
    ['Makefile', () => append('Makefile', inMake())],
    ['Makefile', () => put('Makefile', `envoy-test:\n\ttouch ${marker()}\n`)],
    ['GNUmakefile', () => put('GNUmakefile', inMake())],
    ['makefile', () => put('makefile', inMake())],
    ['test/envoy.mk', () => append('test/envoy.mk', inMake())],
    ['test/more.mk', () => put('test/more.mk', inMake())],
    ['test/run_cases.py', () => append('test/run_cases.py', inPython())],
    ['test/support.py', () => put('test/support.py', inPython())],
    ['test/conftest.py', () => put('test/conftest.py', inPython())],
    ['test/yaml.py', () => put('test/yaml.py', inPython())],
    ['sitecustomize.py', () => put('sitecustomize.py', inPython())],
    [
      'test/requirements.txt',
      () => append('test/requirements.txt', '\n./evil\n'),
    ],
    ['tools/requirements.txt', () => append('tools/requirements.txt', 'x\n')],
    ['tools/policy.py', () => append('tools/policy.py', inPython())],
    [
      'src/filter.lua',
      () => append('src/filter.lua', `os.execute("touch ${marker()}")\n`),
    ],
    [
      'src/zz.lua',
      () => put('src/zz.lua', `os.execute("touch ${marker()}")\n`),
    ],
    ['local/envoy.yaml', () => append('local/envoy.yaml', '\nadmin: {}\n')],
    ['test/cases.yaml', () => append('test/cases.yaml', '\n# mine\n')],
    [
      '.github/workflows/ci.yml',
      () => append('.github/workflows/ci.yml', '\n# mine\n'),
    ],
    [
      '.github/workflows/mine.yml',
      () => put('.github/workflows/mine.yml', 'on: push\n'),
    ],
    ['package.json', () => put('package.json', '{}')],
    ['.envrc', () => put('.envrc', `touch ${marker()}\n`)],
    ['docs/build/build.py', () => put('docs/build/build.py', inPython())],
    [
      'policy/envoyextensionpolicy.yaml',
      () => append('policy/envoyextensionpolicy.yaml', '\n# mine\n'),
    ],
  ])('is nothing of its own: %s', async (path, change) => {
    await generated();
    await change();
    const { status, details } = await behaviour();
    expect(status).toBe('failed');
    expect(details[0]).toContain('nothing was built');
    expect(details.slice(1).map(d => d.split(' ')[0])).toEqual([path]);
    expect(await fs.pathExists(marker())).toBe(false);
    expect(await fs.readdir(temporary.path)).toEqual([]);
  });

  it.each<[string, Partial<AnswersInput>, string]>([
    ['extproc-go', {}, 'main.go'],
    ['extproc-go', {}, 'go.mod'],
    ['extproc-go', {}, 'go.sum'],
    ['extproc-go', {}, 'go.work'],
    ['extproc-go', {}, 'vendor/modules.txt'],
    ['extproc-go', {}, 'internal/extension/zz.go'],
    ['extproc-go', {}, 'internal/build/zz.go'],
    ['extproc-go', {}, 'docs/zz_test.go'],
    ['extproc-go', {}, 'k8s/settings.json'],
    ['extproc-go', {}, 'Dockerfile'],
    ['wasm-rust', {}, 'Cargo.toml'],
    ['wasm-rust', {}, 'Cargo.lock'],
    ['wasm-rust', {}, 'build.rs'],
    ['wasm-rust', {}, '.cargo/config.toml'],
    ['wasm-rust', {}, 'rust-toolchain.toml'],
    ['wasm-rust', {}, 'rust-toolchain'],
    ['wasm-rust', {}, 'src/extension.rs'],
    ['wasm-rust', {}, 'scripts/build-wasm.sh'],
  ])('is nothing of its own, in %s %j: %s', async (id, answers, path) => {
    const tree = planned({ ...answers, implementation: id as 'lua' });
    await generated(tree);
    const known = await fs.pathExists(join(workspace.path, path));
    await (known ? append(path, '\n') : put(path, '\n'));
    const { details } = await behaviour();
    expect(details.slice(1)).toEqual([
      known
        ? `${path} is not what the skeleton has`
        : `${path} is not among the files of the skeleton`,
    ]);
  });

  it('is no file that a link leads to, outside of it', async () => {
    await generated();
    const file = join(workspace.path, 'Makefile');
    await fs.move(file, join(outside.path, 'Makefile'));
    await fs.symlink(join(outside.path, 'Makefile'), file);
    const { checks } = await verify(workspace.path, limited);
    expect(checks[0]).toMatchObject({
      status: 'failed',
      details: [
        expect.stringContaining('Makefile is a symbolic link'),
        'Makefile is missing',
      ],
    });
    expect(behaviourOf({ checks, passed: false }).status).toBe('skipped');
  });

  it.each<[string, string]>([
    ['.venv/bin/python', '.venv'],
    ['.venv/.created', '.venv'],
    ['build/filter.lua', 'build'],
    ['target/x', 'target'],
    ['node_modules/x/index.js', 'node_modules'],
    // An index there can name files that the workspace does not have.
    ['.git/index', '.git'],
    ['.git/hooks/pre-push', '.git'],
    [
      'test/runner/__pycache__/cases.cpython-313.pyc',
      'test/runner/__pycache__/cases.cpython-313.pyc',
    ],
    ['__pycache__/yaml.cpython-313.pyc', '__pycache__'],
    ['test/yaml.pyc', 'test/yaml.pyc'],
    ['.bin/python3', '.bin/python3'],
    ['.vscode/tasks.json', '.vscode/tasks.json'],
    ['.gitattributes', '.gitattributes'],
    ['test/.gitignore', 'test/.gitignore'],
    ['compose.yaml', 'compose.yaml'],
    ['.git', '.git'],
  ])(
    'is nothing that tools or Git leave out of a repository: %s',
    async (path, named) => {
      await generated();
      await put(path, `#!/bin/sh\ntouch ${marker()}\n`);
      const { status, details } = await behaviour();
      expect(status).toBe('failed');
      expect(details.slice(1)).toEqual([
        `${named} is not among the files of the skeleton`,
      ]);
      expect(await fs.pathExists(marker())).toBe(false);
    },
  );

  it.each([
    ['with less than it had', '*.log\n'],
    ['with more than it had', '/.venv/\n/Makefile\n'],
  ])('publishes what Git leaves out: .gitignore %s', async (_, content) => {
    await generated();
    await put('.gitignore', content);
    const { status, details } = await behaviour();
    expect(status).toBe('failed');
    expect(details.slice(1)).toEqual([
      '.gitignore is not what the skeleton has',
    ]);
  });

  it.each([
    'docs/more.md',
    'LICENSE',
    '.venv',
    'k8s/more.yaml',
    'Makefile',
    'README.md',
  ])('is no link, also where a file would be let through: %s', async path => {
    const plan_ = planned();
    await generated(plan_);
    await fs.outputFile(join(outside.path, 'x'), 'x');
    await fs.remove(join(workspace.path, path));
    await fs.symlink(join(outside.path, 'x'), join(workspace.path, path));
    expect(
      await differences(
        workspace.path,
        await repositoryOf(await shippedSkeletons(), plan_),
        plan_,
      ),
    ).toEqual([`${path} is not a plain file`]);
  });

  it('is no file that a link in place of a folder leads to', async () => {
    const plan_ = planned();
    await generated(plan_);
    await fs.move(join(workspace.path, 'test'), join(outside.path, 'test'));
    await fs.symlink(join(outside.path, 'test'), join(workspace.path, 'test'));
    const wanted = await repositoryOf(await shippedSkeletons(), plan_);
    const found = await differences(workspace.path, wanted, plan_);
    expect(found).toContain('test is not a plain file');
    expect(found).toContain('test/run_cases.py is missing');
  });

  it('reads no folder that a plan leads to, outside of the skeletons', async () => {
    const plan_ = planned();
    await fs.outputFile(join(outside.path, 'secret-name'), 'x');
    await expect(
      repositoryOf(await shippedSkeletons(), {
        ...plan_,
        purpose: relative(
          join(await shippedSkeletons(), 'lua/purposes'),
          outside.path,
        ) as ExtensionPlan['purpose'],
      }),
    ).rejects.toThrow();
  });

  it('is nothing that a plan says', async () => {
    await generated(planned({ implementation: 'extproc-go' }));
    const file = join(workspace.path, 'eg-extension.yaml');
    const text = await fs.readFile(file, 'utf8');
    const changed = text.replace(
      /repository: registry\S+/,
      `repository: "$(shell touch ${marker()})"`,
    );
    expect(changed).not.toBe(text);
    await fs.writeFile(file, changed);
    const { status, details } = await behaviour();
    expect(status).toBe('failed');
    expect(details[1]).toBe('eg-extension.yaml: image is not an identifier');
    expect(await fs.pathExists(marker())).toBe(false);
  });

  it('leaves alone what is for people and for clusters', async () => {
    const skeletons = await ownSkeletons('echo trusted; exit 1');
    await generated(planned(), skeletons);
    await put('LICENSE', 'mine');
    await put('.github/CODEOWNERS', '* @me');
    await put('docs/more.md', 'mine');
    await append('README.md', 'mine');
    const { details } = await behaviour({ skeletons: [skeletons] });
    expect(details.join()).toContain('trusted');
  });

  it('is the makefile of skeletons that the configuration trusts, and of no others', async () => {
    const skeletons = await ownSkeletons('echo trusted; exit 1');
    await generated(planned(), skeletons);
    expect((await behaviour()).details.slice(1)).toEqual([
      'Makefile is not what the skeleton has',
    ]);
    expect(
      (await behaviour({ skeletons: [skeletons] })).details.join(),
    ).toContain('trusted');
  });
});

describe('a link in a workspace', () => {
  const secret = 'canary-link';
  it.each(['policy', 'k8s', 'src', 'docs'])(
    'in place of the folder %s is refused and not followed',
    async folder => {
      await generated();
      const place = join(outside.path, 'elsewhere');
      await fs.outputFile(
        join(place, 'a.yaml'),
        `kind: EnvoyExtensionPolicy\n${secret}: [\n`,
      );
      await fs.remove(join(workspace.path, folder));
      await fs.symlink(place, join(workspace.path, folder));
      const report = await verify(workspace.path, limited);
      expect(report.checks[0]).toMatchObject({
        id: 'tree',
        status: 'failed',
      });
      expect(report.checks[0]!.details[0]).toContain(
        `${folder} is a symbolic link`,
      );
      expect(JSON.stringify(report)).not.toMatch(
        new RegExp(`a\\.yaml|${secret}`),
      );
    },
  );

  it.each(['policy/more.yaml', 'k8s/deep/more.yaml', 'docs/more.md'])(
    'in place of the file %s is refused and not followed',
    async file => {
      await generated();
      const target = join(outside.path, 'a');
      await fs.outputFile(target, `${secret}: [\n\${{ x }}`);
      await fs.ensureDir(join(workspace.path, file, '..'));
      await fs.symlink(target, join(workspace.path, file));
      const report = await verify(workspace.path, limited);
      expect(report.checks[0]!.details).toEqual([
        `${file} is a symbolic link, and no check reads through links: put the file itself there`,
      ]);
      expect(JSON.stringify(report)).not.toContain(secret);
    },
  );

  it('is no plan', async () => {
    await generated();
    const file = join(workspace.path, 'eg-extension.yaml');
    await fs.move(file, join(outside.path, 'plan.yaml'));
    await fs.symlink(join(outside.path, 'plan.yaml'), file);
    await expect(verify(workspace.path, limited)).rejects.toThrow();
  });

  it('is its owner’s business in a folder that is trusted', async () => {
    await generated();
    await fs.symlink('README.md', join(workspace.path, 'docs/readme.md'));
    const { checks } = await verify(workspace.path, {
      timeout: 60_000,
      trustFolder: true,
    });
    expect(checks[0]).toMatchObject({ id: 'tree', status: 'passed' });
  });
});

describe('building', () => {
  it('waits for the checks before it', async () => {
    const skeletons = await ownSkeletons(`touch ${marker()}`);
    await generated(planned(), skeletons);
    await fs.remove(join(workspace.path, 'README.md'));
    const { status, details, remedy } = await behaviour({
      skeletons: [skeletons],
    });
    expect(status).toBe('skipped');
    expect(details).toEqual([
      'nothing is built after a check that failed: Files that the implementation needs',
    ]);
    expect(remedy).toBe('Mend what that check found.');
    expect(await fs.pathExists(marker())).toBe(false);
  });

  it('is left to CI by one setting, whatever else is set', async () => {
    const skeletons = await ownSkeletons(`touch ${marker()}`);
    await generated(planned(), skeletons);
    const { status, details } = await behaviour({
      build: 'ci',
      skeletons: [skeletons],
      trustFolder: true,
    });
    expect(status).toBe('skipped');
    expect(details[0]).toContain('only in CI (egExtensions.verify.build)');
    expect(await fs.pathExists(marker())).toBe(false);
  });

  it('is skipped where the configured sandbox does not work', async () => {
    const skeletons = await ownSkeletons(`touch ${marker()}`);
    await generated(planned(), skeletons);
    const { status, details } = await behaviour({
      skeletons: [skeletons],
      programs: {
        environment: {},
        limits: {
          memoryMiB: 1000,
          processes: 500,
          diskMiB: 1000,
          openFiles: 1000,
          fileMiB: 1000,
          cpuSeconds: 100,
        },
        sandbox: {
          network: false,
          readable: [join(outside.path, 'nowhere')],
          writable: [],
        },
      },
    });
    expect(status).toBe('skipped');
    expect(details[0]).toMatch(
      /the sandbox does not work here|no program bwrap/,
    );
    expect(await fs.pathExists(marker())).toBe(false);
  });
});

describe('secrets of the back end', () => {
  const canaries: Record<string, string> = {
    POSTGRES_PASSWORD: 'canary-1-postgres',
    K8S_TOKEN: 'canary-2-kubernetes',
    AUTH_GITHUB_CLIENT_SECRET: 'canary-3-github',
    GITHUB_TOKEN: 'canary-4-token',
    AWS_SECRET_ACCESS_KEY: 'canary-5-aws',
    HTTPS_PROXY: 'http://me:canary-6-proxy@proxy.example.com:3128',
    GOPROXY: 'https://canary-7-goproxy@go.example.com,direct',
    PIP_INDEX_URL: 'https://me:canary-8-pip@pip.example.com/simple',
    MAKEFLAGS: '--eval=X=canary-9-make',
    CARGO_REGISTRIES_MINE_TOKEN: 'canary-10-cargo',
  };
  const before = { ...process.env };
  beforeEach(() => {
    Object.assign(process.env, canaries);
  });
  afterEach(() => {
    for (const name of Object.keys(canaries)) {
      if (before[name] === undefined) {
        delete process.env[name];
      } else {
        process.env[name] = before[name];
      }
    }
  });

  async function contents(folder: string): Promise<string> {
    const entries = await fs.readdir(folder, { withFileTypes: true });
    const nested = await Promise.all(
      entries.map(entry => {
        const path = join(folder, entry.name);
        if (entry.isDirectory()) {
          return contents(path);
        }
        return entry.isFile() ? fs.readFile(path, 'latin1') : '';
      }),
    );
    return nested.join('\n');
  }

  it('are in no log, no report and no file of the work folder', async () => {
    const go = join(outside.path, 'go');
    // It tells all that it knows, waits for the search, and fails, so that the report has what it printed.
    const skeletons = await ownSkeletons(
      [
        'env | tee env.txt "$(HOME)/env.txt" "$(TMPDIR)/env.txt"',
        "tr '\\0' '\\n' < /proc/self/environ | tee environ.txt",
        'echo "$(.VARIABLES) $(MAKEFLAGS) $(X)" | tee make.txt',
        'touch ready',
        `while [ ! -e ${go} ]; do sleep 0.05; done`,
        'exit 1',
      ].join('\n'),
    );
    await generated(planned(), skeletons);
    const logged: string[] = [];
    const context = createMockActionContext({
      input: {},
      workspacePath: workspace.path,
    });
    for (const level of ['info', 'warn', 'error', 'debug'] as const) {
      jest.spyOn(context.logger, level).mockImplementation((...args) => {
        logged.push(JSON.stringify(args));
      });
    }
    const task = Promise.resolve(
      createVerifyAction({ ...limited, skeletons: [skeletons] }).handler(
        context,
      ),
    ).catch(e => String(e.stack));
    let found = '';
    while (!/PATH=/.test(found)) {
      await new Promise(done => {
        setTimeout(done, 50);
      });
      const [folder] = await fs.readdir(temporary.path);
      if (
        folder &&
        (await fs.pathExists(join(temporary.path, folder, 'repository/ready')))
      ) {
        found = await contents(join(temporary.path, folder));
      }
    }
    await fs.writeFile(go, '');
    const error = await task;
    const everything = [
      found,
      error,
      ...logged,
      JSON.stringify(jest.mocked(context.output).mock.calls),
      await contents(workspace.path),
    ].join('\n');
    expect(error).toContain('TMPDIR=');
    for (const value of Object.values(canaries)) {
      expect(everything).not.toContain(/canary-\d+/.exec(value)![0]);
    }
    // Make sets its own MAKEFLAGS for what it starts.
    const { MAKEFLAGS, ...withheld } = canaries;
    for (const name of Object.keys(withheld)) {
      expect(found).not.toMatch(new RegExp(`^${name}=`, 'm'));
    }
    expect(everything).toContain(
      'HTTPS_PROXY, GOPROXY, PIP_INDEX_URL: not handed on to the build',
    );
    expect(await fs.readdir(temporary.path)).toEqual([]);
  });

  it('are taken out of what is printed where the configuration hands them on', async () => {
    const skeletons = await ownSkeletons(
      'env | grep -e MY_TOKEN -e HTTPS_PROXY; exit 1',
    );
    await generated(planned(), skeletons);
    const { details } = await behaviour({
      skeletons: [skeletons],
      programs: {
        environment: {
          MY_TOKEN: 'canary-11-configured',
          HTTPS_PROXY: 'http://me:canary-12@proxy.example.com',
        },
        limits: {
          memoryMiB: 1000,
          processes: 500,
          diskMiB: 1000,
          openFiles: 1000,
          fileMiB: 1000,
          cpuSeconds: 100,
        },
      },
    });
    expect(details.join('\n')).toContain('MY_TOKEN=***');
    expect(details.join('\n')).toContain('HTTPS_PROXY=http://***@proxy');
    expect(details.join('\n')).not.toContain('canary');
  });
});

const onLinux = process.platform === 'linux' ? describe : describe.skip;

onLinux('a verification that is not waited for', () => {
  const mark = `7${Date.now()}.5`;
  const deaf = `trap '' TERM; (setsid sh -c "trap '' TERM; exec sleep ${mark}" &); touch ${'$(HOME)'}/ready; while :; do sleep 0.1; done`;

  async function running(): Promise<number> {
    const commands = await Promise.all(
      (await fs.readdir('/proc'))
        .filter(name => /^\d+$/.test(name))
        .map(pid =>
          fs.readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
        ),
    );
    return commands.filter(c => c.includes(mark)).length;
  }

  async function started(): Promise<void> {
    for (;;) {
      const [folder = ''] = await fs.readdir(temporary.path);
      if (await fs.pathExists(join(temporary.path, folder, 'home/ready'))) {
        return;
      }
      await new Promise(done => {
        setTimeout(done, 50);
      });
    }
  }

  async function task(rest: object = {}, hooks?: (() => any)[]) {
    const skeletons = await ownSkeletons(deaf);
    await generated(planned(), skeletons);
    const context = {
      ...createMockActionContext({ input: {}, workspacePath: workspace.path }),
      ...rest,
    };
    const action = createVerifyAction(
      { ...limited, skeletons: [skeletons] },
      undefined,
      undefined,
      hooks && { addShutdownHook: hook => hooks.push(hook) },
    );
    return Promise.resolve(action.handler(context)).catch(e => e);
  }

  it('ends when its task is cancelled', async () => {
    const controller = new AbortController();
    const ended = task({ signal: controller.signal });
    await started();
    controller.abort();
    expect(await ended).toMatchObject({ name: 'AbortError' });
    expect(await running()).toBe(0);
    expect(await fs.readdir(temporary.path)).toEqual([]);
  });

  it('does not begin when its task was cancelled before', async () => {
    expect(await task({ signal: AbortSignal.abort() })).toMatchObject({
      name: 'AbortError',
    });
    expect(await fs.readdir(temporary.path)).toEqual([]);
  });

  it('ends when the back end does, which waits for it', async () => {
    const hooks: (() => any)[] = [];
    const ended = task({}, hooks);
    await started();
    await hooks[0]!();
    // The hook itself has waited for all of this.
    expect(await fs.readdir(temporary.path)).toEqual([]);
    expect((await ended).message).toContain('shutting down');
    expect(await running()).toBe(0);
    expect(await fs.readdir(temporary.path)).toEqual([]);
  });
});
