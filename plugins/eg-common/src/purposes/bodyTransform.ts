import { z } from 'zod';
import { isMap, isSeq, Scalar, YAMLMap, YAMLSeq } from 'yaml';
import { lineOfText, wholeNumber } from '../intake/fields';
import {
  isArrayIndex,
  JsonNode,
  jsonString,
  parseJson,
  placeIn,
  placeOf,
  pointerTokens,
  printJson,
  scalarText,
} from './json';
import {
  BehaviourCase,
  BodyMode,
  CaseBody,
  CaseChunks,
  CaseContext,
  CaseHeader,
  Purpose,
} from './types';

const pointer = lineOfText(512)
  .refine(
    text =>
      /^(\/([^~/]|~[01])*)+$/.test(text) &&
      pointerTokens(text).every(
        token => !isArrayIndex(token) || Number(token) <= 1000,
      ),
    {
      error:
        'use a JSON Pointer (RFC 6901) that begins with /, with ~1 for / and ~0 for ~ in names and array indexes up to 1000, for example /payment/card/number',
    },
  )
  .meta({ title: 'JSON Pointer' });

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const operation = z
  .discriminatedUnion(
    'action',
    [
      z.strictObject({
        action: z.literal('set').meta({ title: 'set' }),
        pointer,
        value: lineOfText(1024).meta({ title: 'Text' }),
      }),
      z.strictObject({
        action: z.literal('set-json').meta({ title: 'set-json' }),
        pointer,
        value: lineOfText(4096)
          .refine(isJson, {
            error:
              'use JSON, for example 42, true, null, "text" or {"a": [1, 2]}',
          })
          .meta({ title: 'JSON' }),
      }),
      z.strictObject({
        action: z.literal('remove').meta({ title: 'remove' }),
        pointer,
      }),
      z.strictObject({
        action: z.literal('rename').meta({ title: 'rename' }),
        pointer,
        to: lineOfText(256).meta({
          title: 'New name',
          description:
            'Of the member, which stays in its object. A member that has the name already is replaced.',
        }),
      }),
      z.strictObject({
        action: z.literal('mask').meta({ title: 'mask' }),
        pointer,
        keep: wholeNumber(0, 64).default(4).meta({
          title: 'Characters to keep',
          description: 'How many of the last characters stay readable.',
        }),
      }),
    ],
    {
      error: 'use one of the actions set, set-json, remove, rename and mask',
    },
  )
  .meta({ title: 'Operation' });

const operations = (direction: string) =>
  z
    .array(operation, { error: 'give a list of operations' })
    .max(50, 'use at most 50 operations')
    .default([])
    .meta({
      title: `Operations on the JSON of the ${direction}`,
      description: 'Carried out in order; each sees what the one before left.',
    });

const settings = z.strictObject({
  request: operations('request'),
  response: operations('response'),
  encoded: z
    .enum(['pass', 'reject'], { error: 'use pass or reject' })
    .default('pass')
    .meta({
      title: 'JSON with a content encoding, such as gzip',
      description:
        '“pass”: it goes on as it is, unchanged. “reject”: such a request is answered with 415, such a response with 502, in directions that have operations.',
    }),
});

type Operation = z.infer<typeof operation>;
type BodyTransformSettings = z.infer<typeof settings>;

function mask(text: string, keep: number): string {
  const characters = [...text];
  const readable = characters.length > keep ? characters.length - keep : 0;
  const hidden = readable === 0 ? characters.length : readable;
  return '*'.repeat(hidden) + characters.slice(hidden).join('');
}

/**
 * What the operations make of a JSON text: the reference for every implementation. A text in which no operation found
 * its place comes back as it is.
 */
export function applyBodyOperations(
  text: string,
  ops: readonly Operation[],
): string {
  const root = parseJson(text);
  let changed = false;
  for (const op of ops) {
    const place = placeOf(root, op.pointer);
    const old = place?.get();
    if (!place || (!old && ['remove', 'rename', 'mask'].includes(op.action))) {
      continue;
    }
    if (op.action === 'rename') {
      changed = place.rename(op.to) || changed;
      continue;
    }
    changed = true;
    switch (op.action) {
      case 'set':
        place.set(jsonString(op.value));
        break;
      case 'set-json':
        place.set(parseJson(op.value));
        break;
      case 'remove':
        place.remove();
        break;
      case 'mask': {
        const readable = scalarText(old!);
        place.set(
          jsonString(readable === undefined ? '***' : mask(readable, op.keep)),
        );
        break;
      }
      default:
        throw new Error(`unknown action ${(op as { action: string }).action}`);
    }
  }
  return changed ? printJson(root) : text;
}

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

interface Exchange {
  headers?: CaseHeader[];
  leaf?: string;
  /** The bodies instead of the sample document; they must pass as they are. */
  body?: CaseBody;
  chunked?: CaseChunks;
}

