import { z } from 'zod';
import { headerName, headerValue, queryName } from '../intake/fields';
import { parsePattern, patternHelp } from './pattern';
import { BehaviourCase, CaseHeader, LocalRoute, Purpose } from './types';

const segmentNumber = 'use a whole number from 1 to 32; 1 is the first segment';

const inputs = [
  z.strictObject({
    kind: z.literal('header').meta({ title: 'header of this message' }),
    name: headerName.meta({ title: 'Header' }),
  }),
  z.strictObject({
    kind: z.literal('request-header').meta({ title: 'request header' }),
    name: headerName.meta({ title: 'Header' }),
  }),
  z.strictObject({
    kind: z.literal('cookie').meta({ title: 'cookie' }),
    name: z
      .string({ error: 'give the name of a cookie, for example token' })
      .regex(
        /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/,
        'use 1 to 64 letters, digits and signs that a cookie’s name may have (RFC 6265), for example token',
      )
      .meta({ title: 'Cookie' }),
  }),
  z.strictObject({
    kind: z.literal('path').meta({ title: 'path' }),
  }),
  z.strictObject({
    kind: z.literal('path-segment').meta({ title: 'path segment' }),
    segment: z
      .int({ error: segmentNumber })
      .min(1, segmentNumber)
      .max(32, segmentNumber)
      .default(1)
      .meta({ title: 'Segment', description: '1 is the first one.' }),
  }),
  z.strictObject({
    kind: z.literal('query').meta({ title: 'query parameter' }),
    name: queryName.meta({ title: 'Parameter' }),
  }),
] as const;

const kinds = 'header, request-header, cookie, path, path-segment and query';

const input = z.discriminatedUnion('kind', inputs, {
  error: `use one of the kinds ${kinds}`,
});

const fixedText = (title: string, description: string, help: string) =>
  z
    .string({ error: help })
    .max(256, help)
    .regex(/^[\x20-\x7e]*$/, help)
    .default('')
    .meta({ title, description });

const textHelp = 'use at most 256 visible ASCII characters and blanks';

const source = z
  .discriminatedUnion(
    'kind',
    [
      ...inputs,
      z.strictObject({
        kind: z.literal('joined').meta({ title: 'several, joined' }),
        inputs: z
          .array(input, { error: 'give a list of sources' })
          .min(2, 'give at least two sources')
          .max(8, 'use at most 8 sources')
          .meta({
            title: 'Sources',
            description: 'There is a value only where each of them has one.',
          }),
        separator: fixedText('Text between them', 'Such as : or -.', textHelp),
      }),
    ],
    { error: `use one of the kinds ${kinds}, and joined` },
  )
  .meta({ title: 'Source' });

/** The longest match of a pattern; Go's engine repeats nothing more than 1,000 times. */
const maxPatternLength = 1000;

/** Why an expression cannot be used, if it cannot. */
function patternProblem(text: string): string | undefined {
  try {
    const { min, max, captures, repeatsCapture } = parsePattern(text);
    if (min === 0) {
      return 'it matches the empty text; make a part of it obligatory';
    }
    if (max > maxPatternLength) {
      return `its matches can have ${max} characters; use smaller quantities, so that none has more than ${maxPatternLength}`;
    }
    return captures > 1 || repeatsCapture
      ? 'use at most one (group), without a quantifier behind it or around it; write (?:…) for the others'
      : undefined;
  } catch (error) {
    return `${(error as Error).message}; ${patternHelp}`;
  }
}

const partNumber =
  'use a whole number from 1 to 32, or from -1 to -32 to count from the end';

