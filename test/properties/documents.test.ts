import { generateInto, Scaffolder, startScaffolder } from 'eg-cli';
import * as fc from 'fast-check';
import fs from 'fs-extra';
import MarkdownIt from 'markdown-it';
import os from 'os';
import { join } from 'path';
import {
  AnswersInput,
  InvalidAnswersError,
  parseAnswers,
  parsePlan,
  plan,
  renderFiles,
} from 'backstage-plugin-eg-common';
import { reportMarkdown } from 'backstage-plugin-scaffolder-backend-module-eg';
import { parse } from 'yaml';
import { validAnswers } from '../src/answers';

// Whoever reads the documents of a repository, on a forge or in TechDocs, reads what the template says, whatever people
// typed. The judge is a parser that takes everything for markup that it can.
const oldPlans = join(
  __dirname,
  '../../plugins/eg-common/src/plan/__fixtures__/v1alpha1',
);
const markdown = new MarkdownIt({ html: true, linkify: true });

type Token = ReturnType<typeof markdown.parse>[number];

const flat = (tokens: Token[]): Token[] =>
  tokens.flatMap(token => [token, ...flat(token.children ?? [])]);

/** Texts that would be markup, or end it. Each can be a line of text. */
const needles = [
  '<img src=x onerror=needle()>',
  '</code></p><script>needle</script>',
  '[needle](https://needle.example)',
  '![needle](https://needle.example/x.png)',
  'https://needle.example',
  '<https://needle.example>',
  '**needle**',
  '`needle',
  '``` needle ``',
  '${{ needle }}',
  '{% needle %} {# needle #}',
  '| needle | # needle',
  '--> needle',
];

/** Answers of each purpose with a text in every place that takes one and may stand in a document. */
const withText: Record<string, (text: string) => object> = {
  authorization: text => ({
    provider: text,
    rules: [
      {
        name: text,
        effect: 'allow',
        claims: [{ claim: [text], is: 'one-of', values: [text] }],
      },
    ],
  }),
  'rate-limit': text => ({
    provider: text,
    limits: [
      {
        name: 'a',
        quota: 1,
        windowSeconds: 1,
        key: [{ from: 'claim', claim: [text] }],
      },
    ],
  }),
  'audit-log': text => ({
    provider: text,
    claims: [{ name: 'who', claim: [text] }],
  }),
  'ai-gateway': text => ({
    tenant: { from: 'claim', provider: text, claim: [text] },
  }),
};

async function documentsOf(directory: string): Promise<Record<string, string>> {
  const names = await fs.readdir(directory, { recursive: true });
  const files: Record<string, string> = {};
  for (const name of names as string[]) {
    if (/\.(md|ya?ml)$/.test(name) && !name.startsWith('.github/')) {
      files[name] = await fs.readFile(join(directory, name), 'utf8');
    }
  }
  return files;
}

const markdownOf = (files: Record<string, string>) =>
  Object.entries(files).filter(([file]) => file.endsWith('.md'));

/** What is markup in a document that no template has: HTML, and whatever holds a needle outside of code. */
function foreign(text: string): string[] {
  return flat(markdown.parse(text, {}))
    .filter(({ type, content, attrs }) => {
      if (type.startsWith('html')) {
        return true;
      }
      const own = ['code_inline', 'fence', 'code_block', 'inline'];
      return (
        !own.includes(type) &&
        `${content} ${JSON.stringify(attrs ?? '')}`.includes('needle')
      );
    })
    .map(({ type, content, attrs }) => `${type} ${content} ${attrs ?? ''}`);
}

/** What a document shows outside of code. */
const textOf = (text: string) =>
  flat(markdown.parse(text, {}))
    .filter(({ type }) => type === 'text')
    .map(({ content }) => content)
    .join('\n');

/** What is foreign in a document that shows needles as text. */
const markupOf = (text: string) =>
  foreign(text).filter(found => !found.startsWith('text '));

/** A plan that an older version wrote, with warnings. */
const v1alpha1Plan = () =>
  parse(fs.readFileSync(join(oldPlans, 'limit-users.yaml'), 'utf8'));

/** Values of names that are no text, by path: YAML has read them as something else. */
function misread(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null) {
    return /\.(name|namespace|site_name)$/.test(path) &&
      typeof value !== 'string'
      ? [`${path}: ${value}`]
      : [];
  }
  return Object.entries(value).flatMap(([key, inner]) =>
    misread(inner, `${path}.${key}`),
  );
}

