import { implementationOf } from '../implementations';
import { requirementsOf } from './purposes';
import { rateLimit } from './rateLimit';
import { available, grants, refilled, taken } from './rateLimitCases';

const parse = (input: unknown) => rateLimit.settings.parse(input);
const casesOf = (input: unknown) =>
  rateLimit.cases(parse(input), {
    processing: { request: { body: false }, response: { body: false } },
    implementation: implementationOf('extproc-go'),
  });

const hourly = (more: object = {}) => ({
  name: 'l',
  quota: 10,
  windowSeconds: 3600,
  ...more,
});

describe('buckets', () => {
  // A unit in 333 1/3 ms.
  const thirds = { quota: 3, window: 1000 };
  const empty = taken(thirds, 0, 3);

  it.each([
    [0, 0],
    [333, 0],
    [334, 1],
    [666, 1],
    [667, 2],
    [1000, 3],
    [5000, 3],
  ])('after %d ms have %d of 3', (passed, units) => {
    const missing = refilled(thirds, empty, passed);
    expect(available(thirds, missing)).toBe(units);
    expect(grants(thirds, missing, units)).toBe(true);
    expect(grants(thirds, missing, units + 1)).toBe(false);
  });

  it('owe at most a second full bucket', () => {
    const missing = taken(thirds, empty, 1000);
    expect(refilled(thirds, missing, 1999)).toBe(3);
    expect(refilled(thirds, missing, 2000)).toBe(0);
  });
});

describe('cases', () => {
  const summary = (input: unknown) =>
    casesOf(input).map(
      ({ name, times, expect: { response } }) =>
        `${times ?? 1} × ${response.status} ${name}`,
    );

  it('follow one client from the first request to a refusal', () => {
    expect(summary({ limits: [hourly()] })).toEqual([
      '1 × 200 a request: passes',
      '1 × 200 a request with a body in chunks: passes',
      '1 × 503 a request that the upstream fails: passes',
      '1 × 200 a response with a RateLimit field of its own: passes',
      '1 × 200 a request without anything that tells clients apart: passes',
      '1 × 200 the same again: passes',
      '1 × 200 addresses that are none: passes',
      '1 × 200 long and hostile values: passes',
      '2 × 200 2 at once, all that is left: passes',
      '1 × 429 one more: 429',
      '8 × 429 many more at once: 429',
      '1 × 429 another client: 429',
    ]);
  });

  it('have another client pass where clients are told apart', () => {
    const all = casesOf({
      limits: [hourly({ key: [{ from: 'header', header: 'x-a' }] })],
    });
    const last = all.at(-1)!;
    expect(last.name).toBe('another client: passes');
    expect(last.request.headers).toEqual([{ name: 'x-a', value: 'client-6' }]);
    expect(last.expect.response.headersMatch).toEqual({
      ratelimit: '"l";r=9;t=[0-9]+',
    });
    expect(all.filter(c => !c.alone).map(c => c.name)).toEqual([
      'client 11 beside others',
      'client 12 beside others',
      'client 13 beside others',
    ]);
  });

  it('leave out what depends on how fast they are sent', () => {
    const names = summary({
      limits: [{ name: 'l', quota: 20, windowSeconds: 10 }],
    });
    expect(names).toContain('1 × 200 a request: passes');
    expect(names.filter(name => name.includes('429'))).toEqual([]);
  });

  it('refuse costs that cannot be granted', () => {
    const names = summary({
      limits: [
        hourly({
          key: [{ from: 'header', header: 'x-a' }],
          cost: { from: 'request-header', header: 'x-cost' },
        }),
      ],
    });
    expect(names.filter(name => name.includes('cost'))).toEqual([
      '1 × 400 a cost of no number: 400',
      '1 × 400 a cost of nothing: 400',
      '1 × 400 a cost of a negative number: 400',
      '1 × 400 a cost of a fraction: 400',
      '1 × 400 a cost of more than 64 bits: 400',
      '1 × 400 a cost of more than the quota: 400',
      '1 × 400 a cost of two numbers: 400',
    ]);
    expect(names).toContain('1 × 429 all at once, again: 429');
  });

  it('name every limit that is exhausted', () => {
    const all = casesOf({
      limits: [hourly({ quota: 1 }), hourly({ name: 'm', quota: 1 })],
    });
    expect(all.find(c => c.expect.response.status === 429)!.expect).toEqual({
      reached: false,
      response: {
        status: 429,
        headers: {
          'content-type': ['application/problem+json'],
          'ratelimit-policy': ['"l";q=1;w=3600', '"m";q=1;w=3600'],
        },
        headersMatch: {
          ratelimit: '"l";r=0;t=[0-9]+, ?"m";r=0;t=[0-9]+',
          'retry-after': '[1-9][0-9]*',
        },
        body: {
          parts: [
            '{"status":429,"title":"Request cannot be satisfied as assigned quota has been exceeded","type":"https://iana.org/assignments/http-problem-types#quota-exceeded","violated-policies":["l","m"]}',
          ],
          json: true,
        },
      },
    });
  });
});

