import { ImplementationId, implementationOf } from '../implementations';
import { Answers, isConnectionKind } from '../intake';
import { needOf, wishOf } from '../needs';
import { newestRelease } from '../releases';
import { bestOf, judge } from './judge';
import { OpenQuestion } from './types';

/** No more questions than a person answers. */
const mostQuestions = 2;

interface Alternative {
  field: keyof Answers;
  value: unknown;
  /** How the person would say it. */
  text: string;
  /** Whether it is worth asking. */
  open(answers: Answers): boolean;
}

/** Answers that a person may not have thought of, the most likely first. */
const alternatives: readonly Alternative[] = [
  {
    field: 'need',
    value: 'static-header',
    text: 'Are fixed header values all that you need',
    open: ({ need, purpose }) =>
      need === 'unspecified' && purpose === 'header-transform',
  },
  {
    field: 'need',
    value: 'external-authorization',
    text: 'Is the answer of the service yes or no, perhaps with a few headers',
    open: ({ need, externalCalls, purpose, processing }) =>
      (need === 'unspecified' || needOf(need).topic === 'other') &&
      externalCalls &&
      purpose === 'other' &&
      processing.every(phase => phase === 'requestHeaders'),
  },
  {
    field: 'processing',
    value: ['requestHeaders'],
    text: 'Are the headers of requests all that it has to see',
    open: ({ need, furtherNeeds, processing }) =>
      needOf(need).native !== undefined &&
      wishOf({ need, furtherNeeds }).length === 1 &&
      processing.some(phase => phase !== 'requestHeaders'),
  },
  ...(['minimal', 'moderate'] as const).map(
    (value): Alternative => ({
      field: 'latency',
      value,
      text:
        value === 'minimal'
          ? 'Must it add less than 1 ms'
          : 'May it add a few milliseconds',
      open: ({ latency }) => latency !== value,
    }),
  ),
  ...(['prototype', 'production'] as const).map(
    (value): Alternative => ({
      field: 'environment',
      value,
      text:
        value === 'prototype' ? 'Is it a prototype' : 'Is it for production',
      open: ({ environment }) => environment !== value,
    }),
  ),
  {
    field: 'externalCalls',
    value: true,
    text: 'Will it call another service',
    open: ({ externalCalls }) => !externalCalls,
  },
  {
    field: 'externalCalls',
    value: false,
    text: 'Could it do without calls to other services',
    open: ({ externalCalls, need }) =>
      externalCalls && !needOf(need).implies.calls,
  },
  {
    field: 'stateAcrossRequests',
    value: true,
    text: 'Will it remember something between requests',
    open: ({ stateAcrossRequests }) => !stateAcrossRequests,
  },
  {
    field: 'bodySize',
    value: 'large',
    text: 'Can bodies be larger than the connection buffer (32 KiB by default)',
    open: ({ bodySize, processing }) =>
      bodySize === 'small' && processing.some(p => p.endsWith('Body')),
  },
  {
    field: 'gatewayVersion',
    value: newestRelease.version,
    text: `Can you upgrade to Envoy Gateway ${newestRelease.version}`,
    open: ({ gatewayVersion }) => gatewayVersion !== newestRelease.version,
  },
  {
    field: 'language',
    value: 'none',
    text: 'Would another language do',
    open: ({ language }) => language !== 'none',
  },
];

function weightOf(
  answers: Answers,
  { field, decision }: { field: keyof Answers; decision: ImplementationId },
): number {
  return (
    Number(decision === 'native') * 2 + Number(answers[field] === 'unknown')
  );
}

/**
 * The questions whose answer would change the decision: each is the same judgement with one answer changed.
 *
 * @param answers - valid answers
 * @param recommended - what they lead to
 */
export function questionsOf(
  answers: Answers,
  recommended: ImplementationId,
): OpenQuestion[] {
  if (isConnectionKind(answers.target.kind)) {
    return [];
  }
  const changing = alternatives
    .filter(({ open }) => open(answers))
    .map(alternative => {
      const { field, value } = alternative;
      const { ranking } = judge({ ...answers, [field]: value } as Answers);
      return { ...alternative, decision: bestOf(ranking).implementation };
    })
    .filter(({ decision }) => decision !== recommended);
  const questions = changing
    // What would save the code comes first, then what the person does not know.
    .sort((a, b) => weightOf(answers, b) - weightOf(answers, a))
    .filter(({ field }, i, all) => all.findIndex(q => q.field === field) === i);
  return questions
    .slice(0, mostQuestions)
    .map(({ field, value, text, decision }) => ({
      field,
      value,
      decision,
      text: `${text}? Then ${implementationOf(decision).title}.`,
    }));
}
