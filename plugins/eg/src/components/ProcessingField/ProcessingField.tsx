import { FieldExtensionComponentProps } from '@backstage/plugin-scaffolder-react';
import { purposeAnswers } from '../../advice/purposeAnswers';
import { usePurposeDefault } from '../../hooks/usePurposeDefault';

/**
 * The form field for the question `processing`: the stock field, with the phases that the chosen purpose usually needs
 * as its default, which stock fields cannot change once it is there.
 */
export function ProcessingField(props: FieldExtensionComponentProps<string[]>) {
  const { formContext, formData, onChange, registry, uiSchema } = props;
  const { basis, phases: defaults } = purposeAnswers(
    formContext?.formData ?? {},
  );
  const phases = usePurposeDefault<string[]>({
    purpose: basis,
    value: formData,
    defaults,
    // The form library makes an empty list of a question that has not been answered.
    fits: value => value.length > 0,
    onChange,
  });
  const { SchemaField } = registry.fields;
  const { 'ui:field': _, ...inner } = uiSchema;
  return SchemaField ? (
    <SchemaField
      {...props}
      uiSchema={inner}
      formData={phases}
      errorSchema={undefined}
      rawErrors={[]}
    />
  ) : null;
}
