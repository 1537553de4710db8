import type { AiGatewaySettings } from './aiGateway';
import {
  forward,
  Forwarded,
  readStream,
  Refusal,
  refusals,
  Usage,
  usageOf,
} from './aiGatewayReference';
import { parsePattern } from './pattern';
import { BehaviourCase, CaseBody, CaseContext, CaseHeader } from './types';

type Expected = BehaviourCase['expect'];

/** A message of a case: its body as text, or in parts that are sent as chunks. */
interface Message {
  headers?: CaseHeader[];
  body?: string | string[];
  chunked?: 'acknowledged';
}

interface Exchange {
  method?: string;
  path?: string;
  /** Whose it is; undefined for a request that does not say. */
  tenant?: string | undefined;
  request?: Message;
  response?: Message & { status?: number };
}

const header = (name: string, value: string): CaseHeader => ({ name, value });
const json = header('content-type', 'application/json');
const events = header('content-type', 'text/event-stream; charset=utf-8');

const textOf = ({ body = '' }: Message) =>
  typeof body === 'string' ? body : body.join('');

const sent = ({ headers = [json], body }: Message) => {
  if (typeof body === 'string') {
    return { headers, body };
  }
  return body
    ? { headers, body: { parts: body }, chunked: 'parts' as const }
    : { headers };
};

const valuesOf = (message: Message, name: string) =>
  (message.headers ?? [json]).filter(h => h.name === name).map(h => h.value);

const isIdentity = (message: Message) =>
  valuesOf(message, 'content-encoding').every(value => value === 'identity');

/** Whether a content type plainly has no other charset than UTF-8. */
const isPlain = (contentType: string) =>
  !contentType.includes('charset') ||
  /^[^;,]*; charset=("utf-8"|utf-8)$/i.test(contentType);

const usageText = ({ prompt, completion, total }: Usage) =>
  `{"prompt_tokens": ${prompt}, "completion_tokens":${completion},"total_tokens":${total},"prompt_tokens_details":{"cached_tokens":7}}`;

/** An answer that also speaks of usage where it does not count. */
const answer = (usage?: Usage) =>
  `{"id":"1", "choices":[{"message":{"content":"Grüße: \\"usage\\":{\\"total_tokens\\":5}","usage":{"total_tokens":6}}}],"n":1.0${
    usage ? `,"usage": ${usageText(usage)}` : ''
  } }\n`;

/** A stream as providers send it when they are asked for its usage. */
const stream = (usage?: Usage, end = '\n') =>
  [
    ': a comment',
    end,
    end,
    `data: {"choices":[{"delta":{"content":"Grüße \\"usage\\""}}],"usage":null}`,
    end,
    end,
    `event: message${end}data: {"choices":`,
    `${end}data:[{"delta":{}}]}`,
    end,
    end,
    ...(usage
      ? [`data: {"choices":[],"usage":${usageText(usage)}}`, end, end]
      : []),
    'data: [DONE]',
    end,
    end,
  ].join('');

const halves = (text: string, at: string) => {
  const middle = text.indexOf(at) + Math.floor(at.length / 2);
  return [text.slice(0, middle), text.slice(middle)];
};

const nested = (path: readonly string[], value: string) =>
  path.reduceRight<unknown>(
    (inner, name) => Object.fromEntries([[name, inner]]),
    value,
  ) as Record<string, unknown>;

function refused(
  refusal: Refusal,
  reached: Expected['reached'] = false,
): Expected {
  const { status, message, type, param, code } = refusal;
  return {
    reached: reached!,
    response: {
      status,
      headers: { 'content-type': ['application/json'] },
      ...(status === 429
        ? { headersMatch: { 'retry-after': '[1-9][0-9]{0,6}' } }
        : {}),
      body: {
        parts: [JSON.stringify({ error: { message, type, param, code } })],
        json: true,
      },
    },
  };
}

const passed = (body: string, response: Exchange['response'] = {}) => ({
  request: { body, headers: { 'accept-encoding': ['gzip'] } },
  response: { status: response.status ?? 200, body: textOf(response) },
});

