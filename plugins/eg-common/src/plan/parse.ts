import { z } from 'zod';
import { implementationOf } from '../implementations';
import {
  InvalidAnswersError,
  Problem,
  problemsOf,
  shown,
} from '../intake/problems';
import { purposes } from '../purposes';
import { migrated, readableVersions } from './migrations';
import { ExtensionPlan, planSchema } from './schema';
import { planGroup } from './versions';

const restore =
  'Restore eg-extension.yaml from version control, or generate the repository again.';

function refuse(problems: Problem[]): never {
  throw new InvalidAnswersError(problems, 'The plan is', restore);
}

const typeNames: Record<string, string> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  null: 'null',
  number: 'a number',
  object: 'an object',
  record: 'an object',
  string: 'text',
};

/** What to do about a value of a plan, in the words of the person who reads it; other issues keep zod's. */
function remedyOf(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type': {
      const wanted = typeNames[issue.expected] ?? issue.expected;
      return issue.input === undefined
        ? `it is missing; give ${wanted}`
        : `use ${wanted}`;
    }
    case 'invalid_value': {
      const values = issue.values.map(value => String(value)).join(' or ');
      return issue.input === undefined
        ? `it is missing; give ${values}`
        : `use ${values}`;
    }
    case 'invalid_union':
      return 'use one of the forms that a generated plan has';
    default:
      return undefined;
  }
}

function versionProblem(version: unknown): Problem | undefined {
  if (readableVersions.some(known => known === version)) {
    return undefined;
  }
  const known = readableVersions.join(' and ');
  const ours = typeof version === 'string' && version.startsWith(planGroup);
  return {
    field: 'plan.apiVersion',
    value: shown(version),
    remedy: ours
      ? `this release of the Extensions Builder reads ${known}; a newer release wrote this plan, so update the Extensions Builder`
      : `a plan has ${known} here`,
  };
}

/** An implementation needs its own part of the plan, and no part of another mechanism's. */
function partProblems(plan: ExtensionPlan): Problem[] {
  const { mechanism } = implementationOf(plan.implementation);
  if (mechanism !== plan.mechanism) {
    return [
      {
        field: 'plan.mechanism',
        value: shown(plan.mechanism),
        remedy: `the implementation ${plan.implementation} has the mechanism ${mechanism}`,
      },
    ];
  }
  const parts = (['extproc', 'wasm', 'lua'] as const).map(part => ({
    part,
    wanted: part === mechanism,
  }));
  return [
    ...parts,
    ...(mechanism === 'native'
      ? [{ part: 'native' as const, wanted: true }]
      : []),
  ].flatMap(({ part, wanted }) =>
    (plan[part] !== null) === wanted
      ? []
      : [
          {
            field: `plan.${part}`,
            value: shown(plan[part]),
            remedy: wanted
              ? `the mechanism ${mechanism} needs it`
              : `use null: the mechanism is ${mechanism}`,
          },
        ],
  );
}

/**
 * Reads a plan that was written before, for example as eg-extension.yaml of a repository, by this release or an older one.
 *
 * @public
 * @param input - the plan, of any version that was ever written
 * @returns the plan in the current version
 * @throws {@link InvalidAnswersError} naming the fields that are wrong, their values and what to do
 */
export function parsePlan(input: unknown): ExtensionPlan {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    return refuse([
      {
        field: 'plan',
        value: shown(input),
        remedy: 'use an object with the fields of an ExtensionPlan',
      },
    ]);
  }
  const given = input as Record<string, unknown>;
  const unknownVersion = versionProblem(given.apiVersion);
  if (unknownVersion) {
    return refuse([unknownVersion]);
  }
  const raw = migrated(given);
  const parsed = planSchema.safeParse(raw, { error: remedyOf });
  const purpose = purposes.find(({ id }) => id === raw.purpose);
  const settings = purpose?.settings.safeParse(raw.settings);
  const problems = [
    ...(parsed.success ? [] : problemsOf(parsed.error, raw, ['plan'])),
    ...(parsed.success && !purpose
      ? [
          {
            field: 'plan.purpose',
            value: shown(raw.purpose),
            remedy: `use one of ${purposes.map(({ id }) => id).join(', ')}`,
          },
        ]
      : []),
    ...(settings && !settings.success
      ? problemsOf(settings.error, raw.settings, ['plan', 'settings'])
      : []),
    ...(parsed.success ? partProblems(parsed.data) : []),
  ];
  return parsed.success && settings?.success && problems.length === 0
    ? { ...parsed.data, settings: settings.data }
    : refuse(problems);
}
