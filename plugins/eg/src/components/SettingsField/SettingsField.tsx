import { FieldExtensionComponentProps } from '@backstage/plugin-scaffolder-react';
import { extractSchemaFromStep } from '@backstage/plugin-scaffolder-react/alpha';
import { Button, Flex, Text } from '@backstage/ui';
import { deepEquals, ErrorSchema } from '@rjsf/utils';
import { settingsSchema } from 'backstage-plugin-eg-common';
import { useMemo } from 'react';
import { problemsOf } from '../../advice';
import {
  defaultsOf,
  exampleOf,
  purposeAnswers,
} from '../../advice/purposeAnswers';
import { useEgTranslation } from '../../hooks/useEgTranslation';
import { usePurposeDefault } from '../../hooks/usePurposeDefault';
import { fits } from './fits';

/** Problems at the inputs that they are about. */
function errorsAt(formData: object): ErrorSchema {
  const errors: any = {};
  for (const { field, remedy } of problemsOf(formData)) {
    const [name, ...path] = field.split(/[.[\]]+/).filter(Boolean);
    if (name === 'settings' && path.length > 0) {
      const input = path.reduce((node, key) => (node[key] ??= {}), errors);
      (input.__errors ??= []).push(remedy);
    }
  }
  return errors;
}

/**
 * The form field for the question `settings`: the form of the chosen purpose's settings, made by the form library from
 * the purpose's schema.
 */
export function SettingsField(props: FieldExtensionComponentProps<object>) {
  const { formContext, formData, onChange, registry, rawErrors, uiSchema } =
    props;
  const { t } = useEgTranslation();
  const given: object = formContext?.formData ?? {};
  const answers = purposeAnswers(given);
  const defaults = defaultsOf(answers);
  const example = exampleOf(answers);
  const settings = usePurposeDefault<object>({
    purpose: answers.basis,
    value: formData,
    defaults,
    fits: value => fits(answers.purpose, value),
    onChange,
  });
  const form = useMemo(
    () =>
      answers.purpose
        ? extractSchemaFromStep(settingsSchema(answers.purpose))
        : undefined,
    [answers.purpose],
  );
  const { SchemaField } = registry.fields;
  if (!form || !SchemaField) {
    return <Text as="p">{t('settings.noPurpose')}</Text>;
  }
  const { 'ui:field': _, ...inner } = uiSchema;
  return (
    <Flex direction="column" gap="2">
      {/* The key: what the form library remembers of one purpose's operations is of no use for the next. */}
      <SchemaField
        {...props}
        key={answers.purpose}
        schema={form.schema}
        uiSchema={{ ...inner, ...form.uiSchema }}
        formData={settings}
        // Where an error belongs is shown once the person has tried to go on.
        errorSchema={rawErrors?.length ? errorsAt({ ...given, settings }) : {}}
        rawErrors={[]}
      />
      <Flex justify="end">
        {example && deepEquals(settings, defaults) && (
          <Button variant="tertiary" onPress={() => onChange(example)}>
            {t('settings.example')}
          </Button>
        )}
        {defaults && !deepEquals(settings, defaults) && (
          <Button variant="tertiary" onPress={() => onChange(defaults)}>
            {t('settings.reset')}
          </Button>
        )}
      </Flex>
    </Flex>
  );
}
