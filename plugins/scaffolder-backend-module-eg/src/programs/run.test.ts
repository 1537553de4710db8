import execa from 'execa';
import fs from 'fs-extra';
import os from 'os';
import { join } from 'path';
import { runProgram } from './run';
import { defaultLimits, defaultProgramOptions, ProgramOptions } from './types';
import { WorkFolder, withWorkFolder } from './workFolder';

const onLinux = process.platform === 'linux' ? describe : describe.skip;

/** A number of seconds that no other program sleeps, to find those that do. */
let mark: string;
beforeEach(() => {
  mark = `9${Date.now()}.${Math.floor(Math.random() * 1e9)}`;
});

async function running(): Promise<number> {
  const pids = (await fs.readdir('/proc')).filter(name => /^\d+$/.test(name));
  const commands = await Promise.all(
    pids.map(pid =>
      fs.readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
    ),
  );
  return commands.filter(command => command.includes(mark)).length;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 120_000;
  while (!(await holds())) {
    if (Date.now() > deadline) {
      throw new Error('it did not happen');
    }
    await new Promise(done => {
      setTimeout(done, 20);
    });
  }
}

function shell(
  script: string,
  rest: {
    timeout?: number;
    signal?: AbortSignal;
    options?: Partial<ProgramOptions>;
    limits?: Partial<ProgramOptions['limits']>;
    look?: (folder: WorkFolder) => Promise<void>;
  } = {},
) {
  const { timeout = 30_000, signal, options, limits } = rest;
  return withWorkFolder(async folder => {
    const end = await runProgram({
      command: ['sh', '-c', script, mark],
      cwd: folder.path,
      folder,
      timeout,
      signal,
      options: {
        ...defaultProgramOptions,
        ...options,
        limits: { ...defaultLimits, ...limits },
      },
    });
    await rest.look?.(folder);
    return { ...end, folder: folder.path };
  });
}

/** Two generations away from its parent, in a session of its own, without an environment, deaf to SIGTERM. */
const deserter = () =>
  `(setsid sh -c "(trap '' TERM; exec env -i sleep ${mark}) &" &)`;

const isRoot = process.getuid?.() === 0;
const asRoot =
  isRoot && process.platform === 'linux' ? describe : describe.skip;

/** Root's programs get a PID namespace, others are found by the supervisor. */
const users: [string, Partial<ProgramOptions>][] = [
  ['the user of the back end', {}],
  ...(isRoot
    ? ([['another user', { user: { uid: 65534, gid: 65534 } }]] as [
        string,
        Partial<ProgramOptions>,
      ][])
    : []),
];

onLinux('a program', () => {
  it('exits with its code, and what it printed', async () => {
    expect(await shell('echo out; echo err >&2; exit 3')).toMatchObject({
      how: 'exited',
      exitCode: 3,
      stdout: 'out\n',
      stderr: 'err\n',
    });
  });

  it('has no variable that is not named, and can read none of its supervisor', async () => {
    process.env.EG_CANARY_PASSWORD = 'canary-of-run-test';
    try {
      const { stdout } = await shell(
        `env; for p in /proc/[0-9]*; do
           if tr '\\0' ' ' < $p/cmdline | grep -q "^[^ ]*python3 -I "; then
             echo supervisor; tr '\\0' '\\n' < $p/environ; tr '\\0' '\\n' < $p/cmdline
           fi
         done`,
      );
      expect(stdout).toContain('HOME=');
      expect(stdout).toMatch(/^supervisor$/m);
      expect(stdout).not.toContain('canary-of-run-test');
    } finally {
      delete process.env.EG_CANARY_PASSWORD;
    }
  });

  it('says what could not be started', async () => {
    const end = await withWorkFolder(folder =>
      runProgram({
        command: ['there-is-no-such-program'],
        cwd: folder.path,
        folder,
        timeout: 10_000,
        options: defaultProgramOptions,
      }),
    );
    expect(end.exitCode).not.toBe(0);
    expect(end.stderr).toContain('there-is-no-such-program');
  });

  it('keeps the last of what it printed, however much that is', async () => {
    const { stdout, exitCode } = await shell(
      'head -c 100000000 /dev/zero | tr "\\0" x; echo; echo the end',
    );
    expect(exitCode).toBe(0);
    expect(stdout.length).toBeLessThanOrEqual(4 << 20);
    expect(stdout).toMatch(/x\nthe end\n$/);
  });
});

