import { AnswersInput, InvalidAnswersError, parseAnswers } from '../intake';
import { adviceMarkdown } from './advice';
import { recommend } from './recommend';

const answers = (given: Partial<AnswersInput>) =>
  parseAnswers({
    name: 'my-extension',
    owner: 'group:default/platform',
    purpose: 'header-transform',
    ...given,
  });
const decide = (given: Partial<AnswersInput>) =>
  recommend(answers(given)).decision;

describe('the specification’s rules', () => {
  it('recommends ExtProc for calls to external services', () => {
    for (const language of ['none', 'go', 'rust', 'lua'] as const) {
      expect(decide({ externalCalls: true, language })).toBe('extproc-go');
    }
  });

  it('recommends Wasm for sub-millisecond latency and self-contained logic', () => {
    for (const environment of ['production', 'prototype'] as const) {
      for (const language of ['none', 'go', 'rust'] as const) {
        expect(decide({ latency: 'minimal', environment, language })).toBe(
          'wasm-rust',
        );
      }
    }
  });

  it('recommends Lua for simple header manipulation in a prototype', () => {
    for (const gatewayVersion of ['1.6', '1.7', '1.8', '1.9'] as const) {
      expect(decide({ environment: 'prototype', gatewayVersion })).toBe('lua');
    }
  });

  it('recommends ExtProc to those who are unsure', () => {
    expect(decide({})).toBe('extproc-go');
    expect(decide({ purpose: 'body-transform' })).toBe('extproc-go');
    expect(decide({ latency: 'flexible' })).toBe('extproc-go');
  });

  it('recommends ExtProc for state between requests', () => {
    expect(decide({ stateAcrossRequests: true })).toBe('extproc-go');
  });
});

describe('recommend', () => {
  it('follows the language where nothing speaks against it', () => {
    expect(decide({ language: 'rust' })).toBe('wasm-rust');
    expect(decide({ language: 'go' })).toBe('extproc-go');
    expect(decide({ language: 'lua', environment: 'prototype' })).toBe('lua');
  });

  it('says why an implementation cannot do the job', () => {
    const { rejected } = recommend(
      answers({ purpose: 'body-transform', bodySize: 'large' }),
    );
    expect(rejected.map(r => r.implementation)).toEqual(['wasm-rust', 'lua']);
    expect(rejected[0]!.reasons[0]).toContain('413');
    expect(rejected[1]!.reasons).toHaveLength(2);
  });

  it('takes the person’s choice', () => {
    const advice = recommend(answers({ implementation: 'wasm-rust' }));
    expect(advice).toMatchObject({
      decision: 'wasm-rust',
      recommended: 'extproc-go',
    });
    expect(adviceMarkdown(advice)).toContain(
      'The advice was ExtProc in Go; you chose otherwise.',
    );
  });

  it('refuses a choice that cannot work, with the reason and what is left', () => {
    const impossible = () =>
      recommend(answers({ purpose: 'body-transform', implementation: 'lua' }));
    expect(impossible).toThrow(InvalidAnswersError);
    expect(impossible).toThrow(
      /^(.|\n)*no JSON library(.|\n)*Choose extproc-go or wasm-rust/,
    );
  });

  it('names the contradiction between less than a millisecond and external calls', () => {
    expect(
      recommend(
        answers({ latency: 'minimal', externalCalls: true }),
      ).warnings.map(w => w.id),
    ).toContain('latency-conflicts-with-external-calls');
  });
});

describe('adviceMarkdown', () => {
  it('begins with the decision and ends with what to watch', () => {
    const text = adviceMarkdown(recommend(answers({ latency: 'minimal' })));
    expect(text).toMatch(/^# Wasm in Rust\n\n- It runs inside Envoy/);
    expect(text.match(/^## .*/gm)).toEqual([
      '## What else was considered',
      '## What to watch',
    ]);
    expect(text).not.toMatch(/\n{3}|undefined/);
  });
});
