import execa from 'execa';
import fs from 'fs-extra';
import os from 'os';
import { basename, join } from 'path';
import { implementationOf } from 'backstage-plugin-eg-common';
import { madeByBuilds } from './files';
import { CheckContext, CheckDefinition, Outcome, skipped } from './types';

async function isMissing(program: string): Promise<boolean> {
  const { exitCode } = await execa(
    'sh',
    ['-c', `command -v "$1"`, 'sh', program],
    {
      reject: false,
    },
  );
  return exitCode !== 0;
}

/** The last lines of a log, for a report. */
function tail(text: string, lines = 30): string[] {
  return text.trim().split('\n').slice(-lines);
}

interface CaseResults {
  passed: number;
  failed: number;
  cases: { name: string; status: string; message: string }[];
}

/** What test/run_cases.py --json printed, after whatever the build printed. */
function caseResults(stdout: string): CaseResults | undefined {
  const start = stdout.search(/^\{$/m);
  try {
    return start < 0 ? undefined : JSON.parse(stdout.slice(start));
  } catch {
    return undefined;
  }
}

/** Builds a copy and runs `make envoy-test` in it; the repository itself stays as it is. */
async function runCases(
  { directory, options, signal, log }: CheckContext,
  envoy: string,
): Promise<Outcome> {
  const copy = await fs.mkdtemp(join(os.tmpdir(), 'eg-verify-'));
  try {
    await fs.copy(directory, copy, {
      filter: source =>
        source === directory || !madeByBuilds.includes(basename(source)),
    });
    log(`building and running ${basename(directory)} in ${envoy}`);
    const child = execa(
      'make',
      [
        '--no-print-directory',
        'envoy-test',
        `ENVOY=${envoy}`,
        'CASES_FLAGS=--json',
      ],
      // A process group of its own, so that everything that make starts can be ended with it.
      { cwd: copy, reject: false, detached: true, stdin: 'ignore' },
    );
    const end = () => child.pid && process.kill(-child.pid, 'SIGTERM');
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      end();
    }, options.timeout);
    signal?.addEventListener('abort', end);
    const { exitCode, stdout, stderr } = await child;
    clearTimeout(timer);
    signal?.removeEventListener('abort', end);
    if (timedOut) {
      return {
        status: 'failed',
        details: [
          `not finished after ${
            options.timeout / 1000
          } s (egExtensions.verify.timeoutSeconds)`,
          ...tail(stderr),
        ],
      };
    }
    const results = caseResults(stdout);
    if (exitCode === 0 && results && results.passed > 0 && !results.failed) {
      return {
        status: 'passed',
        details: [`${results.passed} cases passed in a real Envoy`],
      };
    }
    const failures = (results?.cases ?? [])
      .filter(c => c.status !== 'passed')
      .map(c => `${c.name}: ${c.message}`);
    return {
      status: 'failed',
      details: failures.length ? failures : tail(`${stdout}\n${stderr}`),
    };
  } finally {
    await fs.remove(copy);
  }
}

/** The repository builds, and does in a real Envoy what its cases say. */
export const behaviourCheck: CheckDefinition = {
  id: 'behaviour',
  title: 'Behaviour cases in a real Envoy',
  async run(context) {
    const { options, plan, noPrograms } = context;
    if (plan.mechanism === 'native') {
      return skipped(
        'there is no extension to run: Envoy Gateway does it itself; try it on a route of its own',
      );
    }
    if (noPrograms) {
      return skipped(noPrograms);
    }
    if (!options.envoy) {
      return skipped(
        'no Envoy is configured (egExtensions.verify.envoy); run make envoy-test in the repository',
      );
    }
    const { tools } = implementationOf(plan.implementation);
    for (const program of [...tools, options.envoy]) {
      if (await isMissing(program)) {
        return skipped(`there is no program ${program} on this machine`);
      }
    }
    return runCases(context, options.envoy);
  },
};
