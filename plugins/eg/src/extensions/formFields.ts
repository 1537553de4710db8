import { makeFieldSchema } from '@backstage/plugin-scaffolder-react';
import {
  createFormField,
  FormFieldBlueprint,
} from '@backstage/plugin-scaffolder-react/alpha';
import { customFields, Problem } from 'backstage-plugin-eg-common';
import { describeProblems, problemsOf } from '../advice';

/** Problems with one question and its parts. */
function about(question: string, problems: Problem[]): Problem[] {
  return problems.filter(({ field }) => field.split(/[.[]/)[0] === question);
}

/** Shows the advice for all answers, and stops answers that cannot be built. */
export const recommendationField = FormFieldBlueprint.make({
  name: 'recommendation',
  params: {
    field: async () => {
      const { RecommendationField } = await import(
        '../components/RecommendationField'
      );
      return createFormField({
        name: customFields.implementation,
        component: RecommendationField,
        schema: makeFieldSchema({
          output: z =>
            z.string().describe('recommended, or the id of an implementation'),
        }),
        validation: (implementation, validation, { formData, apiHolder }) => {
          const problems = problemsOf({ ...formData, implementation });
          for (const message of describeProblems(problems, apiHolder)) {
            validation.addError(message);
          }
        },
      });
    },
  },
});

/** Asks for the settings of the chosen purpose. */
export const settingsField = FormFieldBlueprint.make({
  name: 'settings',
  params: {
    field: async () => {
      const { SettingsField } = await import('../components/SettingsField');
      return createFormField({
        name: customFields.settings,
        component: SettingsField,
        schema: makeFieldSchema({
          output: z =>
            z.record(z.any()).describe('the settings of the chosen purpose'),
        }),
        validation: (settings, validation, { formData, apiHolder }) => {
          const problems = problemsOf({ ...formData, settings });
          const messages = describeProblems(
            about('settings', problems),
            apiHolder,
          );
          for (const message of messages) {
            validation.addError(message);
          }
        },
      });
    },
  },
});

/** Asks for the phases, beginning with those that the chosen purpose needs. */
export const processingField = FormFieldBlueprint.make({
  name: 'processing',
  params: {
    field: async () => {
      const { ProcessingField } = await import('../components/ProcessingField');
      return createFormField({
        name: customFields.processing,
        component: ProcessingField,
        schema: makeFieldSchema({
          output: z => z.array(z.string()).describe('the phases'),
        }),
        validation: (processing, validation, { formData, apiHolder }) => {
          const problems = problemsOf({ ...formData, processing });
          const messages = describeProblems(
            about('processing', problems),
            apiHolder,
          );
          for (const message of messages) {
            validation.addError(message);
          }
        },
      });
    },
  },
});
