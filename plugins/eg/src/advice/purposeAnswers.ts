import { processingPhases, purposes } from 'backstage-plugin-eg-common';

/** The answers that the defaults of a purpose depend on; undefined where they are missing or not valid. */
export interface PurposeAnswers {
  purpose: string | undefined;
  processing: readonly (typeof processingPhases)[number][] | undefined;
  name: string | undefined;
}

const purposeBy = (id: string | undefined) => purposes.find(p => p.id === id);

/** The phases that a purpose usually needs. */
export function phasesOf(purpose: string | undefined): string[] | undefined {
  const found = purposeBy(purpose);
  return found && [...found.defaultPhases];
}

/** Reads them from the form. */
export function purposeAnswers(formData: object): PurposeAnswers {
  const { purpose, processing, name } = formData as Record<string, unknown>;
  return {
    purpose: purposeBy(purpose as string)?.id,
    processing: Array.isArray(processing)
      ? processingPhases.filter(phase => processing.includes(phase))
      : undefined,
    name: typeof name === 'string' && name !== '' ? name : undefined,
  };
}

/** Settings that work for these answers. */
export function defaultsOf({
  purpose,
  processing,
  name,
}: PurposeAnswers): object | undefined {
  const found = purposeBy(purpose);
  const phases = processing?.length ? processing : found?.defaultPhases;
  return found && phases
    ? (found.defaults(phases, name ?? 'my-extension') as object)
    : undefined;
}
