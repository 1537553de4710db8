import type { FieldComment } from '../policy/yaml';

// Comments that stand at the value they are about, so that they follow it wherever it ends up in an object.

/** A value with a comment, inside of an object that is being put together. */
export class Marked {
  constructor(
    readonly value: unknown,
    readonly text: string,
    /** Whether the value is an example that the owner has to replace. */
    readonly todo: boolean,
  ) {}
}

/** An example that the owner has to replace. A field of a map, never an element of a list: YAML comments need a key. */
export const todo = (example: unknown, text: string) =>
  new Marked(example, text, true);

/** Something to know about a field. */
export const note = (value: unknown, text: string) =>
  new Marked(value, text, false);

/** What was given, or an example that the owner has to replace. */
export const or = (given: unknown, example: unknown, text: string): unknown =>
  given === undefined ? todo(example, text) : given;

/** The plain value, without comments at any depth. */
export function plain(value: unknown): any {
  if (value instanceof Marked) {
    return plain(value.value);
  }
  if (Array.isArray(value)) {
    return value.map(plain);
  }
  return typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]))
    : value;
}

/** The comments of a value, with the paths of the fields that they are on. */
export function commentsOf(
  value: unknown,
  path: (string | number)[] = [],
): FieldComment[] {
  if (value instanceof Marked) {
    const inner = plain(value.value);
    const scalar = typeof inner !== 'object' || inner === null;
    return [
      {
        path,
        text: value.todo ? `TODO: ${value.text}` : value.text,
        ...(value.todo && scalar ? { inline: true } : {}),
      },
      ...commentsOf(value.value, path),
    ];
  }
  if (typeof value !== 'object' || value === null) {
    return [];
  }
  return Object.entries(value).flatMap(([key, v]) =>
    commentsOf(v, [...path, Array.isArray(value) ? Number(key) : key]),
  );
}
