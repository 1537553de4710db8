import type { RateLimitSettings } from './rateLimit';
import { BehaviourCase, CaseHeader } from './types';

type Limit = RateLimitSettings['limits'][number];
type Part = Limit['key'][number];

/**
 * A bucket holds `quota` units and fills within `window` milliseconds. What is missing in it is counted in parts of a
 * unit, `window` of them to the unit, so that `quota` parts come back in each millisecond and nothing is ever rounded.
 */
export interface Bucket {
  quota: number;
  window: number;
}

/** What is missing after this many milliseconds. */
export function refilled(
  { quota }: Bucket,
  missing: number,
  milliseconds: number,
): number {
  return Math.max(missing - milliseconds * quota, 0);
}

/** What is missing without these units; a debt ends at a second full bucket. */
export function taken(
  { quota, window }: Bucket,
  missing: number,
  units: number,
): number {
  return Math.min(missing + units * window, 2 * quota * window);
}

/** Whether there are so many units. */
export function grants(
  { quota, window }: Bucket,
  missing: number,
  units: number,
): boolean {
  return missing + units * window <= quota * window;
}

/** How many whole units are there. */
export function available({ quota, window }: Bucket, missing: number): number {
  return Math.max(Math.floor((quota * window - missing) / window), 0);
}

type Request = BehaviourCase['request'];

const valuesOf = (headers: readonly CaseHeader[], name: string) =>
  headers.filter(h => h.name === name).map(h => h.value);

/** The only value of a header as a whole number. */
function unitsIn(
  headers: readonly CaseHeader[],
  name: string,
): number | undefined {
  const values = valuesOf(headers, name);
  return values.length === 1 && /^[0-9]{1,15}$/.test(values[0]!)
    ? Number(values[0])
    : undefined;
}

const address = /^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$/;

/** What a part of a key is for a request from this machine; empty if the request has it not. */
function valueOf(part: Part, { path, headers, claims }: Request): string {
  switch (part.from) {
    case 'client-address':
      return '127.0.0.1';
    case 'forwarded-for': {
      const sent = valuesOf(headers, 'x-forwarded-for').join(',').split(',');
      // Envoy appends its own peer.
      const entry = [...sent, '127.0.0.1'].at(-1 - part.trustedHops)?.trim();
      return entry && address.test(entry) ? entry : '';
    }
    case 'header':
      return valuesOf(headers, part.header).join(',');
    case 'claim': {
      const claim = part.claim.reduce<unknown>(
        (value, name) =>
          typeof value === 'object' &&
          value !== null &&
          Object.hasOwn(value, name)
            ? (value as Record<string, unknown>)[name]
            : undefined,
        claims,
      );
      return typeof claim === 'string' ? claim : '';
    }
    default:
      return decodeURIComponent(path)
        .split('/')
        .map(segment => segment.split(';')[0])
        .filter(Boolean)
        .slice(0, part.segments)
        .join('/')
        .concat('/');
  }
}

/** The key of a request; undefined if the limit does not apply. */
function keyOf(limit: Limit, request: Request): string | undefined {
  const values = limit.key.map(part => valueOf(part, request));
  return limit.whenAbsent === 'skip' && values.includes('')
    ? undefined
    : JSON.stringify([limit.name, ...values]);
}

/** What is taken before the request goes on; undefined if it states no cost that the limit could grant. */
function requestUnits(
  { cost, quota }: Limit,
  { headers }: Request,
): number | undefined {
  if (
    cost.from !== 'request-header' ||
    !valuesOf(headers, cost.header).length
  ) {
    return 1;
  }
  const stated = unitsIn(headers, cost.header);
  return stated && stated <= quota ? stated : undefined;
}

/** What the response cost, the unit of the request included. */
function responseUnits(
  { cost, quota }: Limit,
  { headers }: BehaviourCase['response'],
): number {
  return cost.from === 'response-header'
    ? Math.min(unitsIn(headers, cost.header) || 1, quota)
    : 1;
}

