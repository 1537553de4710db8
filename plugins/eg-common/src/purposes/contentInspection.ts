import { z } from 'zod';
import { headerName, wholeNumber } from '../intake/fields';
import {
  decidingLength,
  DetectorId,
  Finding,
  findings,
  hiddenIn,
} from './inspection';
import { readingsOf, writings } from './contentReadings';
import { parsePattern, patternHelp } from './pattern';
import { protocolCases } from './protocolCases';
import {
  BehaviourCase,
  CaseBody,
  CaseContext,
  CaseHeader,
  DirectionProcessing,
  Purpose,
} from './types';

/** The longest match of a pattern of one's own. */
const maxPatternLength = 256;

const actions = ['off', 'report', 'mask', 'block'] as const;
type Action = (typeof actions)[number];

const action = (title: string, description?: string) =>
  z
    .enum(actions, { error: 'use one of off, report, mask and block' })
    .default('off')
    .meta({ title, ...(description ? { description } : {}) });

/** An attack that is cut out of a text may leave another one, so it is never masked. */
const attackAction = (title: string, description: string) =>
  z
    .enum(['off', 'report', 'block'], {
      error: 'use one of off, report and block; an attack cannot be masked',
    })
    .default('off')
    .meta({ title, description });

const sensitive = {
  cards: action(
    'Payment card numbers',
    'That pass the Luhn check, with or without blanks and hyphens.',
  ),
  emails: action('E-mail addresses'),
  credentials: action(
    'Tokens and keys',
    'API keys of well-known issuers, JSON Web Tokens, private keys.',
  ),
};

/** The expression, or why it cannot be used. */
function patternProblem(text: string): string | undefined {
  try {
    const { min, max } = parsePattern(text);
    if (min === 0) {
      return 'it matches the empty text; make a part of it obligatory';
    }
    return max > maxPatternLength
      ? `its matches can have ${max} characters; use smaller quantities, so that none has more than ${maxPatternLength}`
      : undefined;
  } catch (error) {
    return `${(error as Error).message}; ${patternHelp}`;
  }
}

const pattern = z.strictObject({
  name: z
    .string({ error: 'give the pattern a name, for example employee-number' })
    .max(40, 'use at most 40 characters')
    .regex(
      /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/,
      'use lower-case letters, digits and hyphens, for example employee-number',
    )
    .meta({ title: 'Name', description: 'Appears in events.' }),
  pattern: z
    .string({ error: 'give a regular expression, for example EMP-\\d{6}' })
    .min(1, 'give a regular expression, for example EMP-\\d{6}')
    .max(256, 'use at most 256 characters')
    .superRefine((text, context) => {
      const problem = patternProblem(text);
      if (problem) {
        context.addIssue({ code: 'custom', message: problem });
      }
    })
    .meta({
      title: 'Regular expression',
      description:
        'Of a part that every engine carries out in linear time: no ., *, + and [^…]; write [a-z]{1,20} instead.',
    }),
  request: action('In requests'),
  response: action('In responses'),
});