const part = z
  .discriminatedUnion(
    'kind',
    [
      z.strictObject({
        kind: z.literal('whole').meta({ title: 'all of it' }),
      }),
      z.strictObject({
        kind: z.literal('separated').meta({ title: 'between separators' }),
        separator: z
          .string({ error: 'give the text that separates the parts' })
          .regex(
            /^[\x20-\x7e]{1,16}$/,
            'use 1 to 16 visible ASCII characters and blanks',
          )
          .meta({ title: 'Separator' }),
        number: z
          .int({ error: partNumber })
          .min(-32, partNumber)
          .max(32, partNumber)
          .refine(n => n !== 0, { error: partNumber })
          .default(1)
          .meta({
            title: 'Part',
            description: '1 is the first one, -1 the last.',
          }),
      }),
      z.strictObject({
        kind: z.literal('pattern').meta({ title: 'what a pattern matches' }),
        pattern: z
          .string({ error: 'give a regular expression' })
          .min(1, 'give a regular expression')
          .max(256, 'use at most 256 characters')
          .superRefine((text, context) => {
            const message = patternProblem(text);
            if (message) {
              context.addIssue({ code: 'custom', message });
            }
          })
          .meta({
            title: 'Pattern',
            description:
              'The first match counts: its (group) where there is one, else all of it. Repeat with {m,n} instead of * and +. Example: Bearer ([\\w.-]{1,900})',
          }),
      }),
    ],
    { error: 'use one of the kinds whole, separated and pattern' },
  )
  .default({ kind: 'whole' })
  .meta({
    title: 'Part',
    description: 'What is taken of the source’s value.',
  });

const table = z
  .array(
    z.strictObject({
      when: headerValue.meta({ title: 'Value of the source' }),
      use: headerValue.meta({ title: 'Value of the header' }),
    }),
    { error: 'give a list of when and use' },
  )
  .max(200, 'use at most 200 entries')
  .superRefine((entries, context) => {
    entries.forEach(({ when }, index) => {
      if (entries.findIndex(entry => entry.when === when) !== index) {
        context.addIssue({
          code: 'custom',
          path: [index, 'when'],
          message: 'name each value once',
        });
      }
    });
  })
  .default([])
  .meta({
    title: 'Table',
    description:
      'What becomes of which value; a value that is not in it counts as absent. Empty: the value stays.',
  });

const fallbackText =
  'use at most 1024 visible ASCII characters, with blanks only between them, or leave it empty';

