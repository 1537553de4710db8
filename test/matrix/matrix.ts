import execa from 'execa';
import fs from 'fs-extra';
import os from 'os';
import pLimit from 'p-limit';
import { join } from 'path';
import {
  Answers,
  implementationOf,
  implementations,
  newestRelease,
  parseAnswers,
  releases,
} from 'backstage-plugin-eg-common';
import {
  generateInto,
  GeneratedFile,
  Scaffolder,
  startScaffolder,
} from 'eg-cli';
import { sharedVenv } from '../envoy/envoy';
import { cacheFolder } from '../src/cache';
import { hasProgram } from '../src/tools';
import {
  fullVersions,
  insteadForWasm,
  isFirst,
  nextVersions,
  samplePurpose,
  sampleVersions,
  Variant,
  variants,
} from './rows';

/** What to run; everything unless said otherwise. */
export interface Selection {
  implementation?: string;
  purpose?: string;
  variant?: string;
  envoy?: string;
  /** Another template folder. */
  template?: string;
}

/** One repository in one Envoy. */
export interface Row {
  implementation: string;
  purpose: string;
  variant: string;
  envoy: string;
  status: 'passed' | 'failed' | 'skipped' | 'not possible';
  /** How many cases passed; or why it failed or was skipped. */
  message: string;
  seconds: number;
}

/** One repository and the Envoys that it runs in. */
interface Job {
  variant: Variant;
  gatewayVersion: string;
  envoys: string[];
}

/** The release that ships an Envoy of this minor version; the newest for newer ones. */
function releaseFor(envoy: string): string {
  const minor = (version: string) => version.split('.').slice(0, 2).join('.');
  return (
    releases.find(r => minor(r.testEnvoy) === minor(envoy)) ?? newestRelease
  ).version;
}

/** Repositories to generate and the Envoys to run each in. */
export function jobsFor({
  implementation,
  purpose,
  variant: only,
  envoy,
}: Selection): Job[] {
  const jobs = variants
    .filter(v => !implementation || v.implementation === implementation)
    .filter(v => !purpose || v.purpose === purpose)
    .filter(v => only === undefined || v.variant === only)
    .flatMap((variant): Job[] => {
      const versions = envoy
        ? [envoy]
        : [
            ...fullVersions,
            ...(isFirst(variant) ? nextVersions : []),
            ...(isFirst(variant) && variant.purpose === samplePurpose
              ? sampleVersions.map(version =>
                  variant.implementation === 'wasm-rust'
                    ? insteadForWasm[version] ?? version
                    : version,
                )
              : []),
          ];
      const byRelease = new Map<string, string[]>();
      for (const version of versions) {
        const release = releaseFor(version);
        byRelease.set(release, [...(byRelease.get(release) ?? []), version]);
      }
      return [...byRelease].map(([gatewayVersion, envoys]) => ({
        variant,
        gatewayVersion,
        envoys,
      }));
    });
  if (jobs.length === 0) {
    throw new Error(
      `nothing to run for ${[implementation, purpose, only]
        .filter(Boolean)
        .join(', ')}; there are ${variants
        .map(v => [v.implementation, v.purpose, v.variant])
        .map(names => names.filter(Boolean).join(', '))
        .join('; ')}`,
    );
  }
  return jobs;
}

/** What an implementation cannot be for, with the reason: the rows that nothing is run for. */
export function impossibleRows({ implementation, purpose }: Selection): Row[] {
  return implementations
    .filter(({ id }) => !implementation || id === implementation)
    .flatMap(({ id, impossible }) =>
      Object.entries(impossible)
        .filter(([of]) => !purpose || of === purpose)
        .map(
          ([of, reason]): Row => ({
            implementation: id,
            purpose: of,
            variant: '',
            envoy: 'any',
            status: 'not possible',
            message: reason,
            seconds: 0,
          }),
        ),
    );
}

async function make(
  directory: string,
  args: string[],
): Promise<{ ok: boolean; output: string }> {
  const { exitCode, all } = await execa(
    'make',
    ['--no-print-directory', `VENV=${sharedVenv}`, ...args],
    {
      cwd: directory,
      reject: false,
      all: true,
      stdin: 'ignore',
      // Dependencies are compiled once for all repositories of an implementation.
      env: { CARGO_TARGET_DIR: join(cacheFolder, 'cargo-target') },
    },
  );
  return { ok: exitCode === 0, output: all ?? '' };
}

/** What failed: the cases that test/run_cases.py reports, or the end of the output where it did not come so far. */
function failures(output: string): string {
  const cases = output.match(/^FAIL.*(\n {8}.*)*/gm);
  return cases
    ? cases.join('\n')
    : output.trim().split('\n').slice(-25).join('\n');
}

