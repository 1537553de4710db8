import {
  Answers,
  InvalidAnswersError,
  parseAnswers,
  plan,
  Problem,
  recommend,
  Recommendation,
} from 'backstage-plugin-eg-common';

/** What can be said about the answers so far. */
export type Advice =
  | {
      kind: 'problems';
      /** Questions that are not answered yet. */
      missing: Problem[];
      /** Answers that are not valid or contradict each other. */
      invalid: Problem[];
    }
  | {
      kind: 'advice';
      /** The answers with every default, and with the person's choice. */
      answers: Answers;
      /** What the answers lead to, whatever the person chose. */
      recommended: Recommendation;
      /** With the person's choice; undefined where what was chosen cannot do the job. */
      chosen?: Recommendation;
      /** Why the choice cannot be built. */
      refused: Problem[];
    };

function problemsIn(error: unknown): Problem[] {
  if (error instanceof InvalidAnswersError) {
    return error.problems;
  }
  throw error;
}

/**
 * The answers as they are sent: when another kind of operation is chosen, the form library sets the members of the one
 * before to undefined instead of removing them.
 */
export function sent<T>(formData: T): T {
  return JSON.parse(JSON.stringify(formData));
}

/** Everything that keeps the answers from being built, as the scaffolder's back end would find it. */
export function problemsOf(formData: object): Problem[] {
  try {
    plan(parseAnswers(sent(formData)));
    return [];
  } catch (error) {
    return problemsIn(error);
  }
}

/**
 * The advice for the form's answers, from the functions that `eg:recommend` uses.
 *
 * @param formData - the answers of all steps
 * @param implementation - the answer to the question that the field stands for
 */
export function advise(formData: object, implementation: string): Advice {
  const given = sent(formData);
  let answers: Answers;
  try {
    answers = parseAnswers({ ...given, implementation: 'recommended' });
  } catch (error) {
    const problems = problemsIn(error);
    return {
      kind: 'problems',
      missing: problems.filter(({ value }) => value === ''),
      invalid: problems.filter(({ value }) => value !== ''),
    };
  }
  const recommended = recommend(answers);
  try {
    const chosen = parseAnswers({ ...given, implementation });
    return {
      kind: 'advice',
      answers: chosen,
      recommended,
      chosen: recommend(chosen),
      refused: [],
    };
  } catch (error) {
    return {
      kind: 'advice',
      answers,
      recommended,
      refused: problemsIn(error),
    };
  }
}
