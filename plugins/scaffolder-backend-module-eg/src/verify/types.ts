import { ExtensionPlan } from 'backstage-plugin-eg-common';
import { Cluster } from '../kubernetes';

/**
 * How a check ended.
 *
 * @public
 */
export type CheckStatus = 'passed' | 'failed' | 'skipped';

/**
 * One check of a repository and how it ended. `details` say what was found; a skipped check says why it did not run.
 *
 * @public
 */
export interface Check {
  id: string;
  /** What was checked, in words that hold whether it passed or failed. */
  title: string;
  status: CheckStatus;
  details: string[];
}

/**
 * Everything that was checked.
 *
 * @public
 */
export interface Report {
  checks: Check[];
  /** No check failed. Skipped checks prove nothing. */
  passed: boolean;
}

/**
 * What verification may use.
 *
 * @public
 */
export interface VerifyOptions {
  /** Path of an Envoy binary, or a reason why the behaviour cases do not run. */
  envoy?: string;
  /** Milliseconds that building and running may take. */
  timeout: number;
}

/** What a check is given. */
export interface CheckContext {
  /** Folder of the repository. */
  directory: string;
  plan: ExtensionPlan;
  options: VerifyOptions;
  /** Why programs may not be run, where they may not. */
  noPrograms?: string;
  /** The cluster to ask, where there may be one. */
  cluster?: () => Promise<Cluster>;
  signal?: AbortSignal;
  log(line: string): void;
}

/** What a check found; with a title where it depends on who judged. */
export type Outcome = Pick<Check, 'status' | 'details'> &
  Partial<Pick<Check, 'title'>>;

/** A check: one file each. */
export interface CheckDefinition {
  id: string;
  title: string;
  run(context: CheckContext): Promise<Outcome>;
}

/** Failed when there are problems, else passed with what was looked at. */
export function outcome(problems: string[], looked: string): Outcome {
  return problems.length > 0
    ? { status: 'failed', details: problems }
    : { status: 'passed', details: [looked] };
}

/** A check that did not run. */
export function skipped(reason: string): Outcome {
  return { status: 'skipped', details: [reason] };
}
