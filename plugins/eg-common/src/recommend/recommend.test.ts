import {
  Answers,
  AnswersInput,
  InvalidAnswersError,
  parseAnswers,
} from '../intake';
import { needs } from '../needs';
import { purposes } from '../purposes';
import { releases } from '../releases';
import { adviceMarkdown, decisionRecord } from './advice';
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
    for (const { version } of releases) {
      const gatewayVersion = version as Answers['gatewayVersion'];
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
    expect(rejected.map(r => r.implementation)).toEqual([
      'native',
      'wasm-rust',
      'lua',
      'dynamic-module',
    ]);
    expect(rejected[1]!.reasons[0]).toContain('413');
    expect(rejected[2]!.reasons).toHaveLength(2);
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

describe('native first', () => {
  it('decides for what Envoy Gateway does itself, whatever the language', () => {
    for (const language of ['none', 'go', 'rust', 'lua', 'other'] as const) {
      const advice = recommend(answers({ need: 'validate-jwt', language }));
      expect(advice).toMatchObject({
        decision: 'native',
        native: [{ need: 'validate-jwt', since: '1.6', addOn: null }],
      });
    }
  });

  it('lets the person build an extension, and says what it costs', () => {
    const advice = recommend(
      answers({ need: 'validate-jwt', implementation: 'extproc-go' }),
    );
    expect(advice).toMatchObject({
      decision: 'extproc-go',
      recommended: 'native',
    });
    expect(adviceMarkdown(advice)).toMatch(
      /The advice was Envoy Gateway itself: SecurityPolicy with jwt; you chose otherwise\. It costs code/,
    );
    expect(advice.hybrid).toHaveLength(1);
  });

  it('says since when there is a feature that the release lacks', () => {
    const advice = recommend(
      answers({ need: 'limit-by-tenant', gatewayVersion: '1.8' }),
    );
    expect(advice.decision).toBe('extproc-go');
    expect(advice.rejected[0]).toMatchObject({
      implementation: 'native',
      reasons: [
        expect.stringContaining('since Envoy Gateway 1.9; you run 1.8'),
      ],
    });
    expect(advice.contradictions).toEqual([
      expect.stringContaining('Either upgrade'),
    ]);
    expect(advice.questions).toContainEqual(
      expect.objectContaining({ field: 'gatewayVersion', decision: 'native' }),
    );
  });

  it('refuses native where nothing covers the need', () => {
    expect(() =>
      recommend(answers({ need: 'block-attacks', implementation: 'native' })),
    ).toThrow('no web application firewall');
  });

  it('does not deny what is not known: the need was not said', () => {
    const nativeOf = (given: Partial<AnswersInput>) =>
      recommend(answers(given)).rejected.find(
        r => r.implementation === 'native',
      )!;
    const text = adviceMarkdown(recommend(answers({})));
    expect(nativeOf({}).unknown).toBe(true);
    expect(text).toContain(
      'Whether **Envoy Gateway itself** would do is not known yet. You have not said what you need, so it was not compared',
    );
    expect(text).not.toMatch(/Envoy Gateway itself.*not possible/);
    // One part of the wish is covered, the other was not said.
    expect(nativeOf({ furtherNeeds: ['validate-jwt'] }).unknown).toBe(true);
    // What is known does not become uncertain beside what is not.
    const denied: Partial<AnswersInput>[] = [
      { need: 'block-attacks' },
      { furtherNeeds: ['block-attacks'] },
    ];
    for (const given of denied) {
      expect(nativeOf(given).unknown).toBe(false);
      expect(adviceMarkdown(recommend(answers(given)))).toMatch(
        /\*\*Envoy Gateway itself\*\*.* not possible/,
      );
    }
  });

  it('denies only what is known, of every other candidate', () => {
    for (const { id } of needs) {
      const { rejected } = recommend(
        answers({ need: id as Answers['need'], language: 'rust' }),
      );
      for (const { implementation, unknown } of rejected) {
        expect([id, implementation, unknown]).toEqual([
          id,
          implementation,
          id === 'unspecified' && implementation === 'native',
        ]);
      }
    }
  });

  it('takes what is configuration out of an extension', () => {
    const advice = recommend(
      answers({
        need: 'edit-header',
        furtherNeeds: ['redirect'],
        language: 'lua',
      }),
    );
    expect(advice.decision).toBe('lua');
    expect(advice.hybrid).toEqual([
      expect.objectContaining({
        feature: expect.stringContaining('RequestRedirect'),
      }),
    ]);
  });

  it('looks at the limits of a feature', () => {
    expect(decide({ need: 'external-authorization' })).toBe('extproc-go');
    expect(
      decide({
        need: 'external-authorization',
        processing: ['requestHeaders'],
      }),
    ).toBe('native');
    expect(
      decide({
        need: 'static-header',
        settings: { request: [{ action: 'rename', name: 'x-a', to: 'x-b' }] },
      }),
    ).not.toBe('native');
  });
});

describe('settings without a need', () => {
  const set = {
    action: 'set' as const,
    name: 'x-frame-options',
    value: 'DENY',
  };
  const environment = 'prototype' as const;

  it('say that fixed values are all that is needed', () => {
    const settings = { response: [set] };
    const advice = recommend(
      answers({ settings, processing: ['responseHeaders'], environment }),
    );
    expect(advice.decision).toBe('native');
    expect(advice.native[0]!.feature).toContain('ResponseHeaderModifier');
    expect(
      decide({
        settings,
        processing: ['responseHeaders'],
        target: { kind: 'Gateway' },
      }),
    ).toBe('native');
  });

  it.each([
    [
      'values from the request',
      {
        request: [{ action: 'set-from', name: 'x-a', from: { kind: 'path' } }],
      },
      'lua',
    ],
    [
      'the choice of the route again',
      { request: [set], reroute: true },
      'extproc-go',
    ],
  ])('are no fixed values: %s', (_, settings, decision) => {
    expect(decide({ settings, environment })).toBe(decision);
    expect(decide({ settings, environment, need: 'static-header' })).not.toBe(
      'native',
    );
  });

  it('say nothing where they are the example, or more than a header modifier does', () => {
    expect(decide({ environment })).toBe('lua');
    expect(
      decide({
        settings: {
          request: [set, { action: 'rename', name: 'x-a', to: 'x-b' }],
        },
        environment,
      }),
    ).toBe('lua');
    expect(decide({ settings: { request: [set] }, externalCalls: true })).toBe(
      'extproc-go',
    );
  });
});

describe('a mechanism without a skeleton', () => {
  it('is advised, and the best that can be generated is decided', () => {
    const advice = recommend(answers({ need: 'block-attacks' }));
    expect(advice).toMatchObject({
      advised: 'dynamic-module',
      decision: 'extproc-go',
    });
    expect(advice.ranking[0]).toMatchObject({ generated: false });
    expect(adviceMarkdown(advice)).toMatch(
      /^# ExtProc in Go\n\nA dynamic module fits best\. There is a maintained engine.* what is generated is the next best, ExtProc in Go\./,
    );
    expect(
      recommend(answers({ need: 'block-attacks', gatewayVersion: '1.7' }))
        .advised,
    ).not.toBe('dynamic-module');
  });
});

describe('warnings', () => {
  /** Warnings that ask for work on bodies, which the logic of a purpose with settings does itself. */
  const asksForWork =
    /content-length|decode before you look|put them together before you parse|stream it\.|raise the limit/;

  it.each(purposes.filter(({ openEnded }) => !openEnded))(
    'ask for no work that the generated code of $id does',
    ({ id: purpose }) => {
      for (const bodySize of ['small', 'large', 'streaming'] as const) {
        for (const implementation of [
          'extproc-go',
          'wasm-rust',
          'lua',
        ] as const) {
          let advice;
          try {
            advice = recommend(answers({ purpose, bodySize, implementation }));
          } catch {
            continue; // It cannot be built so.
          }
          for (const { text } of advice.warnings) {
            expect(text).not.toMatch(asksForWork);
          }
        }
      }
    },
  );

  it('ask for it where a person writes the logic', () => {
    const textsOf = (given: Partial<AnswersInput>) =>
      recommend(
        answers({
          purpose: 'other',
          processing: ['requestHeaders', 'responseHeaders', 'responseBody'],
          ...given,
        }),
      )
        .warnings.map(({ text }) => text)
        .join('\n');
    expect(textsOf({ need: 'change-text' })).toContain(
      'decode before you look',
    );
    expect(textsOf({ bodySize: 'streaming' })).toContain(
      'put them together before you parse',
    );
    expect(textsOf({ need: 'change-text', implementation: 'lua' })).toMatch(
      /needs its own content-length.* waits\.$/m,
    );
    // There, what is around the logic frames the body.
    expect(
      textsOf({ need: 'change-text', implementation: 'extproc-go' }),
    ).toContain('leaves content-length alone');
  });
});

describe('questions', () => {
  it('are those whose answer changes the decision', () => {
    const given = answers({ latency: 'unknown', environment: 'unknown' });
    const { questions } = recommend(given);
    expect(questions.length).toBeGreaterThan(0);
    expect(questions.length).toBeLessThanOrEqual(2);
    for (const { field, value, decision } of questions) {
      const changed = recommend({ ...given, [field]: value });
      expect(changed.recommended).toBe(decision);
      expect(decision).not.toBe(recommend(given).recommended);
    }
  });
});

describe('adviceMarkdown', () => {
  it('begins with the decision and ends with what to watch', () => {
    const text = adviceMarkdown(recommend(answers({ latency: 'minimal' })));
    expect(text).toMatch(
      /^# Wasm in Rust\n\nBuild it as Wasm in Rust\.\n\n- It runs inside Envoy/,
    );
    expect(text.match(/^## .*/gm)).toEqual([
      '## What else was considered',
      '## What to watch',
      '## How sure this is',
    ]);
    expect(text).not.toMatch(/\n{3}|undefined/);
  });

  it('is the same in the record of the decision', () => {
    for (const given of [
      { latency: 'minimal' },
      { need: 'cors' },
      { need: 'block-attacks', externalCalls: true },
    ] as const) {
      const advice = recommend(answers(given));
      const [title, ...rest] = adviceMarkdown(advice).split('\n\n');
      const record = decisionRecord(advice);
      expect(record.startsWith(`# Decision: ${title!.slice(2)}\n`)).toBe(true);
      expect(record).toContain(rest.join('\n\n'));
      expect(record).not.toMatch(/\n{3}|undefined/);
    }
  });
});