const fallback = z
  .string({ error: fallbackText })
  .max(1024, fallbackText)
  .regex(/^([\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?)?$/, fallbackText)
  .default('')
  .meta({
    title: 'Value where there is none',
    description:
      'Where the source is absent or empty, has no such part, or is not in the table. It gets no prefix and suffix. Empty: “set-from” removes the header, “append-from” adds nothing.',
  });

const edges =
  'use at most 256 visible ASCII characters; a value neither begins nor ends with a blank';

/** How a value is made; each step gets what the one before left. */
const derived = {
  from: source,
  part,
  table,
  prefix: fixedText('Prefix', 'Put before the value.', edges).refine(
    text => !text.startsWith(' '),
    { error: edges },
  ),
  suffix: fixedText('Suffix', 'Put behind the value.', edges).refine(
    text => !text.endsWith(' '),
    { error: edges },
  ),
  default: fallback,
};

const operation = z
  .discriminatedUnion(
    'action',
    [
      z.strictObject({
        action: z.literal('set').meta({ title: 'set' }),
        name: headerName.meta({ title: 'Header' }),
        value: headerValue.meta({ title: 'Value' }),
      }),
      z.strictObject({
        action: z.literal('append').meta({ title: 'append' }),
        name: headerName.meta({ title: 'Header' }),
        value: headerValue.meta({ title: 'Value' }),
      }),
      z.strictObject({
        action: z.literal('set-from').meta({ title: 'set-from' }),
        name: headerName.meta({ title: 'Header' }),
        ...derived,
      }),
      z.strictObject({
        action: z.literal('append-from').meta({ title: 'append-from' }),
        name: headerName.meta({ title: 'Header' }),
        ...derived,
      }),
      z.strictObject({
        action: z.literal('remove').meta({ title: 'remove' }),
        name: headerName.meta({ title: 'Header' }),
      }),
      z.strictObject({
        action: z.literal('rename').meta({ title: 'rename' }),
        name: headerName.meta({ title: 'Header' }),
        to: headerName.meta({ title: 'New name' }),
      }),
    ],
    {
      error:
        'use one of the actions set, append, set-from, append-from, remove and rename',
    },
  )
  .meta({ title: 'Operation' });

const operations = (direction: string) =>
  z
    .array(operation, { error: 'give a list of operations' })
    .max(50, 'use at most 50 operations')
    .default([])
    .meta({
      title: `Operations on the ${direction}`,
      description: 'Carried out in order; each sees what the one before left.',
    });

const settings = z.strictObject({
  request: operations('request'),
  response: operations('response'),
  reroute: z.boolean({ error: 'use true or false' }).default(false).meta({
    title: 'Choose the route again',
    description:
      'Envoy chooses the route again with the changed request headers. Policies of the first route have already been applied by then.',
  }),
});

type Input = z.infer<typeof input>;
type Source = z.infer<typeof source>;
type Operation = z.infer<typeof operation>;
type DerivedOperation = Extract<Operation, { from: Source }>;
type HeaderTransformSettings = z.infer<typeof settings>;

/** Headers by name, with all values in order. `undefined`: present or not, the proxy or the transport decides. */
type Headers = Map<string, string[] | undefined>;

/**
 * Headers whose value before the extension runs is not the sender's alone: Envoy, the HTTP client or the upstream
 * sets or changes them. What follows from their old value is not part of the cases.
 */
const managed = new Set([
  'accept',
  'accept-encoding',
  'date',
  'server',
  'user-agent',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-request-id',
]);

/** What sources besides the message's own headers read: the request as its own operations left it. */
interface RequestSeen {
  path: string;
  headers: Headers;
}

/** Without blanks and tabs at its ends, which a header value cannot have. */
const trimmed = (text: string) => text.replace(/^[ \t]+|[ \t]+$/g, '');

/** The value of an input, the empty text where there is none; undefined where the proxy or the transport decides. */
function inputValue(
  from: Input,
  message: Headers,
  request: RequestSeen,
): string | undefined {
  const [path, query = ''] = request.path.split(/\?(.*)/s);
  const lines = (headers: Headers, name: string) =>
    headers.has(name) ? headers.get(name) : [];
  switch (from.kind) {
    case 'header':
      return lines(message, from.name)?.join(', ');
    case 'request-header':
      return lines(request.headers, from.name)?.join(', ');
    case 'cookie':
      return (
        lines(request.headers, 'cookie')
          ?.flatMap(line => line.split(';'))
          .map(pair => trimmed(pair).split(/=(.*)/s))
          .find(([name]) => name === from.name)?.[1] ?? ''
      );
    case 'path':
      return path;
    case 'path-segment':
      return path!.split('/')[from.segment] ?? '';
    case 'query':
      return (
        query
          .split('&')
          .map(pair => pair.split(/=(.*)/s))
          .find(([name]) => name === from.name)?.[1] ?? ''
      );
    default:
      throw new Error(`unknown kind ${(from as { kind: string }).kind}`);
  }
}

const inputsOf = (from: Source): Input[] =>
  from.kind === 'joined' ? from.inputs : [from];

/** The value of a source, the empty text where there is none; undefined where the proxy or the transport decides. */
export function sourceValue(
  from: Source,
  message: Headers,
  request: RequestSeen,
): string | undefined {
  const values = inputsOf(from).map(one => inputValue(one, message, request));
  if (values.includes('')) {
    return '';
  }
  return values.includes(undefined)
    ? undefined
    : values.join(from.kind === 'joined' ? from.separator : '');
}

/** The part of a value that is taken, the empty text where there is none. */
function partOf(value: string, taken: z.infer<typeof part>): string {
  switch (taken.kind) {
    case 'separated':
      return trimmed(
        value
          .split(taken.separator)
          .at(taken.number > 0 ? taken.number - 1 : taken.number) ?? '',
      );
    case 'pattern': {
      const found = new RegExp(taken.pattern).exec(value);
      return trimmed((found && (found.length > 1 ? found[1] : found[0])) ?? '');
    }
    default:
      return value;
  }
}

/** The value that an operation gives a header, the empty text for none. */
export function derivedValue(
  op: Pick<
    DerivedOperation,
    'part' | 'table' | 'prefix' | 'suffix' | 'default'
  >,
  value: string,
): string {
  const taken = partOf(value, op.part);
  const found = op.table.length
    ? op.table.find(({ when }) => when === taken)?.use ?? ''
    : taken;
  return found === '' ? op.default : `${op.prefix}${found}${op.suffix}`;
}

/** What the operations make of the headers: the reference for every implementation. */
export function applyHeaderOperations(
  headers: Headers,
  ops: readonly Operation[],
  request: RequestSeen = { path: '/', headers },
): Headers {
  const result: Headers = new Map(headers);
  const values = (name: string) => (result.has(name) ? result.get(name) : []);
  for (const op of ops) {
    const old = values(op.name);
    switch (op.action) {
      case 'set':
        result.set(op.name, [op.value]);
        break;
      case 'append':
        result.set(op.name, old && [...old, op.value]);
        break;
      case 'set-from':
      case 'append-from': {
        const found = sourceValue(op.from, result, {
          path: request.path,
          headers: request.headers === headers ? result : request.headers,
        });
        const kept = op.action === 'append-from' ? old : [];
        const value = found === undefined ? found : derivedValue(op, found);
        if (value === undefined || !kept) {
          result.set(op.name, undefined);
        } else {
          result.set(op.name, value === '' ? kept : [...kept, value]);
        }
        break;
      }
      case 'remove':
        result.set(op.name, []);
        break;
      case 'rename':
        if (!old) {
          result.set(op.to, undefined);
          result.set(op.name, op.to === op.name ? undefined : []);
        } else if (old.length > 0 && op.to !== op.name) {
          result.set(op.to, old);
          result.set(op.name, []);
        }
        break;
      default:
        throw new Error(`unknown action ${(op as { action: string }).action}`);
    }
  }
  return result;
}

function derivedOf(ops: readonly Operation[]): DerivedOperation[] {
  return ops.flatMap(op =>
    op.action === 'set-from' || op.action === 'append-from' ? [op] : [],
  );
}

function sourcesOf(ops: readonly Operation[]): Input[] {
  return derivedOf(ops).flatMap(op => inputsOf(op.from));
}

function readsRequest(from: Input): boolean {
  return from.kind !== 'header';
}

/** A value in which an operation finds what it takes. */
function fitting({ part: taken, table: entries }: DerivedOperation): string {
  const wanted = entries[0]?.when ?? 'found';
  switch (taken.kind) {
    case 'separated': {
      const partsBefore = taken.number > 0 ? taken.number - 1 : 1;
      const partsAfter = taken.number > 0 ? 1 : -taken.number - 1;
      return [
        ...Array(partsBefore).fill('before'),
        wanted,
        ...Array(partsAfter).fill('after'),
      ].join(taken.separator);
    }
    case 'pattern':
      return `(${parsePattern(taken.pattern).sample})`;
    default:
      return wanted;
  }
}

/** A path in which every source has a value. */
function samplePath(
  sources: readonly Input[],
  value: (name: string) => string,
  segment: (number: number) => string = number => `part-${number}%20`,
): string {
  const segments = Math.max(
    1,
    ...sources.map(from => (from.kind === 'path-segment' ? from.segment : 0)),
  );
  const path = Array.from({ length: segments }, (_, i) => `/${segment(i + 1)}`);
  const query = sources.flatMap(from =>
    from.kind === 'query'
      ? [`${from.name}=${value(from.name)}`, `${from.name}=second`]
      : [],
  );
  return `${path.join('')}?other=1&${query.join('&')}`;
}

function touched(ops: readonly Operation[]): string[] {
  return [
    ...new Set(
      ops.flatMap(op => {
        switch (op.action) {
          case 'rename':
            return [op.name, op.to];
          case 'set-from':
          case 'append-from':
            return [
              op.name,
              ...inputsOf(op.from).flatMap(from =>
                from.kind === 'header' ? [from.name] : [],
              ),
            ];
          default:
            return [op.name];
        }
      }),
    ),
  ];
}

/** A Cookie header in which each name has a value, and then another one, which does not count. */
function sampleCookies(names: readonly string[], value: string): string {
  return [
    'unrelated',
    ...names.flatMap(name => [`${name}=${value}`, `${name}=second`]),
  ].join('; ');
}

/** Sample values that a sender gives a header: two lines where a header may repeat, else one. */
function sampleValues(name: string): string[] {
  return name.startsWith('x-') ? ['first-old', 'second-old'] : ['old'];
}

function sample(
  names: readonly string[],
  values: (name: string) => string[],
): CaseHeader[] {
  return names
    .filter(name => !managed.has(name))
    .flatMap(name => values(name).map(value => ({ name, value })));
}

function before(
  names: readonly string[],
  values: (name: string) => string[],
): Headers {
  return new Map(
    names.map(name => [name, managed.has(name) ? undefined : values(name)]),
  );
}

function expected(headers: Headers): Record<string, string[]> {
  return Object.fromEntries(
    [...headers].flatMap(([name, values]) => (values ? [[name, values]] : [])),
  );
}

/** A header that requests have only after the operations, where the route is chosen again. */
function localRoute({
  request,
  reroute,
}: HeaderTransformSettings): LocalRoute | undefined {
  if (!reroute) {
    return undefined;
  }
  const found = [...applyHeaderOperations(new Map(), request)].find(
    ([name, values]) => values?.length === 1 && !managed.has(name),
  );
  return found && { header: found[0], value: found[1]![0]! };
}

function cases(settingsOf: HeaderTransformSettings): BehaviourCase[] {
  const { request, response } = settingsOf;
  const route = localRoute(settingsOf);
  const untouched = ['x-untouched-a', 'x-untouched-b'];
  const sources = [...sourcesOf(request), ...sourcesOf(response)];
  const read = sources.flatMap(from => {
    switch (from.kind) {
      case 'request-header':
        return [from.name];
      case 'cookie':
        return ['cookie'];
      default:
        return [];
    }
  });
  const cookies = sources.flatMap(from =>
    from.kind === 'cookie' ? [from.name] : [],
  );
  const names = {
    request: [...new Set([...touched(request), ...read])],
    response: touched(response),
  };
  const one = (
    name: string,
    sent: boolean,
    rest: { method: string; path?: string; body?: string; chunked?: boolean },
    valuesOf: (name: string) => string[] = sampleValues,
    cookie = 'a=b%2C+"x"',
  ): BehaviourCase => {
    const path = rest.path ?? '/';
    const values = (header: string) =>
      header === 'cookie' && cookies.length
        ? [sampleCookies(cookies, cookie)]
        : valuesOf(header);
    const lines = (direction: 'request' | 'response') => [
      ...(sent ? sample(names[direction], values) : []),
      ...sample(untouched, sampleValues),
    ];
    const initial = (direction: 'request' | 'response'): Headers =>
      new Map([
        ...before(names[direction], sent ? values : () => []),
        ...before(untouched, sampleValues),
      ]);
    const sentHeaders = initial('request');
    const requestAfter = applyHeaderOperations(sentHeaders, request, {
      path,
      headers: sentHeaders,
    });
    const responseAfter = applyHeaderOperations(initial('response'), response, {
      path,
      headers: requestAfter,
    });
    const routed =
      route && requestAfter.get(route.header)?.join() === route.value;
    const body = rest.body === undefined ? {} : { body: rest.body };
    return {
      name,
      request: { ...rest, path, headers: lines('request') },
      response: {
        status: 200,
        headers: lines('response'),
        body: 'from the upstream',
      },
      expect: {
        request: { headers: expected(requestAfter), ...body },
        response: {
          status: 200,
          headers: {
            ...(route ? { 'x-local-route': routed ? ['second'] : [] } : {}),
            ...expected(responseAfter),
          },
          body: 'from the upstream',
        },
      },
    };
  };
  const path = samplePath(sources, name => `of-${name}%2C+%22=x`);
  // Together they have to fit into what Envoy and upstreams take.
  const long = (bytes: number) =>
    'l'.repeat(Math.floor(bytes / (sources.length + names.request.length + 1)));
  const found = [...derivedOf(request), ...derivedOf(response)]
    .filter(op => op.part.kind !== 'whole' || op.table.length)
    .slice(0, 12)
    .map((op, index) => {
      const value = fitting(op);
      const inUrl = encodeURI(value).replace(/[?#&]/g, '-');
      const own = inputsOf(op.from);
      const reads = (inputKinds: string[], name: string) =>
        own.some(
          from =>
            inputKinds.includes(from.kind) &&
            'name' in from &&
            from.name === name,
        );
      return one(
        `a value of which a part is taken, or that is in the table, ${
          index + 1
        }`,
        true,
        {
          method: 'GET',
          path: samplePath(
            sources,
            name => (reads(['query'], name) ? inUrl : 'other'),
            number =>
              own.some(
                from => from.kind === 'path-segment' && from.segment === number,
              )
                ? inUrl.replace(/\//g, '-')
                : `part-${number}`,
          ),
        },
        name =>
          reads(['header', 'request-header'], name)
            ? [value]
            : sampleValues(name),
        value.replace(/;/g, '-'),
      );
    });
  const ofSources = [
    ...found,
    one('sources that are there but empty', true, {
      method: 'GET',
      path: samplePath(sources, () => ''),
    }),
    one('a path that is only a query, and parameters without a value', false, {
      method: 'GET',
      path: `/?${sources
        .flatMap(from => (from.kind === 'query' ? [from.name] : []))
        .join('&')}&=&&`,
    }),
    one(
      'long values and values beyond ASCII',
      true,
      {
        method: 'GET',
        path: samplePath(sources, () => long(6000)),
      },
      () => [`ü€-${long(12_000)}`],
    ),
  ];
  return [
    one('headers that are absent', false, { method: 'GET' }),
    one('headers that are present, with repeated lines', true, {
      method: 'GET',
      path,
    }),
    one('a body passes unchanged', true, {
      method: 'POST',
      path,
      body: '{"not": "touched"}',
    }),
    one('a chunked body passes unchanged', false, {
      method: 'PUT',
      body: 'not touched',
      chunked: true,
    }),
    ...(sources.length ? ofSources : []),
    {
      ...one('an error of the upstream is treated alike', false, {
        method: 'GET',
      }),
      response: {
        status: 503,
        headers: sample(untouched, sampleValues),
        body: 'from the upstream',
      },
      expect: {
        response: {
          ...one('', false, { method: 'GET' }).expect.response,
          status: 503,
        },
      },
    },
  ];
}

/**
 * Sets, appends, removes and renames headers of requests and responses, with fixed values and with values from the
 * request.
 *
 * @public
 */
export const headerTransform: Purpose<HeaderTransformSettings> = {
  id: 'header-transform',
  title: 'Transform headers',
  description:
    'Sets, appends, removes and renames headers of requests and responses, with fixed values and with values from headers, cookies, the path and the query, or parts of them.',
  settings,
  defaultPhases: ['requestHeaders', 'responseHeaders'],
  // Nothing that Envoy Gateway does without an extension.
  example: phases =>
    settings.parse({
      request: phases.includes('requestHeaders')
        ? [
            {
              action: 'set-from',
              name: 'x-tenant',
              from: { kind: 'path-segment', segment: 1 },
            },
          ]
        : [],
      response: phases.includes('responseHeaders')
        ? [{ action: 'rename', name: 'x-upstream-version', to: 'x-version' }]
        : [],
    }),
  asks: ['request', 'response'],
  phases: ({ request, response }) => [
    ...(request.length || sourcesOf(response).some(readsRequest)
      ? (['requestHeaders'] as const)
      : []),
    ...(response.length ? (['responseHeaders'] as const) : []),
  ],
  wholeBody: false,
  changesBody: false,
  openEnded: false,
  requires: ({ request, response, reroute }) => ({
    impossible: {
      ...(derivedOf([...request, ...response]).some(
        op => op.part.kind === 'pattern',
      )
        ? { lua: 'Lua has no regular expressions' }
        : {}),
      ...(reroute
        ? { lua: 'Envoy Gateway’s validator of Lua refuses clearRouteCache()' }
        : {}),
    },
  }),
  warnings: settingsOf => [
    ...(settingsOf.reroute
      ? [
          {
            severity: 'security' as const,
            text: 'When Envoy chooses the route again, the filters before the extension (authentication, rate limits) have already run as the first route says. Give both routes the same policies, and let no client choose the header that the routes match.',
            source:
              'Envoy: clear_route_cache of ext_proc and Proxy-Wasm; filters are not run again',
          },
        ]
      : []),
    ...(sourcesOf([...settingsOf.request, ...settingsOf.response]).length
      ? [
          {
            severity: 'security' as const,
            text: 'Values from the path, the query, cookies and request headers are the client’s own words. An upstream must not take such a header for proof of who the client is.',
            source:
              'Envoy, configuring Envoy as an edge proxy: requests of clients are not to be trusted',
          },
        ]
      : []),
  ],
  localRoute,
  cases,
};
