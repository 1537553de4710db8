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

const cases: Case[] = parse(
  fs.readFileSync(join(__dirname, 'recommend.yaml'), 'utf8'),
);

const judged = cases.map(given => {
  const advice = recommend(
    parseAnswers({
      name: 'my-extension',
      owner: 'group:default/platform',
      ...given.answers,
    }),
  );
  const allowed = [given.expect.decision, ...(given.expect.acceptable ?? [])];
  const warned = advice.warnings.map(w => w.id);
  return {
    ...given,
    advice,
    mechanism: implementationOf(advice.decision).mechanism,
    right: allowed.includes(implementationOf(advice.decision).mechanism),
    advisedRight: allowed.includes(advice.advised),
    missing: (given.expect.warnings ?? []).filter(id => !warned.includes(id)),
  };
});

/** How many of the warnings that must be given are given. */
function recall(of: typeof judged): { given: number; expected: number } {
  const expected = of.flatMap(c => c.expect.warnings ?? []).length;
  return { expected, given: expected - of.flatMap(c => c.missing).length };
}

describe('the advice for what people asked for', () => {
  const strong = judged.filter(c => c.expect.evidence !== 'weak');
  const weak = judged.filter(c => c.expect.evidence === 'weak');

  it('decides as maintainers and documentation do', () => {
    const wrong = judged.filter(c => !c.right);
    const warnings = recall(strong);
    const weakWarnings = recall(weak);
    process.stdout.write(
      [
        `decisions: ${judged.length - wrong.length} of ${judged.length}`,
        `advised mechanisms: ${judged.filter(c => c.advisedRight).length} of ${
          judged.length
        }`,
        `warnings: ${warnings.given} of ${warnings.expected}; with weak evidence ${weakWarnings.given} of ${weakWarnings.expected}`,
        ...wrong.map(
          c => `  ${c.id}: ${c.mechanism} instead of ${c.expect.decision}`,
        ),
        ...judged
          .filter(c => c.missing.length > 0)
          .map(c => `  ${c.id} does not warn: ${c.missing.join(', ')}`),
        '',
      ].join('\n'),
    );
    expect(wrong.length).toBeLessThanOrEqual(cases.length - 38);
    expect(judged.filter(c => c.advisedRight).length).toBeGreaterThanOrEqual(
      38,
    );
    expect(warnings.given / warnings.expected).toBeGreaterThanOrEqual(0.9);
  });

  it.each(judged.filter(c => c.expect.decision === 'native'))(
    '$id needs no extension',
    ({ mechanism, advice }) => {
      expect(mechanism).toBe('native');
      expect(advice.native).not.toBeNull();
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

  it('has a source for every case', () => {
    for (const { source, wish, expect: expected } of cases) {
      expect(source).toMatch(/^github\.com\/[^/]+\/[^/]+/);
      expect(wish).not.toBe('');
      expect(expected.because).not.toBe('');
    }
    expect(new Set(cases.map(c => c.id)).size).toBe(cases.length);
  });
});
