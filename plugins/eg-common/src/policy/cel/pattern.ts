import { RE2JS } from '@bufbuild/re2';
import { maxProgram } from './table';

// Envoy compiles the pattern of matches() with RE2 when it takes the configuration, and refuses a program that is too
// large. RE2 works on bytes of UTF-8 and its JavaScript port on characters: what is between them is counted here, never
// too low. Source: RE2, re2/compile.cc.

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

function bytesOf(character: number): number {
  return [0x7f, 0x7ff, 0xffff].filter(last => character > last).length + 1;
}

/** Instructions for characters from one to another. */
function costOfRange([from, to]: readonly [number, number]): number {
  if (to <= lastAscii) {
    return 1;
  }
  if (from <= lastAscii) {
    return 1 + costOfRange([lastAscii + 1, to]);
  }
  if (from === lastAscii + 1 && to === lastCharacter) {
    return beyondAscii;
  }
  const sameStart = from >> 6 === to >> 6;
  return bytesOf(to) * (sameStart ? 1 : 2);
}

function costOfRunes({ arg, runes }: Instruction): number {
  if (runes.length === 1) {
    const [rune] = runes as [number];
    const folded = (arg & foldCase) !== 0;
    const letter = String.fromCodePoint(rune).toLowerCase();
    // Unicode folds the Kelvin sign to k and the long s to s.
    const kin = { k: 3, s: 2 }[letter] ?? 0;
    return (
      bytesOf(rune) * (folded && rune > lastAscii ? 2 : 1) + (folded ? kin : 0)
    );
  }
  const ranges = runes
    .filter((_, i) => i % 2 === 0)
    .map((from, i): [number, number] => [from, runes[2 * i + 1]!]);
  // Letters of both cases are one range that ignores the case.
  const distinct = ranges.filter(
    ([from, to]) =>
      !(
        from >= 0x61 &&
        to <= 0x7a &&
        ranges.some(([a, z]) => a === from - 0x20 && z === to - 0x20)
      ),
  );
  return distinct.reduce((sum, range) => sum + costOfRange(range), 0);
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

/** How large RE2's program of a pattern is, or a little more. */
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
    size -= prefix > 0 ? 0 : 1;
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
