import { Implementation } from '../implementations';
import { Answers, isConnectionKind, ProcessingPhase } from '../intake';
import {
  Covered,
  divide,
  impliedBy,
  isUnspecified,
  Need,
  nativeVerdicts,
  wishOf,
} from '../needs';
import { Purpose, purposeOf, Requirements, requirementsOf } from '../purposes';
import { Release, releaseOf } from '../releases';

/** What the rules look at: the answers, and what follows from the need. */
export interface Facts {
  answers: Answers;
  /** All that is wanted. */
  wish: Need[];
  /** What an extension would be for: its first need, with what all of its needs imply. */
  need: Need;
  /** What Envoy Gateway covers by itself, in the order of the table. */
  covered: Covered[];
  /** Why Envoy Gateway does not do all of it; nothing where it does. */
  uncovered: string[];
  /** Whether it may do all of it: a part of the wish was not said, and nothing else is uncovered. */
  coverUnknown: boolean;
  /** What Envoy Gateway does beside an extension. */
  beside: Covered[];
  /** What neither does, beside an extension. */
  left: Need[];
  purpose: Purpose;
  /** What the settings ask for. */
  requirements: Requirements;
  release: Release;
  phases: readonly ProcessingPhase[];
  /** Whether a body is processed. */
  body: boolean;
  /** Whether a body has to be there as a whole. */
  wholeBody: boolean;
  changesBody: boolean;
  /** Whether another service is asked. */
  calls: boolean;
  /** Whether something is remembered between requests. */
  state: boolean;
  streaming: boolean;
  grpc: boolean;
  /** Whether the target has connections only. */
  connections: boolean;
}

/** The facts and one of the mechanisms that could do it. */
export interface Candidate extends Facts {
  implementation: Implementation;
}

export function factsOf(answers: Answers): Facts {
  const wish = wishOf(answers);
  const verdicts = nativeVerdicts(answers);
  const { native: beside, extension, left } = divide(answers, true);
  const [first] = extension as [Need];
  const need: Need = {
    ...first,
    implies: impliedBy(extension),
    warnings: [...new Set(extension.flatMap(n => n.warnings ?? []))],
  };
  const purpose = purposeOf(answers.purpose);
  const requirements = requirementsOf(purpose, answers.settings);
  const { implies } = need;
  // What a purpose with settings needs follows from them; what it is not given costs nothing.
  const phases = answers.processing;
  const body = phases.some(phase => phase.endsWith('Body'));
  return {
    answers,
    wish,
    need,
    covered: divide(answers, false).native,
    uncovered: verdicts.flatMap(v =>
      (v.reasons ?? []).map(reason =>
        wish.length > 1 ? `“${v.need.label}”: ${reason}` : reason,
      ),
    ),
    coverUnknown:
      wish.some(isUnspecified) &&
      verdicts.every(v => v.native || isUnspecified(v.need)),
    beside,
    left,
    purpose,
    requirements,
    release: releaseOf(answers.gatewayVersion),
    phases,
    body,
    wholeBody: body && (purpose.wholeBody || Boolean(implies.wholeBody)),
    changesBody: body && (purpose.changesBody || Boolean(implies.changesBody)),
    calls:
      answers.externalCalls || requirements.calls || Boolean(implies.calls),
    state:
      answers.stateAcrossRequests ||
      requirements.state ||
      Boolean(implies.state),
    streaming: body && answers.bodySize === 'streaming',
    grpc: answers.target.kind === 'GRPCRoute',
    connections: isConnectionKind(answers.target.kind),
  };
}