type Expected = BehaviourCase['expect'];
type Told = Pick<Expected['response'], 'headers' | 'headersMatch'>;

const problem = (members: object) => ({
  parts: [JSON.stringify(members)],
  json: true as const,
});

const problemHeaders = { 'content-type': ['application/problem+json'] };

function badCost({ cost, quota }: Limit): Expected {
  const header = cost.from === 'one' ? '' : cost.header;
  return {
    reached: false,
    response: {
      status: 400,
      headers: problemHeaders,
      body: problem({
        detail: `${header} must be one whole number from 1 to ${quota}`,
        status: 400,
        title: 'Bad Request',
        type: 'about:blank',
      }),
    },
  };
}

function tooMany(policies: string[], told: Told): Expected {
  return {
    reached: false,
    response: {
      status: 429,
      headers: { ...told.headers, ...problemHeaders },
      headersMatch: { ...told.headersMatch, 'retry-after': '[1-9][0-9]*' },
      body: problem({
        status: 429,
        title:
          'Request cannot be satisfied as assigned quota has been exceeded',
        type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
        'violated-policies': policies,
      }),
    },
  };
}

/** How long the cases may take, in milliseconds: what depends on less is not part of them. */
const patience = 20_000;

/** More than this many requests are not sent to empty a bucket. */
const most = 200;

/** A limit that applies to a request, and what is missing in its bucket. */
interface Applying {
  limit: Limit;
  key: string;
  bucket: Bucket;
  missing: number;
}

/** The limits with their buckets, as every implementation must keep them. Time stands still here, and may pass there. */
class Model {
  private readonly missing = new Map<string, number>();

  constructor(private readonly settings: RateLimitSettings) {}

  private bucket({ quota, windowSeconds }: Limit): Bucket {
    return { quota, window: windowSeconds * 1000 };
  }

  /** The limits that apply, with their keys and what is missing. */
  applying(request: Request): Applying[] {
    return this.settings.limits.flatMap(limit => {
      const key = keyOf(limit, request);
      return key === undefined
        ? []
        : [
            {
              limit,
              key,
              bucket: this.bucket(limit),
              missing: this.missing.get(key) ?? 0,
            },
          ];
    });
  }

  /** How many requests like this one pass at least, and would be refused after that. */
  left(request: Request): number {
    return Math.min(
      ...this.applying(request).map(({ bucket, missing }) =>
        available(bucket, missing),
      ),
    );
  }

  /** What a client must see, if that does not depend on how fast the cases are sent. */
  expected(
    request: Request,
    response: BehaviourCase['response'],
    times: number,
  ): BehaviourCase['expect'] | undefined {
    const applying: (Applying & { units: number })[] = [];
    for (const one of this.applying(request)) {
      const units = requestUnits(one.limit, request);
      if (units === undefined) {
        return badCost(one.limit);
      }
      applying.push({ ...one, units });
    }
    const refusing = applying.filter(
      ({ bucket, missing, units }) => !grants(bucket, missing, units),
    );
    const violated = refusing.filter(
      ({ bucket, missing, units }) =>
        !grants(bucket, refilled(bucket, missing, patience), units),
    );
    if (violated.length && violated.length === refusing.length) {
      return tooMany(
        violated.map(({ limit }) => limit.name),
        this.told(request, times),
      );
    }
    const allPass = applying.every(({ bucket, missing, units }) =>
      grants(bucket, missing, units * times),
    );
    if (!allPass) {
      return undefined;
    }
    for (const { limit, key, bucket, missing, units } of applying) {
      const later = responseUnits(limit, response) - 1;
      let rest = missing;
      for (let i = 0; i < times; i++) {
        rest = taken(bucket, taken(bucket, rest, units), later);
      }
      this.missing.set(key, rest);
    }
    return {
      request: { body: request.body ?? '' },
      response: {
        status: response.status,
        ...this.told(request, times, response),
        body: response.body,
      },
    };
  }

