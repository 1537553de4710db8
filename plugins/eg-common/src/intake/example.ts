import { purposeOf } from '../purposes';
import { ProcessingPhase } from './phases';

/**
 * Adds the example settings of their purpose to answers without settings, as far as the processed phases allow.
 *
 * @public
 */
export function withExample<
  Given extends { purpose: string; processing?: readonly ProcessingPhase[] },
>(answers: Given): Given & { settings: object } {
  const purpose = purposeOf(answers.purpose);
  return {
    settings: purpose.example(answers.processing ?? purpose.defaultPhases),
    ...answers,
  };
}
