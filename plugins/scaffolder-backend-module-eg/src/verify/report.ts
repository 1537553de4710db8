import { markdownText } from 'backstage-plugin-eg-common';
import { CheckStatus, Report } from './types';

/**
 * How many checks passed, failed and did not run, in one line: `4 of 8 checks passed, 4 skipped`.
 *
 * @public
 */
export function reportSummary({ checks }: Report): string {
  const count = (status: CheckStatus) =>
    checks.filter(check => check.status === status).length;
  return [
    `${count('passed')} of ${checks.length} check${
      checks.length === 1 ? '' : 's'
    } passed`,
    ...(['failed', 'skipped'] as const)
      .filter(status => count(status) > 0)
      .map(status => `${count(status)} ${status}`),
  ].join(', ');
}

/**
 * A report as Markdown: the summary, what was found, and what would make the rest run.
 *
 * @public
 */
export function reportMarkdown(found: Report): string {
  // What checks found quotes files and answers of programs.
  const report = {
    ...found,
    checks: found.checks.map(check => ({
      ...check,
      title: markdownText(check.title),
      details: check.details.map(markdownText),
      ...(check.remedy ? { remedy: markdownText(check.remedy) } : {}),
    })),
  };
  const lines = report.checks.map(({ title, status, details }) => {
    const [first = '', ...more] = details;
    return [
      `- **${status}**: ${title}${first && ` (${first})`}`,
      ...more.map(line => `  - ${line}`),
    ].join('\n');
  });
  const remedies = skippedRemedies(report);
  return [
    `# Verification\n\n**${reportSummary(report)}**`,
    lines.join('\n'),
    ...(remedies.length
      ? [
          `What would make the skipped checks run:\n\n${remedies
            .map(line => `- ${line}`)
            .join('\n')}`,
        ]
      : []),
    '',
  ]
    .join('\n\n')
    .replace(/\n+$/, '\n');
}

/** What would make each skipped check run, where something would. */
export function skippedRemedies({ checks }: Report): string[] {
  return checks
    .filter(({ status, remedy }) => status === 'skipped' && remedy)
    .map(({ title, remedy }) => `${title}: ${remedy}`);
}
