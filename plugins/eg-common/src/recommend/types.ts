import { ImplementationId, Mechanism } from '../implementations';

/**
 * How grave a warning is, the gravest first: traffic stops; somebody gets through; the result is wrong; it costs; good to
 * know.
 *
 * @public
 */
export type Gravity =
  | 'outage'
  | 'security'
  | 'correctness'
  | 'operation'
  | 'note';

/**
 * Something to know before it goes live.
 *
 * @public
 */
export interface Warning {
  id: string;
  text: string;
  severity: Gravity;
  /** Where the fact comes from. */
  source: string;
}

/**
 * One reason for or against an implementation.
 *
 * @public
 */
export interface Reason {
  /** What it adds to the score; negative when it speaks against. */
  points: number;
  text: string;
}

/**
 * Something that can do the job, with what speaks for and against it.
 *
 * @public
 */
export interface RankedImplementation {
  implementation: ImplementationId;
  mechanism: Mechanism;
  title: string;
  score: number;
  reasons: Reason[];
  /** Whether it can be chosen: there is a skeleton for it. Else it is advice only. */
  generated: boolean;
}

/**
 * Something that cannot do the job, or of which that is not known yet, with every reason.
 *
 * @public
 */
export interface RejectedImplementation {
  implementation: ImplementationId;
  mechanism: Mechanism;
  title: string;
  reasons: string[];
  /** Whether it may do the job after all: what is missing is an answer. */
  unknown: boolean;
}

/**
 * A question whose answer would change the decision.
 *
 * @public
 */
export interface OpenQuestion {
  /** The answer that would be another. */
  field: string;
  value: unknown;
  /** What would then be decided. */
  decision: ImplementationId;
  text: string;
}

/**
 * The advice: what to do, what else would do, what would not, and what to watch.
 *
 * @public
 */
export interface Recommendation {
  /** What is generated: the best of the ranking that can be, or what the person chose instead. */
  decision: ImplementationId;
  /** The best of the ranking that can be generated. */
  recommended: ImplementationId;
  /** The mechanism that is advised, whether or not there is a skeleton for it. */
  advised: Mechanism;
  /** The title of what is advised, for people. */
  advisedTitle: string;
  /** Best first. */
  ranking: RankedImplementation[];
  rejected: RejectedImplementation[];
  /** The gravest first, six at most. */
  warnings: Warning[];
  /** The features of Envoy Gateway that cover the wish: all of it, or what stays beside the extension. */
  native: {
    need: string;
    title: string;
    feature: string;
    since: string;
    limits: string[];
    source: string;
    addOn: string | null;
  }[];
  /** What neither Envoy Gateway nor the extension that is generated does. */
  left: { need: string; text: string }[];
  /** What Envoy Gateway does itself beside an extension. */
  hybrid: { text: string; feature: string }[];
  confidence: { level: 'high' | 'medium' | 'low'; reason: string };
  /** Two at most. */
  questions: OpenQuestion[];
  /** Answers that contradict each other, and the choice that is left. */
  contradictions: string[];
  /** What the advice is based on: the questions and the answers, without free text. */
  asked: { question: string; answer: string }[];
}
