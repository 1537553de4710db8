import {
  dynamicModule,
  implementationOf,
  implementations,
  native,
} from '../implementations';
import { Answers } from '../intake';
import { constraints, nativeFeature } from './constraints';
import { Candidate, Facts, factsOf } from './facts';
import { preferences } from './preferences';
import { featureTitles } from './words';
import { RankedImplementation, RejectedImplementation } from './types';

/** Everything that is ranked or rejected; in this order where points are equal. */
const candidates = [native, ...implementations, dynamicModule];

/** What can do the job, best first, and what cannot. */
export interface Judgement {
  facts: Facts;
  ranking: RankedImplementation[];
  rejected: RejectedImplementation[];
}

function titleOf({ wish }: Facts, id: string): string {
  const implementation = implementationOf(id);
  const titles = implementation === native ? featureTitles(wish) : [];
  return titles.length > 0
    ? `${native.title}: ${titles.join('; ')}`
    : implementation.title;
}

/** Judges answers: first what cannot work, then points for what can. */
export function judge(answers: Answers): Judgement {
  const facts = factsOf(answers);
  const judged = candidates.map(implementation => {
    const candidate: Candidate = { ...facts, implementation };
    return {
      candidate,
      about: {
        implementation: implementation.id,
        mechanism: implementation.mechanism,
        title: titleOf(facts, implementation.id),
      },
      violated: constraints.flatMap(({ id, violated }) => {
        const reasons = violated(candidate) ?? [];
        return [reasons].flat().map(text => ({ id, text }));
      }),
    };
  });
  const ranking = judged
    .filter(({ violated }) => violated.length === 0)
    .map(({ about, candidate }): RankedImplementation => {
      const reasons = preferences
        .map(p => ({ preference: p, points: p.points(candidate) }))
        .filter(({ points }) => points !== 0)
        .sort((a, b) => b.points - a.points)
        .map(({ preference, points }) => ({
          points,
          text: preference.reason(candidate),
        }));
      return {
        ...about,
        score: reasons.reduce((sum, { points }) => sum + points, 0),
        reasons,
        generated: candidate.implementation.generated,
      };
    })
    // A stable sort: the order of the candidates decides between equals.
    .sort((a, b) => b.score - a.score);
  const rejected = judged
    .filter(({ violated }) => violated.length > 0)
    .map(({ about, violated }) => ({
      ...about,
      reasons: violated.map(({ text }) => text),
      unknown:
        facts.coverUnknown && violated.every(({ id }) => id === nativeFeature),
    }));
  return { facts, ranking, rejected };
}

/** The best of a ranking for which there is something to generate. Validation holds that there is one. */
export function bestOf(ranking: RankedImplementation[]): RankedImplementation {
  return ranking.find(r => r.generated)!;
}
