import * as fc from 'fast-check';
import {
  AnswersInput,
  describeProblem,
  ExtensionPlan,
  implementations,
  InvalidAnswersError,
  lintLua,
  lintPolicy,
  luaScript,
  parseAnswers,
  plan,
  recommend,
  renderFiles,
} from 'backstage-plugin-eg-common';
import { parse } from 'yaml';
import { hostileTexts, impossibleTexts, validAnswers } from '../src/answers';

const source = 'function envoy_on_request(h) end\n';

/** The plan of answers; leaves out a run in which the person chose an implementation that cannot do the job. */
function planned(given: AnswersInput): ExtensionPlan {
  const answers = parseAnswers(given);
  const { ranking } = recommend({ ...answers, implementation: 'recommended' });
  fc.pre(
    answers.implementation === 'recommended' ||
      ranking.some(r => r.implementation === answers.implementation),
  );
  return plan(answers);
}

/** Every text in a value. */
function texts(value: unknown): string[] {
  if (typeof value === 'string') {
    return [value];
  }
  return typeof value === 'object' && value !== null
    ? Object.values(value).flatMap(texts)
    : [];
}

describe('for all valid answers', () => {
  it('a decision is reached, and every implementation is ranked or rejected with a reason', () => {
    fc.assert(
      fc.property(validAnswers, given => {
        const answers = parseAnswers({
          ...given,
          implementation: 'recommended',
        });
        const { decision, ranking, rejected, warnings } = recommend(answers);
        expect(ranking[0]!.implementation).toBe(decision);
        expect(
          [...ranking, ...rejected].map(r => r.implementation).sort(),
        ).toEqual(implementations.map(i => i.id).sort());
        for (const { reasons } of rejected) {
          expect(reasons.length).toBeGreaterThan(0);
        }
        expect(warnings.length).toBeLessThanOrEqual(6);
      }),
    );
  });

  it('every rendered file parses back to the values of the plan', () => {
    fc.assert(
      fc.property(validAnswers, given => {
        const p = planned(given);
        const script = luaScript(p, { 'filter.lua': source });
        const files = renderFiles(p, script);
        // Kubernetes reads YAML 1.1, people's tools 1.2.
        for (const version of ['1.1', '1.2'] as const) {
          const read = (file: string) => parse(files[file]!, { version });
          expect(read('eg-extension.yaml')).toEqual(
            JSON.parse(JSON.stringify(p)),
          );
          const policy = read('policy/envoyextensionpolicy.yaml');
          expect(lintPolicy(policy, p.release.gateway)).toEqual([]);
          expect(policy.metadata).toMatchObject({
            name: p.policy.name,
            namespace: p.policy.namespace,
          });
          const carried = {
            extproc: () => JSON.parse(files['k8s/settings.json']!),
            wasm: () => policy.spec.wasm[0].config,
            lua: () =>
              p.lua!.filterContext
                ? policy.spec.lua[0].filterContext
                : p.settings,
          }[p.mechanism]();
          expect(carried).toEqual(p.settings);
          expect(read('catalog-info.yaml').metadata.description ?? '').toBe(
            p.description,
          );
          const yamlFiles = Object.keys(files).filter(f => f.endsWith('.yaml'));
          for (const file of yamlFiles) {
            expect(read(file)).toBeTruthy();
          }
        }
        expect(p.lua ? lintLua(script) : []).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  it('placeholders, and only they, have a TODO', () => {
    fc.assert(
      fc.property(validAnswers, given => {
        const p = planned({
          ...given,
          description: '',
          settings: undefined,
          processing: undefined,
        });
        const files = renderFiles(p, source);
        const marked =
          Object.values(files)
            .join('\n')
            .match(/# TODO/g) ?? [];
        const placeholders = [
          p.target.placeholder,
          p.extproc?.image.placeholder,
          p.wasm?.image.placeholder,
        ].filter(Boolean);
        expect(marked).toHaveLength(placeholders.length);
      }),
    );
  });
});

describe('hostile text', () => {
  const withText = (description: string) => ({
    name: 'my-extension',
    owner: 'group:default/platform',
    purpose: 'header-transform',
    description,
    settings: { request: [{ action: 'set', name: 'x-a', value: description }] },
    processing: ['requestHeaders'],
  });

  it.each(hostileTexts)('%j arrives unchanged as data', text => {
    for (const implementation of ['extproc-go', 'wasm-rust', 'lua']) {
      const p = plan(parseAnswers({ ...withText(text), implementation }));
      const files = renderFiles(p, luaScript(p, { 'filter.lua': source }));
      expect(texts(parse(files['eg-extension.yaml']!))).toContain(text);
      expect(files['docs/decision.md']).not.toContain(text);
    }
  });

  it.each(impossibleTexts)('%j is rejected', text => {
    let problems: string[] = [];
    try {
      parseAnswers(withText(text));
    } catch (error) {
      problems = (error as InvalidAnswersError).problems.map(describeProblem);
    }
    expect(problems).toEqual([
      expect.stringMatching(/^description: .* is not valid: use one line/),
      expect.stringMatching(
        /^settings.request\[0\].value: .* is not valid: use visible ASCII/,
      ),
    ]);
  });
});
