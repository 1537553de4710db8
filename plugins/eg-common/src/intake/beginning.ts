import { needOf } from '../needs';
import { Purpose } from '../purposes';
import { ProcessingPhase } from './phases';

/**
 * What an extension begins with, where nothing was said about it: the phases and the settings of its purpose, or those
 * that the need brings along.
 *
 * @public
 * @param purpose - what it is for
 * @param need - id of what is needed
 * @param given - the phases that were chosen, if they were
 * @param name - the extension's name
 */
export function beginning(
  purpose: Purpose<any>,
  need: string,
  given: readonly ProcessingPhase[] | undefined,
  name: string,
): { processing: ProcessingPhase[]; settings: object } {
  const { implies, settings, purpose: usual } = needOf(need);
  const brought =
    settings && usual === purpose.id
      ? purpose.settings.parse(settings)
      : undefined;
  const neededPhases: ProcessingPhase[] | undefined =
    brought && purpose.phases(brought);
  const processing = [
    ...(given ??
      neededPhases ??
      ((purpose.openEnded && implies.phases) || purpose.defaultPhases)),
  ];
  return {
    processing,
    settings: neededPhases?.every(phase => processing.includes(phase))
      ? brought
      : purpose.defaults(processing, name),
  };
}
