import { ImplementationId } from '../implementations';

/**
 * Something to know before the extension goes live.
 *
 * @public
 */
export interface Warning {
  id: string;
  text: string;
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
 * An implementation that can do the job, with what speaks for and against it.
 *
 * @public
 */
export interface RankedImplementation {
  implementation: ImplementationId;
  title: string;
  score: number;
  reasons: Reason[];
}

/**
 * An implementation that cannot do the job, with every reason.
 *
 * @public
 */
export interface RejectedImplementation {
  implementation: ImplementationId;
  title: string;
  reasons: string[];
}

/**
 * The advice: what to build, what else would do, what would not, and what to watch.
 *
 * @public
 */
export interface Recommendation {
  /** What is built: the best of the ranking, or what the person chose instead. */
  decision: ImplementationId;
  /** The best of the ranking. */
  recommended: ImplementationId;
  /** Best first. */
  ranking: RankedImplementation[];
  rejected: RejectedImplementation[];
  /** The gravest first. */
  warnings: Warning[];
}
