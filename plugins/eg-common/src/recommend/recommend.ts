import { implementationOf, implementations } from '../implementations';
import { Answers, InvalidAnswersError } from '../intake';
import { purposeOf } from '../purposes';
import { releaseOf } from '../releases';
import {
  constraints,
  Facts,
  preferences,
  processesBody,
  warningRules,
} from './rules';
import { RankedImplementation, Recommendation } from './types';

/** No advice has more warnings than a person reads. */
const mostWarnings = 6;

/**
 * The advice for answers: first what cannot work, then points for what can.
 *
 * @public
 * @param answers - valid answers, see {@link parseAnswers}
 * @throws {@link InvalidAnswersError} when the person chose an implementation that cannot do the job
 */
export function recommend(answers: Answers): Recommendation {
  const shared = {
    answers,
    purpose: purposeOf(answers.purpose),
    release: releaseOf(answers.gatewayVersion),
    body: processesBody(answers),
  };
  const judged = implementations.map(implementation => {
    const facts: Facts = { ...shared, implementation };
    return {
      facts,
      reasons: constraints.flatMap(c => c.violated(facts) ?? []),
    };
  });
  const rejected = judged
    .filter(({ reasons }) => reasons.length > 0)
    .map(({ facts: { implementation }, reasons }) => ({
      implementation: implementation.id,
      title: implementation.title,
      reasons,
    }));
  const ranking = judged
    .filter(({ reasons }) => reasons.length === 0)
    .map(({ facts }): RankedImplementation => {
      const reasons = preferences
        .map(p => ({ points: p.points(facts), text: p.reason(facts) }))
        .filter(({ points }) => points !== 0)
        .sort((a, b) => b.points - a.points);
      return {
        implementation: facts.implementation.id,
        title: facts.implementation.title,
        score: reasons.reduce((sum, { points }) => sum + points, 0),
        reasons,
      };
    })
    // A stable sort: the order of the implementations table decides between equals.
    .sort((a, b) => b.score - a.score);

  // Nothing rules ExtProc out, so the ranking is never empty; a test holds that for all answers.
  const recommended = ranking[0]!.implementation;
  const decision =
    answers.implementation === 'recommended'
      ? recommended
      : implementationOf(answers.implementation).id;
  const impossible = rejected.find(r => r.implementation === decision);
  if (impossible) {
    throw new InvalidAnswersError([
      {
        field: 'implementation',
        value: JSON.stringify(decision),
        remedy: `${impossible.reasons.join(' ')} Choose ${ranking
          .map(r => r.implementation)
          .join(' or ')}, or recommended`,
      },
    ]);
  }
  const facts: Facts = {
    ...shared,
    implementation: implementationOf(decision),
  };
  return {
    decision,
    recommended,
    ranking,
    rejected,
    warnings: warningRules
      .filter(rule => rule.applies(facts))
      .slice(0, mostWarnings)
      .map(rule => ({ id: rule.id, text: rule.text(facts) })),
  };
}
