/* eslint-disable jest/no-export, jest/valid-title, jest/valid-describe-callback, jest/no-disabled-tests --
   this is no test but what tests are declared with */
import { sync } from 'execa';

/** Whether a program can be run. */
export function hasProgram(program: string): boolean {
  return (
    sync('sh', ['-c', 'command -v "$1"', 'sh', program], { reject: false })
      .exitCode === 0
  );
}

/** Every optional check has to run: CI sets it. */
export const requireAll = process.env.EG_REQUIRE_ALL === '1';

/**
 * `describe` where nothing is missing; else skipped, with what is missing in its name, or, where everything is required,
 * a failing test.
 */
export function describeUnless(
  missing: readonly string[],
  title: string,
  body: () => void,
): void {
  if (missing.length === 0) {
    describe(title, body);
  } else if (requireAll) {
    describe(title, () => {
      it('has what it needs', () => {
        expect(missing).toEqual([]);
      });
    });
  } else {
    describe.skip(`${title} (needs ${missing.join(', ')})`, body);
  }
}

/** {@link describeUnless} for programs. */
export function describeWith(
  programs: readonly string[],
  title: string,
  body: () => void,
): void {
  describeUnless(
    programs.filter(program => !hasProgram(program)),
    title,
    body,
  );
}
