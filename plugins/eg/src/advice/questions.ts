import { formSchema, Problem } from 'backstage-plugin-eg-common';

/** Where a question is asked and what it is called there. */
export interface Question {
  title: string;
  /** The form step, where the question is in one. */
  step?: string;
}

/** The questions by name, with their parts: `target` and `target.name`. */
const questions: Map<string, Question> = new Map(
  formSchema({ customFields: true }).flatMap(step =>
    Object.entries<any>(step.properties).flatMap(([name, schema]) => [
      [name, { title: schema.title, step: step.title }] as const,
      ...Object.entries<any>(schema.properties ?? {}).map(
        ([part, { title }]) =>
          [
            `${name}.${part}`,
            { title: `${schema.title}, ${title}`, step: step.title },
          ] as const,
      ),
    ]),
  ),
);

/** The question that a problem is about; deeper parts are named by their path. */
export function questionOf({ field }: Pick<Problem, 'field'>): Question {
  const known = questions.get(field);
  if (known) {
    return known;
  }
  const [name = '', ...rest] = field.split(/(?=[.[])/);
  const question = questions.get(name);
  return question
    ? {
        ...question,
        title: `${question.title}, ${rest.join('').replace(/^\./, '')}`,
      }
    : { title: field };
}
