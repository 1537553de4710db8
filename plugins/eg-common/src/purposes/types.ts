import { z } from 'zod';
import { Implementation } from '../implementations';
import { ProcessingPhase } from '../intake/phases';

/**
 * A body in a case: text, or parts of which some repeat. As an expectation it is compared byte by byte, or, with `json`,
 * as JSON whose white space and escapes may differ (the order of members and the text of numbers may not).
 *
 * @public
 */
export type CaseBody =
  | string
  | {
      parts: (string | { repeat: string; times: number })[];
      json?: boolean;
    };

/**
 * One header line in a case.
 *
 * @public
 */
export interface CaseHeader {
  name: string;
  value: string;
}

/**
 * One behaviour that every implementation of a purpose must show: what a client sends and the upstream answers,
 * and what the upstream and the client must then see. Headers in expectations list all values in order; an empty
 * list means that the header is absent.
 *
 * @public
 */
export interface BehaviourCase {
  name: string;
  request: {
    method: string;
    path: string;
    headers: CaseHeader[];
    body?: CaseBody;
    chunked?: boolean;
  };
  response: {
    status: number;
    headers: CaseHeader[];
    body?: CaseBody;
    chunked?: boolean;
  };
  expect: {
    /** Whether the upstream is called; true unless said otherwise. `either`: it may be, before Envoy answers itself. */
    reached?: boolean | 'either';
    request?: { headers?: Record<string, string[]>; body?: CaseBody };
    response: {
      status: number;
      headers?: Record<string, string[]>;
      body?: CaseBody;
    };
  };
}

/**
 * How a body reaches the extension, in terms of `EnvoyExtensionPolicy.spec.extProc[].processingMode`.
 *
 * @public
 */
export type BodyMode = 'Buffered' | 'FullDuplexStreamed';

/**
 * What the extension is given of requests or of responses: nothing, or the headers and perhaps the body.
 *
 * @public
 */
export type DirectionProcessing = false | { body: BodyMode | false };

/**
 * What the extension is given.
 *
 * @public
 */
export interface Processing {
  request: DirectionProcessing;
  response: DirectionProcessing;
}

/**
 * What the behaviour depends on besides the settings.
 *
 * @public
 */
export interface CaseContext {
  processing: Processing;
  /** See {@link Implementation.beyondBuffer}. */
  beyondBuffer: Implementation['beyondBuffer'];
}

/**
 * What an extension can be for: settings with defaults, and the behaviour that follows from them. One file each.
 *
 * @public
 */
export interface Purpose<Settings = unknown> {
  id: string;
  title: string;
  description: string;
  /** Schema of the settings; all defaults applied by parsing. */
  settings: z.ZodType<Settings>;
  /** The phases that are processed unless the person chooses others. */
  defaultPhases: readonly ProcessingPhase[];
  /**
   * Settings that work as they are, for the phases that are processed.
   *
   * @param phases - what the person wants to process
   * @param name - the extension's name
   */
  defaults(phases: readonly ProcessingPhase[], name: string): Settings;
  /** The phases without which these settings cannot be carried out. */
  phases(settings: Settings): ProcessingPhase[];
  /** Whether a body has to be held as a whole before it can go on. */
  wholeBody: boolean;
  /** Whether phases beyond {@link Purpose.phases} are given to the extension when the person asks for them. */
  openEnded: boolean;
  /** The behaviour, as data. */
  cases(settings: Settings, context: CaseContext): BehaviourCase[];
}
