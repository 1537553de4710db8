// The ways in which a reader may read a text: the reference for every implementation of content inspection. They read
// while a text comes; this one has all of it. Characters beyond U+00FF are as good as any that is not ASCII.

/** A text, and where each of its characters begins in the source; one more for the end. */
export interface Reading {
  text: string;
  starts: readonly number[];
}

/** What stands for a character that is not ASCII. */
const other = '\u00ff';

/** A character and the place after it; undefined if nothing is written there but itself. */
type Step = (text: string, at: number) => [string, number] | undefined;

/** One way to read a text. */
interface Kind {
  step: Step;
  /** All that is not written in this way cannot be read. */
  blank?: boolean;
  inside: readonly Kind[];
}

/** An escape with its digits at a place. */
function escape(
  text: string,
  at: number,
  digits: number,
  most: number,
): [string, number] | undefined {
  const found = text.slice(at, at + digits);
  if (found.length < digits || !/^[0-9A-Fa-f]+$/.test(found)) {
    return undefined;
  }
  const code = parseInt(found, 16);
  return [code > most ? other : String.fromCharCode(code), at + digits];
}

/** %34, and %u0034, an old writing that some servers read. */
const percent: Step = (text, at) => {
  if (text[at] !== '%') {
    return undefined;
  }
  return /[uU]/.test(text[at + 1] ?? '')
    ? escape(text, at + 2, 4, 0x7f)
    : escape(text, at + 1, 2, 0xff);
};

/** %34, %2534, %252534 and so on. */
const nestedPercent: Step = (text, at) => {
  let found = percent(text, at);
  while (found?.[0] === '%') {
    const inner = escape(text, found[1], 2, 0xff);
    if (!inner) {
      break;
    }
    found = inner;
  }
  return found;
};

/** How many bytes follow in overlong UTF-8, by the first. */
const followers: Readonly<Record<string, number>> = {
  '\u00c0': 1,
  '\u00c1': 1,
  '\u00e0': 2,
  '\u00f0': 3,
  '\u00f8': 4,
  '\u00fc': 5,
};

/** Percent-encoding that was put on several times, and overlong UTF-8, which RFC 3629 forbids. */
const nested: Step = (text, at) => {
  const found = nestedPercent(text, at);
  const [first, after] = found ?? [text[at]!, at + 1];
  const count = followers[first];
  let value = first === '\u00c1' ? 1 : 0;
  let next = after;
  for (let n = 0; n < (count ?? 0); n++) {
    const [more, end] = nestedPercent(text, next) ?? [
      text[next] ?? '',
      next + 1,
    ];
    if (!/^[\u0080-\u00bf]$/.test(more)) {
      return found;
    }
    value = value * 64 + (more.charCodeAt(0) & 0x3f);
    next = end;
  }
  return count && value < 0x80 ? [String.fromCharCode(value), next] : found;
};

const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  b: '\b',
  f: '\f',
  '"': '"',
  "'": "'",
  '\\': '\\',
  '/': '/',
};

/** The escapes of JSON strings (RFC 8259), and \x34 of JavaScript. */
const unescaped: Step = (text, at) => {
  if (text[at] !== '\\') {
    return undefined;
  }
  const kind = text[at + 1] ?? '';
  if (kind === 'u' || kind === 'x') {
    return kind === 'u'
      ? escape(text, at + 2, 4, 0x7f)
      : escape(text, at + 2, 2, 0xff);
  }
  const char = escapes[kind];
  return char === undefined ? undefined : [char, at + 2];
};

const zerosAt = (text: string, at: number) =>
  /^\0*/.exec(text.slice(at, at + 4))![0].length;

/** ASCII in UTF-16LE and UTF-32LE, wherever it begins. */
const littleEndian: Step = (text, at) => {
  const zeros = zerosAt(text, at + 1);
  return text[at] === '\0' || zeros === 0
    ? undefined
    : [text[at]!, at + (zeros >= 3 ? 4 : 2)];
};

/** The same for UTF-16BE and UTF-32BE. */
const bigEndian: Step = (text, at) => {
  const zeros = zerosAt(text, at);
  const char = text[at + zeros];
  return char !== undefined && (zeros === 1 || zeros === 3)
    ? [char, at + zeros + 1]
    : undefined;
};

const json: Kind = { step: unescaped, inside: [] };
const form: Kind = {
  step: (text, at) => (text[at] === '+' ? [' ', at + 1] : percent(text, at)),
  inside: [json, { step: nested, inside: [] }],
};
const kinds: readonly Kind[] = [
  form,
  json,
  { step: littleEndian, blank: true, inside: [form, json] },
  { step: bigEndian, blank: true, inside: [form, json] },
];

function read(kind: Kind, { text, starts }: Reading): Reading | undefined {
  const chars: string[] = [];
  const places: number[] = [];
  let isOther = false;
  for (let at = 0; at < text.length; ) {
    const [char, next] = kind.step(text, at) ?? [
      kind.blank ? other : text[at]!,
      at + 1,
    ];
    isOther = isOther || next > at + 1 || (!kind.blank && char !== text[at]);
    chars.push(char);
    places.push(starts[at]!);
    at = next;
  }
  places.push(starts[text.length]!);
  return isOther ? { text: chars.join(''), starts: places } : undefined;
}

/** Every reading of a text that differs from it, and the text as it came. */
export function readingsOf(source: string): Reading[] {
  const raw = {
    text: source,
    starts: Array.from({ length: source.length + 1 }, (_, at) => at),
  };
  const inside = (kind: Kind, outer: Reading): Reading[] => {
    const reading = read(kind, outer);
    return [
      ...(reading ? [reading] : []),
      ...kind.inside.flatMap(inner => inside(inner, reading ?? outer)),
    ];
  };
  return [
    raw,
    ...kinds.flatMap(kind =>
      kind.blank && !source.includes('\0') ? [] : inside(kind, raw),
    ),
  ];
}

const codes = (text: string, write: (code: number) => string) =>
  [...text].map(char => write(char.charCodeAt(0))).join('');

const hex = (code: number, digits: number) =>
  code.toString(16).padStart(digits, '0');

/** Ways to write an ASCII text, so that a reader gets the same. What is no text has characters up to U+00FF for bytes. */
export const writings = {
  percent: (text: string) => codes(text, code => `%${hex(code, 2)}`),
  percentTwice: (text: string) => codes(text, code => `%25${hex(code, 2)}`),
  overlong: (text: string) =>
    codes(
      text,
      code =>
        `%${hex(0xc0 + Math.floor(code / 64), 2)}%${hex(
          0x80 + (code % 64),
          2,
        )}`,
    ),
  json: (text: string) => codes(text, code => `\\u${hex(code, 4)}`),
  littleEndian: (text: string) =>
    codes(text, code => `${String.fromCharCode(code)}\0`),
  bigEndian: (text: string) =>
    codes(text, code => `\0${String.fromCharCode(code)}`),
} as const;
