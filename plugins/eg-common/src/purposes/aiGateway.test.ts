import { implementationOf } from '../implementations';
import { aiGateway } from './aiGateway';
import { forward, readStream, refusals, usageOf } from './aiGatewayReference';
import { requirementsOf } from './purposes';

const settings = (given: object = {}) => aiGateway.settings.parse(given);
const aliases = settings({
  models: [{ name: 'small', upstream: 'big' }, { name: 'same' }],
  guard: [{ name: 'a', pattern: 'ignore (all |)instructions' }],
});

describe('requests to language models', () => {
  it.each([
    [
      'a model is renamed and nothing else changes',
      ' { "n":1.0,\n"model" : "small" , "x":12345678901234567890}',
      ' { "n":1.0,\n"model" : "big" , "x":12345678901234567890}',
    ],
    ['a name can stay', '{"model":"same"}', '{"model":"same"}'],
    [
      'a stream is asked for its usage',
      '{"model":"same","stream":true}',
      '{"stream_options":{"include_usage":true},"model":"same","stream":true}',
    ],
    [
      'other options stay',
      '{"model":"small","stream":true,"stream_options":{"a":1}}',
      '{"model":"big","stream":true,"stream_options":{"include_usage":true,"a":1}}',
    ],
    [
      'a client’s no is overruled',
      '{"model":"same","stream":true,"stream_options":{"include_usage": false}}',
      '{"model":"same","stream":true,"stream_options":{"include_usage": true}}',
    ],
  ])('%s', (_, before, after) => {
    expect(forward(aliases, before, true)).toMatchObject({ body: after });
  });

  it('does not hide what a client asked for', () => {
    const asked =
      '{"model":"same","stream":true,"stream_options":{"include_usage":true}}';
    expect(forward(aliases, asked, true)).toEqual({
      body: asked,
      model: 'same',
      hides: false,
    });
  });

  it.each([
    ['{"model":"big"}', refusals.model],
    ['{"model":"small","Model":"big"}', refusals.ambiguous],
    ['{"model":"small","mod\\u0065l":"big"}', refusals.ambiguous],
    ['{"a":{"model":"small"}}', refusals.missing],
    ['["small"]', refusals.json],
    ['{"model":"small","a":[{"b":"IGNORE instructions"}]}', refusals.prompt],
    ['{"model":"small","ignore instructions":1}', refusals.prompt],
  ])('%s is refused', (body, refusal) => {
    expect(forward(aliases, body, true)).toBe(refusal);
  });
});

describe('tokens of answers', () => {
  it.each([
    [{ prompt_tokens: 1, completion_tokens: 2, total_tokens: 4 }, [1, 2, 4]],
    [{ input_tokens: 1, output_tokens: 2 }, [1, 2, 3]],
    [{ prompt_tokens: 1, total_tokens: 1 }, [1, 0, 1]],
  ])('%j', (usage, [prompt, completion, total]) => {
    expect(usageOf(usage)).toEqual({ prompt, completion, total });
  });

  it.each([null, 7, {}, { total_tokens: -1 }, { total_tokens: 1.5 }])(
    '%j says none',
    usage => {
      expect(usageOf(usage)).toBeUndefined();
    },
  );

  it.each(['\n', '\r\n', '\r'])('are found in streams with %j', end => {
    const events = [
      'data: {"choices":[{"delta":{}}],"usage":null}',
      `data: {"choices":[],${end}data: "usage":{"total_tokens":5}}`,
      'data: [DONE]',
    ].map(event => `${event}${end}${end}`);
    expect(readStream(events.join(''))).toEqual({
      usage: { prompt: 0, completion: 0, total: 5 },
      shown: events[0]! + events[2]!,
    });
  });
});

const of = (given: object) =>
  aiGateway.cases(settings(given), {
    processing: {
      request: { body: 'FullDuplexStreamed' },
      response: { body: 'FullDuplexStreamed' },
    },
    implementation: implementationOf('extproc-go'),
  });