  /** The RateLimit fields; those that the upstream sent stay. */
  private told(
    request: Request,
    times: number,
    response?: BehaviourCase['response'],
  ): Told {
    const own = valuesOf(response?.headers ?? [], 'ratelimit');
    const applying = this.applying(request);
    if (this.settings.clientHeaders === 'none' || !applying.length) {
      return { headers: { 'ratelimit-policy': [], ratelimit: own } };
    }
    const remaining = ({ bucket, missing }: Applying) => {
      const least = available(bucket, missing);
      const later = available(bucket, refilled(bucket, missing, patience));
      return times === 1 && least === later ? String(least) : '[0-9]+';
    };
    return {
      headers: {
        'ratelimit-policy': applying.map(
          ({ limit }) =>
            `"${limit.name}";q=${limit.quota};w=${limit.windowSeconds}`,
        ),
      },
      headersMatch: {
        ratelimit: [
          ...own,
          ...applying.map(
            entry => `"${entry.limit.name}";r=${remaining(entry)};t=[0-9]+`,
          ),
        ].join(', ?'),
      },
    };
  }
}

/** A request that has every part of every key, with values of this client’s own. */
function requestOf({ limits }: RateLimitSettings, client: number): Request {
  const parts = limits.flatMap(({ key }) => key);
  const mine = `client-${client}`;
  const largest = (from: Part['from'], count: (part: any) => number) =>
    Math.max(0, ...parts.filter(p => p.from === from).map(count));
  const hops = largest('forwarded-for', p => p.trustedHops);
  const segments = largest('path', p => p.segments);
  const names = parts.flatMap(p => (p.from === 'header' ? [p.header] : []));
  const claims = parts.flatMap(p => (p.from === 'claim' ? [p.claim] : []));
  return {
    method: 'GET',
    path: `/${Array(segments).fill(mine).join('/')}`,
    headers: [
      ...[...new Set(names)].map(name => ({ name, value: mine })),
      ...(hops
        ? [
            {
              name: 'x-forwarded-for',
              value: Array(hops).fill(`203.0.113.${client}`).join(', '),
            },
          ]
        : []),
    ],
    ...(claims.length ? { claims: claimsOf(claims, mine) } : {}),
  };
}