/** The behaviour that follows from settings. */
class Behaviour {
  private readonly used = new Map<string, number>();
  private readonly all: BehaviourCase[] = [];
  /** Tokens of answers whose number does not matter. */
  readonly some: Usage;

  constructor(
    private readonly set: AiGatewaySettings,
    private readonly context: CaseContext,
  ) {
    // Cases that are sent together must not use up a budget that they share.
    this.some =
      set.budget.tokens === 0 || set.budget.tokens >= 1_000_000
        ? { prompt: 9, completion: 12, total: 21 }
        : { prompt: 0, completion: 0, total: 0 };
  }

  get cases(): BehaviourCase[] {
    return [
      ...this.all.filter(({ alone }) => !alone),
      ...this.all.filter(({ alone }) => alone),
    ];
  }

  /** Whether what is charged can be told by cases, which take a few seconds. */
  get limits(): boolean {
    return this.set.budget.tokens > 0 && this.set.budget.windowSeconds >= 60;
  }

  /** Where a body is held and its headers are not, the provider may see the headers of what is refused. */
  private get reachedByHeaders() {
    return this.context.implementation.beyondBuffer.reached;
  }

  /** Whether a budget that all share would be used up before the cases that are sent last, see {@link reachedByHeaders}. */
  private get sparesBudget(): boolean {
    return (
      this.limits &&
      this.set.tenant.from === 'all' &&
      this.reachedByHeaders === 'either'
    );
  }

  path(endpoint = 'chat/completions') {
    return `${this.set.basePath}/${endpoint}`;
  }

  get model() {
    return this.set.models[0]?.name ?? 'any-model';
  }

  /** A request that goes on, unless the guard objects. */
  chat(extra = '', model = JSON.stringify(this.model), content = '"Grüße"') {
    return ` {"messages": [{"role": "user", "content": ${content}}],\n\t"model" : ${model}, "seed": 12345678901234567890,"t":1.0${extra} }`;
  }

  /** A case in which nothing is charged that others could miss. */
  add(name: string, exchange: Exchange) {
    // An estimate that is charged would have to be sent in order.
    const alone = this.charge(exchange) > 0 && this.some.total === 0;
    this.put(name, { tenant: name, ...exchange }, alone && this.limits);
  }

  /** A case that the ones after it depend on. */
  then(name: string, exchange: Exchange) {
    this.put(name, exchange, true);
  }

  private put(name: string, exchange: Exchange, alone: boolean) {
    if (alone && this.sparesBudget) {
      return;
    }
    const { method = 'POST', path = this.path() } = exchange;
    const request = exchange.request ?? { body: this.chat() };
    const response = exchange.response ?? { body: answer(this.some) };
    const { tenant } = this.set;
    const whose = exchange.tenant?.replace(/[^A-Za-z0-9-]/g, '-');
    const said = whose !== undefined && tenant.from !== 'all';
    const shown = sent(request);
    this.all.push({
      name,
      ...(alone ? { alone: true } : {}),
      request: {
        method,
        path,
        ...shown,
        headers: [
          ...shown.headers,
          header('accept-encoding', 'gzip'),
          ...(said && tenant.from === 'header'
            ? [header(tenant.header, whose)]
            : []),
        ],
        ...(said && tenant.from === 'claim'
          ? { claims: nested(tenant.claim, whose) }
          : {}),
      },
      response: {
        status: response.status ?? 200,
        ...sent(response),
        ...(response.chunked ? { chunked: response.chunked } : {}),
      },
      expect: this.expect(
        { ...exchange, method, path, request, response },
        said ? whose : '',
        alone,
      ),
    });
  }

  /** The Realtime API: a GET on a path that is not counted, and then messages that no extension is given. */
  addWebSocket() {
    const messages: CaseBody = {
      parts: ['{"type":"session.update"}', '{"type":"response.create"}'],
    };
    this.all.push({
      name: 'a WebSocket',
      request: {
        method: 'GET',
        path: `${this.set.basePath}/realtime?model=gpt-realtime`,
        protocol: 'websocket',
        headers: [],
        body: messages,
      },
      response: { status: 101, headers: [] },
      expect:
        this.set.otherPaths === 'deny'
          ? refused(refusals.path)
          : {
              request: { body: messages },
              response: { status: 101, body: messages },
            },
    });
  }

