import { implementationOf } from '../implementations';
import { RankedImplementation, Recommendation } from './types';

function list(lines: string[]): string {
  return lines.map(line => `- ${line}`).join('\n');
}

function section(title: string, body: string): string {
  return body && `## ${title}\n\n${body}`;
}

/** The alternatives in one line each: what speaks for and against them. */
function alternative({ title, reasons }: RankedImplementation): string {
  const best = reasons.filter(r => r.points > 0).map(r => r.text);
  const worst = reasons.filter(r => r.points < 0).map(r => r.text);
  const text = [...worst, ...best].join(' ');
  return `**${title}** would do.${text && ` ${text}`}`;
}

/**
 * The advice as Markdown, for the task's output and the repository's docs/decision.md.
 *
 * @public
 */
export function adviceMarkdown(recommendation: Recommendation): string {
  const { decision, recommended, ranking, rejected, warnings } = recommendation;
  const chosen = ranking.find(r => r.implementation === decision)!;
  const own =
    decision === recommended
      ? ''
      : `The advice was ${
          implementationOf(recommended).title
        }; you chose otherwise.\n\n`;
  const against = chosen.reasons.filter(r => r.points < 0).map(r => r.text);
  return `${[
    `# ${chosen.title}`,
    own + list(chosen.reasons.filter(r => r.points > 0).map(r => r.text)),
    section('What speaks against it', list(against)),
    section(
      'What else was considered',
      list([
        ...ranking.filter(r => r !== chosen).map(alternative),
        ...rejected.map(
          ({ title, reasons }) =>
            `**${title}** would not do. ${reasons.join(' ')}`,
        ),
      ]),
    ),
    section('What to watch', list(warnings.map(w => w.text))),
  ]
    .filter(part => part !== '')
    .join('\n\n')}\n`;
}