/**
 * Generates a repository over another one. Files that are the same already keep their time, so that Go and Cargo build and
 * test again only what changed.
 *
 * @param before - the files of the repository that the folder holds
 * @returns the files that it holds now
 */
async function generateOver(
  scaffolder: Scaffolder,
  answers: Answers,
  directory: string,
  before: readonly GeneratedFile[],
): Promise<readonly GeneratedFile[]> {
  const fresh = `${directory}.new`;
  const { files } = await generateInto(scaffolder, answers, fresh);
  const known = new Map(before.map(file => [file.path, file]));
  for (const { path, content, executable } of files) {
    const old = known.get(path);
    known.delete(path);
    if (!old?.content.equals(content) || old.executable !== executable) {
      await fs.move(join(fresh, path), join(directory, path), {
        overwrite: true,
      });
    }
  }
  for (const path of known.keys()) {
    await fs.remove(join(directory, path));
  }
  await fs.remove(fresh);
  return files;
}

/** Runs one job in a folder that may hold the repository of the last one; returns the files that it holds now. */
async function runJob(
  { variant, gatewayVersion, envoys }: Job,
  scaffolder: Scaffolder,
  directory: string,
  before: readonly GeneratedFile[],
  report: (row: Row) => void,
): Promise<readonly GeneratedFile[]> {
  const { implementation, purpose } = variant;
  const name = { implementation, purpose, variant: variant.variant };
  const missing = [
    ...implementationOf(implementation).tools,
    ...(variant.tools ?? []),
  ].filter(tool => !hasProgram(tool));
  if (missing.length > 0) {
    for (const envoy of envoys) {
      report({
        ...name,
        envoy,
        status: 'skipped',
        message: `needs ${missing.join(', ')}`,
        seconds: 0,
      });
    }
    return before;
  }
  let files = before;
  const started = Date.now();
  const since = (time: number) => Math.round((Date.now() - time) / 100) / 10;
  try {
    files = await generateOver(
      scaffolder,
      parseAnswers({
        name: 'matrix-extension',
        owner: 'group:default/platform',
        target: { name: 'my-route' },
        ...variant.answers,
        purpose,
        implementation,
        gatewayVersion,
      }),
      directory,
      before,
    );
    const built = await make(directory, ['build', 'test']);
    if (!built.ok) {
      throw new Error(`make build test failed:\n${failures(built.output)}`);
    }
  } catch (error) {
    for (const envoy of envoys) {
      report({
        ...name,
        envoy,
        status: 'failed',
        message: String(error),
        seconds: since(started),
      });
    }
    await fs.remove(directory);
    return [];
  }
  let begin = started;
  for (const envoy of envoys) {
    const { ok, output } = await make(directory, [
      'envoy-test',
      `ENVOY_VERSION=${envoy}`,
    ]);
    const [, passed] = /^([1-9][0-9]*) passed, 0 failed$/m.exec(output) ?? [];
    report({
      ...name,
      envoy,
      status: ok && passed ? 'passed' : 'failed',
      message: ok && passed ? `${passed} cases` : failures(output),
      seconds: since(begin),
    });
    begin = Date.now();
  }
  return files;
}

/** Jobs by implementation and purpose: the repositories of a group have nearly the same code. */
function groups(jobs: readonly Job[]): Map<string, Job[]> {
  const result = new Map<string, Job[]>();
  for (const job of jobs) {
    const name = `${job.variant.implementation}-${job.variant.purpose}`;
    result.set(name, [...(result.get(name) ?? []), job]);
  }
  return result;
}

/** How many groups run at once: a build uses every core, but a row waits for Envoy for a third of its time. */
const concurrency = 2;

/**
 * Generates every selected repository through the real scaffolder back end, builds and tests it with its own Makefile,
 * and runs its cases in real Envoys. The repositories of one implementation and purpose follow each other in one folder,
 * so that code in which they do not differ is compiled and unit-tested once.
 *
 * @param selection - what to run
 * @param report - called with each row when it is done
 */
export async function runMatrix(
  selection: Selection,
  report: (row: Row) => void = () => {},
): Promise<Row[]> {
  const jobs = jobsFor(selection);
  const rows: Row[] = [];
  const folder = await fs.mkdtemp(join(os.tmpdir(), 'eg-matrix-'));
  const scaffolder = await startScaffolder(selection.template);
  try {
    const limit = pLimit(concurrency);
    await Promise.all(
      [...groups(jobs)].map(([name, group]) =>
        limit(async () => {
          let files: readonly GeneratedFile[] = [];
          for (const job of group) {
            files = await runJob(
              job,
              scaffolder,
              join(folder, name),
              files,
              row => {
                rows.push(row);
                report(row);
              },
            );
          }
        }),
      ),
    );
  } finally {
    await scaffolder.stop();
    await fs.remove(folder);
  }
  return rows;
}