/** All YAML: the files, and what documents show of it. */
function yamlIn(files: Record<string, string>): [string, string][] {
  return Object.entries(files).flatMap(([file, text]): [string, string][] =>
    file.endsWith('.md')
      ? flat(markdown.parse(text, {}))
          .filter(({ type, info }) => type === 'fence' && info === 'yaml')
          .map(({ content }) => [file, content])
      : [[file, text]],
  );
}

describe('documents', () => {
  let scaffolder: Scaffolder;
  let folder: string;
  let count = 0;

  beforeAll(async () => {
    folder = await fs.mkdtemp(join(os.tmpdir(), 'eg-documents-'));
    scaffolder = await startScaffolder();
  });
  afterAll(async () => {
    await scaffolder?.stop();
    await fs.remove(folder);
  });

  async function generate(given: AnswersInput) {
    const directory = join(folder, String(count++));
    await generateInto(scaffolder, parseAnswers(given), directory);
    return documentsOf(directory);
  }

  it.each(
    Object.keys(withText).flatMap(purpose =>
      // Every text in one purpose; in the others, one for each kind of markup.
      needles
        .filter((_, i) => purpose === 'authorization' || i % 4 === 0)
        .map((text): [string, string] => [purpose, text]),
    ),
  )('show %s with the text %s as it is', async (purpose, text) => {
    const files = await generate({
      name: 'my-extension',
      owner: 'group:default/platform',
      description: text,
      purpose: purpose as AnswersInput['purpose'],
      implementation: 'extproc-go',
      settings: withText[purpose]!(text),
    });
    const documents = markdownOf(files);
    expect(documents.length).toBeGreaterThan(5);
    for (const [file, content] of documents) {
      expect([file, foreign(content)]).toEqual([file, []]);
    }
    const shown = flat(markdown.parse(files['README.md']!, {}));
    expect(
      shown.filter(t => t.type === 'code_inline').map(t => t.content),
    ).toContain(text);
    expect(parse(files['catalog-info.yaml']!).metadata.description).toBe(text);
  });

  it.each(['no', 'on', 'y', 'true', 'null'])(
    'and manifests keep the name %s a text',
    async word => {
      for (const rest of [
        { purpose: 'other' as const, implementation: 'extproc-go' as const },
        { need: 'allow-by-address' as const, purpose: 'other' as const },
      ]) {
        const files = await generate({
          name: word,
          owner: 'group:default/platform',
          target: { name: word, namespace: word, sectionName: word },
          namespace: `${word}`,
          ...rest,
        });
        const texts = yamlIn(files);
        expect(parse(files['mkdocs.yml']!, { version: '1.1' }).site_name).toBe(
          word,
        );
        for (const [file, text] of texts) {
          const read = parse(text, { version: '1.1' });
          expect([file, misread(read)]).toEqual([file, []]);
          expect([file, read]).toEqual([file, parse(text, { version: '1.2' })]);
        }
      }
    },
  );

  it.each(needles)('record the decision of a plan of others: %s', text => {
    const older = parsePlan(
      JSON.parse(
        JSON.stringify(v1alpha1Plan(), (key, value) =>
          ['text', 'reason', 'answer', 'question', 'title'].includes(key) &&
          typeof value === 'string'
            ? text
            : value,
        ),
      ),
    );
    const record = renderFiles(older)['docs/decision.md']!;
    expect(record).toContain('What to watch');
    expect(markupOf(record)).toEqual([]);
    expect(textOf(record)).toContain(text);
  });

  it.each(needles)('report what a check found: %s', text => {
    const report = reportMarkdown({
      passed: false,
      checks: (['passed', 'failed', 'skipped'] as const).map(status => ({
        id: 'policy',
        title: text,
        status,
        details: [text, `file: ${text}`, `${text}\n${text}`],
        remedy: text,
      })),
    });
    expect(markupOf(report)).toEqual([]);
    expect(textOf(report)).toContain(`file: ${text}`);
    expect(textOf(report)).toContain(`${text} ${text}`);
  });

  it('have no markup of others, whatever the answers are', async () => {
    await fc.assert(
      fc.asyncProperty(validAnswers, async given => {
        try {
          plan(parseAnswers(given));
        } catch (error) {
          if (error instanceof InvalidAnswersError) {
            return;
          }
          throw error;
        }
        for (const [file, text] of markdownOf(await generate(given))) {
          expect([file, foreign(text)]).toEqual([file, []]);
        }
      }),
      { numRuns: 15 },
    );
  });
});