onLinux.each(users)('the end of a program of %s', (_user, options) => {
  it('is the end of what it left running', async () => {
    const { how, exitCode } = await shell(
      `${deserter()}; sleep ${mark} & setsid sleep ${mark} & exit 0`,
      { options },
    );
    expect({ how, exitCode }).toEqual({ how: 'exited', exitCode: 0 });
    expect(await running()).toBe(0);
  });

  it.each([
    ['that ignores SIGTERM', () => `trap '' TERM; while :; do sleep 0.1; done`],
    ['in a session of its own', () => `setsid sleep ${mark}`],
    ['that has left its parent', () => `${deserter()}; sleep ${mark}`],
    ['that is stopped', () => `sleep ${mark} & kill -STOP $!; wait`],
    [
      'that starts others while it is ended',
      () =>
        `trap '(setsid sleep ${mark} &); (setsid sleep ${mark} &)' TERM; while :; do sleep 0.1; done`,
    ],
  ])('comes on time for one %s', async (_, script) => {
    const started = Date.now();
    const { how, folder } = await shell(script(), {
      timeout: 500,
      options,
    });
    expect(how).toBe('timeout');
    expect(Date.now() - started).toBeLessThan(60_000);
    expect(await running()).toBe(0);
    expect(await fs.pathExists(folder)).toBe(false);
  });

  it('comes when it is cancelled', async () => {
    const controller = new AbortController();
    const ended = shell(`${deserter()}; trap '' TERM; sleep ${mark}`, {
      signal: controller.signal,
      options,
    });
    await until(async () => (await running()) > 2);
    controller.abort();
    expect(await ended).toMatchObject({ how: 'cancelled' });
    expect(await running()).toBe(0);
  });

  it('comes before its beginning when it was cancelled before that', async () => {
    const look = async ({ path }: WorkFolder) =>
      expect(await fs.pathExists(join(path, 'began'))).toBe(false);
    expect(
      await shell('touch began', { signal: AbortSignal.abort(), look }),
    ).toMatchObject({ how: 'cancelled' });
  });
});

/** It doubles every 30 ms, so that a test that fails can be stopped. */
const forkBomb = 'bomb() { sleep 0.03; bomb & bomb & wait; }; bomb';

onLinux('limits', () => {
  it.each([
    [
      'memory',
      `python3 -c 'import time
blocks = []
while True:
    blocks.append(b"x" * (1 << 20))
    time.sleep(0.0005)'`,
      { memoryMiB: 200 },
      /more than 200 MiB of memory|MemoryError/,
    ],
    [
      'memory of many',
      `for i in 1 2 3 4 5 6 7 8; do python3 -c 'import time
block = b"x" * (60 << 20)
time.sleep(100)' & done; wait`,
      { memoryMiB: 200 },
      /more than 200 MiB of memory/,
    ],
    [
      'processes',
      // Bounded: a bomb that outruns the watcher would take the machine down with it.
      `for i in $(seq 400); do sleep 100 & done; wait`,
      { processes: 100 },
      /more than 100 processes|Cannot fork|Resource temporarily/,
    ],
    [
      'disk',
      `i=0; while head -c 4000000 /dev/zero > file-$i; do i=$((i+1)); done`,
      { diskMiB: 100 },
      /more than 100 MiB in the work folder/,
    ],
    [
      'the size of a file',
      `head -c 100000000 /dev/zero > file; ls -s file; [ $(stat -c %s file) -lt 60000000 ] && echo stopped >&2; exit 1`,
      { fileMiB: 50 },
      /stopped/,
    ],
    [
      'open files',
      `python3 -c 'files = [open("/dev/null") for _ in range(1000)]'`,
      { openFiles: 100 },
      /Too many open files/,
    ],
    ['CPU', `while :; do :; done`, { cpuSeconds: 1 }, /^$/],
  ])('of %s end a bomb', async (_, script, limits, message) => {
    const {
      how,
      limit = '',
      exitCode,
      stderr,
    } = await shell(script, {
      limits,
    });
    expect(how).not.toBe('timeout');
    expect(exitCode === 0).toBe(false);
    expect(`${limit}${limit ? '' : stderr}`).toMatch(message);
    expect(await running()).toBe(0);
  });
});