const mediaType = z
  .string({ error: 'give a media type, for example text/*' })
  .max(100, 'use at most 100 characters')
  .regex(
    /^[a-z0-9!#$&^_.+-]*\*?[a-z0-9!#$&^_.+-]*\/[a-z0-9!#$&^_.+-]*\*?[a-z0-9!#$&^_.+-]*$|^\*$/,
    'use a media type in lower case without parameters, with at most one *, for example application/*+json',
  )
  .refine(text => text.split('*').length <= 2, {
    error: 'use at most one *, for example application/*+json',
  });

const settings = z.strictObject({
  request: z
    .strictObject({
      places: z
        .array(z.enum(['path', 'body'], { error: 'use path and body' }), {
          error: 'give a list of path and body',
        })
        .refine(places => new Set(places).size === places.length, {
          error: 'name each place once',
        })
        .default(['path', 'body'])
        .meta({
          title: 'Places',
          description:
            'What would be masked in the path or its query is blocked, as another path would be another resource.',
        }),
      headers: z
        .array(headerName, { error: 'give a list of headers' })
        .max(20, 'use at most 20 headers')
        .refine(names => new Set(names).size === names.length, {
          error: 'name each header once',
        })
        .default([])
        .meta({
          title: 'Headers',
          description: 'All values of these headers are inspected.',
        }),
      ...sensitive,
      sqlInjection: attackAction(
        'SQL injection',
        'Well-known beginnings of attacks; no replacement for bound parameters.',
      ),
      pathTraversal: attackAction(
        'Path traversal',
        'Ways out of a folder, and files that attackers look for.',
      ),
    })
    .prefault({})
    .meta({ title: 'Requests' }),
  response: z
    .strictObject(sensitive)
    .prefault({})
    .meta({ title: 'Bodies of responses' }),
  patterns: z
    .array(pattern, { error: 'give a list of patterns' })
    .max(20, 'use at most 20 patterns')
    .refine(list => new Set(list.map(p => p.name)).size === list.length, {
      error: 'give each pattern a name of its own',
    })
    .default([])
    .meta({ title: 'Patterns of your own' }),
  maskWith: z
    .enum(['*', 'x', 'X', '#', '1'], { error: 'use one of *, x, X, # and 1' })
    .default('*')
    .meta({
      title: 'Masked with',
      description:
        'Takes the place of each character, so that lengths stay. With 1, a card number that is a JSON number stays one.',
    }),
  keepDigits: wholeNumber(0, 4).default(4).meta({
    title: 'Digits to keep',
    description: 'How many of a card number’s last digits stay readable.',
  }),
  contentTypes: z
    .array(mediaType, { error: 'give a list of media types' })
    .min(1, 'give at least one media type, for example *')
    .max(40, 'use at most 40 media types')
    .default([
      'text/*',
      'application/json',
      'application/*+json',
      'application/x-ndjson',
      'application/xml',
      'application/*+xml',
      'application/x-www-form-urlencoded',
      'application/graphql',
      'application/javascript',
      'multipart/form-data',
    ])
    .meta({
      title: 'Media types of inspected bodies',
      description:
        'A body of another type passes as it is; one without a type is inspected.',
    }),
  unreadable: z
    .enum(['reject', 'pass'], { error: 'use one of reject and pass' })
    .default('reject')
    .meta({
      title: 'Bodies that cannot be read',
      description:
        'A body with a content-encoding such as gzip, in a charset such as UTF-7, or a part of one: rejected with 415 (a response: replaced by 502), or passed without a look at it.',
    }),
});

type Settings = z.infer<typeof settings>;

/** One detector with what is done in each direction. */
interface Detector {
  /** As in events. */
  name: string;
  what: DetectorId | { pattern: string };
  request: Action;
  response: Action;
  /** A text that it finds. */
  sample: string;
  /** A text that it nearly finds. */
  near?: string;
  /** Matches that overlap: the first may not hide the others. */
  overlapping?: string;
}

/** JWT of RFC 7519, section 3.1, with its signature shortened. */
const jwt =
  'eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODB9.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';

/** The detectors of the settings, those included that are off. */
function detectorsOf({ request, response, patterns }: Settings): Detector[] {
  return [
    {
      name: 'cards',
      what: 'cards',
      request: request.cards,
      response: response.cards,
      sample: '4111 1111-1111 1111',
      near: '4111 1111 1111 1112',
      // 2000000064111 passes the Luhn check as well.
      overlapping:
        'customer 200000006 4111 1111 1111 1111, 4111-1111 1111-1111 1111',
    },
    {
      name: 'emails',
      what: 'emails',
      request: request.emails,
      response: response.emails,
      sample: 'jane.doe@mail.example.com',
      near: 'jane@localhost',
      overlapping: 'x@jane.doe@example.com',
    },
    {
      name: 'credentials',
      what: 'credentials',
      request: request.credentials,
      response: response.credentials,
      sample: jwt,
      near: 'AKIAIOSFODNN7EXAMPL',
      overlapping: `xoxb-123456789012-${jwt} glpat-aaaaaaaaaaaaaaaaaaaa-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----`,
    },
    {
      name: 'sql-injection',
      what: 'sql-injection',
      request: request.sqlInjection,
      response: 'off',
      sample: "' OR '1'='1",
      near: "it's red or green",
    },
    {
      name: 'path-traversal',
      what: 'path-traversal',
      request: request.pathTraversal,
      response: 'off',
      sample: '..%2F..%2fetc',
      near: 'to be continued .../',
    },
    ...patterns.map(own => ({
      name: `pattern:${own.name}`,
      what: { pattern: own.pattern },
      request: own.request,
      response: own.response,
      sample: parsePattern(own.pattern).sample,
    })),
  ];
}

type Direction = 'request' | 'response';

const isActive = (s: Settings, direction: Direction) =>
  detectorsOf(s).some(detector => detector[direction] !== 'off');

/** Whether bodies are looked at, in one direction at least. */
const inspectsBodies = (s: Settings) =>
  isActive(s, 'response') ||
  (isActive(s, 'request') && s.request.places.includes('body'));

/** What becomes of a text: the reference. Every reading of it is looked at. */
function inspect(s: Settings, direction: Direction, text: string) {
  const readings = readingsOf(text);
  const hits = detectorsOf(s)
    .filter(detector => detector[direction] !== 'off')
    .map(detector => ({
      name: detector.name,
      card: detector.what === 'cards',
      action: detector[direction],
      found: readings.map(reading => findings(reading.text, detector.what)),
    }))
    .filter(({ found }) => found.some(list => list.length > 0));
  const hidden = readings.flatMap((reading, index) => {
    const places = hits
      .filter(hit => hit.action === 'mask')
      .flatMap(({ found, card }) =>
        found[index]!.map((place: Finding) => ({ ...place, card })),
      );
    return hiddenIn(reading.text, places, s.keepDigits).map(at => [
      reading.starts[at]!,
      reading.starts[at + 1]!,
    ]);
  });
  const characters = text.split('');
  for (const [start, end] of hidden) {
    for (let at = start!; at < end!; at++) {
      // A NUL is no character but a half of one.
      characters[at] = characters[at] === '\0' ? '\0' : s.maskWith;
    }
  }
  return {
    blocked: hits.some(hit => hit.action === 'block'),
    text: characters.join(''),
    hits: hits.map(({ name, action: done, found }) => ({
      detector: name,
      action: done,
      // In another reading the same is there again.
      count: Math.max(...found.map(list => list.length)),
    })),
  };
}

/** A text in a query, in which only what has to be is encoded. */
const inQuery = (text: string) =>
  `/search?q=${encodeURIComponent(text).replace(/'/g, '%27')}&page=2`;

const problem = (status: number, title: string, detail: string) =>
  `{"type":"about:blank","title":"${title}","status":${status},"detail":"${detail}"}\n`;

/** The answers of the extension, the same in each implementation (RFC 9457). */
export const inspectionProblems = {
  request: problem(
    403,
    'Forbidden',
    'The request contains something that is not let through.',
  ),
  unreadable: problem(
    415,
    'Unsupported Media Type',
    'The body cannot be read for inspection; send it as UTF-8 and without a content-encoding.',
  ),
  response: problem(502, 'Bad Gateway', 'The response cannot be let through.'),
};

const refused = (status: 403 | 415 | 502): BehaviourCase['expect'] => ({
  response: {
    status,
    headers: { 'content-type': ['application/problem+json'] },
    body: {
      403: inspectionProblems.request,
      415: inspectionProblems.unreadable,
      502: inspectionProblems.response,
    }[status],
  },
});

const ownType = (type: string): CaseHeader[] => [
  { name: 'content-type', value: type },
];

/** A text as base64, each of its characters one byte. */
const bytes = (text: string) => ({ base64: btoa(text) });

/** Ways to say that a part is in another encoding. */
const transferEncodings = {
  'in base64': ': base64',
  'in base64 behind many blanks': `:${' '.repeat(9)}base64`,
  'in base64 behind more blanks': `:${' \t'.repeat(1000)}base64`,
  'in base64 behind a blank and a colon': ' : BASE64',
  'in base64 in a folded line': ':\r\n\tbase64',
  'in base64 behind a comment': ': (7bit) base64',
  'in quoted-printable': ':quoted-printable',
  'in an encoding of its own': ': x-own',
};

/** How bodies of a direction reach the extension. */
interface BodyPath {
  inspected: boolean;
  /** Whether pieces go on before the end. */
  pieces: boolean;
  mode: DirectionProcessing;
}

function cases(s: Settings, context: CaseContext): BehaviourCase[] {
  const { implementation, processing } = context;
  const piecewise = (mode: DirectionProcessing) =>
    implementation.wholeBody === 'processor-memory'
      ? Boolean(mode && mode.body === 'FullDuplexStreamed')
      : implementation.holdsBack;
  const bodies: Record<Direction, BodyPath> = {
    request: {
      inspected: s.request.places.includes('body') && isActive(s, 'request'),
      pieces: piecewise(processing.request),
      mode: processing.request,
    },
    response: {
      inspected: isActive(s, 'response'),
      pieces: piecewise(processing.response),
      mode: processing.response,
    },
  };
  const type =
    s.contentTypes.find(t => !t.includes('*')) ??
    s.contentTypes[0]!.replace('*', 'plain');

  const withBody = (
    direction: Direction,
    name: string,
    parts: string[],
    more: { headers?: CaseHeader[]; chunked?: true | 'parts' } = {},
  ): BehaviourCase => {
    const headers = more.headers ?? ownType(type);
    const own = {
      headers,
      body: { parts: parts.filter(Boolean) },
      ...(more.chunked ? { chunked: more.chunked } : {}),
    };
    const done = inspect(s, direction, parts.join(''));
    const other = { headers: [], body: 'ok' };
    const [request, response] =
      direction === 'request' ? [own, other] : [other, own];
    const base = {
      name: `${direction}: ${name}`,
      request: { method: 'POST', path: '/', ...request },
      response: { status: 200, ...response },
    };
    if (done.blocked) {
      return {
        ...base,
        expect:
          direction === 'request'
            ? {
                reached: bodies.request.pieces ? 'either' : false,
                ...refused(403),
              }
            : refused(502),
      };
    }
    return {
      ...base,
      expect:
        direction === 'request'
          ? { request: { body: done.text }, response: { status: 200 } }
          : { response: { status: 200, body: done.text } },
    };
  };
  const passes = (
    direction: Direction,
    name: string,
    headers: CaseHeader[],
    body: CaseBody,
  ): BehaviourCase => {
    const same = withBody(direction, name, [], { headers });
    same[direction].body = body;
    same.expect =
      direction === 'request'
        ? { request: { body }, response: { status: 200 } }
        : { response: { status: 200, body } };
    return same;
  };

  const all = detectorsOf(s);
  const result: BehaviourCase[] = [];

  for (const direction of ['request', 'response'] as const) {
    const { inspected, pieces } = bodies[direction];
    const active = all.filter(detector => detector[direction] !== 'off');
    if (!inspected || active.length === 0) {
      result.push(
        passes(direction, 'what is not inspected passes', ownType(type), {
          parts: all.map(({ sample }) => `${sample}\n`),
        }),
      );
      continue;
    }
    for (const { name, sample, near, overlapping } of active) {
      const half = Math.floor(sample.length / 2);
      result.push(
        withBody(direction, `${name} in a body`, [
          `{"a": "é", "b": "${sample}", "c": "${sample}"}`,
        ]),
        withBody(
          direction,
          `${name} split between chunks`,
          ['a: ', sample.slice(0, half), sample.slice(half), ' :z'],
          { chunked: 'parts' },
        ),
      );
      if (overlapping) {
        const middle = Math.floor(overlapping.length / 2);
        result.push(
          withBody(direction, `${name}, matches that overlap`, [
            `a "${overlapping}" z`,
          ]),
          withBody(
            direction,
            `${name}, matches that overlap between chunks`,
            [overlapping.slice(0, middle), overlapping.slice(middle)],
            { chunked: 'parts' },
          ),
        );
      }
      if (near) {
        result.push(
          withBody(direction, `nearly ${name}`, [`a "${near}" z`], {
            chunked: true,
          }),
        );
      }
    }
    const everything = active.map(({ sample }) => sample).join('\n');
    const maskedOnly = active
      .filter(detector => detector[direction] !== 'block')
      .map(({ sample }) => sample)
      .join('\n');
    result.push(
      withBody(direction, 'all of it at once', [everything]),
      withBody(direction, 'an empty body', ['']),
      withBody(direction, 'nothing to find', ['a b c'], { headers: [] }),
      withBody(direction, 'a body without a type', [everything], {
        headers: [],
      }),
      withBody(direction, 'another writing of the type', [everything], {
        headers: ownType(` ${type.toUpperCase()} ;charset=utf-8`),
      }),
      withBody(direction, 'in one of many chunks', [everything], {
        chunked: true,
      }),
      notText(s, direction, maskedOnly, withBody),
    );
    if (!isInspectedType(s, 'image/png')) {
      result.push(
        passes(direction, 'another type passes', ownType('image/png'), {
          parts: [bytes('\x89PNG\r\n\x1a\n\xff'), everything],
        }),
      );
    }
    const unreadable = (name: string, headers: CaseHeader[], body: CaseBody) =>
      result.push(
        notRead(s, passes(direction, name, headers, body), direction, pieces),
      );
    unreadable(
      'an encoded body',
      [...ownType(type), { name: 'content-encoding', value: 'x-unknown' }],
      everything,
    );
    for (const charset of [
      'charset=utf-7',
      'charset=x-unknown',
      'charset="Shift_JIS"',
      'charset*0=utf-; charset*1=7',
      "charset*=us-ascii''utf-7",
      'charset=" utf-7"',
      'charset=";utf-7"',
      'charset=utf-8; charset=utf-7',
      'a=b"; charset=utf-7; c="',
    ]) {
      unreadable(charset, ownType(`${type}; ${charset}`), everything);
    }
    unreadable(
      'a second type with another charset',
      [...ownType(type), ...ownType('text/plain; charset=utf-7')],
      everything,
    );
    if (isInspectedType(s, 'multipart/form-data')) {
      const part = (encoding: string): [CaseHeader[], string] => [
        ownType('multipart/form-data; boundary=b'),
        [
          '--b',
          'Content-Disposition: form-data; name="a"',
          `Content-Transfer-Encoding${encoding}`,
          '',
          'YQ==',
          '--b--',
          '',
        ].join('\r\n'),
      ];
      for (const [way, encoding] of Object.entries(transferEncodings)) {
        const [headers, body] = part(encoding);
        const passed = passes(direction, `a part, ${way}`, headers, body);
        const one = notRead(s, passed, direction, pieces);
        // Without its headers held, a response can only break off.
        const tooLate =
          direction === 'response' && !implementation.holdsHeaders;
        result.push(
          one !== passed && tooLate
            ? { ...one, expect: { response: { status: 200, broken: true } } }
            : one,
        );
      }
      result.push(passes(direction, 'a part in 8bit', ...part(': 8BIT')));
    }
    result.push(
      ...writtenOtherwise(s, direction, type, active, withBody),
      withTrailers(direction, 'trailers', [maskedOnly], withBody),
      withTrailers(direction, 'trailers, all of it', [everything], withBody),
      withTrailers(direction, 'trailers, nothing to find', ['a'], withBody),
    );
    result.push(
      withBody(direction, 'identity is no encoding', [everything], {
        headers: [
          ...ownType(type),
          { name: 'content-encoding', value: 'Identity' },
        ],
      }),
      ...largeBody(direction, maskedOnly, bodies[direction], context, withBody),
    );
  }

  const answered = all.filter(({ response }) => response !== 'off');
  if (
    bodies.response.pieces &&
    answered.length > 0 &&
    answered.every(({ response }) => response !== 'block')
  ) {
    result.push(...eventStreams(s, answered, withBody));
  }
  result.push(...headerCases(s, all), ...eventCases(s, all));
  if (!implementation.holdsBack) {
    result.push(...otherProtocols(s, implementation));
  }
  if (isActive(s, 'response')) {
    result.push({
      name: 'the upstream is asked for the whole body without an encoding',
      request: {
        method: 'GET',
        path: '/',
        headers: [
          { name: 'accept-encoding', value: 'gzip, br' },
          { name: 'range', value: 'bytes=0-60' },
          { name: 'if-range', value: '"a"' },
        ],
      },
      response: { status: 200, headers: ownType(type), body: 'ok' },
      expect: {
        request: {
          headers: {
            'accept-encoding': ['identity'],
            range: [],
            'if-range': [],
          },
        },
        response: { status: 200, body: 'ok' },
      },
    });
    const part = { status: 206, headers: ownType('image/png'), body: 'a part' };
    result.push({
      name: 'response: a part of a body',
      request: { method: 'GET', path: '/', headers: [] },
      response: part,
      expect:
        s.unreadable === 'pass'
          ? { response: { status: 206, body: part.body } }
          : refused(502),
    });
  }
  return result;
}

/** What a gateway carries beside plain requests. What cannot be read is refused, or passes. */
function otherProtocols(
  s: Settings,
  { holdsBack }: CaseContext['implementation'],
): BehaviourCase[] {
  const events =
    isActive(s, 'response') && isInspectedType(s, 'text/event-stream');
  const rejects = s.unreadable === 'reject';
  return protocolCases({
    refused: (_, protocol) =>
      protocol === 'websocket' && rejects && inspectsBodies(s)
        ? 403
        : undefined,
    replaced: (_, protocol) => {
      const unread = {
        // Without its end, an event stream could not be looked at.
        'server-sent events': events && !holdsBack,
        range: isActive(s, 'response'),
      };
      return rejects && protocol in unread && unread[protocol as 'range']
        ? 502
        : undefined;
    },
    // Only what is held can still be replaced.
    holdsEvents:
      events && detectorsOf(s).some(({ response }) => response === 'block'),
  });
}

/** What becomes of a body that cannot be read. */
function notRead(
  s: Settings,
  passed: BehaviourCase,
  direction: Direction,
  pieces: boolean,
): BehaviourCase {
  if (s.unreadable === 'pass') {
    return passed;
  }
  return {
    ...passed,
    expect:
      direction === 'request'
        ? { reached: pieces ? 'either' : false, ...refused(415) }
        : refused(502),
  };
}

/** A short body that ends with trailers and not with itself. */
function withTrailers(
  direction: Direction,
  name: string,
  parts: string[],
  withBody: WithBody,
): BehaviourCase {
  const one = withBody(direction, name, parts);
  one.request.protocol = 'http2';
  one[direction].trailers = [{ name: 'x-end', value: 'yes' }];
  const passed = one.expect[direction];
  if (
    passed &&
    passed.body !== undefined &&
    one.expect.response.status === 200
  ) {
    passed.trailers = { 'x-end': ['yes'] };
  }
  return one;
}

/** Events and lines that the client has before the next one comes. */
function eventStreams(
  s: Settings,
  active: readonly Detector[],
  withBody: WithBody,
): BehaviourCase[] {
  const streams: [string, (text: string) => string][] = [
    ['text/event-stream', text => `data: ${text}\n\n`],
    ['application/x-ndjson', text => `"${text.replace(/["\\]/g, '\\$&')}"\n`],
  ];
  return streams
    .filter(([type]) => isInspectedType(s, type))
    .map(([type, write]) => {
      const parts = [...active.map(({ sample }) => write(sample)), write('a')];
      const one = withBody('response', `${type} passes as it comes`, parts, {
        headers: ownType(type),
      });
      one.response.chunked = 'acknowledged';
      return one;
    });
}

/** What is found in forms that a reader takes for the same: encodings, escapes, charsets, other types. */
function writtenOtherwise(
  s: Settings,
  direction: Direction,
  type: string,
  active: readonly Detector[],
  withBody: WithBody,
): BehaviourCase[] {
  const inspectedType = (wanted: string) =>
    isInspectedType(s, wanted) ? wanted : type;
  const json = ownType(inspectedType('application/json'));
  const form = ownType(inspectedType('application/x-www-form-urlencoded'));
  const multipart = ownType(
    `${inspectedType('multipart/form-data')}; boundary=b`,
  );
  const wide = (charset: string) => ownType(`${type}; charset=${charset}`);
  const part = (content: string) =>
    [
      '--b',
      'Content-Disposition: form-data; name="a"; filename="a.txt"',
      'Content-Type: text/plain; charset=utf-16le',
      '',
      content,
      '--b--',
      '',
    ].join('\r\n');
  return active.flatMap(({ name, sample }) => {
    const quoted = `{"a": "${writings.json(sample)}"}`;
    const ways: [string, CaseHeader[], string][] = [
      ['in a form', form, `a=${encodeURIComponent(sample)}&b=2`],
      ['in a form, every byte', form, `a=${writings.percent(sample)}&b=2`],
      ['in a form, + for blanks', form, `a=${sample.replace(/ /g, '+')}&b=2`],
      ['in JSON escapes', json, quoted],
      ['in JSON escapes in a form', form, `a=${writings.percent(quoted)}`],
      [
        'in some JSON escapes',
        json,
        `{"a": "${sample.slice(0, 3).replace(/./g, writings.json)}${sample
          .slice(3)
          .replace(/["\\/]/g, '\\$&')}"}`,
      ],
      ['in UTF-16LE', wide('utf-16le'), writings.littleEndian(`a ${sample} z`)],
      [
        'in UTF-16BE with a byte order mark',
        wide('UTF-16'),
        `\xfe\xff${writings.bigEndian(`a ${sample} z`)}`,
      ],
      [
        'in UTF-16BE, not declared',
        ownType(type),
        writings.bigEndian(`{"a": "${writings.json(sample)}"}`),
      ],
      ['in two types', ownType(`image/png, ${type}`), `a ${sample} z`],
      [
        'in two lines of types',
        [...ownType('image/png'), ...ownType(type)],
        `a ${sample} z`,
      ],
      [
        'in a part',
        multipart,
        part(`${writings.littleEndian(`a ${sample} z`)}`),
      ],
    ];
    return ways.map(([way, headers, text]) => {
      const one = withBody(direction, `${name} ${way}`, [text], { headers });
      // Some are no UTF-8: every character stands for a byte.
      one[direction].body = { parts: [bytes(text)] };
      const done = inspect(s, direction, text);
      if (!done.blocked) {
        one.expect[direction]!.body = { parts: [bytes(done.text)] };
      }
      return one;
    });
  });
}

function isInspectedType(s: Settings, type: string): boolean {
  return s.contentTypes.some(t => {
    const [before, after] = t.split('*') as [string, string?];
    return after === undefined
      ? t === type
      : type.length >= before.length + after.length &&
          type.startsWith(before) &&
          type.endsWith(after);
  });
}

type WithBody = (
  direction: Direction,
  name: string,
  parts: string[],
  more?: { headers?: CaseHeader[]; chunked?: true | 'parts' },
) => BehaviourCase;

/** Bytes that are no text stay, and what is found between them is found. */
function notText(
  s: Settings,
  direction: Direction,
  text: string,
  withBody: WithBody,
): BehaviourCase {
  const result = withBody(direction, 'bytes that are not UTF-8', [
    'a ',
    text,
    ' z',
  ]);
  const around = (inner: string): CaseBody => ({
    parts: [bytes('\xff\xfe\x00 '), inner, bytes(' \xc3\x28\x80')],
  });
  result[direction].body = around(text);
  const expected = result.expect[direction];
  if (expected) {
    expected.body = around(inspect(s, direction, text).text);
  }
  return result;
}

/** Beyond the connection buffer of a listener, what is found lies across pieces. */
function largeBody(
  direction: Direction,
  text: string,
  { pieces, mode }: BodyPath,
  { implementation: { beyondBuffer, wholeBody } }: CaseContext,
  withBody: WithBody,
): BehaviourCase[] {
  if (!mode) {
    return [];
  }
  const blanks = 'lorem ipsum dolor '.repeat(7);
  const result = withBody(direction, 'a large body', [text, ' ', blanks, text]);
  const sent = (inner: string): CaseBody => ({
    parts: [
      inner,
      ' ',
      { repeat: blanks, times: 1600 },
      inner,
      // After a blank: a token goes on as long as its characters do.
      { repeat: ' z', times: decidingLength },
      ' ',
      inner,
    ],
  });
  result[direction].body = sent(text);
  const fits =
    pieces || (wholeBody === 'processor-memory' && mode.body !== 'Buffered');
  if (fits) {
    const after = result.expect[direction]!;
    const inner = String(after.body).slice(0, text.length);
    after.body = sent(inner);
    return [result];
  }
  if (direction === 'request') {
    return [
      {
        ...result,
        expect: { reached: beyondBuffer.reached, response: { status: 413 } },
      },
    ];
  }
  return beyondBuffer.responseStatus
    ? [
        {
          ...result,
          expect: { response: { status: beyondBuffer.responseStatus } },
        },
      ]
    : [];
}

/** Path, query and headers of requests. */
function headerCases(s: Settings, all: readonly Detector[]): BehaviourCase[] {
  const { request } = s;
  const result: BehaviourCase[] = [];
  const one = (
    name: string,
    path: string,
    headers: CaseHeader[],
    expect: BehaviourCase['expect'],
  ) =>
    result.push({
      name,
      request: { method: 'GET', path, headers },
      response: { status: 200, headers: [], body: 'ok' },
      expect,
    });
  const through: BehaviourCase['expect'] = {
    response: { status: 200, body: 'ok' },
  };
  const refusal = { reached: false, ...refused(403) };
  const isPathRefused = (path: string) =>
    inspect(s, 'request', path).hits.some(hit => hit.action !== 'report');
  for (const { name, sample } of all) {
    for (const [way, path] of [
      ['in a query', inQuery(sample)],
      ['in a query, every byte', `/?q=${writings.percent(sample)}`],
      ['in a query, encoded twice', `/?q=${writings.percentTwice(sample)}`],
      [
        'in a query, all of it encoded twice',
        `/?q=${writings.percent(writings.percent(sample))}`,
      ],
      ['in a query, overlong UTF-8', `/?q=${writings.overlong(sample)}`],
      [
        'in a query, JSON escapes',
        `/?q=${encodeURIComponent(`"${writings.json(sample)}"`)}`,
      ],
    ] as const) {
      one(
        `${name} ${way}`,
        path,
        [],
        request.places.includes('path') && isPathRefused(path)
          ? refusal
          : through,
      );
    }
  }
  one('nothing to find in a path', '/a%20b/c?d=e+f&g=%zz%', [], through);
  // Envoy removes a referer that is no address.
  const header = request.headers.find(name => name !== 'referer');
  if (request.headers.includes('referer')) {
    for (const { name, sample } of all) {
      const value = `https://example.com/?q=${writings.percent(sample)}`;
      const done = inspect(s, 'request', value);
      one(
        `${name} in a referer`,
        '/',
        [{ name: 'referer', value }],
        done.blocked
          ? refusal
          : { ...through, request: { headers: { referer: [done.text] } } },
      );
    }
  }
  if (header) {
    for (const { name, sample } of all) {
      const values = [`a ${sample} z`, 'b', `c ${sample} z`];
      const done = values.map(value => inspect(s, 'request', value));
      one(
        `${name} in repeated headers`,
        '/',
        values.map(value => ({ name: header, value })),
        done.some(({ blocked }) => blocked)
          ? refusal
          : {
              ...through,
              request: { headers: { [header]: done.map(({ text }) => text) } },
            },
      );
    }
    one('an absent header', '/', [], {
      ...through,
      request: { headers: { [header]: [] } },
    });
  }
  const elsewhere = 'x-not-inspected';
  if (!request.headers.includes(elsewhere)) {
    for (const { name, sample } of all) {
      one(
        `${name} in another header`,
        '/',
        [{ name: elsewhere, value: `a ${sample} z` }],
        {
          ...through,
          request: { headers: { [elsewhere]: [`a ${sample} z`] } },
        },
      );
    }
  }
  return result;
}

/** What is reported: one event per place and detector, without what was found. */
function eventCases(s: Settings, all: readonly Detector[]): BehaviourCase[] {
  const result: BehaviourCase[] = [];
  const events = (
    direction: Direction,
    place: string,
    text: string,
  ): Record<string, unknown>[] =>
    inspect(s, direction, text).hits.map(hit => ({
      event: 'content_inspection',
      direction,
      place,
      ...hit,
    }));
  const text = (direction: Direction) =>
    all
      .filter(
        detector =>
          detector[direction] === 'report' || detector[direction] === 'mask',
      )
      .map(({ sample }) => `${sample} | ${sample}`)
      .join(' | ');
  const requestBody =
    s.request.places.includes('body') && isActive(s, 'request');
  result.push({
    name: 'events say what was found where, and how often',
    alone: true,
    request: { method: 'POST', path: '/', headers: [], body: text('request') },
    response: { status: 200, headers: [], body: text('response') },
    expect: {
      response: { status: 200 },
      events: [
        ...(requestBody ? events('request', 'body', text('request')) : []),
        ...events('response', 'body', text('response')),
      ],
    },
  });
  const refusedInQuery = all.find(
    ({ request }) => request === 'block' || request === 'mask',
  );
  if (s.request.places.includes('path') && refusedInQuery) {
    const path = inQuery(refusedInQuery.sample);
    result.push({
      name: 'a refusal is an event',
      alone: true,
      request: { method: 'GET', path, headers: [] },
      response: { status: 200, headers: [] },
      expect: {
        reached: false,
        response: { status: 403 },
        events: events('request', 'path', path).map(event => ({
          ...event,
          action: event.action === 'mask' ? 'block' : event.action,
        })),
      },
    });
  }
  return result;
}

/**
 * Finds what should not be in requests and responses, and blocks, masks or reports it.
 *
 * @public
 */
export const contentInspection: Purpose<Settings> = {
  id: 'content-inspection',
  title: 'Inspect content',
  description:
    'Finds card numbers, e-mail addresses, tokens and keys, patterns of your own and attacks in requests and responses; blocks, masks or reports them.',
  settings,
  defaultPhases: ['requestHeaders', 'requestBody', 'responseBody'],
  example: phases => {
    const path = phases.includes('requestHeaders');
    const body = phases.includes('requestBody');
    const response = phases.includes('responseBody') && path;
    return settings.parse({
      request: {
        places: [
          ...(path ? (['path'] as const) : []),
          ...(body ? (['body'] as const) : []),
        ],
        ...(path || body
          ? {
              cards: 'report',
              credentials: 'report',
              sqlInjection: 'block',
              pathTraversal: 'block',
            }
          : {}),
      },
      response: response ? { cards: 'mask', credentials: 'mask' } : {},
    });
  },
  asks: ['request', 'response'],
  phases: s => {
    const request = isActive(s, 'request');
    const response = isActive(s, 'response');
    return [
      // Responses are asked for without an encoding, in the request's headers.
      ...((request &&
        (s.request.places.includes('path') || s.request.headers.length > 0)) ||
      response
        ? (['requestHeaders'] as const)
        : []),
      ...(request && s.request.places.includes('body')
        ? (['requestBody'] as const)
        : []),
      ...(response ? (['responseBody'] as const) : []),
    ];
  },
  wholeBody: false,
  changesBody: true,
  openEnded: false,
  requires: s => ({
    impossible: {
      ...(s.patterns.length > 0
        ? {
            lua: 'patterns of your own need a regular expression engine that is linear in the text, and Lua has none: its string patterns have no alternatives and no quantities, and can take quadratic time',
          }
        : {}),
      ...(detectorsOf(s).some(({ response }) => response === 'block')
        ? {
            'wasm-rust':
              'responses are to be blocked, and Envoy has sent the status to the client by the time a Wasm filter sees the body; mask or report instead',
          }
        : {}),
    },
  }),
  warnings: s => [
    ...(s.unreadable === 'pass'
      ? [
          {
            severity: 'security' as const,
            text: 'Unreadable bodies pass without a look at them: a client that sends gzip or UTF-7 is not inspected. Each is counted (content_inspection_unreadable_total of a processor; wasmcustom.content_inspection_unreadable_… of Envoy for Wasm) and is an event with the detector unreadable.',
            source: 'the setting unreadable: pass',
          },
        ]
      : []),
    {
      severity: 'security',
      text: 'Forms, JSON escapes and UTF-16 are read. What is written otherwise is not found: in base64, in HTML entities, in look-alike characters, in archives, in escapes within escapes, in a private key of which each line is a string of its own, in bodies that claim another media type, in uploads of several requests, in trailers, in WebSocket frames. Inspection reduces accidents and noise; it does not stop who wants to get through.',
      source: 'docs/purposes/content-inspection.md, measured by its cases',
    },
    ...(isActive(s, 'response')
      ? [
          {
            severity: 'correctness' as const,
            text: 'The upstream is asked for whole bodies without an encoding, because parts and compressed bodies are not inspected: downloads do not resume, videos do not seek, and responses are not compressed before the gateway.',
            source: 'RFC 9110, sections 12.5.3 and 14.2',
          },
        ]
      : []),
    {
      severity: 'operation',
      text: 'In Lua, inspection takes about 5 ms of an Envoy worker for 31 KB, and 10 ms where all of it is escaped; the worker handles no other request meanwhile. More than 64 KiB is not inspected there but treated as unreadable.',
      source: 'measured in LuaJIT 2.1; docs/purposes/content-inspection.md',
    },
    ...(detectorsOf(s).some(({ response }) => response === 'block')
      ? [
          {
            severity: 'correctness' as const,
            text: 'Responses are held until they have been inspected as a whole, so that they can still be replaced: event streams do not stream, and more than the processor’s -max-body-bytes is refused. Mask or report lets them flow.',
            source:
              'Envoy ext_proc: an immediate response needs headers that have not left',
          },
        ]
      : []),
    ...(detectorsOf(s).some(
      ({ request, response }) => request === 'mask' || response === 'mask',
    )
      ? [
          {
            severity: 'correctness' as const,
            text: 'A masked text is another text: signatures, digests and ETags over it no longer match, and a card number that is a JSON number needs maskWith 1 to stay one.',
            source:
              'RFC 9530 (digests), RFC 9110 section 8.8.3 (ETag), RFC 8259 (numbers)',
          },
        ]
      : []),
  ],
  cases,
};
