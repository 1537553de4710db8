import { Marked, plain } from './marks';

// Several needs, one object: Envoy Gateway takes one policy of a kind for each target, so what they say is put together.

/** Thrown where two needs want different values in one field. */
export class MergeConflict extends Error {
  constructor(readonly path: string, readonly values: [unknown, unknown]) {
    super(
      `${path} would have to be both ${values
        .map(value => JSON.stringify(plain(value)))
        .join(' and ')}`,
    );
  }
}

type Path = readonly (string | number)[];
type Item = Record<string, unknown>;

const isMap = (value: unknown): value is Item =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !(value instanceof Marked);

const same = (a: unknown, b: unknown) =>
  JSON.stringify(plain(a)) === JSON.stringify(plain(b));

/** Whether a list says nothing but examples. */
const isExample = (value: unknown): boolean =>
  value instanceof Marked
    ? value.todo
    : isMap(value) && Object.values(value).some(isExample);

/** What an element of a list is known by: its name, or what stands for one. */
function identity(item: unknown): string | undefined {
  if (!isMap(plain(item))) {
    return JSON.stringify(plain(item));
  }
  const { name, type, claim, header, extensionRef, metadataKey, ...rest } =
    plain(item);
  if (extensionRef) {
    return `filter ${extensionRef.name}`;
  }
  if (type === 'RequestMirror') {
    return undefined;
  }
  // AI Gateway's route has one rule, with one match.
  if (rest.matches && rest.backendRefs) {
    return 'rule';
  }
  const known =
    claim && header ? `${claim} ${header}` : name ?? metadataKey ?? type;
  return known === undefined ? undefined : String(known);
}

function mergeLists(a: unknown[], b: unknown[], path: Path): unknown[] {
  const field = String(path.at(-1));
  // A reference that was given takes the place of an example.
  if (/Refs$/.test(field) && a.every(isExample) !== b.every(isExample)) {
    const [given, examples] = a.every(isExample) ? [b, a] : [a, b];
    return [...given, ...examples.slice(given.length)];
  }
  if (field === 'matches' && a.length === 1 && b.length === 1) {
    return [merge(a[0], b[0], [...path, 0])];
  }
  return b.reduce<unknown[]>((all, item) => {
    const id = identity(item);
    const i = all.findIndex(other =>
      id === undefined ? same(other, item) : identity(other) === id,
    );
    return i < 0
      ? [...all, item]
      : all.map((other, j) =>
          j === i ? merge(other, item, [...path, i]) : other,
        );
  }, a);
}

/**
 * Two values as one: maps by key, lists by what their elements are called; what was given takes the place of an example.
 *
 * @throws {@link MergeConflict} where both are given and differ
 */
export function merge(a: unknown, b: unknown, path: Path = []): unknown {
  if (a === undefined || b === undefined) {
    return a ?? b;
  }
  const [inA, inB] = [a, b].map(v => (v instanceof Marked ? v.value : v));
  const [exampleA, exampleB] = [a, b].map(v => v instanceof Marked && v.todo);
  if (exampleA !== exampleB) {
    return exampleA ? b : a;
  }
  if (isMap(inA) && isMap(inB)) {
    const merged = Object.fromEntries(
      [...new Set([...Object.keys(inA), ...Object.keys(inB)])].map(key => [
        key,
        merge(inA[key], inB[key], [...path, key]),
      ]),
    );
    return marked(merged, a, b);
  }
  if (Array.isArray(inA) && Array.isArray(inB)) {
    return marked(mergeLists(inA, inB, path), a, b);
  }
  if (same(inA, inB) || exampleA) {
    return a instanceof Marked ? a : b;
  }
  throw new MergeConflict(path.join('.'), [a, b]);
}

/** A merged value with the comments that its parts had. */
function marked(value: unknown, a: unknown, b: unknown): unknown {
  const texts = [
    ...new Set([a, b].flatMap(v => (v instanceof Marked ? [v.text] : []))),
  ];
  const [first] = [a, b].filter(v => v instanceof Marked) as Marked[];
  return first ? new Marked(value, texts.join('\n'), first.todo) : value;
}

/** A rule of a route. */
export interface Rule {
  matches?: unknown[];
  filters?: unknown[];
  backendRefs?: unknown[];
  [field: string]: unknown;
}

/** The matches for which both lists match: each of the one together with each of the other. */
function bothMatch(a: unknown[] | undefined, b: unknown[] | undefined) {
  return a && b
    ? a.flatMap(one => b.map(other => merge(one, other, ['matches'])))
    : a ?? b;
}

/**
 * The rules of a route that does what two routes do: for each pair, what matches both has the filters of both. The order
 * stays, so that narrower rules come before wider ones.
 */
export function crossRules(a: readonly Rule[], b: readonly Rule[]): Rule[] {
  return a.flatMap(one =>
    b.map(other => {
      const { matches: _, ...rest } = merge(
        { ...one, matches: undefined },
        { ...other, matches: undefined },
        ['rule'],
      ) as Rule;
      const matches = bothMatch(one.matches, other.matches);
      return { ...(matches ? { matches } : {}), ...rest };
    }),
  );
}
