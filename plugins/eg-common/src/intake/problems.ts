import { z } from 'zod';

/**
 * One thing that is wrong with an input: the field, the value that was given and what to do about it.
 *
 * @public
 */
export interface Problem {
  /** Path of the field, for example `target.name` or `settings.request[0].name`. */
  field: string;
  /** The value that was given, as JSON; shortened when long. */
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

/** A value as it is shown in an error: JSON, shortened. Absent values show as nothing. */
export function shown(value: unknown): string {
  if (value === undefined) {
    return '';
  }
  // Controls and direction marks are written out, so that they can be seen and change nothing of what is shown.
  const text = (JSON.stringify(value) ?? String(value)).replace(
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
    return name ? `${name}.${String(key)}` : String(key);
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
        value: shown(at(input, [...issue.path, key])),
        remedy: `there is no such field; remove it or correct its name`,
      }));
    }
    return [
      {
        field: fieldName([...prefix, ...issue.path]) || 'answers',
        value: shown(at(input, issue.path)),
        remedy: issue.message,
      },
    ];
  });
}