  private expect(
    {
      method,
      path,
      request,
      response,
    }: Required<Pick<Exchange, 'method' | 'path' | 'request' | 'response'>>,
    tenant: string,
    alone: boolean,
  ): Expected {
    const endpoint = this.endpoint(method, path);
    if (!endpoint) {
      return this.set.otherPaths === 'deny'
        ? refused(refusals.path)
        : passed(textOf(request), response);
    }
    if (!isIdentity(request)) {
      return refused(refusals.encoding);
    }
    if (!valuesOf(request, 'content-type').every(isPlain)) {
      return refused(refusals.charset);
    }
    const used = this.used.get(tenant) ?? 0;
    if (alone && this.limits && used >= this.set.budget.tokens) {
      return refused(refusals.budget);
    }
    const forwarded: Forwarded | Refusal =
      request.body === undefined
        ? { body: '', model: '', hides: false }
        : forward(this.set, textOf(request), /completions$/.test(endpoint));
    if ('status' in forwarded) {
      return refused(forwarded, this.reachedByHeaders);
    }
    if (alone) {
      this.used.set(tenant, used + this.charge({ response }));
    }
    const streams =
      isIdentity(response) &&
      valuesOf(response, 'content-type')[0] === events.value;
    const { shown } = readStream(textOf(response));
    const usage = this.usage({ response });
    const told = this.set.clientHeaders === 'usage' && !streams && usage;
    return {
      request: {
        body: forwarded.body,
        headers: { 'accept-encoding': ['identity'] },
      },
      response: {
        status: response.status ?? 200,
        body: streams && forwarded.hides ? shown : textOf(response),
        headers: {
          'x-llm-model':
            this.set.clientHeaders === 'usage' && forwarded.model
              ? [forwarded.model]
              : [],
          'x-llm-prompt-tokens': told ? [`${told.prompt}`] : [],
          'x-llm-completion-tokens': told ? [`${told.completion}`] : [],
          'x-llm-total-tokens': told ? [`${told.total}`] : [],
        },
      },
    };
  }

  private endpoint(method: string, path: string): string | undefined {
    const endpoint = path.split('?')[0]!.slice(this.set.basePath.length + 1);
    return method === 'POST' &&
      path.startsWith(`${this.set.basePath}/`) &&
      /^(chat\/completions|completions|embeddings|responses)$/.test(endpoint)
      ? endpoint
      : undefined;
  }

  private usage({ response = {} }: Exchange): Usage | undefined {
    if ((response.status ?? 200) >= 300 || !isIdentity(response)) {
      return undefined;
    }
    switch (valuesOf(response, 'content-type')[0]) {
      case events.value:
        return readStream(textOf(response)).usage;
      case json.value:
        try {
          return usageOf(JSON.parse(textOf(response)).usage);
        } catch {
          return undefined;
        }
      default:
        return undefined;
    }
  }

  private charge(exchange: Exchange): number {
    const { response = { body: answer(this.some) } } = exchange;
    return (response.status ?? 200) < 300
      ? this.usage({ response })?.total ?? this.estimated(exchange)
      : 0;
  }

  /** At least this is charged for an answer that does not say its tokens; what went by may come to more. */
  private estimated({ request, response = {} }: Exchange): number {
    const bytes = textOf(request ?? { body: this.chat() }).length;
    return Math.max(
      this.set.budget.withoutUsage,
      Math.ceil(bytes / 4) + Math.ceil(textOf(response).length / 4),
    );
  }

