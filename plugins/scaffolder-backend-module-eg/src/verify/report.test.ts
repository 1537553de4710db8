import { reportMarkdown, reportSummary } from './report';
import { Check } from './types';

const check = (status: Check['status'], rest: Partial<Check> = {}): Check => ({
  id: 'x',
  title: 'A title',
  status,
  details: ['why'],
  ...rest,
});
const report = (...checks: Check[]) => ({ checks, passed: true });

describe('the summary of a report', () => {
  it.each([
    [['passed'], '1 of 1 check passed'],
    [['passed', 'passed'], '2 of 2 checks passed'],
    [
      ['passed', 'skipped', 'failed', 'skipped'],
      '1 of 4 checks passed, 1 failed, 2 skipped',
    ],
    [['skipped'], '0 of 1 check passed, 1 skipped'],
  ] as const)('of %j is: %s', (statuses, summary) => {
    expect(reportSummary(report(...statuses.map(s => check(s))))).toBe(summary);
  });
});

it('a report begins with the summary and ends with what would make the rest run', () => {
  expect(
    reportMarkdown(
      report(
        check('passed'),
        check('skipped', { title: 'Another', remedy: 'Do this.' }),
        check('skipped', { title: 'A third' }),
      ),
    ),
  ).toBe(`# Verification

**1 of 3 checks passed, 2 skipped**

- **passed**: A title (why)
- **skipped**: Another (why)
- **skipped**: A third (why)

What would make the skipped checks run:

- Another: Do this.
`);
});
