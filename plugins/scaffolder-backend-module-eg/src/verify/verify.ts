import { InputError } from '@backstage/errors';
import { resolveSafeChildPath } from '@backstage/backend-plugin-api';
import fs from 'fs-extra';
import { parseDocument } from 'yaml';
import { ExtensionPlan, parsePlan, yamlData } from 'backstage-plugin-eg-common';
import { behaviourCheck } from './behaviour';
import { clusterCheck } from './cluster';
import { dryRunCheck } from './dryRun';
import { luaCheck } from './lua';
import { markersCheck } from './markers';
import { policyCheck } from './policy';
import { noPrograms, remedies } from './remedies';
import { treeCheck } from './tree';
import {
  Check,
  CheckContext,
  CheckDefinition,
  Outcome,
  Report,
  skipped,
  VerifyOptions,
} from './types';

/** The checks, in the order in which they run. */
export const checks: readonly CheckDefinition[] = [
  treeCheck,
  markersCheck,
  policyCheck,
  luaCheck,
  dryRunCheck,
  clusterCheck,
  behaviourCheck,
];

const planFile = 'eg-extension.yaml';

async function readPlan(directory: string): Promise<ExtensionPlan> {
  const path = resolveSafeChildPath(directory, planFile);
  const text = await fs.readFile(path, 'utf8').catch(() => {
    throw new InputError(
      `${planFile} is missing in ${directory}: this is not a repository that eg:render-policy wrote`,
    );
  });
  let data: unknown;
  try {
    data = yamlData(parseDocument(text));
  } catch (error) {
    throw new InputError(
      `${planFile} is not YAML: ${(error as Error).message}`,
    );
  }
  return parsePlan(data);
}

/**
 * Checks a generated repository. Nothing in it is changed.
 *
 * @public
 * @param directory - the repository
 * @param options - what may be used
 * @param rest.require - ids of checks that may not be skipped: a skipped one counts as failed
 * @param rest.skip - ids of checks that do not run
 * @param rest.cluster - the cluster to ask, where there may be one
 * @returns every check with how it ended
 * @throws InputError when the folder holds no plan or `require` names an unknown check
 */
export async function verify(
  directory: string,
  options: VerifyOptions,
  rest: Partial<Pick<CheckContext, 'log' | 'signal' | 'cluster'>> & {
    require?: readonly string[];
    skip?: readonly string[];
  } = {},
): Promise<Report> {
  const { require: required = [], skip = [], ...context } = rest;
  for (const [field, ids] of Object.entries({ require: required, skip })) {
    const unknown = ids.find(id => !checks.some(c => c.id === id));
    if (unknown) {
      throw new InputError(
        `${field}: "${unknown}" is no check; choose from ${checks
          .map(c => c.id)
          .join(', ')}`,
      );
    }
  }
  const plan = await readPlan(directory);
  const { place = 'task' } = options;
  const results: Check[] = [];
  for (const { id, title, builds, run } of checks) {
    context.signal?.throwIfAborted();
    const failed = results.find(r => r.status === 'failed');
    let found: Outcome;
    if (skip.includes(id)) {
      found = skipped('the template leaves it out', remedies.left());
    } else if (builds && failed) {
      found = skipped(
        `nothing is built after a check that failed: ${failed.title}`,
        remedies.failed(),
      );
    } else {
      found = await run({
        log: () => {},
        ...context,
        directory,
        plan,
        options,
        place,
        noPrograms: noPrograms(place),
      });
    }
    const refused = found.status === 'skipped' && required.includes(id);
    results.push({
      id,
      ...found,
      title: found.title ?? title,
      ...(refused
        ? {
            status: 'failed',
            details: [`it is required, but: ${found.details.join(' ')}`],
          }
        : {}),
    });
  }
  return {
    checks: results,
    passed: results.every(({ status }) => status !== 'failed'),
  };
}
