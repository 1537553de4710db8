import type { Answers } from '../intake';
import { isBefore } from '../releases';
import { needOf } from './needs';
import { Native } from './types';

/** Whether Envoy Gateway covers what is needed: the feature, or why there is none. */
export type NativeVerdict =
  | { native: Native; reasons?: undefined }
  | { native?: undefined; reasons: string[] };

/**
 * Whether Envoy Gateway itself covers the need, in this release and for this target.
 *
 * @public
 */
export function nativeVerdict(answers: Answers): NativeVerdict {
  const need = needOf(answers.need);
  const { native } = need;
  if (!native) {
    return {
      reasons: [
        need.noNative ??
          (need.id === 'unspecified'
            ? 'You have not said what exactly you need, so it cannot be looked up.'
            : 'No feature of Envoy Gateway covers it.'),
      ],
    };
  }
  const { kind } = answers.target;
  const beyond = native.unless?.(answers);
  const reasons = [
    ...(isBefore(answers.gatewayVersion, native.since)
      ? [
          `${native.title} exists since Envoy Gateway ${native.since}; you run ${answers.gatewayVersion}.`,
        ]
      : []),
    ...(native.targets.includes(kind)
      ? []
      : [`${native.title} cannot be attached to a ${kind}.`]),
    ...(beyond ? [beyond] : []),
  ];
  return reasons.length > 0 ? { reasons } : { native };
}
