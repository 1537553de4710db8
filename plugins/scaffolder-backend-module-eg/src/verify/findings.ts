import { Outcome } from './types';

/**
 * One thing that a check found out: it holds, it does not, it could not be looked at, or it is good to know.
 */
export interface Finding {
  result: 'problem' | 'unknown' | 'note' | 'holds';
  text: string;
}

export const problem = (text: string): Finding => ({ result: 'problem', text });
export const unknown = (text: string): Finding => ({ result: 'unknown', text });
export const note = (text: string): Finding => ({ result: 'note', text });
export const holds = (text: string): Finding => ({ result: 'holds', text });

const prefixes: Record<Finding['result'], string> = {
  problem: '',
  unknown: 'not checked: ',
  note: 'note: ',
  holds: 'ok: ',
};

/**
 * Findings as the outcome of a check, the gravest first. It has passed only where everything could be looked at.
 *
 * @param findings - what was found
 * @param where - what was asked
 */
export function outcomeOf(
  findings: readonly Finding[],
  where: string,
): Outcome {
  const of = (result: Finding['result']) =>
    findings.filter(f => f.result === result);
  const lines = (Object.keys(prefixes) as Finding['result'][]).flatMap(result =>
    of(result).map(({ text }) => `${prefixes[result]}${text}`),
  );
  if (of('problem').length > 0) {
    return { status: 'failed', details: lines };
  }
  const open = of('unknown').length;
  return {
    status: open ? 'skipped' : 'passed',
    details: [
      open
        ? `in ${where}; ${open} of ${findings.length} could not be checked`
        : `in ${where}`,
      ...lines,
    ],
  };
}
