import { dynamicModule, implementationOf } from '../implementations';
import { markdownTexts } from '../policy/markdown';
import {
  RankedImplementation,
  Recommendation,
  RejectedImplementation,
} from './types';
import { capital, enumeration } from './words';

/** How many reasons a person reads. */
const mostReasons = 3;

function list(lines: string[]): string {
  return lines.map(line => `- ${line}`).join('\n');
}

function section(title: string, body: string): string {
  return body && `## ${title}\n\n${body}`;
}

const inFavour = ({ reasons }: RankedImplementation) =>
  reasons.filter(r => r.points > 0).map(r => r.text);
const against = ({ reasons }: RankedImplementation) =>
  reasons.filter(r => r.points < 0).map(r => r.text);

/** One that is possible as well, or better but for what can be generated, in one line. */
function alternative(ranked: RankedImplementation, best: boolean): string {
  const text = [...against(ranked), ...inFavour(ranked).slice(0, 1)].join(' ');
  const hint = ranked.generated
    ? ''
    : ' It is not generated here; Envoy Gateway’s documentation shows how.';
  return best
    ? `**${capital(ranked.title)}** fits best, at a price. ${against(
        ranked,
      ).join(' ')}${hint}`
    : `**${capital(ranked.title)}** is possible. ${
        text || 'None of your answers asks for it.'
      }${hint}`;
}

/** What cannot do it, or may not, with those that fail for the same reasons in one line. */
function refused(rejected: RejectedImplementation[]): string[] {
  const byReasons = new Map<string, string[]>();
  for (const { title, reasons } of rejected.filter(r => !r.unknown)) {
    const key = reasons.join(' ');
    byReasons.set(key, [...(byReasons.get(key) ?? []), title]);
  }
  return [
    ...rejected
      .filter(r => r.unknown)
      .map(
        ({ title, reasons }) =>
          `Whether **${title}** would do is not known yet. ${reasons.join(
            ' ',
          )}`,
      ),
    ...[...byReasons].map(([reasons, titles]) => {
      const names = titles.map(
        (title, i) => `**${i === 0 ? capital(title) : title}**`,
      );
      return `${enumeration(names)} ${
        titles.length === 1 ? 'is' : 'are'
      } not possible. ${reasons}`;
    }),
  ];
}

/** Beside what Envoy Gateway does itself, one extension is enough to weigh against it. */
function insteadOfNative(ranking: RankedImplementation[]): string[] {
  const best = ranking.find(r => r.generated);
  return best
    ? [
        `**An extension**, ${best.title} first, could do it too. It would cost code, tests, releases and one more thing that can fail in the path of every request.`,
      ]
    : [];
}

const titlesOf = (native: Recommendation['native']) =>
  [...new Set(native.map(({ title }) => title))].join('; ');

/** What was decided, in a sentence or two: also where the person, or what can be generated, differs from the advice. */
function lead(recommendation: Recommendation, chosen: RankedImplementation) {
  const { advised, advisedTitle, decision, native, recommended } =
    recommendation;
  const title = (id: string) =>
    recommendation.ranking.find(r => r.implementation === id)?.title ??
    implementationOf(id).title;
  if (decision !== recommended) {
    const costs =
      recommended === 'native'
        ? ' It costs code, its tests and upgrades, and a piece that can fail in the path of every request.'
        : '';
    return `The advice was ${title(recommended)}; you chose otherwise.${costs}`;
  }
  if (decision === 'native') {
    const addOns = [...new Set(native.flatMap(({ addOn }) => addOn ?? []))];
    return `You need no extension. Use ${titlesOf(native)}${
      addOns.length ? `, with ${enumeration(addOns)}` : ''
    }.`;
  }
  return advised === dynamicModule.mechanism
    ? `${capital(advisedTitle)} fits best. ${
        inFavour(recommendation.ranking[0]!)[0]
      } There is no skeleton for it here: what is generated is the next best, ${
        chosen.title
      }.`
    : besideNative(recommendation, `Build it as ${chosen.title}.`);
}

/** The lead of an extension, with what Envoy Gateway does beside it. */
function besideNative({ native, ranking }: Recommendation, text: string) {
  return native.length === 0 || ranking.some(r => r.mechanism === 'native')
    ? text
    : `${text} Beside it, use what Envoy Gateway does itself: ${titlesOf(
        native,
      )}.`;
}

/**
 * What is decided, in a sentence or two.
 *
 * @public
 */
export function adviceLead(recommendation: Recommendation): string {
  return lead(
    recommendation,
    recommendation.ranking.find(
      r => r.implementation === recommendation.decision,
    )!,
  );
}

/** The parts of the advice below its title. */
function parts(recommendation: Recommendation): string[] {
  const { decision, ranking, rejected, warnings, native, confidence } =
    recommendation;
  const chosen = ranking.find(r => r.implementation === decision)!;
  const limits =
    decision === 'native'
      ? [...new Set(native.flatMap(feature => feature.limits))]
      : recommendation.left.map(({ text }) => text);
  return [
    lead(recommendation, chosen),
    list(inFavour(chosen).slice(0, mostReasons)),
    section('Before anything else', list(recommendation.contradictions)),
    section('What speaks against it', list([...against(chosen), ...limits])),
    section(
      'What stays with Envoy Gateway',
      list(
        recommendation.hybrid.map(
          ({ text, feature }) => `${text} (${feature})`,
        ),
      ),
    ),
    section(
      'What else was considered',
      list([
        ...(decision === 'native'
          ? insteadOfNative(ranking.filter(r => r !== chosen))
          : ranking
              .filter(r => r !== chosen)
              .map(r => alternative(r, r === ranking[0] && !r.generated))),
        ...refused(rejected),
      ]),
    ),
    section('What to watch', list(warnings.map(w => w.text))),
    section(
      'How sure this is',
      [
        `${capital(confidence.level)} confidence. ${confidence.reason}`,
        list(recommendation.questions.map(q => q.text)),
      ]
        .filter(part => part !== '')
        .join('\n\n'),
    ),
  ].filter(part => part !== '');
}

function titleOf({ decision, ranking }: Recommendation): string {
  return ranking.find(r => r.implementation === decision)!.title;
}

/**
 * The advice as Markdown: a senior engineer's reply, the decision first.
 *
 * @public
 */
export function adviceMarkdown(given: Recommendation): string {
  const recommendation = markdownTexts(given);
  return `${[`# ${titleOf(recommendation)}`, ...parts(recommendation)].join(
    '\n\n',
  )}\n`;
}

/**
 * The advice as the repository's record of the decision, docs/decision.md: what was asked, then the same advice.
 *
 * @public
 */
export function decisionRecord(given: Recommendation): string {
  // Plans are files, which anybody can have written.
  const recommendation = markdownTexts(given);
  const context = recommendation.asked
    .map(({ question, answer }) => `| ${question} | ${answer} |`)
    .join('\n');
  return `${[
    `# Decision: ${titleOf(recommendation)}`,
    'Status: accepted when this repository was generated. Revisit it when an answer below changes, or with the next release of Envoy Gateway.',
    section('What was asked', `| Question | Answer |\n|---|---|\n${context}`),
    section('Decision', parts(recommendation).join('\n\n')),
  ].join('\n\n')}\n`;
}
