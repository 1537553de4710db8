// The regular expressions that every engine reads alike and that have a longest match: RE2's syntax (Go), the crate
// `regex` (Rust) and JavaScript agree on them.

/** A regular expression of the subset: how long its matches are, one of them, and its capturing groups. */
export interface Pattern {
  min: number;
  max: number;
  sample: string;
  captures: number;
  /** Whether a capturing group is repeated: engines disagree about what it holds then. */
  repeatsCapture: boolean;
}

const nothing: Pattern = {
  min: 0,
  max: 0,
  sample: '',
  captures: 0,
  repeatsCapture: false,
};

/** The capturing groups of two patterns together. */
function capturesOf(a: Pattern, b: Pattern) {
  return {
    captures: a.captures + b.captures,
    repeatsCapture: a.repeatsCapture || b.repeatsCapture,
  };
}

/** What a pattern may be made of. */
export const patternHelp =
  'use visible ASCII and blanks only: characters, [lists] of characters and ranges, \\d, \\w, (groups|alternatives), and the bounded quantifiers ?, {n} and {m,n}; no ., ^, $, *, +, [^…], look-around, back references and flags. Example: EMP-\\d{6}';

class Reader {
  private at = 0;

  constructor(private readonly text: string) {}

  peek(): string {
    return this.text[this.at] ?? '';
  }

  next(): string {
    if (this.at >= this.text.length) {
      throw new Error('it ends too early');
    }
    return this.text[this.at++]!;
  }

  /** Reads what matches here. */
  take(pattern: RegExp): RegExpMatchArray | undefined {
    const found = this.text.slice(this.at).match(pattern) ?? undefined;
    this.at += found?.[0].length ?? 0;
    return found;
  }
}

/**
 * Reads a regular expression of the subset.
 *
 * @throws Error that says what is not in the subset
 */
export function parsePattern(text: string): Pattern {
  const other = text.match(/[^\x20-\x7e]/);
  if (other) {
    throw new Error(`${JSON.stringify(other[0])} is not visible ASCII`);
  }
  const reader = new Reader(text);
  const pattern = alternatives(reader, 0);
  if (reader.peek()) {
    throw new Error(`${reader.peek()} closes no group`);
  }
  return pattern;
}

function alternatives(reader: Reader, depth: number): Pattern {
  if (depth > 8) {
    throw new Error('its groups are nested too deep');
  }
  let all = sequence(reader, depth);
  while (reader.take(/^\|/)) {
    const branch = sequence(reader, depth);
    all = {
      min: Math.min(all.min, branch.min),
      max: Math.max(all.max, branch.max),
      sample: all.sample || branch.sample,
      ...capturesOf(all, branch),
    };
  }
  return all;
}

function sequence(reader: Reader, depth: number): Pattern {
  let all = nothing;
  while (reader.peek() && !'|)'.includes(reader.peek())) {
    const one = quantified(atom(reader, depth), reader);
    all = {
      min: all.min + one.min,
      max: all.max + one.max,
      sample: all.sample + one.sample,
      ...capturesOf(all, one),
    };
  }
  return all;
}

function quantified(one: Pattern, reader: Reader): Pattern {
  const quantifier = reader.take(/^(?:\?|\{([0-9]{1,3})(?:,([0-9]{1,3}))?\})/);
  if (!quantifier) {
    return one;
  }
  const [, low = '0', high = quantifier[1] ?? '1'] = quantifier;
  const [from, to] = [Number(low), Number(high)];
  if (from > to || to === 0) {
    throw new Error(`${quantifier[0]} is no quantity`);
  }
  if (/^[?{*+]/.test(reader.peek())) {
    throw new Error(`${reader.peek()} follows a quantifier`);
  }
  // More than a match may have in all is found too much below, not expanded.
  return {
    min: one.min * from,
    max: one.max * to,
    sample: one.sample.repeat(Math.max(from, 1)).slice(0, 4096),
    captures: one.captures,
    repeatsCapture: one.repeatsCapture || (one.captures > 0 && to > 1),
  };
}

const single = (sample: string): Pattern => ({
  ...nothing,
  min: 1,
  max: 1,
  sample,
});

function atom(reader: Reader, depth: number): Pattern {
  const character = reader.next();
  switch (character) {
    case '(': {
      const captures = reader.take(/^\?:/) ? 0 : 1;
      const group = alternatives(reader, depth + 1);
      if (reader.next() !== ')') {
        throw new Error('a group is not closed');
      }
      return { ...group, captures: group.captures + captures };
    }
    case '[':
      return list(reader);
    case '\\':
      return single(escaped(reader).sample);
    case '.':
    case '^':
    case '$':
    case '*':
    case '+':
    case '?':
    case '{':
    case '}':
    case ']':
      throw new Error(`${character} is not possible here`);
    default:
      return single(character);
  }
}

/** A character after a backslash; `range` says whether it can begin or end one. */
function escaped(reader: Reader): { sample: string; range: boolean } {
  const character = reader.next();
  if (character === 'd') {
    return { sample: '7', range: false };
  }
  if (character === 'w') {
    return { sample: 'w', range: false };
  }
  if (!/[\\.^$*+?{}[\]()|/-]/.test(character)) {
    throw new Error(`\\${character} is not possible`);
  }
  return { sample: character, range: true };
}

function list(reader: Reader): Pattern {
  if (reader.peek() === '^') {
    throw new Error('[^ is not possible');
  }
  let sample = '';
  while (reader.peek() !== ']') {
    const from = member(reader);
    sample ||= from.sample;
    if (reader.take(/^-(?!\])/)) {
      const to = member(reader);
      if (!from.range || !to.range || from.sample > to.sample) {
        throw new Error(`${from.sample}-${to.sample} is no range`);
      }
    }
  }
  reader.next();
  if (!sample) {
    throw new Error('[] is empty');
  }
  return single(sample);
}

function member(reader: Reader): { sample: string; range: boolean } {
  const character = reader.next();
  if (character === '\\') {
    return escaped(reader);
  }
  // Sets in sets and their operators mean different things to different engines.
  if ('[&~-'.includes(character)) {
    throw new Error(`${character} in a list needs a backslash before it`);
  }
  return { sample: character, range: true };
}