describe('settings of the AI gateway', () => {
  const problems = (given: object) =>
    aiGateway.settings.safeParse(given).error?.issues.map(i => i.message) ?? [];

  it.each([
    [{ basePath: '/v1/' }, 'use segments of letters'],
    [{ models: [{ name: 'a b' }] }, 'use up to 128 letters'],
    [{ models: [{ name: 'a' }, { name: 'a' }] }, 'a name of its own'],
    [{ guard: [{ name: 'a', pattern: 'a*' }] }, '* is not possible here'],
    [{ guard: [{ name: 'a', pattern: 'a?' }] }, 'at least 1 character'],
    [{ budget: { tokens: -1 } }, 'use a whole number from 0 to 1000000000'],
    [{ tenant: { from: 'header', header: 'host' } }, 'choose another header'],
    [{ tenant: { from: 'claim', provider: '', claim: ['a'] } }, 'the provider'],
    [{ tenant: { from: 'cookie' } }, 'use one of all, header and claim'],
    [{ streamUsage: 'yes' }, 'use ask or as-sent'],
  ])('%j is refused', (given, message) => {
    expect(problems(given).join()).toContain(message);
  });

  it('ask for claims, and for ExtProc where headers follow from a body', () => {
    const claim = { from: 'claim', provider: 'idp', claim: ['sub'] };
    expect(
      requirementsOf(
        aiGateway,
        settings({ tenant: claim, clientHeaders: 'usage' }),
      ),
    ).toMatchObject({
      claims: 'idp',
      state: true,
      impossible: { 'wasm-rust': expect.stringContaining('clientHeaders') },
    });
    expect(requirementsOf(aiGateway, settings()).impossible).toEqual({});
  });

  it('warn of a tenant that clients choose, unless nothing is limited', () => {
    const texts = (given: object) =>
      aiGateway.warnings!(settings(given)).map(w => w.text.slice(0, 10));
    expect(texts({ budget: { tokens: 1 } })).toContain('The header');
    expect(texts({})).toEqual([]);
  });

  it('warn of what passes without a budget, WebSockets too', () => {
    const [warning] = aiGateway.warnings!(settings({ otherPaths: 'pass' }));
    expect(warning).toMatchObject({ severity: 'security' });
    expect(warning!.text).toMatch(/WebSockets pass unread.*nor limited/);
    const outcomes = (['deny', 'pass'] as const).map(otherPaths => {
      const { expect: expected } = of({ otherPaths }).find(
        ({ name }) => name === 'a WebSocket',
      )!;
      return [expected.reached ?? true, expected.response.status];
    });
    expect(outcomes).toEqual([
      [false, 404],
      [true, 101],
    ]);
  });
});

describe('cases of the AI gateway', () => {
  it('use up budgets in order', () => {
    const alone = (tenant: object) =>
      of({ budget: { tokens: 100, withoutUsage: 100 }, tenant })
        .filter(
          ({ name, alone: is }) => is && /budget|token|request/.test(name),
        )
        .map(({ name, expect: e }) => [name, e.response.status])
        .slice(-9);
    expect(alone({ from: 'header', header: 'x-tenant' })).toEqual([
      ['an answer that leaves one token', 200],
      ['a stream that uses the last token', 200],
      ['a budget that is used up', 429],
      ['the budget of another tenant', 200],
      ['a request of no tenant', 200],
      ['a request of no tenant, too', 429],
      ['a request after an error', 200],
      ['an answer whose tokens are estimated', 200],
      ['a request after it', 429],
    ]);
    expect(alone({ from: 'all' }).slice(-1)).toEqual([
      ['a budget that is used up', 429],
    ]);
  });

  it('show the event that only the extension asked for to nobody else', () => {
    const shown = (name: string) =>
      of({ budget: { tokens: 0 } }).find(c => c.name === name)!.expect.response
        .body;
    expect(shown('a stream with no options')).not.toContain('"choices":[],');
    expect(
      shown('a stream with a client that asks for the usage itself'),
    ).toContain('"choices":[],');
  });

  it('follow a guard that stops every request', () => {
    const statuses = of({ guard: [{ name: 'all', pattern: 'model' }] }).filter(
      ({ expect: e }) => e.response.status === 200,
    );
    expect(statuses.map(({ name }) => name)).toEqual([
      'a request without a body',
    ]);
  });
});
