import {
  AnswersInput,
  adviceMarkdown,
  needs,
  parseAnswers,
  recommend,
} from 'backstage-plugin-eg-common';
import fs from 'fs-extra';
import { join } from 'path';
import * as ts from 'typescript';

// People build on what the advice says. A text that claims something without exception needs a test that shows it.

const root = join(__dirname, '../..');
const sources = join(root, 'plugins/eg-common/src');

const absolute =
  /\b(?:never|always|exactly|nothing|nobody|cannot|guarantee\w*)\b/i;

/** The claims without exception that may stand in advice: a file, and the text in it by which it shows the claim. */
const proven: { claim: string; file: string; test: string }[] = [
  {
    claim: 'an extension policy on it is accepted and does nothing',
    file: 'test/envoy/translate.test.ts',
    test: 'is accepted, and programmed for HTTP only: %s',
  },
  {
    claim: 'An EnvoyExtensionPolicy on a … is accepted and does nothing.',
    file: 'test/envoy/translate.test.ts',
    test: 'is accepted, and programmed for HTTP only: %s',
  },
  {
    claim: 'The mode is report-only: nothing is refused until you set it',
    file: 'test/matrix/rows/authorization.ts',
    test: "variant: 'report only, case ignored'",
  },
  {
    claim: 'While Redis is away, nothing is limited.',
    file: 'templates/envoy-gateway-extension/skeletons/extproc-go/purposes/rate-limit/internal/extension/extension_test.go',
    test: '{"allow", []int{200, 200}}',
  },
];

/** Where advice is written: the folder, and the properties whose texts are advice if not all are. */
const places: { folder: string; properties?: string[] }[] = [
  { folder: 'recommend' },
  { folder: 'implementations' },
  { folder: 'needs' },
  { folder: 'purposes', properties: ['warnings', 'text', 'impossible'] },
];

/** What no advice is: where a fact comes from, settings and their errors, and comments of generated files. */
const other = {
  properties: ['source', 'error', 'message'],
  calls: ['todo', 'withSettings'],
  files: ['needs/objects.ts'],
};

const nameOf = (node: ts.Node) => node.getText().replace(/^'|'$/g, '');

/** The texts in a source file, with … for what is filled in. */
function textsOf(file: string, properties?: string[]): string[] {
  const texts: string[] = [];
  const visit = (node: ts.Node, counts: boolean) => {
    let within = counts;
    if (ts.isPropertyAssignment(node) || ts.isMethodDeclaration(node)) {
      const name = nameOf(node.name);
      if (other.properties.includes(name)) {
        return;
      }
      within ||= properties!.includes(name);
    } else if (
      ts.isCallExpression(node) &&
      other.calls.includes(nameOf(node.expression))
    ) {
      return;
    }
    if (within && ts.isStringLiteralLike(node)) {
      texts.push(node.text);
    } else if (within && ts.isTemplateExpression(node)) {
      const rest = node.templateSpans.map(span => `…${span.literal.text}`);
      texts.push(node.head.text + rest.join(''));
    }
    ts.forEachChild(node, child => visit(child, within));
  };
  visit(
    ts.createSourceFile(
      file,
      fs.readFileSync(file, 'utf8'),
      ts.ScriptTarget.Latest,
      true,
    ),
    properties === undefined,
  );
  return texts.filter(text => /\s/.test(text));
}

const advice = places.flatMap(({ folder, properties }) =>
  fs
    .readdirSync(join(sources, folder))
    .filter(name => /(?<!\.test|Cases)\.ts$/.test(name))
    .filter(name => !other.files.includes(`${folder}/${name}`))
    .flatMap(name => textsOf(join(sources, folder, name), properties)),
);

describe('what advice promises', () => {
  it('is looked for in every text', () => {
    const limits = needs.flatMap(({ native, noNative }) => [
      ...(native?.limits ?? []),
      ...(noNative ? [noNative] : []),
    ]);
    expect(limits.length).toBeGreaterThan(80);
    for (const text of limits) {
      expect(advice).toContain(text);
    }
  });

  it('has no claim without exception that no test shows', () => {
    const claims = advice.filter(text => absolute.test(text));
    expect(
      claims.filter(text => !proven.some(({ claim }) => text.includes(claim))),
    ).toEqual([]);
    // A proof that no text needs any more goes, too.
    expect(
      proven.filter(({ claim }) => !claims.some(text => text.includes(claim))),
    ).toEqual([]);
  });

  it.each(proven)('is shown: $claim', async ({ file, test }) => {
    expect(await fs.readFile(join(root, file), 'utf8')).toContain(test);
  });

  it('of shadow mode leaves out no risk', () => {
    const texts = advice.filter(text => /shadow ?mode/i.test(text));
    expect(texts.length).toBeGreaterThan(1);
    for (const text of texts) {
      expect(text).not.toMatch(
        /break|no risk|risk-free|harmless|\bsafe|no effect|free of/i,
      );
    }
    for (const need of needs.filter(({ implies }) => implies.observes)) {
      const said = adviceFor({
        need: need.id,
        processing: ['requestHeaders', 'responseBody'],
        implementation: 'extproc-go',
        gatewayVersion: '1.9',
      });
      expect(said).toContain('in shadow mode Envoy sends it copies');
      expect(said).toContain('There is no flow control');
      expect(said).toContain('is lost silently');
    }
  });

  it('of the message timeout is limited to where Envoy runs it', () => {
    const texts = textsOf(join(sources, 'recommend/warnings.ts')).filter(text =>
      /messageTimeout|message timeout/i.test(text),
    );
    expect(texts.length).toBeGreaterThan(1);
    for (const text of texts) {
      expect(text).toMatch(
        /for bodies in FullDuplexStreamed (?:that|the) timeout does not run/i,
      );
    }
    expect(
      adviceFor({
        processing: ['requestBody'],
        bodySize: 'streaming',
        latency: 'flexible',
        implementation: 'extproc-go',
      }),
    ).toContain('For bodies in FullDuplexStreamed the timeout does not run.');
  });
});

/** The advice as a person reads it. */
function adviceFor(given: Partial<AnswersInput>): string {
  return adviceMarkdown(
    recommend(
      parseAnswers({
        name: 'my-extension',
        owner: 'group:default/platform',
        purpose: 'other',
        ...given,
      }),
    ),
  );
}
