import MarkdownIt from 'markdown-it';
import { codeSpan, markdownText } from './markdown';

// The judge: a parser that takes everything for markup that it can.
const markdown = new MarkdownIt({ html: true, linkify: true });

describe('codeSpan', () => {
  it.each([
    'idp',
    '`',
    '``',
    '` `` ```',
    ' a ',
    '`a',
    'a`',
    '<script>alert(1)</script>',
    '[a](https://evil.example)',
    'https://evil.example',
    '**a** _b_ ~~c~~',
    '${{ secrets.A }} {% raw %}',
    '\\',
    '&lt;',
  ])('is one code span with just the text: %j', text => {
    const [, inline] = markdown.parse(`before ${codeSpan(text)} after`, {});
    expect(
      inline!.children!.map(({ type, content }) => [type, content]),
    ).toEqual([
      ['text', 'before '],
      ['code_inline', text],
      ['text', ' after'],
    ]);
  });
});

describe('markdownText', () => {
  const places: [string, (text: string) => string][] = [
    ['a paragraph', text => text],
    ['an item of a list', text => `- ${text}`],
    ['a cell of a table', text => `| a | b |\n|---|---|\n| ${text} | b |`],
    ['a heading', text => `# ${text}`],
    ['bold', text => `**${text}** would do`],
    ['brackets', text => `(${text})`],
  ];
  const texts = [
    'a plain text, with 1.9 and spec.rules[].filters[URLRewrite] (x_y)',
    '<script>alert(1)</script>',
    '<!-- a -->',
    '[b](https://evil.example)',
    '[b][c]',
    '[c]: https://evil.example',
    '![b](x)',
    'https://evil.example',
    'ftp://evil.example',
    'www.evil.example',
    'WWW.evil.example',
    'a@evil.example',
    '<https://evil.example>',
    '**a** _b_ __c__ ~~d~~ `e` ``` f',
    '\\*a\\*',
    '&lt;script&gt; &#60; &copy;',
    '# a',
    '- a',
    '+ a',
    '1. a',
    '12) a',
    '> a',
    '---',
    '===',
    '    a',
    '| a | b |',
    '{{ a }} {% b %} ${{ c }}',
    '*',
    '_',
    '`',
    '\\',
    '~~~ js',
  ];
  it.each(
    places.flatMap(([name, place]) =>
      texts.map((text): [string, string, (text: string) => string] => [
        name,
        text,
        place,
      ]),
    ),
  )('is just the text, as %s: %s', (_, text, place) => {
    const tokens = markdown.parse(place(markdownText(text)), {});
    const plainly = markdown.parse(place('x'), {});
    expect(tokens.map(({ type }) => type)).toEqual(
      plainly.map(({ type }) => type),
    );
    const shown = (of: typeof tokens) =>
      of.flatMap(({ children }) => children ?? []);
    expect(shown(tokens).map(({ type }) => type)).toEqual(
      shown(plainly).map(({ type }) => type),
    );
    expect(
      shown(tokens)
        .map(({ content }) => content)
        .join(''),
    ).toContain(text.trim());
  });

  it('makes one line of many', () => {
    expect(markdownText('a\n\n# b\r\n- c\u2028d')).toBe('a # b - c d');
  });

  it.each(texts)('hides nothing from TechDocs, either: %s', text => {
    // Python-Markdown has HTML, links by reference, and attributes in braces.
    expect(markdownText(text)).not.toMatch(/<|\]\(|\]:|\{[:#.]|:\/\//);
  });

  it('leaves texts without markup alone', () => {
    expect(markdownText(texts[0]!)).toBe(texts[0]);
  });
});
