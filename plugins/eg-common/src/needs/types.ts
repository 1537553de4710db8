import type { z } from 'zod';
import type { Answers } from '../intake';
import type { ProcessingPhase } from '../intake/phases';
import type { PurposeId } from '../purposes';
import type { Release } from '../releases';
import type { Piece } from './objects';

/**
 * What the need asks of whatever carries it out, whatever the person answers besides.
 *
 * @public
 */
export interface Implications {
  /** What has to be looked at. */
  phases?: readonly ProcessingPhase[];
  /** A body has to be there as a whole before it can go on. */
  wholeBody?: boolean;
  /** A body is changed. */
  changesBody?: boolean;
  /** Headers follow from a body. */
  headerFromBody?: boolean;
  /** The choice of the upstream follows from the result. */
  routes?: boolean;
  /** Another service has to be asked. */
  calls?: boolean;
  /** Something has to be remembered between requests. */
  state?: boolean;
  /** JSON is read or written. */
  json?: boolean;
  /** Hashes, signatures or encryption are computed. */
  crypto?: boolean;
  /** A key or password has to be at hand. */
  secret?: boolean;
  /** A client library of a store is wanted. */
  database?: boolean;
  /** It is a check that no request may get around. */
  guards?: boolean;
  /** It looks and does not act. */
  observes?: boolean;
  /** What passes is written down. */
  records?: boolean;
  /** Backends trust headers that it sets. */
  trusted?: boolean;
  /** It depends on the address of the client. */
  clientAddress?: boolean;
  /** A few lines of logic on headers. */
  script?: boolean;
  /** One piece of logic, with parameters for each route. */
  parameters?: boolean;
  /** The host, path, scheme or method would be changed. */
  pseudoHeaders?: boolean;
  /** A maintained engine exists as a dynamic module. */
  packaged?: string;
}

/**
 * What a policy is written from.
 *
 * @public
 */
export interface NativeContext {
  name: string;
  target: {
    kind: string;
    name: string;
    namespace: string;
    sectionName: string | null;
    placeholder: boolean;
  };
  release: Release;
  /** What of the traffic the need concerns. */
  processing: readonly ProcessingPhase[];
  labels: Record<string, string>;
}

/**
 * A feature of Envoy Gateway that covers a need without an extension.
 *
 * @public
 */
export interface Native {
  /** For people: `SecurityPolicy with jwt`. */
  title: string;
  /** Kinds and field paths. */
  feature: string;
  /** The first supported minor release that has it. */
  since: '1.6' | '1.7' | '1.8' | '1.9';
  /** Kinds of target for which it can be written; others are refused with the reason. */
  targets: readonly string[];
  /** What it does not do. */
  limits: readonly string[];
  /** Where it is documented. */
  source: string;
  /** Ids of warnings that come with it. */
  warnings?: readonly string[];
  /** A service of one's own is asked for each request. */
  hop?: boolean;
  /** What has to be installed besides Envoy Gateway. */
  addOn?: string;
  /** How far to trust it; `stable` unless said otherwise. */
  maturity?: 'stable' | 'experimental';
  /** Why it does not cover these answers, where it does not. */
  unless?(answers: Answers): string | undefined;
  /** What can be said about it: a strict object in which everything may be left out. Without it, there is nothing to say. */
  settings?: z.ZodType<object>;
  /**
   * What the need asks of which objects. What the settings leave out is an example with a TODO, never a silent one.
   *
   * @param settings - as {@link Native.settings} returns them
   */
  objects(context: NativeContext, settings: any): Piece[];
}

/** A {@link Native} whose objects know the type of its settings. */
export function withSettings<S extends z.ZodType<object>>(
  settings: S,
  objects: (context: NativeContext, settings: z.output<S>) => Piece[],
): Pick<Native, 'settings' | 'objects'> {
  return { settings, objects };
}

/**
 * What Envoy Gateway does itself beside an extension.
 *
 * @public
 */
export interface Hybrid {
  /** What is left to configuration, and what to the extension. */
  text: string;
  feature: string;
}

/**
 * Something concrete that people want at a gateway.
 *
 * @public
 */
export interface Need {
  id: string;
  topic: string;
  label: string;
  /** The purpose from which an extension for it begins. */
  purpose: PurposeId;
  /** Settings of the purpose that such an extension begins with, where its own defaults are for something else. */
  settings?: object;
  implies: Implications;
  native?: Native;
  /** Why no feature of Envoy Gateway covers it, where that is worth knowing. */
  noNative?: string;
  hybrid?: Hybrid;
  /** Ids of warnings that the need brings, whatever is decided. */
  warnings?: readonly string[];
}
