import { isMap, isSeq, Scalar, YAMLMap, YAMLSeq } from 'yaml';
import type { BodyTransformSettings } from './bodyTransform';
import { applyBodyOperations, Operation } from './bodyTransformOperations';
import {
  isArrayIndex,
  JsonNode,
  parseJson,
  placeIn,
  pointerTokens,
  printJson,
} from './json';
import {
  BehaviourCase,
  BodyMode,
  CaseBody,
  CaseChunks,
  CaseContext,
  CaseHeader,
} from './types';
/** A document in which every pointer that can have a place has one, with neighbours that must survive. */
function sampleDocument(ops: readonly Operation[], leaf: string): string {
  const root = parseJson(
    '{"keep":{"z":1.0,"a":12345678901234567890,"text":"übung/\\"quoted\\""}}',
  );
  for (const op of ops) {
    const tokens = pointerTokens(op.pointer);
    tokens.reduce<JsonNode>((node, token, depth) => {
      if (isSeq<JsonNode>(node)) {
        while (node.items.length <= Number(token)) {
          node.items.push(new Scalar(null));
        }
      }
      const place = placeIn(node, token)!;
      const next = tokens[depth + 1];
      const present = place.get();
      if (present && canHold(present, next)) {
        return present;
      }
      const value = containerFor(next) ?? parseJson(leaf);
      place.set(value);
      return value;
    }, root);
  }
  return printJson(root);
}

function canHold(node: JsonNode, token: string | undefined): boolean {
  return (
    token === undefined || isMap(node) || (isSeq(node) && isArrayIndex(token))
  );
}

function containerFor(token: string | undefined): JsonNode | undefined {
  if (token === undefined) {
    return undefined;
  }
  return isArrayIndex(token) ? new YAMLSeq() : new YAMLMap();
}

const json: CaseHeader = { name: 'content-type', value: 'application/json' };
const plain: CaseHeader = { name: 'content-type', value: 'text/plain' };

const typed = (...values: string[]): CaseHeader[] =>
  values.map(value => ({ name: 'content-type', value }));

type BodyParts = Exclude<CaseBody, string>['parts'];

type Vary = (document: string, edited: boolean) => BodyParts;

const leaf = '"4111111111111111"';

interface Exchange {
  headers?: CaseHeader[];
  leaf?: string;
  /** The bodies instead of the sample document; they must pass as they are. */
  body?: CaseBody;
  /** How a document is written that is sent, or expected once it was edited. */
  vary?: Vary;
  chunked?: CaseChunks;
}

/** What every implementation must do with these settings. */
export function bodyTransformCases(
  settings: BodyTransformSettings,
  context: CaseContext,
): BehaviourCase[] {
  const { request, response } = settings;
  const bodyOf = (ops: Operation[], exchange: Exchange): CaseBody => {
    const document = sampleDocument(ops, exchange.leaf ?? leaf);
    return (
      exchange.body ??
      (exchange.vary ? { parts: exchange.vary(document, false) } : document)
    );
  };
  const afterOf = (ops: Operation[], exchange: Exchange): CaseBody => {
    if (exchange.body !== undefined || ops.length === 0) {
      return bodyOf(ops, exchange);
    }
    const document = sampleDocument(ops, exchange.leaf ?? leaf);
    const edited = applyBodyOperations(document, ops);
    return { parts: exchange.vary?.(edited, true) ?? [edited], json: true };
  };
  const one: One = (name, exchange) => {
    const headers = exchange.headers ?? [json];
    const chunked = exchange.chunked ? { chunked: exchange.chunked } : {};
    return {
      name,
      request: {
        method: 'POST',
        path: '/',
        headers,
        body: bodyOf(request, exchange),
        ...chunked,
      },
      response: {
        status: 200,
        headers,
        body: bodyOf(response, exchange),
        ...chunked,
      },
      expect: {
        request: { body: afterOf(request, exchange) },
        response: { status: 200, body: afterOf(response, exchange) },
      },
    };
  };
  const all = [
    one('JSON with content-length', {}),
    one('JSON in chunks', { chunked: true }),
    one('JSON of another media type', {
      headers: [
        {
          name: 'content-type',
          value: 'Application/Problem+JSON; charset=utf-8',
        },
      ],
    }),
    one('short strings', { leaf: '"ä€"' }),
    one('numbers', { leaf: '4111111111111111.0' }),
    one('values that are not text', { leaf: '{"deep":[true,null]}' }),
    one('JSON in which no operation finds its place', {
      body: ' "no object" \n',
    }),
    one('a body of another type', { headers: [plain], body: 'hello {' }),
    one('a form', {
      headers: typed('application/x-www-form-urlencoded'),
      body: 'a={"b":1}',
    }),
    one('white space that says it is JSON', { body: ' \r\n' }),
    one('white space of another type', { headers: [plain], body: ' \n' }),
    one('an empty body that says it is JSON', { body: '' }),
    one('JSON in chunks that part an escape and a character', {
      body: {
        parts: [
          '"\\',
          'u00',
          'e9 ',
          { base64: 'ww==' },
          { base64: 'qQ==' },
          '"',
        ],
      },
      chunked: 'parts',
    }),
    ...readable(one),
    ...unreadable(settings, context, one),
    ...wholeResponses(response, one),
    {
      ...one('a request without a body', {}),
      request: { method: 'GET', path: '/', headers: [] },
      expect: {
        ...one('', {}).expect,
        request: { body: '' },
      },
    },
  ];
  return [...all, ...largeBodies(request, response, context)];
}

