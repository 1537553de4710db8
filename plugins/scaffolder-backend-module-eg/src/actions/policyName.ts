import { InputError } from '@backstage/errors';
import {
  describeProblem,
  judgedKinds,
  namespaceName,
  objectName,
  policyKind,
} from 'backstage-plugin-eg-common';

/**
 * The kind and name of a deployed object as an action is given them.
 *
 * @param policy - name, and kind and namespace where they are not EnvoyExtensionPolicy and default; forms give an empty
 *   text for what was left out
 * @throws InputError naming the field, where a name is none that Kubernetes takes or the kind has no status
 */
export function policyName(policy: {
  kind?: string;
  namespace?: string;
  name: string;
}): { kind: string; namespace: string; name: string } {
  const { kind, namespace, name } = {
    kind: policy.kind || policyKind,
    namespace: policy.namespace || 'default',
    name: policy.name,
  };
  if (!judgedKinds.includes(kind)) {
    throw new InputError(
      describeProblem({
        field: 'policy.kind',
        value: JSON.stringify(kind),
        remedy: `use a kind that has a status: ${judgedKinds.join(', ')}`,
      }),
    );
  }
  const check = (field: string, value: string, schema: typeof objectName) => {
    const parsed = schema.safeParse(value);
    if (!parsed.success) {
      throw new InputError(
        describeProblem({
          field,
          value: JSON.stringify(value),
          remedy: parsed.error.issues[0]!.message,
        }),
      );
    }
  };
  check('policy.namespace', namespace, namespaceName);
  check('policy.name', name, objectName);
  return { kind, namespace, name };
}
