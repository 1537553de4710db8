import { purposes } from 'backstage-plugin-eg-common';
import { sent } from '../../advice';

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<any>((inner, key) => inner?.[key], value);
}

/**
 * Whether settings can be ones of a purpose, be they complete or not: they have no member, no shape and no kind of
 * operation that only another purpose has.
 */
export function fits(purpose: string | undefined, settings: unknown): boolean {
  if (typeof settings !== 'object' || settings === null) {
    return false;
  }
  const parsed = purposes
    .find(({ id }) => id === purpose)
    ?.settings.safeParse(sent(settings));
  return !parsed?.error?.issues.some(
    issue =>
      issue.code === 'unrecognized_keys' ||
      // A list in place of an object, or the other way round; what a person has not filled in yet is neither.
      (issue.code === 'invalid_type' &&
        at(settings, issue.path) instanceof Object) ||
      (issue.code === 'invalid_union' &&
        at(settings, issue.path) !== undefined),
  );
}
