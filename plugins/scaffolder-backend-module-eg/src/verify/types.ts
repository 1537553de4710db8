import { ExtensionPlan } from 'backstage-plugin-eg-common';
import { Cluster } from '../kubernetes';
import { ProgramOptions } from '../programs';
import { Place } from './remedies';

/**
 * How a check ended.
 *
 * @public
 */
export type CheckStatus = 'passed' | 'failed' | 'skipped';

/**
 * One check of a repository and how it ended. `details` say what was found; a skipped check says why it did not run, and
 * `remedy` what would make it run.
 *
 * @public
 */
export interface Check {
  id: string;
  /** What was checked, in words that hold whether it passed or failed. */
  title: string;
  status: CheckStatus;
  details: string[];
  remedy?: string;
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
  /** Path of an Envoy binary; without one, nothing is built. */
  envoy?: string;
  /** Path of egctl of the release that runs in the clusters; it judges Lua scripts of trusted skeletons by running them. */
  egctl?: string;
  /** Milliseconds that building and running may take. */
  timeout: number;
  /** `ci`: no program is started here, whatever else is set. `here` unless given. */
  build?: 'here' | 'ci';
  /** Folders of skeletons that are trusted beside the shipped ones. */
  skeletons?: readonly string[];
  /** How programs run. */
  programs?: ProgramOptions;
  /** Where the report is read, for its remedies; a task unless given. */
  place?: Place;
  /** Whether the folder is built and its scripts run as they are: for its owner, on a machine of their own. Never for a workspace. */
  trustFolder?: boolean;
}

/** What a check is given. */
export interface CheckContext {
  /** Folder of the repository. */
  directory: string;
  plan: ExtensionPlan;
  options: VerifyOptions;
  /** Where the report is read. */
  place: Place;
  /** Why programs may not be run, where they may not. */
  noPrograms?: string;
  /** The cluster to ask, where there may be one. */
  cluster?: () => Promise<Cluster>;
  signal?: AbortSignal;
  log(line: string): void;
}

/** What a check found; with a title where it depends on who judged. */
export type Outcome = Pick<Check, 'status' | 'details' | 'remedy'> &
  Partial<Pick<Check, 'title'>>;

/** A check: one file each. */
export interface CheckDefinition {
  id: string;
  title: string;
  /** Whether it runs what is in the repository, so that it waits for the checks before it. */
  builds?: boolean;
  run(context: CheckContext): Promise<Outcome>;
}

/** Failed when there are problems, else passed with what was looked at. */
export function outcome(problems: string[], looked: string): Outcome {
  return problems.length > 0
    ? { status: 'failed', details: problems }
    : { status: 'passed', details: [looked] };
}

/**
 * A check that did not run.
 *
 * @param reason - why
 * @param remedy - what would make it run, where something would
 */
export function skipped(reason: string, remedy?: string): Outcome {
  return {
    status: 'skipped',
    details: [reason],
    ...(remedy ? { remedy } : {}),
  };
}
