import { deepEquals } from '@rjsf/utils';
import { useEffect, useRef } from 'react';

/** An answer whose default depends on other answers. */
export interface PurposeDefault<T> {
  /** The purpose; undefined as long as none is chosen. */
  purpose: string | undefined;
  /** The answer as the form has it. */
  value: T | undefined;
  /** The default for the other answers as they are. */
  defaults: T | undefined;
  /** Whether an answer that was there before can be one for this purpose. */
  fits(value: T): boolean;
  onChange(value: T): void;
}

/**
 * Keeps an answer in step with the answers that its default depends on: it becomes the default when the purpose changes,
 * and follows the default as long as the person has not changed it.
 *
 * @returns the answer to show
 */
export function usePurposeDefault<T>({
  purpose,
  value,
  defaults,
  fits,
  onChange,
}: PurposeDefault<T>): T | undefined {
  const settled = useRef<{ purpose: string; defaults: T }>();
  const before = settled.current;
  const untouched = before
    ? deepEquals(value, before.defaults)
    : value !== undefined && !fits(value);
  const stale =
    purpose !== undefined &&
    defaults !== undefined &&
    !deepEquals(value, defaults) &&
    (value === undefined ||
      untouched ||
      (before !== undefined && before.purpose !== purpose));

  useEffect(() => {
    if (purpose === undefined || defaults === undefined) {
      return;
    }
    if (stale) {
      // Again after the next rendering, should the form have lost it: when two fields change their answers at the same
      // time, rjsf keeps only the later change.
      onChange(defaults);
    } else {
      settled.current = { purpose, defaults };
    }
  });
  return stale ? defaults : value;
}