asRoot('a back end that is root', () => {
  it('limits of processes hold for other users, too', async () => {
    const { how, limit, stderr } = await shell(forkBomb, {
      limits: { processes: 100 },
      options: { user: { uid: 65534, gid: 65534 } },
    });
    expect(how).not.toBe('timeout');
    expect(`${limit}${stderr}`).toMatch(/more than 100 processes|fork/);
    expect(await running()).toBe(0);
  });

  it('another user runs it where one is configured', async () => {
    const { stdout, how } = await shell(
      'id -u; id -G; touch mine; ls -ln mine',
      {
        options: { user: { uid: 65534, gid: 65534 } },
      },
    );
    expect(how).toBe('exited');
    expect(stdout).toMatch(/^65534\n65534\n.*65534 65534/);
  });
});

/** The supervisor without root, as most back ends run it: it has to find all processes by itself. */
const python = '/usr/bin/python3';
const onPython =
  process.platform === 'linux' && fs.existsSync(python)
    ? describe
    : describe.skip;

onPython('without root', () => {
  const nobody = isRoot ? { uid: 65534, gid: 65534 } : {};
  let folder: string;
  let work: string;
  let supervisor: string;
  beforeEach(async () => {
    folder = await fs.mkdtemp(join(os.tmpdir(), 'eg-supervise-'));
    await fs.chmod(folder, 0o755);
    supervisor = join(folder, 'supervise.py');
    await fs.copyFile(join(__dirname, '../../assets/supervise.py'), supervisor);
    work = join(folder, 'work');
    await fs.mkdir(work);
    if (isRoot) {
      await fs.chown(work, 65534, 65534);
    }
  });
  afterEach(() => fs.remove(folder));

  const options = (parent: number, limits: object = {}) =>
    JSON.stringify({
      parent,
      folder: work,
      graceSeconds: 1,
      limits: { ...defaultLimits, ...limits },
      user: null,
      privileged: false,
    });
  const supervise = (script: string, limits: object = {}) =>
    execa(
      python,
      ['-I', supervisor, options(process.pid, limits), 'sh', '-c', script],
      {
        ...nobody,
        reject: false,
        extendEnv: false,
        env: { PATH: '/usr/bin:/bin' },
        stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      },
    );

  it('what was left running ends', async () => {
    const child = supervise(`${deserter()}; sleep ${mark} & exit 7`);
    await child;
    expect(await running()).toBe(0);
  });

  it('a tree of deserters ends with SIGTERM', async () => {
    const child = supervise(`trap '' TERM; ${deserter()}; sleep ${mark}`);
    await until(async () => (await running()) > 3);
    child.kill('SIGTERM');
    await child;
    expect(await running()).toBe(0);
  });

  it('a bomb of processes ends', async () => {
    await supervise(`: ${mark}; ${forkBomb}`, { processes: 100 });
    expect(await running()).toBe(0);
  });

  it('all ends when the back end is killed, and the folder goes', async () => {
    const backend = execa(
      python,
      [
        '-c',
        // With threads, as Node has them.
        `import json, os, subprocess, sys, threading, time
for _ in range(20):
    threading.Thread(target=time.sleep, args=(1000,)).start()
options = {**json.loads(sys.argv[2]), "parent": os.getpid()}
command = ["sh", "-c", sys.argv[3]]
subprocess.Popen([sys.executable, "-I", sys.argv[1], json.dumps(options), *command], start_new_session=True)
time.sleep(1000)`,
        supervisor,
        options(0),
        `touch file; ${deserter()}; sleep ${mark}`,
      ],
      { ...nobody, cwd: work, reject: false, stdio: 'ignore' },
    );
    // The back end, its supervisor, the program and the deserter.
    await until(
      async () =>
        (await running()) > 3 && (await fs.pathExists(join(work, 'file'))),
    );
    backend.kill('SIGKILL');
    await backend;
    // The supervisor is the last to go, and it empties the folder before.
    await until(async () => (await running()) === 0);
    expect(await fs.readdir(work)).toEqual([]);
  });
});
