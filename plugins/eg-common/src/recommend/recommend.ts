import { implementationOf } from '../implementations';
import { Answers, InvalidAnswersError } from '../intake';
import { needTitle } from '../needs';
import { confidenceOf } from './confidence';
import { contradictionsOf } from './contradictions';
import { Facts } from './facts';
import { bestOf, judge } from './judge';
import { questionsOf } from './questions';
import { Gravity, Recommendation, Warning } from './types';
import { Outcome, warningRulesFor } from './warnings';

/** No advice has more warnings than a person reads. */
const mostWarnings = 6;

/** How many points behind the best is close. */
const closeBehind = 1;

const gravities: Gravity[] = [
  'outage',
  'security',
  'correctness',
  'operation',
  'note',
];

const words: Record<string, Record<string, string>> = {
  latency: {
    minimal: 'less than 1 ms',
    moderate: '1 to 10 ms',
    flexible: 'more than 10 ms',
    unknown: 'not known',
  },
};

function asked({ answers, wish }: Facts): Recommendation['asked'] {
  const yes = (value: boolean) => (value ? 'yes' : 'no');
  return [
    {
      question: 'What is needed',
      answer: wish.map(needTitle).join('; '),
    },
    {
      question: 'What is processed',
      answer: answers.processing.join(', ') || 'no phase of HTTP',
    },
    { question: 'Bodies', answer: answers.bodySize },
    { question: 'Language', answer: answers.language },
    {
      question: 'Latency that can be added',
      answer: words.latency![answers.latency]!,
    },
    { question: 'Calls other services', answer: yes(answers.externalCalls) },
    {
      question: 'Keeps state between requests',
      answer: yes(answers.stateAcrossRequests),
    },
    { question: 'Environment', answer: answers.environment },
    { question: 'Envoy Gateway', answer: answers.gatewayVersion },
    { question: 'Target', answer: answers.target.kind },
  ];
}

/**
 * The advice for answers: what Envoy Gateway does itself, else the mechanism that fits; with reasons, what was ruled
 * out, and what to watch.
 *
 * @public
 * @param answers - valid answers, see {@link parseAnswers}
 * @throws {@link InvalidAnswersError} when the person chose an implementation that cannot do the job
 */
export function recommend(answers: Answers): Recommendation {
  const { facts, ranking, rejected } = judge(answers);
  const recommended = bestOf(ranking).implementation;
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
          .filter(r => r.generated)
          .map(r => r.implementation)
          .join(' or ')}, or recommended`,
      },
    ]);
  }
  const [best] = ranking;
  const outcome = {
    ...facts,
    implementation: implementationOf(decision),
    advised:
      decision === recommended
        ? implementationOf(best!.implementation)
        : implementationOf(decision),
    close:
      decision === 'native'
        ? []
        : ranking
            .filter(r => r.score >= best!.score - closeBehind)
            .map(r => r.mechanism),
  };
  return {
    decision,
    recommended,
    advised: best!.mechanism,
    advisedTitle: best!.title,
    ranking,
    rejected,
    warnings: warningsOf(outcome).slice(0, mostWarnings),
    native: (decision === 'native' || facts.uncovered.length === 0
      ? facts.covered
      : facts.beside
    ).map(({ need, native }) => ({
      need: need.id,
      title: native.title,
      feature: native.feature,
      since: native.since,
      limits: [...native.limits],
      source: native.source,
      addOn: native.addOn ?? null,
    })),
    left:
      decision === 'native'
        ? []
        : facts.left.map(({ id, label }) => ({
            need: id,
            text: `“${label}” is not part of what is generated, which begins from “${facts.purpose.title}”: write it there, or make a repository of its own for it.`,
          })),
    hybrid: hybridOf(facts, decision === 'native'),
    confidence: confidenceOf(facts, ranking),
    questions: questionsOf(answers, recommended),
    contradictions: contradictionsOf(facts),
    asked: asked(facts),
  };
}

/** Everything to know, the gravest first; what the settings bring before what holds for all. */
function warningsOf(outcome: Outcome): Warning[] {
  const { purpose, answers, implementation } = outcome;
  const own =
    implementation.mechanism === 'native'
      ? []
      : purpose.warnings?.(answers.settings) ?? [];
  const general = warningRulesFor(outcome).map(rule => ({
    id: rule.id,
    text: rule.text(outcome),
    severity: rule.gravity,
    source: rule.source,
  }));
  return [
    // The order of the fields is that of a plan that is read back.
    ...own.map(({ text, severity, source }, i) => ({
      id: `${purpose.id}-${i}`,
      text,
      severity,
      source,
    })),
    ...general,
  ]
    .map((warning, i) => ({ warning, i }))
    .sort(
      (a, b) =>
        gravities.indexOf(a.warning.severity) -
          gravities.indexOf(b.warning.severity) || a.i - b.i,
    )
    .map(({ warning }) => warning);
}

/** What Envoy Gateway does itself beside the extension: of its need, and of the needs that it covers. */
function hybridOf({ beside, need }: Facts, decidedNative: boolean) {
  if (decidedNative) {
    return [];
  }
  const parts = beside.map(({ need: { label }, native }) => ({
    text: `“${label}” is configuration in policy/, not part of the extension.`,
    feature: native.feature,
  }));
  return [...(need.hybrid ? [need.hybrid] : []), ...parts];
}
