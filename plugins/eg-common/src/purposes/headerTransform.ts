import { z } from 'zod';
import { headerName, headerValue } from '../intake/fields';
import { BehaviourCase, CaseHeader, LocalRoute, Purpose } from './types';

/** The name of a query parameter that needs no percent-encoding: it is compared as it stands in the URL. */
const queryName = z
  .string({ error: 'give the name of a query parameter, for example tenant' })
  .regex(
    /^[A-Za-z0-9._~-]{1,64}$/,
    'use 1 to 64 letters, digits, dots, hyphens, underscores and tildes, for example tenant',
  );

const segmentNumber = 'use a whole number from 1 to 32; 1 is the first segment';

const source = z
  .discriminatedUnion(
    'kind',
    [
      z.strictObject({
        kind: z.literal('header').meta({ title: 'header of this message' }),
        name: headerName.meta({ title: 'Header' }),
      }),
      z.strictObject({
        kind: z.literal('request-header').meta({ title: 'request header' }),
        name: headerName.meta({ title: 'Header' }),
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
    ],
    {
      error:
        'use one of the kinds header, request-header, path, path-segment and query',
    },
  )
  .meta({ title: 'Source' });

const fallbackText =
  'use at most 1024 visible ASCII characters, with blanks only between them, or leave it empty';

const fallback = z
  .string({ error: fallbackText })
  .max(1024, fallbackText)
  .regex(/^([\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?)?$/, fallbackText)
  .default('')
  .meta({
    title: 'Value where the source is absent or empty',
    description:
      'Empty: “set-from” removes the header, “append-from” adds nothing.',
  });

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
        from: source,
        default: fallback,
      }),
      z.strictObject({
        action: z.literal('append-from').meta({ title: 'append-from' }),
        name: headerName.meta({ title: 'Header' }),
        from: source,
        default: fallback,
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

type Source = z.infer<typeof source>;
type Operation = z.infer<typeof operation>;
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

/** The value of a source, the empty text where there is none; undefined where the proxy or the transport decides. */
export function sourceValue(
  from: Source,
  message: Headers,
  request: RequestSeen,
): string | undefined {
  const [path, query = ''] = request.path.split(/\?(.*)/s);
  const joined = (headers: Headers, name: string) =>
    headers.has(name) ? headers.get(name)?.join(', ') : '';
  switch (from.kind) {
    case 'header':
      return joined(message, from.name);
    case 'request-header':
      return joined(request.headers, from.name);
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
        const value = found === '' ? op.default : found;
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

function sourcesOf(ops: readonly Operation[]): Source[] {
  return ops.flatMap(op =>
    op.action === 'set-from' || op.action === 'append-from' ? [op.from] : [],
  );
}

function readsRequest(from: Source): boolean {
  return from.kind !== 'header';
}

/** A path in which every source has a value. */
function samplePath(
  sources: readonly Source[],
  value: (name: string) => string,
): string {
  const segments = Math.max(
    1,
    ...sources.map(from => (from.kind === 'path-segment' ? from.segment : 0)),
  );
  const path = Array.from({ length: segments }, (_, i) => `/part-${i + 1}%20`);
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
            return op.from.kind === 'header'
              ? [op.name, op.from.name]
              : [op.name];
          default:
            return [op.name];
        }
      }),
    ),
  ];
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
  const read = sources.flatMap(from =>
    from.kind === 'request-header' ? [from.name] : [],
  );
  const names = {
    request: [...new Set([...touched(request), ...read])],
    response: touched(response),
  };
  const one = (
    name: string,
    sent: boolean,
    rest: { method: string; path?: string; body?: string; chunked?: boolean },
    values: (name: string) => string[] = sampleValues,
  ): BehaviourCase => {
    const path = rest.path ?? '/';
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
  const derived = [
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
    ...(sources.length ? derived : []),
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
    'Sets, appends, removes and renames headers of requests and responses, with fixed values and with values from headers, the path and the query.',
  settings,
  defaultPhases: ['requestHeaders', 'responseHeaders'],
  defaults: (phases, name) => {
    const mark: Operation[] = [
      { action: 'set', name: 'x-processed-by', value: name },
    ];
    return {
      request: phases.includes('requestHeaders') ? mark : [],
      response: phases.includes('responseHeaders') ? mark : [],
      reroute: false,
    };
  },
  phases: ({ request, response }) => [
    ...(request.length || sourcesOf(response).some(readsRequest)
      ? (['requestHeaders'] as const)
      : []),
    ...(response.length ? (['responseHeaders'] as const) : []),
  ],
  wholeBody: false,
  changesBody: false,
  openEnded: false,
  requires: ({ reroute }) => ({
    impossible: reroute
      ? {
          lua: 'Envoy Gateway’s validator of Lua refuses clearRouteCache()',
        }
      : {},
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
            text: 'Values from the path, the query and request headers are the client’s own words. An upstream must not take such a header for proof of who the client is.',
            source:
              'Envoy, configuring Envoy as an edge proxy: requests of clients are not to be trusted',
          },
        ]
      : []),
  ],
  localRoute,
  cases,
};
