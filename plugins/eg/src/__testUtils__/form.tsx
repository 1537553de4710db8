import {
  createExtensionTester,
  renderInTestApp,
} from '@backstage/frontend-test-utils';
import { FieldExtensionOptions } from '@backstage/plugin-scaffolder-react';
import {
  FormFieldBlueprint,
  Stepper,
} from '@backstage/plugin-scaffolder-react/alpha';
import { JsonValue } from '@backstage/types';
import { formSchema } from 'backstage-plugin-eg-common';
import {
  processingField,
  recommendationField,
  settingsField,
} from '../extensions';

/** The plugin's form fields, as the scaffolder gets them. */
export async function fieldExtensions(): Promise<
  FieldExtensionOptions<any, any>[]
> {
  const fields = await Promise.all(
    [recommendationField, settingsField, processingField].map(field =>
      createExtensionTester(field as typeof recommendationField).get(
        FormFieldBlueprint.dataRefs.formFieldLoader,
      )(),
    ),
  );
  return fields as unknown as FieldExtensionOptions<any, any>[];
}

/** The steps of the interview with only the given questions. */
export function stepsWith(...steps: string[][]) {
  const questions = formSchema({ customFields: true }).flatMap(
    ({ properties }) => Object.entries<object>(properties),
  );
  return steps.map((names, index) => ({
    title: `Step ${index + 1}`,
    schema: {
      properties: Object.fromEntries(
        questions.filter(([name]) => names.includes(name)),
      ),
    },
  }));
}

/**
 * Renders the scaffolder's own form.
 *
 * @param steps - see {@link stepsWith}
 * @param answers - what has been answered before
 * @returns what is called with all answers when the person creates, and where the form is
 */
export async function renderForm(
  steps: ReturnType<typeof stepsWith>,
  answers: Record<string, JsonValue>,
) {
  const onCreate = jest.fn(async (_values: Record<string, JsonValue>) => {});
  const rendered = renderInTestApp(
    <Stepper
      manifest={{ title: 'Envoy Gateway extension', steps }}
      extensions={await fieldExtensions()}
      initialState={answers}
      onCreate={onCreate}
    />,
  );
  await rendered.findByRole('button', { name: /Review|Next/ });
  return { onCreate, container: rendered.container };
}
