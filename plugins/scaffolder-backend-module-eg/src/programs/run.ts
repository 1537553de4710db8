import { resolvePackagePath } from '@backstage/backend-plugin-api';
import execa from 'execa';
import { Readable } from 'stream';
import { programEnvironment, withoutConfiguredSecrets } from './environment';
import { bubblewrapArguments } from './sandbox';
import { ProgramOptions } from './types';
import { WorkFolder } from './workFolder';

/** A program to run, once. */
export interface ProgramRun {
  /** The program and its arguments. */
  command: readonly string[];
  cwd: string;
  folder: WorkFolder;
  options: ProgramOptions;
  /** Milliseconds. */
  timeout: number;
  signal?: AbortSignal;
  /** Programs outside of the system's folders that a sandbox has to show. */
  programs?: readonly string[];
}

/** How a program ended. Nothing that it started runs any more. */
export interface ProgramEnd {
  /** `limit`: it used more than it may. */
  how: 'exited' | 'timeout' | 'cancelled' | 'limit';
  /** Absent where it did not exit by itself. */
  exitCode?: number;
  /** Which limit, in words. */
  limit?: string;
  /** The last of what it printed. */
  stdout: string;
  stderr: string;
  /** Variables that it did not get because they hold credentials. */
  heldBack: string[];
}

/** Bytes of each stream that are kept: what is printed first is the first to go. */
const kept = 4 << 20;

/** Milliseconds between SIGTERM and SIGKILL, and until the supervisor itself is taken for stuck. */
const grace = 5_000;
const stuck = grace + 70_000;

function lastOf(stream: Readable | null): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  stream?.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    size += chunk.length;
    while (chunks.length > 1 && size - chunks[0]!.length >= kept) {
      size -= chunks.shift()!.length;
    }
  });
  stream?.on('error', () => {});
  return () => Buffer.concat(chunks).subarray(-kept).toString('utf8');
}

const later = (milliseconds: number) =>
  new Promise<void>(done => {
    setTimeout(done, milliseconds).unref();
  });

/**
 * Runs a program: with an environment that is named variable by variable, under limits, in a sandbox where one is
 * configured. When this returns, everything that the program started has ended, whatever sessions it moved to; so it
 * does on a timeout, on the signal, and when the back end dies (assets/supervise.py).
 *
 * @throws Error when it cannot be started
 */
export async function runProgram(run: ProgramRun): Promise<ProgramEnd> {
  const { command, cwd, folder, options, timeout, signal } = run;
  const { environment: configured, limits, user, sandbox } = options;
  const { variables, heldBack } = programEnvironment(
    process.env,
    folder,
    configured,
  );
  if (signal?.aborted) {
    return { how: 'cancelled', stdout: '', stderr: '', heldBack };
  }
  const supervisor = execa(
    'python3',
    [
      // Without the variables and the folders of a user that change what Python does.
      '-I',
      resolvePackagePath(
        'backstage-plugin-scaffolder-backend-module-eg',
        'assets/supervise.py',
      ),
      JSON.stringify({
        parent: process.pid,
        folder: folder.path,
        graceSeconds: grace / 1000,
        limits,
        user: user ?? null,
        privileged: Boolean(sandbox),
      }),
      ...(sandbox
        ? ['bwrap', ...bubblewrapArguments(folder.path, sandbox, run.programs)]
        : []),
      ...command,
    ],
    {
      cwd,
      env: variables,
      extendEnv: false,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      buffer: false,
      reject: false,
      // Not in the group that Ctrl-C in a terminal reaches: it is told to end the tree, in order.
      detached: true,
    },
  );
  const stdout = lastOf(supervisor.stdout);
  const stderr = lastOf(supervisor.stderr);
  const report = lastOf(supervisor.stdio[3] as unknown as Readable);

  let how: ProgramEnd['how'] = 'exited';
  const end = (reason: 'timeout' | 'cancelled') => {
    if (how === 'exited') {
      how = reason;
      supervisor.kill('SIGTERM', { forceKillAfterTimeout: stuck });
    }
  };
  const cancel = () => end('cancelled');
  const timer = setTimeout(() => end('timeout'), timeout);
  signal?.addEventListener('abort', cancel);
  const closed = new Promise(done => {
    supervisor.once('close', done);
  });
  try {
    await new Promise<void>((done, failed) => {
      supervisor.once('exit', () => done());
      supervisor.once('error', failed);
    });
    // What was printed last is still on its way; but a stream that somebody holds open is not waited for.
    await Promise.race([closed, later(1_000)]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', cancel);
    await supervisor.catch(() => {});
  }
  let said: { exitCode?: number | null; limit?: string | null } = {};
  try {
    said = JSON.parse(report());
  } catch {
    // It was killed, or could not start the program: stderr says why.
  }
  const limit = said.limit ?? undefined;
  return {
    how: limit && how === 'exited' ? 'limit' : how,
    exitCode: said.exitCode ?? undefined,
    limit,
    stdout: withoutConfiguredSecrets(stdout(), configured),
    stderr: withoutConfiguredSecrets(stderr(), configured),
    heldBack,
  };
}
