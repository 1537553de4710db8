import { InputError } from '@backstage/errors';
import {
  describeProblem,
  namespaceName,
  objectName,
} from 'backstage-plugin-eg-common';

/**
 * The name of a policy as an action is given it.
 *
 * @param policy - name, and namespace where it is not default; forms give an empty text for what was left out
 * @throws InputError naming the field, where a name is none that Kubernetes takes
 */
export function policyName(policy: { namespace?: string; name: string }): {
  namespace: string;
  name: string;
} {
  const { namespace, name } = {
    namespace: policy.namespace || 'default',
    name: policy.name,
  };
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
  return { namespace, name };
}