/** A body of one exchange, and what it must be afterwards. */
type One = (name: string, exchange: Exchange) => BehaviourCase;

/** JSON that is to be edited although it is written or labelled in an unusual way. */
function readable(one: One): BehaviourCase[] {
  const headers: Record<string, CaseHeader[]> = {
    'no type': [],
    'text/json': typed('text/json'),
    'a type of JSON lines, with one line': typed('application/x-ndjson'),
    'a suffix in another family': typed('image/x+json'),
    'the type twice in a line': typed('application/json, application/json'),
    'the type in two lines': typed('application/json', 'application/json'),
    'another type before it': typed('text/plain', 'application/json'),
    'a type that is not valid': typed('json'),
    'a charset in quotes': typed('application/json; Charset="UTF-8"'),
    'the encoding identity': [
      json,
      { name: 'content-encoding', value: 'Identity' },
    ],
  };
  return [
    ...Object.entries(headers).map(([name, lines]) =>
      one(`JSON with ${name}`, { headers: lines }),
    ),
    one('JSON after a byte order mark', {
      vary: (document, edited) =>
        edited ? [document] : [{ base64: '77u/' }, document],
    }),
    one('JSON with every member twice', {
      vary: document => [`${document.slice(0, -1)},${document.slice(1)}`],
    }),
    one('JSON with escapes in all names', {
      vary: (document, edited) => [
        edited ? document : printEscaped(parseJson(document)),
      ],
    }),
    one('JSON with a very long number', {
      vary: document => [
        document.slice(0, -1),
        ',"long":',
        { repeat: '9', times: 10_000 },
        '}',
      ],
    }),
  ];
}

