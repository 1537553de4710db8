import { Covered, nativeVerdicts } from '../needs';
import { newestRelease } from '../releases';
import { Facts } from './facts';

interface ContradictionRule {
  id: string;
  /** Whether it is none where Envoy Gateway does it itself. */
  extensionOnly?: boolean;
  applies(facts: Facts): boolean;
  /** What contradicts what, and the choice that is left. */
  text(facts: Facts): string;
}

/** What of the wish Envoy Gateway covers in its newest release, and not in the one that runs. */
const arriving = ({ answers, covered }: Facts) =>
  nativeVerdicts({
    ...answers,
    gatewayVersion: newestRelease.version as typeof answers.gatewayVersion,
  }).filter(
    (v): v is Covered =>
      v.native !== undefined && !covered.some(({ need }) => need === v.need),
  );

/** Answers that cannot all be had. */
const rules: readonly ContradictionRule[] = [
  {
    id: 'latency-and-calls',
    applies: ({ answers, calls }) => answers.latency === 'minimal' && calls,
    text: () =>
      'You allow less than 1 ms and ask another service. Either cache its answers and call only on a miss, or allow more latency.',
  },
  {
    id: 'latency-and-body',
    extensionOnly: true,
    applies: ({ answers, wholeBody }) =>
      answers.latency === 'minimal' &&
      wholeBody &&
      ['large', 'streaming'].includes(answers.bodySize),
    text: ({ answers }) =>
      `You allow less than 1 ms and need ${answers.bodySize} bodies as a whole: waiting for the end of a body takes longer. Either work on chunks, or allow more latency.`,
  },
  {
    id: 'streaming-and-whole',
    extensionOnly: true,
    applies: ({ streaming, wholeBody, phases, purpose }) =>
      streaming &&
      wholeBody &&
      !purpose.streams &&
      phases.includes('responseBody'),
    text: () =>
      'Your responses stream, and what you need takes them whole: the client then gets all of it at the end. Either work on events, or give up streaming.',
  },
  {
    id: 'no-bodies',
    extensionOnly: true,
    applies: ({ answers, body }) => answers.bodySize === 'none' && body,
    text: () =>
      'You say that there are no bodies, and process them. If none matters, leave the body out: it costs a round trip or a buffer.',
  },
  {
    id: 'lua-and-more',
    extensionOnly: true,
    applies: ({ answers, calls, state }) =>
      answers.language === 'lua' && (calls || state),
    text: ({ calls }) =>
      `You prefer Lua and need ${
        calls ? 'calls to other services' : 'state between requests'
      }, which it does not have here. Either drop the one or the other.`,
  },
  {
    id: 'grpc-and-json',
    extensionOnly: true,
    applies: ({ grpc, body, purpose }) =>
      grpc && body && purpose.id === 'body-transform',
    text: () =>
      'Your target is a GRPCRoute and you change JSON bodies: gRPC bodies are protobuf. Either target the HTTPRoute of a JSON API, or decode protobuf with logic of your own (purpose other).',
  },
  {
    id: 'release',
    applies: facts => arriving(facts).length > 0,
    text: facts => {
      const [{ native, need }] = arriving(facts) as [Covered];
      return `Envoy Gateway does ${
        facts.wish.length > 1 ? `“${need.label}”` : 'this'
      } itself since ${native.since}, and you run ${
        facts.release.version
      }. Either upgrade and write no code for it, or build what an upgrade will make unnecessary.`;
    },
  },
];

/** The contradictions in answers, each with the choice that is left. */
export function contradictionsOf(facts: Facts): string[] {
  const covered = facts.uncovered.length === 0;
  return rules
    .filter(rule => !(rule.extensionOnly && covered) && rule.applies(facts))
    .map(rule => rule.text(facts));
}
