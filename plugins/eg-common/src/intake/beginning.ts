import { impliedBy, needOf } from '../needs';
import { Purpose } from '../purposes';
import { ProcessingPhase } from './phases';

/**
 * The phases and settings of an extension before a person says anything about them: those that the need brings along, or
 * else the usual phases of the purpose and settings that do nothing.
 *
 * @public
 * @param purpose - what it is for
 * @param need - id of what is needed
 * @param given - the phases that were chosen, if they were
 * @param further - ids of further needs that are part of the wish
 */
export function beginning(
  purpose: Purpose<any>,
  need: string,
  given: readonly ProcessingPhase[] | undefined,
  further: readonly string[] = [],
): { processing: ProcessingPhase[]; settings: object } {
  const { settings, purpose: usual } = needOf(need);
  const implied = impliedBy([need, ...further].map(needOf)).phases;
  const brought =
    settings && usual === purpose.id
      ? purpose.settings.parse(settings)
      : undefined;
  const neededPhases: ProcessingPhase[] | undefined =
    brought && purpose.phases(brought);
  const processing = [
    ...(given ??
      neededPhases ??
      ((purpose.openEnded && implied) || purpose.defaultPhases)),
  ];
  return {
    processing,
    settings: neededPhases?.every(phase => processing.includes(phase))
      ? brought
      : purpose.settings.parse({}),
  };
}
