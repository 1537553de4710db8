import fs from 'fs-extra';
import { join } from 'path';
import {
  AnswersInput,
  implementationOf,
  parseAnswers,
  recommend,
  Recommendation,
} from 'backstage-plugin-eg-common';
import { parse } from 'yaml';

// How good the advice is, measured on what people really asked for. The figures are printed; what falls below them fails.

interface Case {
  id: string;
  source: string;
  wish: string;
  answers: Partial<AnswersInput>;
  expect: {
    decision: string;
    acceptable?: string[];
    warnings?: string[];
    evidence?: 'weak';
    because: string;
  };
}

/** A file of cases, and what the advice has to reach on it. */
const files = [
  { file: 'recommend.yaml', rightAtLeast: 0.95, recallAtLeast: 0.9 },
  { file: 'more.yaml', rightAtLeast: 0.95, recallAtLeast: 0.9 },
];

const casesOf = (file: string): Case[] =>
  parse(fs.readFileSync(join(__dirname, file), 'utf8'));

function judge(given: Case) {
  const advice = recommend(
    parseAnswers({
      name: 'my-extension',
      owner: 'group:default/platform',
      ...given.answers,
    }),
  );
  const allowed = [given.expect.decision, ...(given.expect.acceptable ?? [])];
  const warned = advice.warnings.map(w => w.id);
  const { mechanism } = implementationOf(advice.decision);
  return {
    ...given,
    advice,
    mechanism,
    right: allowed.includes(mechanism),
    preferred: mechanism === given.expect.decision,
    advisedRight: allowed.includes(advice.advised),
    missing: (given.expect.warnings ?? []).filter(id => !warned.includes(id)),
  };
}

type Judged = ReturnType<typeof judge>;

/** How many of the warnings that must be given are given. */
function recall(of: Judged[]): { given: number; expected: number } {
  const expected = of.flatMap(c => c.expect.warnings ?? []).length;
  return { expected, given: expected - of.flatMap(c => c.missing).length };
}

describe.each(files)(
  'the advice for what people asked for: $file',
  ({ file, rightAtLeast, recallAtLeast }) => {
    const judged = casesOf(file).map(judge);
    const strong = judged.filter(c => c.expect.evidence !== 'weak');
    const weak = judged.filter(c => c.expect.evidence === 'weak');
    const count = (is: (c: Judged) => boolean) => judged.filter(is).length;

    it('decides as maintainers and documentation do', () => {
      const all = judged.length;
      const right = count(c => c.right);
      const advisedRight = count(c => c.advisedRight);
      const warnings = recall(strong);
      const weakWarnings = recall(weak);
      process.stdout.write(
        [
          `${file}: decisions: ${right} of ${all}, ${count(
            c => c.preferred,
          )} as expected, the others acceptable; advised mechanisms: ${advisedRight}`,
          `  warnings: ${warnings.given} of ${warnings.expected}; with weak evidence ${weakWarnings.given} of ${weakWarnings.expected}`,
          ...judged
            .filter(c => !c.right)
            .map(
              c => `  ${c.id}: ${c.mechanism} instead of ${c.expect.decision}`,
            ),
          ...judged
            .filter(c => c.missing.length > 0)
            .map(c => `  ${c.id} does not warn: ${c.missing.join(', ')}`),
          '',
        ].join('\n'),
      );
      expect(right / all).toBeGreaterThanOrEqual(rightAtLeast);
      expect(advisedRight / all).toBeGreaterThanOrEqual(rightAtLeast);
      expect(warnings.given / warnings.expected).toBeGreaterThanOrEqual(
        recallAtLeast,
      );
    });

    it.each(judged.filter(c => c.expect.decision === 'native'))(
      '$id needs no extension',
      ({ mechanism, advice }) => {
        expect(mechanism).toBe('native');
        expect(advice.native.length).toBeGreaterThan(0);
      },
    );

    it.each(judged)('$id has warnings that can be read', ({ advice }) => {
      const { warnings }: Recommendation = advice;
      expect(warnings.length).toBeLessThanOrEqual(6);
      expect(new Set(warnings.map(w => w.id)).size).toBe(warnings.length);
      const gravities = [
        'outage',
        'security',
        'correctness',
        'operation',
        'note',
      ];
      const order = warnings.map(w => gravities.indexOf(w.severity));
      expect(order).toEqual([...order].sort());
      for (const { source, text } of warnings) {
        expect(source).not.toBe('');
        expect(text).not.toMatch(/undefined|\bnull\b/);
      }
    });
  },
);

it('has a source for every case', () => {
  const cases = files.flatMap(({ file }) => casesOf(file));
  for (const { source, wish, expect: expected } of cases) {
    expect(source).toMatch(/^github\.com\/[^/]+\/[^/]+/);
    expect(wish).not.toBe('');
    expect(expected.because).not.toBe('');
  }
  expect(new Set(cases.map(c => c.id)).size).toBe(cases.length);
});