/** Sets a member, whatever its name is: by assignment, `__proto__` would be none. */
function put(object: object, name: string, value: unknown): void {
  Object.defineProperty(object, name, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

/** Claims in which each of these paths leads to the value, unless one leads through the end of another. */
function claimsOf(
  paths: readonly string[][],
  value: string,
): Record<string, unknown> {
  const claims: Record<string, any> = {};
  for (const path of paths) {
    let object = claims;
    path.slice(0, -1).forEach(name => {
      if (!Object.hasOwn(object, name) || typeof object[name] !== 'object') {
        put(object, name, {});
      }
      object = object[name];
    });
    put(object, path.at(-1)!, value);
  }
  return claims;
}

/**
 * The behaviour that follows from the settings. Most cases are sent alone and in order, since what is left after one is
 * what the next one finds.
 */
export function cases(settings: RateLimitSettings): BehaviourCase[] {
  const model = new Model(settings);
  const all: BehaviourCase[] = [];
  const one = (
    name: string,
    request: Request,
    {
      times = 1,
      ...response
    }: Partial<BehaviourCase['response']> & { times?: number } = {},
  ) => {
    const answer = {
      status: 200,
      headers: [],
      body: 'from the upstream',
      ...response,
    };
    const expect = model.expected(request, answer, times);
    if (expect) {
      all.push({
        name: `${name}: ${
          expect.reached === false ? expect.response.status : 'passes'
        }`,
        alone: true,
        ...(times > 1 ? { times } : {}),
        request,
        response: answer,
        expect,
      });
    }
  };
  const header = (from: 'request-header' | 'response-header') =>
    settings.limits.flatMap(limit =>
      limit.cost.from === from
        ? [{ name: limit.cost.header, quota: limit.quota }]
        : [],
    );
  const stating = (request: Request, ...values: string[]): Request => ({
    ...request,
    headers: [
      ...request.headers,
      ...header('request-header').flatMap(({ name }, i, list) =>
        list.findIndex(other => other.name === name) === i
          ? values.map(value => ({ name, value }))
          : [],
      ),
    ],
  });
  const least = (list: { quota: number }[]) =>
    Math.min(...list.map(({ quota }) => quota));

  const first = requestOf(settings, 1);
  one('a request', first);
  one('a request with a body in chunks', {
    ...first,
    method: 'POST',
    body: '{"not": "touched"}',
    chunked: true,
  });
  one('a request that the upstream fails', first, { status: 503 });
  one('a response with a RateLimit field of its own', first, {
    headers: [{ name: 'ratelimit', value: '"upstream";r=1;t=1' }],
  });
  one('a request without anything that tells clients apart', {
    method: 'GET',
    path: '/',
    headers: [],
  });
  one('the same again', { method: 'GET', path: '/', headers: [] });
  one('addresses that are none', {
    method: 'GET',
    path: '/',
    headers: [{ name: 'x-forwarded-for', value: 'unknown, "[::1]:1", ,;' }],
  });
  const hostile = requestOf(settings, 2);
  one('long and hostile values', {
    ...hostile,
    headers: hostile.headers.map(({ name, value }) => ({
      name,
      value: name.startsWith('x-forwarded-')
        ? value
        : `*:{a}"'\\ ${'ü'.repeat(2000)}`,
    })),
  });
  if (header('request-header').length) {
    for (const [name, ...values] of [
      ['no number', 'many'],
      ['nothing', '0'],
      ['a negative number', '-1'],
      ['a fraction', '1.5'],
      ['more than 64 bits', '99999999999999999999'],
      ['more than the quota', String(least(header('request-header')) + 1)],
      ['two numbers', '1', '1'],
    ] as const) {
      one(`a cost of ${name}`, stating(requestOf(settings, 3), ...values));
    }
    const costly = requestOf(settings, 3);
    const whole = model.left(costly);
    one('all at once', stating(costly, String(whole)));
    one('all at once, again', stating(costly, String(whole)));
  }
  if (header('response-header').length) {
    const names = new Set(header('response-header').map(({ name }) => name));
    const answered = (value: string) => ({
      headers: [...names].map(name => ({ name, value })),
    });
    const costly = requestOf(settings, 4);
    one('a response whose cost is no number', costly, answered('1.5'));
    one('a response that costs two', costly, answered('2'));
    one(
      'a response that costs more than there is',
      costly,
      answered('999999999'),
    );
    one('the request after it', costly);
  }
  const eager = requestOf(settings, 5);
  const left = model.left(eager);
  if (left > 0 && left <= most) {
    one(`${left} at once, all that is left`, eager, { times: left });
  }
  one('one more', { ...eager, method: 'POST', body: 'not for the upstream' });
  one('many more at once', eager, { times: 8 });
  one('another client', requestOf(settings, 6));

  return [...atOnce(settings), ...all];
}

/** Different clients at once, where each has buckets of its own that last for all copies of a case. */
function atOnce(settings: RateLimitSettings): BehaviourCase[] {
  const copies = 8;
  const apart = settings.limits.every(
    ({ quota, key }) =>
      quota >= copies && key.some(({ from }) => from !== 'client-address'),
  );
  return (apart ? [11, 12, 13] : []).map(client => {
    const request = requestOf(settings, client);
    const response = {
      status: 200,
      headers: [],
      body: `to client ${client}`,
    };
    return {
      name: `client ${client} beside others`,
      request,
      response,
      // Anything but the last number is known; it differs between the copies.
      expect: new Model(settings).expected(request, response, copies)!,
    };
  });
}
