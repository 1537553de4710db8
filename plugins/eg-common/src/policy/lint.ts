import { z } from 'zod';
import { shown } from '../intake/problems';
import { newerReleases, Release, releaseOf } from '../releases';
import { policyKind } from './constants';
import { policySchema } from './schema';

/**
 * A rule of the EnvoyExtensionPolicy API that an object breaks.
 *
 * @public
 */
export interface LintProblem {
  /** Path of the field, for example `spec.extProc[0]`. */
  field: string;
  /** What the API server or Envoy Gateway would say, or what is known to go wrong. */
  message: string;
}

type Value = any;

interface Rule {
  /** Path pattern; `[]` stands for every element. */
  at: string;
  message: string;
  /** Whether the value at the path keeps the rule. */
  holds(value: Value): boolean;
}

const noEffectKinds = ['UDPRoute', 'TCPRoute', 'TLSRoute'];

const isObject = (value: Value) =>
  value !== null && typeof value === 'object' && !Array.isArray(value);
const items = (value: Value): Value[] => (Array.isArray(value) ? value : []);

/** What the API server accepts and Envoy Gateway refuses or ignores. */
const controllerRules: Rule[] = [
  {
    at: 'spec.extProc[]',
    message: 'no backendRefs found for external service',
    holds: value => items(value?.backendRefs).length > 0,
  },
  {
    at: 'spec.lua[].filterContext',
    message: 'must be an object; Envoy Gateway cannot program anything else',
    holds: value => value === undefined || isObject(value),
  },
  {
    at: 'spec.targetRef',
    message: 'is deprecated, use spec.targetRefs instead',
    holds: value => value === undefined,
  },
  {
    at: 'spec.targetRefs[].kind',
    message: `a policy on ${noEffectKinds.join(
      ', ',
    )} is accepted and has no effect`,
    holds: value => !noEffectKinds.includes(value),
  },
  {
    at: 'spec',
    message: 'has no extension: give extProc, wasm, lua or dynamicModule',
    holds: spec =>
      ['extProc', 'wasm', 'lua', 'dynamicModule'].some(
        list => items(spec?.[list]).length > 0,
      ),
  },
];

/**
 * The values at a path pattern with their real paths; a path that leads nowhere gives its parent's missing field. In a
 * pattern, `[]` stands for every element and `*` for every field.
 */
export function valuesAt(root: Value, pattern: string): [string, Value][] {
  const steps = pattern
    .split('.')
    .flatMap(step =>
      step.endsWith('[]') ? [step.slice(0, -2), '[]'] : [step],
    );
  return steps.reduce<[string, Value][]>(
    (found, step) =>
      found.flatMap(([path, value]): [string, Value][] => {
        if (step === '[]') {
          return Array.isArray(value)
            ? value.map((v, i) => [`${path}[${i}]`, v])
            : [];
        }
        if (!isObject(value)) {
          return [];
        }
        const names = step === '*' ? Object.keys(value) : [step];
        return names.map(name => [
          path ? `${path}.${name}` : name,
          value[name],
        ]);
      }),
    [['', root]],
  );
}

const formatPath = (path: readonly PropertyKey[]) =>
  path.reduce<string>(
    (found, step) =>
      typeof step === 'number'
        ? `${found}[${step}]`
        : `${found}${found && '.'}${String(step)}`,
    '',
  );

/** What a schema says of a value, in words like ours. Rules have their own. */
function messageOf(issue: z.core.$ZodRawIssue): string {
  const not = `, not ${shown(issue.input, issue.path)}`;
  switch (issue.code) {
    case 'invalid_type':
    case 'invalid_union':
      return issue.input === undefined
        ? 'is required'
        : `must be ${issue.expected ?? 'a whole number or text'}${not}`;
    case 'invalid_value':
      return issue.input === undefined
        ? 'is required'
        : `must be one of ${issue.values!.map(String).join(', ')}${not}`;
    case 'too_big':
      return issue.origin === 'array'
        ? `must be at most ${issue.maximum} entries`
        : `must be at most ${issue.maximum}${not}`;
    case 'too_small':
      return issue.origin === 'array'
        ? `must be at least ${issue.minimum} entries`
        : `must be at least ${issue.minimum}${not}`;
    default:
      return issue.message ?? issue.code!;
  }
}

const unknownField = 'is no field of the API';

function schemaProblems(policy: unknown, release: Release): LintProblem[] {
  const { error } = schemaOf(release).safeParse(policy, { error: messageOf });
  return (error?.issues ?? []).flatMap(issue =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map(key => ({
          field: formatPath([...issue.path, key]),
          message: unknownField,
        }))
      : [{ field: formatPath(issue.path), message: issue.message }],
  );
}

const schemas = new Map<string, z.ZodType>();

function schemaOf(release: Release): z.ZodType {
  const known = schemas.get(release.version) ?? policySchema(release);
  schemas.set(release.version, known);
  return known;
}

/**
 * Whether the API server accepts an EnvoyExtensionPolicy: the schema of every field, and every rule that spans fields.
 *
 * @public
 * @param policy - the object
 * @param gatewayVersion - minor release of Envoy Gateway
 * @returns what it would refuse; empty when there is nothing
 */
export function validatePolicy(
  policy: unknown,
  gatewayVersion: string,
): LintProblem[] {
  const release = releaseOf(gatewayVersion);
  return schemaProblems(policy, release).map(problem => {
    const since = newerReleases(release).find(newer =>
      schemaProblems(policy, newer).every(p => p.field !== problem.field),
    );
    if (!since) {
      return problem;
    }
    const message = `exists since Envoy Gateway ${since.version}, not in ${release.version}`;
    return {
      field: problem.field,
      message:
        problem.message === unknownField
          ? message
          : `${problem.message}; this ${message}`,
    };
  });
}

/**
 * Checks an EnvoyExtensionPolicy against the API, and against what Envoy Gateway is known to refuse or ignore.
 *
 * @public
 * @param policy - the object
 * @param gatewayVersion - minor release of Envoy Gateway
 * @returns the broken rules; empty when there are none
 */
export function lintPolicy(
  policy: unknown,
  gatewayVersion: string,
): LintProblem[] {
  const object = policy as Value;
  if (
    !isObject(object) ||
    object.kind !== policyKind ||
    !isObject(object.spec)
  ) {
    return [{ field: 'kind', message: `must be a ${policyKind} with a spec` }];
  }
  return [
    ...validatePolicy(object, gatewayVersion),
    ...controllerRules.flatMap(({ at, message, holds }) =>
      valuesAt(object, at)
        .filter(([, value]) => !holds(value))
        .map(([field]) => ({ field, message })),
    ),
  ];
}
