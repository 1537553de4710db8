import {
  Answers,
  implementations,
  InvalidAnswersError,
  parseAnswers,
  plan,
  Problem,
  processingPhases,
  purposes,
  recommend,
  releases,
} from 'backstage-plugin-eg-common';
import fc from 'fast-check';
import { advise, problemsOf } from './advise';

const maybe = <T>(values: fc.Arbitrary<T>) =>
  fc.option(values, { nil: undefined });

/** Answers as a form can hold them: complete or not, sensible or not. */
const formData = fc.record(
  {
    name: fc.constantFrom('mask-cards', 'a', '', 'Not A Name'),
    owner: fc.constantFrom('group:default/payments', ''),
    purpose: maybe(fc.constantFrom(...purposes.map(p => p.id), 'nothing')),
    processing: maybe(fc.subarray([...processingPhases])),
    bodySize: maybe(fc.constantFrom('small', 'large', 'streaming')),
    language: maybe(fc.constantFrom('none', 'go', 'rust', 'lua')),
    latency: maybe(fc.constantFrom('minimal', 'moderate', 'flexible')),
    externalCalls: maybe(fc.boolean()),
    stateAcrossRequests: maybe(fc.boolean()),
    environment: maybe(fc.constantFrom('production', 'prototype')),
    gatewayVersion: maybe(fc.constantFrom(...releases.map(r => r.version))),
    target: maybe(
      fc.record({
        kind: fc.constantFrom('HTTPRoute', 'Gateway', 'ListenerSet'),
        name: fc.constantFrom('', 'my-route'),
      }),
    ),
  },
  { requiredKeys: ['name', 'owner', 'purpose'] },
);
const implementation = fc.constantFrom(
  'recommended',
  ...implementations.map(i => i.id),
);

/** What `eg:recommend` does: it advises, and plans. */
function byAction(
  answers: object,
  step: (parsed: Answers) => unknown = recommend,
): {
  decision?: string;
  problems?: Problem[];
} {
  try {
    const parsed = parseAnswers(answers);
    step(parsed);
    return { decision: recommend(parsed).decision };
  } catch (error) {
    return { problems: (error as InvalidAnswersError).problems };
  }
}

/** What the field shows, in the same form. */
function byField(answers: object, chosen: string) {
  const advice = advise(answers, chosen);
  if (advice.kind === 'problems') {
    return { problems: [...advice.missing, ...advice.invalid] };
  }
  return advice.chosen
    ? { decision: advice.chosen.decision }
    : { problems: advice.refused };
}

const sorted = ({ problems, ...rest }: ReturnType<typeof byAction>) => ({
  ...rest,
  problems: problems?.map(p => JSON.stringify(p)).sort(),
});

describe('advise', () => {
  it('says what eg:recommend says, for all answers', () => {
    let decided = 0;
    fc.assert(
      fc.property(formData, implementation, (answers, chosen) => {
        const wanted = byAction({ ...answers, implementation: chosen });
        expect(sorted(byField(answers, chosen))).toEqual(sorted(wanted));
        decided += wanted.decision ? 1 : 0;
      }),
      { numRuns: 2_000 },
    );
    expect(decided).toBeGreaterThan(100);
  });

  it('finds the same problems as the task would', () => {
    fc.assert(
      fc.property(formData, implementation, (answers, chosen) => {
        const given = { ...answers, implementation: chosen };
        expect(problemsOf(given)).toEqual(byAction(given, plan).problems ?? []);
      }),
      { numRuns: 500 },
    );
  });

  it('tells missing answers from wrong ones', () => {
    expect(
      advise({ name: 'Mask Cards', purpose: 'other' }, 'recommended'),
    ).toEqual({
      kind: 'problems',
      missing: [expect.objectContaining({ field: 'owner' })],
      invalid: [expect.objectContaining({ field: 'name' })],
    });
  });

  it('includes what only the plan finds', () => {
    const answers = {
      name: 'mask-cards',
      owner: 'group:default/payments',
      purpose: 'other',
      repoUrl: 'github.com?owner=acme',
    };
    expect(problemsOf(answers).map(p => p.field)).toEqual(['repoUrl']);
  });
});
