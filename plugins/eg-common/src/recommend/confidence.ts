import { contradictionsOf } from './contradictions';
import { Facts } from './facts';
import { RankedImplementation, Recommendation } from './types';
import { capital, enumeration } from './words';

/** How sure the advice is, and why. */
export function confidenceOf(
  facts: Facts,
  ranking: RankedImplementation[],
): Recommendation['confidence'] {
  const [best, second] = ranking;
  const { need, answers, covered, left } = facts;
  if (contradictionsOf(facts).length > 0) {
    return {
      level: 'low',
      reason: 'Your answers contradict each other; the choice comes first.',
    };
  }
  if (best!.mechanism === 'native') {
    const features = covered.map(({ native }) => native);
    if (features.some(({ maturity }) => maturity === 'experimental')) {
      return {
        level: 'low',
        reason:
          'It uses what Envoy Gateway has no field of its own for; try it before you rely on it.',
      };
    }
    const addOn = features.find(feature => feature.addOn)?.addOn;
    if (addOn) {
      return {
        level: 'medium',
        reason: `It depends on whether ${addOn} is, or may be, installed.`,
      };
    }
    return features.some(({ hop }) => hop)
      ? {
          level: 'medium',
          reason:
            'The feature is there; how well it does depends on the service that it asks.',
        }
      : {
          level: 'high',
          reason:
            features.length > 1
              ? 'Documented features do this.'
              : 'A documented feature does this.',
        };
  }
  if (left.length > 0) {
    return {
      level: 'low',
      reason: `What is generated does not do all that you need: ${enumeration(
        left.map(({ label }) => `“${label}”`),
      )} is left.`,
    };
  }
  const unknown = [
    ...(need.id === 'unspecified' ? ['what you need'] : []),
    ...(answers.latency === 'unknown' ? ['the latency'] : []),
    ...(answers.environment === 'unknown' ? ['the environment'] : []),
  ];
  const notSaid = `You have not said ${enumeration(unknown)}.`;
  const lead = second ? best!.score - second.score : Infinity;
  if (second && lead < 1) {
    return {
      level: 'low',
      reason: `${capital(best!.title)} and ${
        second.title
      } are equally good by what you say.`,
    };
  }
  if (unknown.length > 2) {
    return { level: 'low', reason: notSaid };
  }
  if (unknown.length > 0) {
    return { level: 'medium', reason: notSaid };
  }
  if (!second) {
    return { level: 'high', reason: 'Everything else is ruled out.' };
  }
  return lead < 3
    ? {
        level: 'medium',
        reason: `${capital(second.title)} would do nearly as well.`,
      }
    : { level: 'high', reason: 'What else would do is far behind.' };
}
