import { z } from 'zod';
import { Implementation, ImplementationId } from '../implementations';
import { ProcessingPhase } from '../intake/phases';
import type { Warning } from '../recommend/types';

/**
 * A body in a case: text, or parts of which some repeat. As an expectation it is compared byte by byte, or, with `json`,
 * as JSON whose white space and escapes may differ (the order of members and the text of numbers may not).
 *
 * @public
 */
export type CaseBody =
  | string
  | {
      /** `base64` for bytes that are no text. */
      parts: (
        | string
        | { repeat: string; times: number }
        | { base64: string }
      )[];
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
  /** Sent once, after the others, in the order of the list: what the extension remembers of one is there for the next. */
  alone?: boolean;
  /** How often a case that is sent alone is sent, all at once; once unless said otherwise. */
  times?: number;
  request: {
    method: string;
    path: string;
    headers: CaseHeader[];
    body?: CaseBody;
    chunked?: CaseChunks;
    /** Claims of a JWT that the local Envoy verifies, see {@link Requirements.claims}. */
    claims?: Record<string, unknown>;
    /**
     * `http1` unless said otherwise. `http2` has trailers, in both directions. With `websocket`, the client asks for a
     * WebSocket; when it was accepted (status 101), each part of the body is sent as a message, the next one when the
     * upstream has sent the one before it back. The bodies that are expected are all messages, one after the other.
     */
    protocol?: CaseProtocol;
    trailers?: CaseHeader[];
    /** What test/support.py of the purpose completes the request with when it is sent, such as a signature. */
    prepare?: Record<string, unknown>;
  };
  response: {
    status: number;
    headers: CaseHeader[];
    body?: CaseBody;
    /** `acknowledged`: each part only when the client has what was sent before it, which shows that nothing is held back. */
    chunked?: CaseChunks | 'acknowledged';
    trailers?: CaseHeader[];
  };
  expect: {
    /** Whether the upstream is called; true unless said otherwise. `either`: it may be, before Envoy answers itself. */
    reached?: boolean | 'either';
    request?: {
      headers?: Record<string, string[]>;
      body?: CaseBody;
      trailers?: Record<string, string[]>;
    };
    response: {
      status: number;
      /**
       * The response breaks off before anything of its body has come; its status may be known by then. `either`: it does,
       * or it is complete and as expected, whichever is faster.
       */
      broken?: true | 'either';
      headers?: Record<string, string[]>;
      /** Regular expressions that the values, joined by a comma and a blank, match as a whole. */
      headersMatch?: Record<string, string>;
      body?: CaseBody;
      trailers?: Record<string, string[]>;
    };
    /**
     * What the extension writes about this request, one JSON object in a line each: to standard output, or to Envoy’s
     * log. Members that are not named are not compared. Only in a case that is sent alone.
     */
    events?: Record<string, unknown>[];
  };
}

/**
 * How a body is sent: at once, in a few chunks, or each of its parts as one.
 *
 * @public
 */
export type CaseChunks = boolean | 'parts';

/**
 * How a client speaks with the gateway.
 *
 * @public
 */
export type CaseProtocol = 'http1' | 'http2' | 'websocket';

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
  /** Differences come from fields of its entry in the table, never from its id. */
  implementation: Implementation;
}

/**
 * A service that the extension asks, with the environment variable that says where it is.
 *
 * @public
 */
export interface ExternalService {
  /** Names its Service, after the extension’s name. */
  id: string;
  /** For people: `Redis`. */
  title: string;
  variable: string;
  /** Where it is in a cluster, until somebody says otherwise; `{host}` is that of k8s/dependencies. */
  placeholder: string;
  /** The container that stands for it in compose.yaml and k8s/dependencies, where there is a usual one. */
  container?: {
    image: string;
    port: number;
    address: string;
    /** What it runs instead of its usual command, and the secret that this gets as an environment variable. */
    command?: string;
    secret?: string;
  };
}

/**
 * Something that is known to few: a file for a processor, an environment variable of Envoy for a Wasm module.
 *
 * @public
 */
export interface RequiredSecret {
  /** The key in the Secret, and the file’s name. */
  name: string;
  description: string;
}

/**
 * What settings ask for besides headers and bodies.
 *
 * @public
 */
export interface Requirements {
  /** Implementations that cannot carry these settings out, with the reason. */
  impossible: Partial<Record<ImplementationId, string>>;
  /** Another service is asked. */
  calls: boolean;
  /** Something is remembered between requests. */
  state: boolean;
  /** The provider of `SecurityPolicy.spec.jwt` whose verified claims are read. */
  claims: string | null;
  /** Attributes of a request, such as `source.address`. Source: Envoy’s list of attributes. */
  attributes: readonly string[];
  services: readonly ExternalService[];
  secrets: readonly RequiredSecret[];
  /** Memory that an external processor needs for what it remembers, in bytes. */
  stateBytes: number;
}

/**
 * Ids of the purposes.
 *
 * @public
 */
export type PurposeId =
  | 'header-transform'
  | 'body-transform'
  | 'authentication'
  | 'authorization'
  | 'content-inspection'
  | 'rate-limit'
  | 'audit-log'
  | 'ai-gateway'
  | 'other';

/**
 * A route of the local Envoy for requests with this header. Its responses have the header `x-local-route: second`.
 *
 * @public
 */
export interface LocalRoute {
  header: string;
  value: string;
}

/**
 * What an extension can be for: its settings, and the behaviour that follows from them. One file each.
 *
 * @public
 */
export interface Purpose<Settings = unknown> {
  id: PurposeId;
  title: string;
  description: string;
  /** Schema of the settings; all defaults applied by parsing. */
  settings: z.ZodType<Settings>;
  /** The phases that are processed unless the person chooses others. */
  defaultPhases: readonly ProcessingPhase[];
  /**
   * Settings that a person could choose: forms show them and insert them on request. Without settings an extension gets
   * what the schema makes of `{}`.
   *
   * @param phases - what the person wants to process
   */
  example(phases: readonly ProcessingPhase[]): Settings;
  /**
   * Names of settings of which at least one has to be given; empty if the purpose does its work without any. See
   * {@link unsaidSettings}.
   */
  asks: readonly string[];
  /** The phases without which these settings cannot be carried out. */
  phases(settings: Settings): ProcessingPhase[];
  /** The phases that are processed besides, whether or not the person asks for them; none unless said otherwise. */
  impliedPhases?(settings: Settings): ProcessingPhase[];
  /** Whether a body has to be held as a whole before it can go on. */
  wholeBody: boolean;
  /** Whether responses have to go by while they are read, event by event, whatever their size. */
  streams?: boolean;
  /** Whether bodies are changed. */
  changesBody: boolean;
  /** Whether phases beyond {@link Purpose.phases} are given to the extension when the person asks for them. */
  openEnded: boolean;
  /** What the settings ask for; nothing unless said otherwise. See {@link requirementsOf}. */
  requires?(settings: Settings): Partial<Requirements>;
  /** What is to be known before these settings go live, the gravest first. */
  warnings?(settings: Settings): Omit<Warning, 'id'>[];
  /** A route that the local Envoy has besides the one for everything, to see that Envoy chooses the route again. */
  localRoute?(settings: Settings): LocalRoute | undefined;
  /** The behaviour, as data. */
  cases(settings: Settings, context: CaseContext): BehaviourCase[];
}