function cases(
  { request, response, encoded }: BodyTransformSettings,
  context: CaseContext,
): BehaviourCase[] {
  const bodyOf = (
    ops: Operation[],
    { body, leaf = '"4111111111111111"' }: Exchange,
  ) => body ?? sampleDocument(ops, leaf);
  const afterOf = (ops: Operation[], exchange: Exchange): CaseBody => {
    const body = bodyOf(ops, exchange);
    return exchange.body === undefined && typeof body === 'string'
      ? { parts: [applyBodyOperations(body, ops)], json: true }
      : body;
  };
  const one = (name: string, exchange: Exchange): BehaviourCase => {
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
    one('a body that is not JSON although it says so', { body: '{"broken":' }),
    one('a body of another type', { headers: [plain], body: '{"a": 1}' }),
    one('a body without a type', { headers: [], body: '{"a": 1}' }),
    one('a body of a type that looks like JSON', {
      headers: [{ name: 'content-type', value: 'application/jsonp' }],
      body: '{"a": 1}',
    }),
    one('an empty body that says it is JSON', { body: '' }),
    one('JSON that is not UTF-8', {
      body: { parts: ['{"text":"', { base64: '/8OE' }, '"}'] },
      chunked: 'parts',
    }),
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
    ...encodedBodies(request, response, encoded, one),
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

/** `{"card":{"number":"4111111111111111"}}`, compressed by Python's gzip module. */
const gzipped: CaseBody = {
  parts: [
    {
      base64: 'H4sIAAAAAAACA6tWSk4sSlGyqlbKK81NSi1SslIyMUQFSrW1ACAO+FgmAAAA',
    },
  ],
};

const gzip: CaseHeader = { name: 'content-encoding', value: 'gzip' };

/** Bodies that the extension cannot read: they pass byte by byte, or are refused where it would have to change them. */
function encodedBodies(
  request: Operation[],
  response: Operation[],
  encoded: BodyTransformSettings['encoded'],
  one: (name: string, exchange: Exchange) => BehaviourCase,
): BehaviourCase[] {
  const requests = one('a gzip request body', {
    headers: [json, gzip],
    body: gzipped,
  });
  const responses = one('a gzip response body', {
    headers: [json, gzip],
    body: gzipped,
  });
  const small: CaseBody = '{"small": "and of another type"}';
  const refusesRequests = encoded === 'reject' && request.length > 0;
  const refusesResponses = encoded === 'reject' && response.length > 0;
  return [
    {
      ...requests,
      response: { status: 200, headers: [plain], body: small },
      expect: refusesRequests
        ? {
            reached: false,
            response: {
              status: 415,
              headers: { 'accept-encoding': ['identity'] },
              body: 'Send JSON without a content encoding.\n',
            },
          }
        : {
            request: {
              headers: { 'content-encoding': ['gzip'] },
              body: gzipped,
            },
            response: { status: 200, body: small },
          },
    },
    {
      ...responses,
      request: {
        method: 'POST',
        path: '/',
        headers: [plain],
        body: small,
      },
      expect: {
        response: refusesResponses
          ? {
              status: 502,
              headers: { 'content-encoding': [] },
              body: 'The response has a content encoding.\n',
            }
          : {
              status: 200,
              headers: { 'content-encoding': ['gzip'] },
              body: gzipped,
            },
      },
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
    one('a body with the encoding identity', {
      headers: [json, { name: 'content-encoding', value: 'Identity' }],
    }),
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
    const document = sampleDocument(ops, '"4111111111111111"');
    return {
      name,
      small: '{}',
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

/**
 * Sets, removes, renames and masks values in JSON bodies of requests and responses.
 *
 * @public
 */
export const bodyTransform: Purpose<BodyTransformSettings> = {
  id: 'body-transform',
  title: 'Transform JSON bodies',
  description:
    'Sets, removes, renames and masks values in JSON bodies, found by JSON Pointer, in requests and responses.',
  settings,
  defaultPhases: ['requestBody', 'responseBody'],
  defaults: phases => {
    const maskCards: Operation[] = [
      { action: 'mask', pointer: '/card/number', keep: 4 },
    ];
    return {
      request: phases.includes('requestBody') ? maskCards : [],
      response: phases.includes('responseBody') ? maskCards : [],
      encoded: 'pass',
    };
  },
  phases: ({ request, response }) => [
    ...(request.length ? (['requestBody'] as const) : []),
    ...(response.length ? (['responseBody'] as const) : []),
  ],
  wholeBody: true,
  changesBody: true,
  openEnded: false,
  warnings: ({ request, response, encoded }) => {
    const masks = [...request, ...response].some(
      op => op.action === 'mask' || op.action === 'remove',
    );
    return [
      ...(masks && encoded === 'pass'
        ? [
            {
              severity: 'security' as const,
              text: 'JSON with a content encoding passes with everything that your operations would hide. Set “encoded” to “reject”, or remove accept-encoding from the requests.',
              source:
                'RFC 9110, section 8.4: the encoding hides the media type below it',
            },
          ]
        : []),
      {
        severity: 'correctness' as const,
        text: 'Headers that describe the body (etag, digest, signatures) are not changed with it, and a receiver that checks them refuses it.',
        source: 'RFC 9110, section 8.8.3; RFC 9530: Digest Fields',
      },
    ];
  },
  cases,
};
