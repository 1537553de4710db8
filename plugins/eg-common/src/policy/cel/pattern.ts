import { RE2JS } from '@bufbuild/re2';
import { maxProgram } from './table';

// Envoy compiles the pattern of matches() with RE2 when it takes the configuration, and refuses a program that is too
// large. RE2 works on bytes of UTF-8 and its JavaScript port on characters: what is between them is counted here. The count
// is exact for most patterns, and a few instructions off for alternatives and nested repetitions. Source: RE2,
// re2/compile.cc.

type Program = ReturnType<ReturnType<typeof RE2JS.compile>['re2']>['prog'];
type Instruction = Program['inst'][number];

/** Kinds of instructions of the port, as in regexp/syntax of Go, from which it comes. */
const op = { emptyWidth: 4, rune1: 9, runeAny: 10, runeAnyNotNewline: 11 };
const foldCase = 1;
const beginText = 4;
const endText = 8;

/** What everything beyond ASCII takes: sequences of two, three and four bytes. */
const beyondAscii = 6;

const lastAscii = 0x7f;
const lastCharacter = 0x10ffff;

type Range = readonly [from: number, to: number];

const one = (character: number): Range => [character, character];

/** Splits characters into ranges whose UTF-8 is a range at every byte, each as those bytes. */
function byteRanges([from, to]: Range): Range[][] {
  const split = (last: number) => [
    ...byteRanges([from, last]),
    ...byteRanges([last + 1, to]),
  ];
  for (const last of [lastAscii, 0x7ff, 0xffff]) {
    if (from <= last && last < to) {
      return split(last);
    }
  }
  for (const bits of to > lastAscii ? [6, 12, 18] : []) {
    const mask = 2 ** bits - 1;
    if (from >> bits !== to >> bits) {
      if ((from & mask) !== 0) {
        return split(from | mask);
      }
      if ((to & mask) !== mask) {
        return split((to & ~mask) - 1);
      }
    }
  }
  const encoder = new TextEncoder();
  const [low, high] = [from, to].map(character =>
    encoder.encode(String.fromCodePoint(character)),
  ) as [Uint8Array, Uint8Array];
  return [[...low].map((byte, i): Range => [byte, high[i]!])];
}

/** Instructions for any of some characters: sequences of bytes share their ends. */
function costOfClass(ranges: readonly Range[]): number {
  const whole = ranges.some(
    ([from, to]) => from <= lastAscii + 1 && to === lastCharacter,
  );
  const ends = new Set<string>();
  for (const [from, to] of ranges) {
    const counted: Range = [from, whole ? Math.min(to, lastAscii) : to];
    for (const bytes of counted[0] > counted[1] ? [] : byteRanges(counted)) {
      bytes.reduceRight((end, [low, high]) => {
        const key = `${low}-${high} ${end}`;
        ends.add(key);
        return key;
      }, '');
    }
  }
  return ends.size + (whole ? beyondAscii : 0);
}

/** Characters that ignoring the case makes equal to a letter, besides its other case. */
const kin: Record<string, number> = {
  k: 0x212a,
  s: 0x17f,
  ß: 0x1e9e,
  å: 0x212b,
};

/** The characters that an instruction takes. */
function rangesOf({ arg, runes }: Instruction): Range[] {
  if (runes.length !== 1) {
    return runes
      .filter((_, i) => i % 2 === 0)
      .map((from, i): Range => [from, runes[2 * i + 1]!]);
  }
  const [rune] = runes as [number];
  if ((arg & foldCase) === 0) {
    return [one(rune)];
  }
  const letter = String.fromCodePoint(rune);
  const variants = [letter.toLowerCase(), letter.toUpperCase()]
    .filter(variant => [...variant].length === 1)
    .map(variant => variant.codePointAt(0)!);
  const more = kin[letter.toLowerCase()];
  return [...new Set([rune, ...variants, ...(more ? [more] : [])])].map(one);
}

function costOfRunes(instruction: Instruction): number {
  const ranges = rangesOf(instruction);
  // Letters of both cases are one range that ignores the case.
  return costOfClass(
    ranges.filter(
      ([from, to]) =>
        !(
          from >= 0x61 &&
          to <= 0x7a &&
          ranges.some(([a, z]) => a === from - 0x20 && z === to - 0x20)
        ),
    ),
  );
}

function cost(instruction: Instruction): number {
  switch (instruction.op) {
    case op.runeAny:
      return 1 + beyondAscii;
    case op.runeAnyNotNewline:
      return 2 + beyondAscii;
    default:
      return instruction.runes.length > 0 ? costOfRunes(instruction) : 1;
  }
}

/** How large RE2's program of a pattern is, give or take a few instructions. */
function programSize({ inst, start }: Program): number {
  let size = inst.reduce((sum, instruction) => sum + cost(instruction), 0);
  const isAnchor = ({ op: kind, arg }: Instruction, where: number) =>
    kind === op.emptyWidth && arg === where;
  let next = inst[start]!;
  const anchored = isAnchor(next, beginText);
  let prefix = 0;
  if (anchored) {
    // The anchor and the text behind it are compared before the program runs.
    for (next = inst[next.out]!; next.op === op.rune1; next = inst[next.out]!) {
      prefix += cost(next);
    }
    size -= prefix + 1;
  }
  // An anchor at the very end is a flag, too.
  const atEnd = inst.filter(instruction => isAnchor(instruction, endText));
  if (atEnd.length === 1 && inst[atEnd[0]!.out]!.runes.length === 0) {
    size -= 1;
  }
  // Without an anchor, a loop looks for the start.
  return size + (anchored && prefix === 0 ? 0 : 2);
}

/**
 * Why Envoy refuses the pattern of a `matches()`.
 *
 * @param pattern - the text of the literal
 * @returns the reason with a remedy, or nothing when Envoy takes it
 */
export function patternProblem(pattern: string): string | undefined {
  let program: Program;
  try {
    program = RE2JS.compile(pattern).re2().prog;
  } catch (error) {
    return `it is no regular expression of RE2 (${
      (error as Error).message
    }); RE2 has no look-around and no back-references`;
  }
  return programSize(program) > maxProgram
    ? 'it is too large, Envoy takes a plain text of at most 96 characters and less where it has classes; use startsWith(), contains() or ==, or several matches() joined by &&'
    : undefined;
}
