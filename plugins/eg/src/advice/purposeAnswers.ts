import {
  beginning,
  needs,
  processingPhases,
  purposes,
} from 'backstage-plugin-eg-common';

/** The answers that the defaults of a purpose depend on; undefined where they are missing or not valid. */
export interface PurposeAnswers {
  /** The purpose that was chosen, or else the one that the need belongs to. */
  purpose: string | undefined;
  need: string;
  /** What the defaults follow from: they are others when this changes. */
  basis: string | undefined;
  /** The phases that are usually needed for that. */
  phases: string[] | undefined;
  processing: readonly (typeof processingPhases)[number][] | undefined;
}

const purposeBy = (id: unknown) => purposes.find(p => p.id === id);
const needBy = (id: unknown) =>
  needs.find(need => need.id === id && need.id !== 'unspecified');

/** Reads them from the form. */
export function purposeAnswers(formData: object): PurposeAnswers {
  const { purpose, need, processing } = formData as Record<string, unknown>;
  const known = needBy(need);
  const found = purposeBy(purpose) ?? purposeBy(known?.purpose);
  return {
    purpose: found?.id,
    basis: found && `${found.id} ${known?.id ?? ''}`,
    need: known?.id ?? 'unspecified',
    phases:
      found &&
      beginning(found, known?.id ?? 'unspecified', undefined).processing,
    processing: Array.isArray(processing)
      ? processingPhases.filter(phase => processing.includes(phase))
      : undefined,
  };
}

/** The phases that were chosen, or else those that are usually needed. */
const phasesOf = ({ phases, processing }: PurposeAnswers) =>
  processing?.length
    ? processing
    : processingPhases.filter(phase => phases?.includes(phase));

/** Example settings of the purpose, for the phases of these answers. */
export function exampleOf(answers: PurposeAnswers): object | undefined {
  return purposeBy(answers.purpose)?.example(phasesOf(answers));
}

/** What the settings are until the person says something: what the need brings along, or nothing. */
export function defaultsOf(answers: PurposeAnswers): object | undefined {
  const { purpose, need } = answers;
  const found = purposeBy(purpose);
  const given = phasesOf(answers);
  return found && beginning(found, need, given).settings;
}
