import fs from 'fs-extra';
import { basename, join } from 'path';
import { ExtensionPlan, implementationOf } from 'backstage-plugin-eg-common';
import {
  defaultProgramOptions,
  findProgram,
  ProgramEnd,
  runProgram,
  withWorkFolder,
} from '../programs';
import { madeByBuilds } from './files';
import { howToTrust, Place, remedies, settingName } from './remedies';
import { differences, Tree, trustedRepositories } from './shipped';
import { CheckContext, CheckDefinition, Outcome, skipped } from './types';

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

function outcomeOf(
  { how, exitCode, limit, stdout, stderr, heldBack }: ProgramEnd,
  timeout: number,
  place: Place,
): Outcome {
  const notes = heldBack.length
    ? [
        `${heldBack.join(
          ', ',
        )}: not handed on to the build, because the address seems to have credentials; name one without${settingName(
          place,
          'environment',
        )}`,
      ]
    : [];
  if (how === 'timeout') {
    return {
      status: 'failed',
      details: [
        `not finished after ${timeout / 1000} s${settingName(
          place,
          'timeoutSeconds',
        )}`,
        ...tail(stderr),
      ],
    };
  }
  if (how === 'limit') {
    return {
      status: 'failed',
      details: [
        `ended, because it used more than a build may${settingName(
          place,
          'limits',
        )}: ${limit}`,
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
    details: failures.length
      ? failures
      : [...notes, ...tail(`${stdout}\n${stderr}`)],
  };
}

/**
 * What is built: a repository made of skeletons that are trusted, not the workspace, which anybody can have written.
 * Both have to be the same, or what is verified would not be what is published.
 */
async function trustedRepository(
  directory: string,
  plan: ExtensionPlan,
  own: readonly string[],
): Promise<Tree | string[]> {
  let nearest: string[] | undefined;
  for await (const wanted of trustedRepositories(plan, own)) {
    if (wanted instanceof Error) {
      nearest ??= [wanted.message];
      continue;
    }
    const found = await differences(directory, wanted, plan);
    if (found.length === 0) {
      return wanted;
    }
    nearest = !nearest || found.length < nearest.length ? found : nearest;
  }
  return nearest!;
}

/** Writes the repository that is built into an empty folder. */
async function write(repository: Tree, folder: string): Promise<void> {
  for (const [path, content] of repository) {
    await fs.outputFile(join(folder, path), content);
  }
}

/** Copies a folder that is trusted, without what tools made in it. */
async function copy(directory: string, folder: string): Promise<void> {
  await fs.copy(directory, folder, {
    filter: source =>
      source === directory || !madeByBuilds.includes(basename(source)),
  });
}

/** Builds a repository and runs its cases; the workspace stays as it is. */
async function runCases(
  { options, place, signal, log }: CheckContext,
  envoy: string,
  programs: readonly string[],
  fill: (folder: string) => Promise<void>,
): Promise<Outcome> {
  return withWorkFolder(async folder => {
    const cwd = join(folder.path, 'repository');
    await fs.mkdir(cwd);
    await fill(cwd);
    const run = (command: readonly string[], timeout: number) =>
      runProgram({
        command,
        cwd,
        folder,
        timeout,
        signal,
        programs,
        options: options.programs ?? defaultProgramOptions,
      });
    if (options.programs?.sandbox) {
      const { exitCode, stderr } = await run(['true'], 60_000);
      if (exitCode !== 0 && !signal?.aborted) {
        return skipped(
          `the sandbox does not work here (egExtensions.verify.sandbox): ${tail(
            stderr,
            3,
          ).join(' ')}`,
          remedies.sandbox(),
        );
      }
    }
    log(`building the extension and running its cases in ${envoy}`);
    const end = await run(
      [
        'make',
        '--no-print-directory',
        'envoy-test',
        `ENVOY=${envoy}`,
        'CASES_FLAGS=--json',
      ],
      options.timeout,
    );
    signal?.throwIfAborted();
    return outcomeOf(end, options.timeout, place);
  });
}

/** The repository builds, and does in a real Envoy what its cases say. */
export const behaviourCheck: CheckDefinition = {
  id: 'behaviour',
  title: 'Behaviour cases in a real Envoy',
  builds: true,
  async run(context) {
    const { directory, options, place, plan, noPrograms } = context;
    if (plan.mechanism === 'native') {
      return skipped(
        'there is no extension to run: Envoy Gateway does it itself',
        remedies.native(),
      );
    }
    if (noPrograms) {
      return skipped(noPrograms, remedies.programs(place));
    }
    if (options.build === 'ci') {
      return skipped(
        'nothing is built here, only in CI (egExtensions.verify.build)',
        remedies.ci(),
      );
    }
    if (!options.envoy) {
      return skipped('no Envoy is named', remedies.envoy(place));
    }
    const repository = options.trustFolder
      ? undefined
      : await trustedRepository(directory, plan, options.skeletons ?? []);
    if (Array.isArray(repository)) {
      return {
        status: 'failed',
        details: [
          `nothing was built: these files decide what is run and published, and are not what the shipped skeletons give for the plan; ${howToTrust(
            place,
          )}`,
          ...repository,
        ],
      };
    }
    const { tools } = implementationOf(plan.implementation);
    const needed = [
      ...tools,
      options.envoy,
      ...(options.programs?.sandbox ? ['bwrap'] : []),
    ];
    const places: string[] = [];
    for (const program of needed) {
      const found = await findProgram(program);
      if (!found) {
        return skipped(
          `there is no program ${program} on this machine`,
          remedies.program(place, program),
        );
      }
      places.push(found);
    }
    const envoy = await fs.realpath(places[tools.length]!);

    return runCases(context, envoy, [envoy], folder =>
      repository ? write(repository, folder) : copy(directory, folder),
    );
  },
};