  /** Bytes that are no text. */
  binary() {
    const bytes: CaseBody = { parts: ['{"usage":"', { base64: '/wD+' }, '"}'] };
    const from = (name: string, body: CaseBody) => ({
      method: 'POST',
      path: this.path(),
      headers: [json, ...this.whose(name)],
      body,
      ...this.claims(name),
    });
    this.all.push({
      name: 'a request that is not UTF-8',
      request: from('binary request', bytes),
      response: { status: 200, headers: [] },
      expect: refused(refusals.json, this.reachedByHeaders),
    });
    // An answer without usage, whose charge others must not miss.
    const whole = forward(this.set, this.chat(), true);
    if (!('status' in whole) && !this.set.budget.withoutUsage) {
      this.all.push({
        name: 'an answer that is not UTF-8',
        request: from('binary answer', this.chat()),
        response: { status: 200, headers: [json], body: bytes },
        expect: { response: { status: 200, body: bytes } },
      });
    }
  }

  /** Bodies beyond the connection buffer of a listener. */
  large() {
    const { processing } = this.context;
    const padding = { repeat: 'x', times: 200_000 };
    const [before, after] = this.chat(',"user":"|"').split('|') as [
      string,
      string,
    ];
    const whole = forward(this.set, before + after, true);
    if ('status' in whole) {
      return;
    }
    const at = whole.body.indexOf('"user":"') + '"user":"'.length;
    const large = (text: string, split: number): CaseBody => ({
      parts: [text.slice(0, split), padding, text.slice(split)],
    });
    const held = processing.request && processing.request.body === 'Buffered';
    this.all.push({
      name: 'a large request',
      request: {
        method: 'POST',
        path: this.path(),
        headers: [json, ...this.whose('large')],
        body: large(before + after, before.length),
        ...this.claims('large'),
      },
      response: { status: 200, headers: [json], body: answer(this.some) },
      expect: held
        ? {
            reached: this.reachedByHeaders,
            response: { status: 413 },
          }
        : {
            request: { body: large(whole.body, at) },
            response: { status: 200, body: answer(this.some) },
          },
    });
    for (const [name, type, parts] of [
      [
        'a large answer',
        json,
        ['{"text":"', padding, '\\"",', answer(this.some).slice(1)],
      ],
      [
        'a large event',
        events,
        ['data: {"a":"', padding, '"}\n\n', stream(this.some)],
      ],
    ] as const) {
      this.all.push({
        name,
        request: {
          method: 'POST',
          path: this.path(),
          headers: [json, ...this.whose(name)],
          body: this.chat(',"stream_options":{"include_usage":true}'),
          ...this.claims(name),
        },
        response: { status: 200, headers: [type], body: { parts: [...parts] } },
        expect: {
          response: {
            status: 200,
            body: { parts: [...parts] },
            headers: {
              'x-llm-total-tokens':
                this.set.clientHeaders === 'usage' && type === json
                  ? [`${this.some.total}`]
                  : [],
            },
          },
        },
      });
    }
  }

  private whose(name: string): CaseHeader[] {
    const { tenant } = this.set;
    return tenant.from === 'header'
      ? [header(tenant.header, name.replace(/ /g, '-'))]
      : [];
  }

  private claims(name: string): Pick<BehaviourCase['request'], 'claims'> {
    const { tenant } = this.set;
    return tenant.from === 'claim'
      ? { claims: nested(tenant.claim, name) }
      : {};
  }
}

