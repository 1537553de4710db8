import { ApiHolder, translationApiRef } from '@backstage/frontend-plugin-api';
import { Problem } from 'backstage-plugin-eg-common';
import { egTranslationRef, Translate } from '../translation';
import { questionOf } from './questions';

/** A problem in words that name the question and the step where it is asked. */
export function describeProblem(problem: Problem, t: Translate): string {
  const { title: question, step } = questionOf(problem);
  const remedy = problem.value
    ? t('advice.invalid', { value: problem.value, remedy: problem.remedy })
    : problem.remedy;
  return step
    ? t('advice.problem', { question, step, remedy })
    : t('advice.problemElsewhere', { question, remedy });
}

/** Problems in words, outside of React: in the validation of a form field. */
export function describeProblems(
  problems: Problem[],
  apiHolder: ApiHolder,
): string[] {
  const translation = apiHolder
    .get(translationApiRef)
    ?.getTranslation(egTranslationRef);
  return problems.map(problem =>
    translation?.ready
      ? describeProblem(problem, translation.t as Translate)
      : `${questionOf(problem).title}: ${problem.remedy}`,
  );
}
