import { z } from 'zod';
import { isSecretName, looksSecret, withoutSecrets } from './secrets';

/**
 * One thing that is wrong with an input: the field, the value that was given and what to do about it.
 *
 * @public
 */
export interface Problem {
  /** Path of the field, for example `target.name` or `settings.request[0].name`. */
  field: string;
  /** The value that was given, as JSON; shortened when long, and described where it may be a secret. */
  value: string;
  /** What is allowed, or what to change. */
  remedy: string;
}

/**
 * Thrown for input that is not valid; lists every problem.
 *
 * @public
 */
export class InvalidAnswersError extends Error {
  /** The problems, in the order of the questions. */
  readonly problems: Problem[];

  /**
   * @param problems - at least one
   * @param subject - what is not valid, with its verb
   * @param closing - a last line for all problems
   */
  constructor(
    problems: Problem[],
    subject: string = 'The answers are',
    closing: string = '',
  ) {
    super(
      [
        `${subject} not valid:`,
        ...problems.map(p => `- ${describeProblem(p)}`),
        ...(closing ? [closing] : []),
      ].join('\n'),
    );
    // The name by which Backstage's error handling answers 400 instead of 500.
    this.name = 'InputError';
    this.problems = problems;
  }
}

/**
 * A problem in one line: `target.name: "My Route" is not valid: use …`.
 *
 * @public
 */
export function describeProblem({ field, value, remedy }: Problem): string {
  return value === ''
    ? `${field}: ${remedy}`
    : `${field}: ${value} is not valid: ${remedy}`;
}

const longest = 80;

/**
 * A value as it is shown in an error: JSON, shortened. Absent values show as nothing, and what may be a secret as its
 * length and alphabet.
 *
 * @param value - the value
 * @param field - names of the fields that lead to it
 */
export function shown(
  value: unknown,
  field: readonly PropertyKey[] = [],
): string {
  if (value === undefined) {
    return '';
  }
  const safe = withoutSecrets(value, field);
  if (typeof safe === 'string' && safe !== value) {
    return safe;
  }
  // Controls and direction marks are written out, so that they can be seen and change nothing of what is shown.
  const text = (JSON.stringify(safe) ?? String(safe)).replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    c => `\\u${c.codePointAt(0)!.toString(16).padStart(4, '0')}`,
  );
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}

function fieldName(path: readonly PropertyKey[]): string {
  return path.reduce<string>((name, key) => {
    if (typeof key === 'number') {
      return `${name}[${key}]`;
    }
    // A key that was pasted into the wrong place can be the name of a field.
    const text = looksSecret(String(key)) ? shown(String(key)) : String(key);
    return name ? `${name}.${text}` : text;
  }, '');
}

function at(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null
        ? (value as Record<PropertyKey, unknown>)[key]
        : undefined,
    input,
  );
}

/** The value at a path, as it is shown; its neighbours say whether it is a secret. */
function shownAt(
  input: unknown,
  path: readonly PropertyKey[],
  prefix: readonly PropertyKey[],
): string {
  const value = at(input, path);
  const parent = at(input, path.slice(0, -1)) as
    | { name?: unknown; header?: unknown }
    | undefined;
  const last = path[path.length - 1];
  const names =
    last === 'value' && typeof parent === 'object' && parent !== null
      ? [parent.name, parent.header].filter(n => typeof n === 'string')
      : [];
  const secret = names.find(isSecretName);
  return shown(value, [...prefix, ...path, ...(secret ? [secret] : [])]);
}

/**
 * The problems that a failed zod parse reports, with the values looked up in the input that was parsed.
 *
 * @param error - what zod returned
 * @param input - what was parsed
 * @param prefix - path of the input within the answers
 */
export function problemsOf(
  error: z.ZodError,
  input: unknown,
  prefix: readonly PropertyKey[] = [],
): Problem[] {
  return error.issues.flatMap((issue): Problem[] => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map(key => ({
        field: fieldName([...prefix, ...issue.path, key]),
        value: shownAt(input, [...issue.path, key], prefix),
        remedy: `there is no such field; remove it or correct its name`,
      }));
    }
    return [
      {
        field: fieldName([...prefix, ...issue.path]) || 'answers',
        value: shownAt(input, issue.path, prefix),
        remedy: issue.message,
      },
    ];
  });
}