function requests(b: Behaviour, set: AiGatewaySettings) {
  b.add('a completion', {});
  b.add('a path with a query', { path: `${b.path()}?api-version=1` });
  for (const { name } of set.models.slice(1, 6)) {
    b.add(`the model ${name}`, {
      request: { body: b.chat('', JSON.stringify(name)) },
    });
  }
  for (const endpoint of ['completions', 'embeddings', 'responses']) {
    b.add(`the path of ${endpoint}`, {
      path: b.path(endpoint),
      request: { body: b.chat(',"stream":true,"input":["a"]') },
      response: {
        body: `{"usage":{"input_tokens":${b.some.prompt},"output_tokens":${b.some.completion},"total_tokens":${b.some.total}}}`,
      },
    });
  }
  b.add('a request in chunks', {
    request: { body: halves(b.chat(), JSON.stringify(b.model)) },
  });
  b.add('a model and its name in escapes', {
    request: {
      body: `{"mod\\u0065l":"${[...b.model]
        .map(c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
        .join('')}"}`,
    },
  });
  const model = JSON.stringify(b.model);
  for (const [name, body] of [
    ['another model', b.chat('', '"no-such-model"')],
    ['a model in other letters', b.chat('', model.toUpperCase())],
    ['no model', '{"messages":[]}'],
    ['a model that is no text', b.chat('', `[${model}]`)],
    ['two models', b.chat(`,"model":${model}`)],
    ['a model in two spellings', b.chat(`,"Model":"other"`)],
    ['a model in an inner object', `{"a":{"model":${model}}}`],
    ['stream twice', b.chat(',"stream":false,"stream":true')],
    ['broken JSON', '{"model":'],
    ['an empty object', '{}'],
    ['a list', `[{"model":${model}}]`],
    ['two documents', `${b.chat()}{}`],
    ['white space', ' \n'],
  ] as const) {
    b.add(name, { request: { body } });
  }
  b.add('a request without a body', { request: { headers: [] } });
  b.add('a compressed request', {
    request: {
      headers: [json, header('content-encoding', 'gzip')],
      body: b.chat(),
    },
  });
  for (const charset of [
    'charset=utf-7',
    'charset*0=utf-; charset*1=7',
    "charset*=us-ascii''utf-7",
    'charset=" utf-7"',
    'charset=utf-8; charset=utf-7',
  ]) {
    b.add(`the charset in ${charset}`, {
      request: {
        headers: [header('content-type', `application/json; ${charset}`)],
        body: b.chat(),
      },
    });
  }
  b.add('the charset UTF-8', {
    request: {
      headers: [header('content-type', 'application/json; charset="UTF-8"')],
      body: b.chat(),
    },
  });
  b.add('a second content type with another charset', {
    request: {
      headers: [json, header('content-type', 'text/plain; charset=utf-7')],
      body: b.chat(),
    },
  });
  b.add('another content type, which decides nothing', {
    request: { headers: [header('content-type', 'text/plain')], body: '{}' },
  });
  b.add('another path', { path: '/other/path' });
  b.addWebSocket();
  b.add('a path that goes on', { path: `${b.path()}/1` });
  b.add('another method', {
    method: 'PUT',
    request: { body: b.chat() },
  });
}

function guards(b: Behaviour, set: AiGatewaySettings) {
  for (const { name, pattern } of set.guard) {
    const { sample } = parsePattern(pattern);
    const text = (inner: string) => `${JSON.stringify(`Grüße! ${inner}.`)}`;
    b.add(`a text that ${name} stops`, {
      request: { body: b.chat('', undefined, text(sample.toUpperCase())) },
    });
    b.add(`a text that ${name} stops, in parts and escapes`, {
      request: {
        body: halves(
          b.chat(
            '',
            undefined,
            `[{"type":"text","text":"${[...sample]
              .map(c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
              .join('')}"}]`,
          ),
          '\\u',
        ),
      },
    });
    b.add(`a text that ${name} does not stop`, {
      request: {
        body: b.chat('', undefined, JSON.stringify(`${sample.slice(1)}`)),
      },
    });
  }
}

