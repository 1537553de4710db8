import MarkdownIt from 'markdown-it';
import { codeSpan } from './markdown';

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