/** A document with \u escapes for every character of its names. */
function printEscaped(node: JsonNode): string {
  if (isMap<Scalar<string>, JsonNode>(node)) {
    const members = node.items.map(({ key, value }) => {
      const escaped = key.value
        .split('')
        .map(c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
      return `"${escaped.join('')}":${printEscaped(value as JsonNode)}`;
    });
    return `{${members.join(',')}}`;
  }
  return isSeq<JsonNode>(node)
    ? `[${node.items.map(printEscaped).join(',')}]`
    : printJson(node);
}

/** When it is known that a body cannot be read: by its headers, by all of it, or by how it begins. */
type Known = 'headers' | 'body' | 'beginning';

type Reason = 'encoding' | 'partial' | 'type' | 'charset' | 'json' | 'label';

interface Unreadable {
  headers: CaseHeader[];
  /** Of the response only. */
  status?: number;
  body(document: string): CaseBody;
  known: Known;
  reason: Reason;
}

/** `{"card":{"number":"4111111111111111"}}`, compressed by Python's gzip module. */
const gzipped: CaseBody = {
  parts: [
    {
      base64: 'H4sIAAAAAAACA6tWSk4sSlGyqlbKK81NSi1SslIyMUQFSrW1ACAO+FgmAAAA',
    },
  ],
};

const gzip: CaseHeader = { name: 'content-encoding', value: 'gzip' };

const utf16 = (text: string) => ({
  base64: btoa(
    text
      .split('')
      .map(c => c.charCodeAt(0))
      .map(code => String.fromCharCode(code % 256, Math.floor(code / 256)))
      .join(''),
  ),
});

const withMember = (document: string, ...value: BodyParts): CaseBody => ({
  parts: [document.slice(0, -1), ',"more":', ...value, '}'],
});

/** JSON by its type that is not one JSON document. */
const notJson = (
  body: Unreadable['body'],
  headers: CaseHeader[] = [json],
): Unreadable => ({ headers, body, known: 'body', reason: 'json' });

/** JSON under another type. */
const mislabelled = (body: Unreadable['body'], type: string): Unreadable => ({
  headers: typed(type),
  body,
  known: 'beginning',
  reason: 'label',
});

/** Ways to get a body past an extension that edits JSON. */
const unreadableBodies: Record<string, Unreadable> = {
  'a gzip body': {
    headers: [json, gzip],
    body: () => gzipped,
    known: 'headers',
    reason: 'encoding',
  },
  'a body with an unknown encoding and another type': {
    headers: [plain, { name: 'content-encoding', value: 'identity, x-new' }],
    body: () => gzipped,
    known: 'headers',
    reason: 'encoding',
  },
  'a part of a body': {
    headers: [json, { name: 'content-range', value: 'bytes 0-60/61' }],
    status: 206,
    body: document => document.slice(0, 61),
    known: 'headers',
    reason: 'partial',
  },
  'a multipart body': {
    headers: typed('multipart/form-data; boundary=x'),
    body: document =>
      `--x\r\ncontent-disposition: form-data; name="a"\r\ncontent-type: application/json\r\n\r\n${document}\r\n--x--\r\n`,
    known: 'headers',
    reason: 'type',
  },
  'a stream of events': {
    headers: typed('text/event-stream'),
    body: document => `data: ${document}\n\n`,
    known: 'headers',
    reason: 'type',
  },
  'JSON in UTF-16': {
    headers: typed('application/json; charset=utf-16le'),
    body: document => ({ parts: [utf16(document)] }),
    known: 'headers',
    reason: 'charset',
  },
  ...Object.fromEntries(
    [
      'charset*0=utf-; charset*1=7',
      "charset*=us-ascii''utf-7",
      'charset=" utf-7"',
      'charset=utf-8; charset=utf-7',
      'a=b"; charset=utf-7; c="',
    ].map((charset): [string, Unreadable] => [
      `JSON with ${charset}`,
      {
        headers: typed(`application/json; ${charset}`),
        // The names as a reader of UTF-7 knows them: +AG4- is n.
        body: document => document.replaceAll('n', '+AG4-'),
        known: 'headers',
        reason: 'charset',
      },
    ]),
  ),
  'JSON with a second charset in another line': {
    headers: typed('application/json', 'text/plain; charset=utf-7'),
    body: document => document,
    known: 'headers',
    reason: 'charset',
  },
  'JSON in UTF-16 that does not say so': notJson(document => ({
    parts: [utf16(document)],
  })),
  'a body that is not JSON although it says so': notJson(() => '{"broken":'),
  'a body that is not JSON and has no type': notJson(() => 'hello', []),
  'JSON with one byte that is not UTF-8': notJson(document =>
    withMember(document, '"', { base64: '/w==' }, '"'),
  ),
  'JSON with NaN': notJson(document => withMember(document, 'NaN')),
  'JSON with a comment': notJson(document =>
    withMember(document, '1 /* one */'),
  ),
  'JSON with a tabulator in a text': notJson(document =>
    withMember(document, '"\t"'),
  ),
  'JSON that nests beyond the limit': notJson(document =>
    withMember(
      document,
      { repeat: '[', times: 10_000 },
      { repeat: ']', times: 10_000 },
    ),
  ),
  'JSON lines': notJson(
    document => `${document}\n${document}\n`,
    typed('application/x-ndjson'),
  ),
  'JSON with garbage behind it': notJson(document => `${document} x`),
  'JSON with a prefix against scripts': notJson(
    document => `)]}',\n${document}`,
  ),
  'JSON after two byte order marks': notJson(document => ({
    parts: [{ base64: '77u/77u/' }, document],
  })),
  'JSON that is labelled as text': mislabelled(
    document => ` \n${document}`,
    'text/plain',
  ),
  'JSON after a form feed that is labelled as text': mislabelled(
    document => `\f\v\x01${document}`,
    'text/plain',
  ),
  'JSON that is labelled as a form': mislabelled(
    document => document,
    'application/x-www-form-urlencoded',
  ),
  'JSON in UTF-16 that is labelled as an image': mislabelled(
    document => ({ parts: [{ base64: '//4=' }, utf16(document)] }),
    'image/png',
  ),
};

/** Answers to requests that cannot be read: status, detail, and a header that says what is taken. */
const answers: Record<Reason, [number, string, Record<string, string[]>]> = {
  encoding: [
    415,
    'Send the body without a content-encoding.',
    { 'accept-encoding': ['identity'] },
  ],
  partial: [400, 'Send the whole body, without content-range.', {}],
  type: [
    415,
    'Send one JSON document; a body of several parts or events cannot be read.',
    { accept: ['application/json'] },
  ],
  charset: [415, 'Send JSON in UTF-8.', { accept: ['application/json'] }],
  json: [
    415,
    'The body is not one JSON document in UTF-8.',
    { accept: ['application/json'] },
  ],
  label: [
    415,
    'The body begins like JSON; send it as application/json.',
    { accept: ['application/json'] },
  ],
};

/** An answer of the extension (RFC 9457). */
function problem(
  status: number,
  detail: string,
  headers: Record<string, string[]> = {},
): BehaviourCase['expect']['response'] {
  const titles: Record<number, string> = {
    400: 'Bad Request',
    415: 'Unsupported Media Type',
    502: 'Bad Gateway',
  };
  return {
    status,
    headers: {
      'content-type': ['application/problem+json'],
      'content-encoding': [],
      ...headers,
    },
    body: `{"type":"about:blank","title":"${titles[status]}","status":${status},"detail":"${detail}"}\n`,
  };
}

/** Bodies that cannot be read are refused where an operation would have to change them, or pass byte by byte. */
function unreadable(
  settings: BodyTransformSettings,
  { processing, implementation: { holdsHeaders } }: CaseContext,
  one: One,
): BehaviourCase[] {
  const refuses = settings.unreadable === 'reject';
  // The headers of a body that is only looked at have gone on, unless it is held anyway.
  const inTime = (known: Known, direction: 'request' | 'response') => {
    const mode = processing[direction];
    const held = known === 'body' || (mode && mode.body === 'Buffered');
    return known === 'headers' || (holdsHeaders && held);
  };
  const small: CaseBody = 'a text';
  return Object.entries(unreadableBodies).flatMap(([name, sent]) => {
    const { status = 200, headers, known, reason } = sent;
    const [answer, detail, accepted] = answers[reason];
    const request = sent.body(sampleDocument(settings.request, leaf));
    const response = sent.body(sampleDocument(settings.response, leaf));
    const refusedRequest: BehaviourCase['expect'] = {
      reached: inTime(known, 'request') ? false : 'either',
      response: problem(answer, detail, accepted),
    };
    const refusal = problem(
      502,
      'The response cannot be read as one JSON document.',
    );
    // What Envoy has sent of a response by then decides whether its status can still change.
    const late = holdsHeaders
      ? { ...refusal, broken: 'either' as const }
      : { status, broken: true as const };
    const refusedResponse: BehaviourCase['expect'] = {
      response: inTime(known, 'response') ? refusal : late,
    };
    return [
      {
        ...one(`${name}, request`, { headers, body: request }),
        response: { status: 200, headers: [plain], body: small },
        expect:
          refuses && settings.request.length
            ? refusedRequest
            : {
                request: { body: request },
                response: { status: 200, body: small },
              },
      },
      {
        ...one(`${name}, response`, { headers, body: response }),
        request: { method: 'POST', path: '/', headers: [plain], body: small },
        response: { status, headers, body: response },
        expect:
          refuses && settings.response.length
            ? refusedResponse
            : { response: { status, body: response } },
      },
    ];
  });
}

/** What the upstream is asked for, so that its responses can be read, and responses without a body. */
function wholeResponses(response: Operation[], one: One): BehaviourCase[] {
  const asks: CaseHeader[] = [
    { name: 'accept-encoding', value: 'gzip, br' },
    { name: 'range', value: 'bytes=0-60' },
    { name: 'if-range', value: '"tag"' },
    { name: 'a-im', value: 'vcdiff' },
  ];
  const asked = Object.fromEntries(
    asks.map(({ name, value }) => [
      name,
      response.length ? [] : value.split(', '),
    ]),
  );
  const document = sampleDocument(response, leaf);
  const length = String(new TextEncoder().encode(document).length);
  // GET has the length of the edited body, or none.
  const lengths = { 'content-length': response.length ? [] : [length] };
  const usual = one('', {});
  return [
    {
      ...usual,
      name: 'a compressed part is asked for',
      request: { method: 'GET', path: '/', headers: asks },
      expect: {
        request: {
          headers: response.length
            ? { ...asked, 'accept-encoding': ['identity'] }
            : asked,
        },
        response: usual.expect.response,
      },
    },
    {
      name: 'a response to HEAD has no length that GET would not have',
      request: { method: 'HEAD', path: '/', headers: [] },
      response: { status: 200, headers: [json], body: document },
      expect: { response: { status: 200, headers: lengths, body: '' } },
    },
    // Nothing of its body reaches the client, whatever it announces.
    {
      name: 'a gzip response to HEAD',
      request: { method: 'HEAD', path: '/', headers: [] },
      response: { status: 200, headers: [json, gzip], body: '' },
      expect: {
        response: { status: 200, headers: { 'content-encoding': ['gzip'] } },
      },
    },
    {
      name: 'a response without a body that announces gzip',
      request: { method: 'GET', path: '/', headers: [] },
      response: { status: 304, headers: [json, gzip] },
      expect: {
        response: { status: 304, headers: { 'content-encoding': ['gzip'] } },
      },
    },
  ];
}

/** Bodies beyond the 32 KiB connection buffer of an Envoy Gateway listener, in the directions in which it matters. */
function largeBodies(
  request: Operation[],
  response: Operation[],
  { processing, implementation: { beyondBuffer } }: CaseContext,
): BehaviourCase[] {
  const large = (document: string): CaseBody => ({
    parts: [
      document.slice(0, -1),
      ',"padding":"',
      { repeat: 'x', times: 200_000 },
      '"}',
    ],
  });
  const asJson = (body: CaseBody): CaseBody =>
    typeof body === 'string' ? body : { ...body, json: true };
  const exchange = (name: string, ops: Operation[], mode: BodyMode) => {
    const document = sampleDocument(ops, leaf);
    return {
      name,
      small: 'a text',
      sent: large(document),
      seen: asJson(large(applyBodyOperations(document, ops))),
      fits: mode !== 'Buffered',
    };
  };
  const result: BehaviourCase[] = [];
  const everywhere = [processing.request, processing.response].every(
    direction => direction && direction.body === 'FullDuplexStreamed',
  );
  if (everywhere) {
    const image: CaseBody = {
      parts: [{ base64: '/9j/4A==' }, { repeat: 'x', times: 200_000 }],
    };
    const headers = [{ name: 'content-type', value: 'image/jpeg' }];
    result.push({
      name: 'large bodies of another type',
      request: { method: 'POST', path: '/', headers, body: image },
      response: { status: 200, headers, body: image, chunked: true },
      expect: {
        request: { body: image },
        response: { status: 200, body: image },
      },
    });
  }
  if (request.length && processing.request && processing.request.body) {
    const { name, small, sent, seen, fits } = exchange(
      'a large request body',
      request,
      processing.request.body,
    );
    result.push({
      name,
      request: { method: 'POST', path: '/', headers: [json], body: sent },
      response: { status: 200, headers: [plain], body: small },
      // Envoy answers itself when a body that it has to hold exceeds the connection buffer.
      expect: fits
        ? { request: { body: seen }, response: { status: 200 } }
        : { reached: beyondBuffer.reached, response: { status: 413 } },
    });
  }
  if (response.length && processing.response && processing.response.body) {
    const { name, small, sent, seen, fits } = exchange(
      'a large response body',
      response,
      processing.response.body,
    );
    const error = beyondBuffer.responseStatus;
    if (fits || error) {
      result.push({
        name,
        request: { method: 'POST', path: '/', headers: [plain], body: small },
        response: { status: 200, headers: [json], body: sent },
        expect: {
          response:
            fits || !error ? { status: 200, body: seen } : { status: error },
        },
      });
    }
  }
  return result;
}
