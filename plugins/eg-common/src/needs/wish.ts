import type { Answers } from '../intake';
import type { ProcessingPhase } from '../intake/phases';
import { isBefore, releaseOf } from '../releases';
import { labelsFor } from '../policy/labels';
import type { ObjectFile } from '../policy/envoyExtensionPolicy';
import { needOf, needs } from './needs';
import { objectFiles } from './objects';
import { Implications, Native, NativeContext, Need } from './types';

// A wish has one need or several. Which of them was named first makes no difference.

/** What of answers says where something is to run, and what is wanted. */
type Wished = Pick<
  Answers,
  'need' | 'furtherNeeds' | 'gatewayVersion' | 'target'
>;

/**
 * Every need of a wish once, in the order of the table.
 *
 * @public
 */
export function wishOf({
  need,
  furtherNeeds,
}: Pick<Answers, 'need' | 'furtherNeeds'>): Need[] {
  const ids = [need, ...furtherNeeds];
  return needs.filter(({ id }) => ids.includes(id));
}

/** Why no feature covers the need here, whatever else was answered. */
function outOfReach(need: Need, answers: Wished): string[] {
  const { native } = need;
  if (!native) {
    return [
      need.noNative ??
        (need.id === 'unspecified'
          ? 'You have not said what you need, so it was not compared with the features of Envoy Gateway. Choose it under “What is needed”.'
          : 'No feature of Envoy Gateway covers it.'),
    ];
  }
  const { kind } = answers.target;
  return [
    ...(isBefore(answers.gatewayVersion, native.since)
      ? [
          `${native.title} exists since Envoy Gateway ${native.since}; you run ${answers.gatewayVersion}.`,
        ]
      : []),
    ...(native.targets.includes(kind)
      ? []
      : [`${native.title} does not attach to a ${kind}.`]),
  ];
}

/** What of the traffic a need concerns by itself. */
const phasesOf = ({ implies }: Need): readonly ProcessingPhase[] =>
  implies.phases ?? ['requestHeaders', 'responseHeaders'];

/** The answers as far as they are about one need: without what other needs of the wish explain. */
function about(need: Need, answers: Answers): Answers {
  const others = wishOf(answers).filter(other => other !== need);
  if (others.length === 0) {
    return { ...answers, need: need.id };
  }
  const elsewhere = others.flatMap(phasesOf);
  const own = phasesOf(need);
  // The purpose, and with it the settings, are those of the extension.
  const extension = others.some(
    other =>
      other.purpose === answers.purpose &&
      outOfReach(other, answers).length > 0,
  );
  return {
    ...answers,
    need: need.id,
    furtherNeeds: [],
    ...(extension ? { purpose: 'other', settings: {} } : {}),
    processing: [
      ...new Set([
        ...own,
        ...answers.processing.filter(phase => !elsewhere.includes(phase)),
      ]),
    ],
    externalCalls:
      answers.externalCalls &&
      !others.some(({ implies, native }) => implies.calls || native?.hop),
  };
}

/** Whether Envoy Gateway covers a need: the feature, or why there is none. */
export type NativeVerdict =
  | { need: Need; native: Native; reasons?: undefined }
  | { need: Need; native?: undefined; reasons: string[] };

/**
 * For every need of the wish, whether Envoy Gateway itself covers it, in this release and for this target.
 *
 * @public
 */
export function nativeVerdicts(answers: Answers): NativeVerdict[] {
  return wishOf(answers).map((need): NativeVerdict => {
    const beyond = need.native?.unless?.(about(need, answers));
    const reasons = [...outOfReach(need, answers), ...(beyond ? [beyond] : [])];
    return reasons.length > 0
      ? { need, reasons }
      : { need, native: need.native! };
  });
}

/** A need that Envoy Gateway covers, and the feature. */
export interface Covered {
  need: Need;
  native: Native;
}

/**
 * How a wish is divided.
 *
 * @public
 */
export interface Division {
  /** What Envoy Gateway does itself. */
  native: Covered[];
  /** What the extension is for; nothing where there is none. */
  extension: Need[];
  /** What neither does: the extension begins from a purpose that it does not belong to. */
  left: Need[];
}

/**
 * Divides a wish between Envoy Gateway and an extension.
 *
 * @public
 * @param answers - valid answers
 * @param extension - whether there is an extension, or Envoy Gateway does all
 */
export function divide(answers: Answers, extension: boolean): Division {
  const verdicts = nativeVerdicts(answers);
  const covered = verdicts.filter(v => v.native) as Covered[];
  const uncovered = verdicts.filter(v => !v.native).map(v => v.need);
  if (!extension) {
    return { native: covered, extension: [], left: uncovered };
  }
  const ofPurpose = (list: Need[]) =>
    list.filter(({ purpose }) => purpose === answers.purpose);
  if (uncovered.length > 0) {
    const [first] = primaryFirst(uncovered, answers);
    const begun = ofPurpose(uncovered);
    const taken = begun.length ? begun : [first!];
    return {
      native: covered,
      extension: taken,
      left: uncovered.filter(need => !taken.includes(need)),
    };
  }
  // The person wants an extension for what Envoy Gateway could do: it takes what its purpose is for.
  const all = covered.map(({ need }) => need);
  const begun = ofPurpose(all);
  const taken = begun.length ? begun : all;
  return {
    native: covered.filter(({ need }) => !taken.includes(need)),
    extension: taken,
    left: [],
  };
}

/**
 * The needs of a wish with the one first that an extension begins with: what no feature covers, then what has a purpose of
 * its own, then the order of the table.
 */
export function primaryFirst(list: readonly Need[], answers: Wished): Need[] {
  const rank = (need: Need) =>
    (outOfReach(need, answers).length > 0 ? 0 : 2) +
    (need.purpose === 'other' ? 1 : 0);
  return [...list].sort((a, b) => rank(a) - rank(b));
}

/** What several needs imply together. */
export function impliedBy(list: readonly Need[]): Implications {
  const phases = [
    ...new Set(list.flatMap(({ implies }) => implies.phases ?? [])),
  ];
  return {
    ...Object.assign({}, ...list.map(({ implies }) => implies)),
    ...(phases.length ? { phases } : {}),
  };
}

/**
 * The objects for what Envoy Gateway does itself: each once, with the fields of every need.
 *
 * @public
 * @param answers - valid answers
 * @param covered - the needs, as {@link divide} returns them
 * @throws MergeConflict where settings of two needs contradict each other
 */
export function nativeObjects(
  answers: Answers,
  covered: readonly Covered[],
  target: NativeContext['target'],
): ObjectFile[] {
  const context = {
    name: answers.name,
    target,
    release: releaseOf(answers.gatewayVersion),
    labels: labelsFor(answers.name),
  };
  const pieces = covered.flatMap(({ need, native }) =>
    native.objects(
      { ...context, processing: about(need, answers).processing },
      native.settings?.parse(answers.needSettings[need.id] ?? {}) ?? {},
    ),
  );
  return objectFiles({ ...context, processing: [] }, pieces);
}

/** Ids of features of which a route can have only one. */
const oneUpstream = ['dynamic-upstream', 'external-upstream'];

/** Needs of which each excludes the other. */
export const exclusive = (list: readonly Need[]): Need[] => {
  const found = list.filter(({ id }) => oneUpstream.includes(id));
  return found.length > 1 ? found : [];
};

/** The need with the given id, where it has settings of its own. */
export const settingsOfNeed = (id: string) => needOf(id).native?.settings;
