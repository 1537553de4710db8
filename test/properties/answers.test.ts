import * as fc from 'fast-check';
import {
  adviceMarkdown,
  Answers,
  AnswersInput,
  describeProblem,
  divide,
  ExtensionPlan,
  Files,
  implementationOf,
  implementations,
  impliedBy,
  InvalidAnswersError,
  isBefore,
  lintLua,
  lintNative,
  lintPolicy,
  luaScript,
  parseAnswers,
  parsePlan,
  plan,
  recommend,
  releaseOf,
  releases,
  renderFiles,
} from 'backstage-plugin-eg-common';
import { parse } from 'yaml';
import {
  completed,
  hostileTexts,
  impossibleTexts,
  validAnswers,
} from '../src/answers';

const source = 'function envoy_on_request(h) end\n';

/** The plan of answers; leaves out a run in which the person chose an implementation that cannot do the job. */
function planned(given: AnswersInput): ExtensionPlan {
  const answers = completed(given);
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

/** The policy of an extension keeps the API's rules and carries the settings. */
function expectExtension(
  p: ExtensionPlan,
  files: Files,
  read: (file: string) => any,
) {
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
      p.lua!.filterContext ? policy.spec.lua[0].filterContext : p.settings,
    native: () => p.settings,
  }[p.mechanism]();
  expect(carried).toEqual(p.settings);
}

describe('for all valid answers', () => {
  it('a decision is reached, and every mechanism is ranked or rejected with a reason', () => {
    fc.assert(
      fc.property(validAnswers, given => {
        const answers = parseAnswers({
          ...given,
          implementation: 'recommended',
        });
        const advice = recommend(answers);
        const { decision, ranking, rejected, warnings } = advice;
        expect(ranking.find(r => r.generated)!.implementation).toBe(decision);
        expect(ranking[0]!.mechanism).toBe(advice.advised);
        expect(
          [...ranking, ...rejected].map(r => r.implementation).sort(),
        ).toEqual(
          [
            'native',
            'dynamic-module',
            ...implementations.map(i => i.id),
          ].sort(),
        );
        for (const { reasons } of rejected) {
          expect(reasons.length).toBeGreaterThan(0);
          expect(reasons.every(reason => reason.length > 0)).toBe(true);
        }
        for (const { reasons, score } of ranking) {
          expect(reasons.reduce((sum, r) => sum + r.points, 0)).toBe(score);
          expect(reasons.every(r => r.text.length > 0)).toBe(true);
        }
        expect(warnings.length).toBeLessThanOrEqual(6);
        expect(advice.questions.length).toBeLessThanOrEqual(2);
        expect(advice.confidence.reason).not.toBe('');
        expect(adviceMarkdown(advice)).not.toMatch(/undefined|\n{3}/);
      }),
      { numRuns: 500 },
    );
  });

  it('what is recommended violates nothing that cannot work in its release', () => {
    fc.assert(
      fc.property(validAnswers, given => {
        const answers = parseAnswers({
          ...given,
          implementation: 'recommended',
        });
        const { advised, decision, rejected } = recommend(answers);
        const { mechanism, externalCalls, wholeBody, state } =
          implementationOf(decision);
        const extension = mechanism !== 'native';
        const division = divide(answers, extension);
        const implies = impliedBy(division.extension);
        const whole =
          answers.processing.some(p => p.endsWith('Body')) &&
          (implies.wholeBody || answers.purpose === 'body-transform') &&
          ['large', 'streaming'].includes(answers.bodySize);
        const violated = {
          rejected: rejected.some(r => r.implementation === decision),
          'not in the release': division.native.some(({ native }) =>
            isBefore(answers.gatewayVersion, native.since),
          ),
          'not for the target': division.native.some(
            ({ native }) => !native.targets.includes(answers.target.kind),
          ),
          'not covered': !extension && division.left.length > 0,
          'cannot call':
            extension &&
            (answers.externalCalls || implies.calls) &&
            externalCalls !== 'any',
          'keeps no state':
            extension &&
            (answers.stateAcrossRequests || implies.state) &&
            state === 'none',
          'cannot hold the body':
            extension && whole && wholeBody !== 'processor-memory',
          'no dynamic modules':
            advised === 'dynamic-module' &&
            !releaseOf(answers.gatewayVersion).dynamicModule,
        };
        expect(Object.entries(violated).filter(([, broken]) => broken)).toEqual(
          [],
        );
      }),
      { numRuns: 500 },
    );
  });

  it('a further constraint never brings back what was rejected', () => {
    const harder: ((answers: Answers) => Partial<Answers>)[] = [
      () => ({ externalCalls: true }),
      () => ({ stateAcrossRequests: true }),
      answers => ({
        processing: [
          ...new Set([...answers.processing, 'requestBody' as const]),
        ],
      }),
      answers => ({
        processing: [
          ...new Set([...answers.processing, 'responseBody' as const]),
        ],
      }),
      answers => ({
        bodySize: answers.bodySize === 'streaming' ? 'streaming' : 'large',
      }),
      answers => ({
        gatewayVersion: releases[
          Math.max(
            0,
            releases.findIndex(r => r.version === answers.gatewayVersion) - 1,
          )
        ]!.version as Answers['gatewayVersion'],
      }),
    ];
    fc.assert(
      fc.property(
        validAnswers,
        fc.subarray(harder, { minLength: 1 }),
        (given, added) => {
          const answers = parseAnswers({
            ...given,
            implementation: 'recommended',
          });
          const constrained = added.reduce<Answers>(
            (all, constraint) => ({ ...all, ...constraint(all) }),
            answers,
          );
          // What an older release does not do itself is other work for an extension, not the same under a constraint.
          fc.pre(
            [false, true].every(
              extension =>
                JSON.stringify(divide(answers, extension)) ===
                JSON.stringify(divide(constrained, extension)),
            ),
          );
          const rejectedAfter = recommend(constrained).rejected.map(
            r => r.implementation,
          );
          for (const { implementation } of recommend(answers).rejected) {
            expect(rejectedAfter).toContain(implementation);
          }
        },
      ),
      { numRuns: 500 },
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
          const yamlFiles = Object.keys(files).filter(f => f.endsWith('.yaml'));
          for (const file of yamlFiles) {
            expect(read(file)).toBeTruthy();
          }
          expect(read('catalog-info.yaml').metadata.description ?? '').toBe(
            p.description,
          );
          expect(parsePlan(read('eg-extension.yaml'))).toEqual(p);
          const objects = p.native?.objects ?? [];
          expect(objects.map(({ path }) => read(path))).toEqual(
            objects.map(({ object }) => JSON.parse(JSON.stringify(object))),
          );
          expect(objects.flatMap(({ object }) => lintNative(object))).toEqual(
            [],
          );
          if (p.mechanism !== 'native') {
            expectExtension(p, files, read);
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
          ...(p.native?.objects ?? []).flatMap(({ comments }) =>
            comments.filter(({ text }) => text.startsWith('TODO')),
          ),
        ].filter((open, i) => open && !(p.mechanism === 'native' && i === 0));
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
