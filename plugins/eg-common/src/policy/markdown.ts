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

/** What would be markup within a line, for CommonMark, GitHub and Python-Markdown, which TechDocs uses. */
const inlineMarkup = new RegExp(
  [
    /[<\\`*~|]/,
    /&(?=#?\w+;)/,
    // A link, or the definition of one.
    /\](?=[([:])/,
    /:(?=\/\/)/,
    /(?<=\bwww)\./,
    /(?<=\w)@(?=\w)/,
    // Within a word it is no emphasis.
    /(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/u,
    // Attributes of what stands before.
    /\{(?=\s*[:#.]|[^}]*=)/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'giu',
);

/** What would begin a heading, a list, a quotation, a rule, a definition or a note. */
const leadingMarkup = /^[#+=>:!-]|(?<=^\d+)[.)]/;

const entity = (character: string) => `&#${character.codePointAt(0)};`;

/**
 * A text as one line of Markdown that shows just this text: no HTML, no link, no emphasis, no list. What would be markup
 * becomes a character reference, which never is (CommonMark 0.31, section 2.5). Texts without markup stay as they are.
 *
 * @public
 * @param text - any text; line breaks become blanks
 */
export function markdownText(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .trim()
    .replace(inlineMarkup, entity)
    .replace(leadingMarkup, entity);
}

/**
 * A value with all its texts as {@link markdownText} writes them.
 *
 * @param value - data of JSON
 */
export function markdownTexts<T>(value: T): T {
  if (typeof value === 'string') {
    return markdownText(value) as T;
  }
  if (Array.isArray(value)) {
    return value.map(markdownTexts) as T;
  }
  return typeof value === 'object' && value !== null
    ? (Object.fromEntries(
        Object.entries(value).map(([key, inner]) => [
          key,
          markdownTexts(inner),
        ]),
      ) as T)
    : value;
}