function streaming(b: Behaviour) {
  const ask = (extra: string) => ({
    request: { body: b.chat(`,"stream":true${extra}`) },
  });
  const answers = (body: string | string[]) => ({
    response: { headers: [events], body },
  });
  const whole = stream(b.some);
  for (const [name, extra] of [
    ['no options', ''],
    ['options that are null', ',"stream_options":null'],
    ['options that are empty', ',"stream_options": { }'],
    [
      'options that say something else',
      ',"stream_options":{ "include_obfuscation":false}',
    ],
    [
      'options that say no',
      ',"stream_options":{"x":1,"include_usage" : false}',
    ],
    [
      'a client that asks for the usage itself',
      ',"stream_options":{"include_usage":true}',
    ],
    ['options that are no object', ',"stream_options":7'],
  ]) {
    b.add(`a stream with ${name}`, { ...ask(extra!), ...answers(whole) });
  }
  const crlf = stream(b.some, '\r\n');
  b.add('a stream with CRLF', { ...ask(''), ...answers(crlf) });
  b.add('a stream with CR', { ...ask(''), ...answers(stream(b.some, '\r')) });
  b.add('a stream in pieces', {
    ...ask(''),
    ...answers(crlf.match(/[^]{1,7}/g)!),
  });
  const waited = [...whole.split(/(?<=\n\n)/)];
  b.add('a stream whose events wait for the client', {
    ...ask(''),
    response: {
      headers: [events],
      // What is taken out cannot arrive, so it comes with the last.
      body: [...waited.slice(0, -2), waited.slice(-2).join('')],
      chunked: 'acknowledged',
    },
  });
  b.add('a stream that does not end its last event', {
    ...ask(''),
    ...answers(whole.trimEnd()),
  });
  b.add('a stream that was not asked for', answers(whole));
  b.add('a stream of responses', {
    path: b.path('responses'),
    ...ask(''),
    ...answers(
      `event: response.completed\ndata: {"type":"response.completed","response":{"usage":{"input_tokens":${b.some.prompt},"output_tokens":${b.some.completion}}}}\n\n`,
    ),
  });
  b.add('a stream without usage', { ...ask(''), ...answers(stream()) });
  b.add('a stream that is said to be compressed', {
    ...ask(''),
    response: {
      headers: [events, header('content-encoding', 'br')],
      body: whole,
    },
  });
}

function answersThatSayNothing(b: Behaviour) {
  for (const [name, response] of [
    ['an answer without usage', { body: answer() }],
    ['an answer that is not JSON', { body: '{"usage":' }],
    [
      'an answer of another type',
      {
        headers: [header('content-type', 'text/plain')],
        body: answer(b.some),
      },
    ],
    ['an empty answer', { body: '' }],
    [
      'a negative usage',
      { body: '{"usage":{"prompt_tokens":1,"total_tokens":-5}}' },
    ],
    ['a usage that is no object', { body: '{"usage":[1]}' }],
    ['an error of the provider', { status: 500, body: answer(b.some) }],
    [
      'an error in a stream',
      { status: 429, headers: [events], body: stream(b.some) },
    ],
  ] as const) {
    b.add(name, { response: response as Exchange['response'] });
  }
  b.add('an answer in pieces', {
    response: { body: answer(b.some).match(/[^]{1,5}/g)! },
  });
}

/** In order: each tenant uses up its budget. */
function budgets(b: Behaviour, { tenant, budget }: AiGatewaySettings) {
  if (!b.limits) {
    return;
  }
  const { tokens, withoutUsage } = budget;
  const of = (total: number): Usage => ({
    prompt: total,
    completion: 0,
    total,
  });
  const plain = (total: number) => ({ response: { body: answer(of(total)) } });
  if (tenant.from !== 'all') {
    const last = {
      request: { body: b.chat(',"stream":true') },
      response: { headers: [events], body: stream(of(1)) },
    };
    b.then('an answer that leaves one token', {
      tenant: 'first',
      ...plain(tokens - 1),
    });
    b.then('a stream that uses the last token', { tenant: 'first', ...last });
    b.then('a budget that is used up', { tenant: 'first', ...last });
    b.then('the budget of another tenant', { tenant: 'second', ...plain(1) });
    b.then('a request of no tenant', { tenant: undefined, ...plain(tokens) });
    b.then('a request of no tenant, too', { tenant: undefined });
    b.then('an error, which costs nothing', {
      tenant: 'third',
      response: { status: 500, body: answer(of(tokens)) },
    });
    b.then('a request after an error', { tenant: 'third' });
    if (withoutUsage >= tokens) {
      b.then('an answer whose tokens are estimated', {
        tenant: 'fourth',
        response: { body: answer() },
      });
      b.then('a request after it', { tenant: 'fourth' });
    }
    return;
  }
  b.then('an answer that uses all tokens', plain(tokens));
  b.then('a budget that is used up', {});
}

/** The behaviour that follows from the settings. */
export function cases(
  set: AiGatewaySettings,
  context: CaseContext,
): BehaviourCase[] {
  const b = new Behaviour(set, context);
  requests(b, set);
  guards(b, set);
  streaming(b);
  answersThatSayNothing(b);
  b.binary();
  b.large();
  budgets(b, set);
  return b.cases;
}