describe('settings', () => {
  it.each([
    [{ limits: [hourly(), hourly()] }, 'give every limit a name of its own'],
    [{ limits: [hourly({ name: 'L' })] }, 'use up to 32 lower-case letters'],
    [{ limits: [hourly({ quota: 0 })] }, 'use a whole number from 1 to'],
    [
      { limits: [hourly({ key: [{ from: 'header', header: 'host' }] })] },
      'choose another header',
    ],
    [
      {
        limits: [
          hourly({ key: [{ from: 'header', header: 'X-Forwarded-For' }] }),
        ],
      },
      'choose another header: Envoy sets it itself',
    ],
    [
      { limits: [hourly({ key: [{ from: 'claim', claim: ['sub'] }] })] },
      'give the name of the JWT provider',
    ],
    [
      {
        limits: [
          hourly({
            key: [{ from: 'header', header: 'x-a' }],
            cost: { from: 'request-header', header: 'X-A' },
          }),
        ],
      },
      'choose another header: this one is part of a key',
    ],
    [
      {
        limits: [
          hourly({
            key: [
              { from: 'claim', claim: ['sub'] },
              { from: 'header', header: 'authorization' },
            ],
          }),
        ],
        provider: 'p',
      },
      'use a claim instead',
    ],
    [{ limits: [hourly()], store: { kind: 'file' } }, 'use memory or redis'],
  ])('%j is refused', (input, remedy) => {
    expect(() => parse(input)).toThrow(remedy);
  });

  it('work as the example has them', () => {
    const example = rateLimit.example([]);
    expect(parse(example)).toEqual(example);
    expect(rateLimit.phases(example)).toEqual([
      'requestHeaders',
      'responseHeaders',
    ]);
  });

  it('ask for Redis, its password, an address and claims only where they are used', () => {
    const none = requirementsOf(
      rateLimit,
      parse({ limits: [hourly({ key: [] })] }),
    );
    expect(none).toEqual({
      impossible: {},
      calls: false,
      state: true,
      claims: null,
      attributes: [],
      services: [],
      secrets: [],
      // 512 for each of 100,000 keys.
      stateBytes: 51_200_000,
    });
    const all = requirementsOf(
      rateLimit,
      parse({
        limits: [
          hourly({
            key: [{ from: 'client-address' }, { from: 'claim', claim: ['a'] }],
          }),
        ],
        provider: 'issuer',
        store: { kind: 'redis' },
      }),
    );
    expect(all).toMatchObject({
      impossible: { 'wasm-rust': expect.stringContaining('Redis') },
      calls: true,
      claims: 'issuer',
      attributes: ['source.address'],
      services: [{ variable: 'REDIS_URL' }],
      secrets: [{ name: 'redis-password' }],
    });
  });

  it('warn of what the settings leave open', () => {
    const texts = (input: unknown) =>
      rateLimit.warnings!(parse(input)).map(w => `${w.severity}: ${w.text}`);
    expect(
      texts({
        limits: [hourly({ key: [] })],
        store: { kind: 'redis', whenAway: 'allow' },
      }),
    ).toEqual(['security: While Redis is away, nothing is limited.']);
    expect(
      texts({
        limits: [hourly({ key: [] })],
        store: {
          kind: 'redis',
          whenAway: 'deny',
          timeoutMilliseconds: 300,
        },
      }).map(text => text.slice(0, 29)),
    ).toEqual([
      'outage: While Redis is away, ',
      'outage: Redis may take 300 ms',
    ]);
    expect(
      texts({
        limits: [
          hourly({
            key: [{ from: 'header', header: 'x-a' }],
            whenAbsent: 'skip',
          }),
        ],
      }).map(text => text.slice(0, 30)),
    ).toEqual([
      'security: A header is the clie',
      'security: A limit is skipped w',
      'correctness: Each replica of t',
    ]);
  });
});
