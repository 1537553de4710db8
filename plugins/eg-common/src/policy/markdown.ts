/**
 * A text as a code span of Markdown, in which nothing is markup: no HTML, no link, no emphasis (CommonMark 0.31, section
 * 6.1). Its fence is longer than any run of backticks in the text. For lines and cells of tables, not for text with line
 * breaks.
 *
 * @param text - one line
 */
export function codeSpan(text: string): string {
  const runs = [...text.matchAll(/`+/g)].map(([run]) => run.length);
  const fence = '`'.repeat(Math.max(0, ...runs) + 1);
  // A blank on both sides is taken away again; it keeps backticks at the ends apart from the fence.
  const inner = /^`|`$|^ .* $/.test(text) ? ` ${text} ` : text;
  return `${fence}${inner}${fence}`;
}
