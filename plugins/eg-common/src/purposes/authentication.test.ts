import { createHash } from 'crypto';
import { implementationOf } from '../implementations';
import { authentication, exampleKeys, knownKeys } from './authentication';
import { requirementsOf } from './purposes';

const parse = (method: object, rest: object = {}) =>
  authentication.settings.parse({ method, ...rest });

const casesOf = (
  settings: ReturnType<typeof parse>,
  implementation = 'extproc-go',
  body: 'Buffered' | 'FullDuplexStreamed' | false = false,
) =>
  authentication.cases(settings, {
    processing: { request: { body }, response: false },
    implementation: implementationOf(implementation),
  });

const caseOf = (settings: ReturnType<typeof parse>, name: string) =>
  casesOf(settings).find(c => c.name === name)!;

describe('settings', () => {
  it('work with nothing but a method, which is an API key unless said otherwise', () => {
    expect(authentication.settings.parse({})).toEqual({
      method: { kind: 'api-key', header: 'x-api-key', keys: [] },
      identityHeader: 'x-auth-identity',
      credential: 'remove',
      preflight: 'refuse',
      realm: 'gateway',
    });
    expect(parse({ kind: 'hmac' }).method).toEqual({
      kind: 'hmac',
      header: 'authorization',
      windowSeconds: 300,
      remember: 100_000,
    });
    expect(parse({ kind: 'introspection' }).method).toMatchObject({
      identityFrom: 'sub',
      audience: '',
      cacheSeconds: 60,
      timeoutMilliseconds: 300,
    });
  });

  it.each([
    [{ kind: 'basic' }, {}, 'use one of the kinds api-key, hmac'],
    [
      { kind: 'api-key', keys: [{ identity: 'a', sha256: 'secret-key' }] },
      {},
      'never the key itself',
    ],
    [
      {
        kind: 'api-key',
        keys: [
          { identity: 'a', sha256: 'AB'.repeat(32) },
          { identity: 'b', sha256: 'ab'.repeat(32) },
        ],
      },
      {},
      'use each key once',
    ],
    [
      {
        kind: 'api-key',
        keys: [{ identity: 'a b', sha256: 'ab'.repeat(32) }],
      },
      {},
      'use 1 to 128 letters',
    ],
    [{ kind: 'api-key', header: 'host' }, {}, 'Envoy routes by it'],
    [{ kind: 'hmac', windowSeconds: 3601 }, {}, 'from 1 to 3600'],
    [{ kind: 'hmac', remember: 10 }, {}, 'from 1000 to 1000000'],
    [{ kind: 'hmac', keys: [] }, {}, 'keys'],
    [{ kind: 'introspection', timeoutMilliseconds: 1.5 }, {}, 'from 10 to'],
    [{ kind: 'introspection', identityFrom: 'email' }, {}, 'use sub, username'],
    [{ kind: 'api-key' }, { realm: 'a"b' }, 'use 1 to 100 letters'],
    [{ kind: 'api-key' }, { credential: 'hash' }, 'use remove or forward'],
    [
      { kind: 'introspection' },
      { identityHeader: 'Authorization' },
      'choose another header than the one that carries the credential',
    ],
    [
      { kind: 'api-key', header: 'x-who' },
      { identityHeader: 'x-who' },
      'choose another header than the one that carries the credential',
    ],
  ])('%j with %j is refused', (method, rest, remedy) => {
    expect(() => parse(method, rest)).toThrow(remedy);
  });

  it('keep hashes in one spelling', () => {
    const { method } = parse({
      kind: 'api-key',
      keys: [{ identity: 'a', sha256: 'AB'.repeat(32) }],
    });
    expect(method).toMatchObject({ keys: [{ sha256: 'ab'.repeat(32) }] });
  });
});

describe('example keys', () => {
  it('have the hashes that SHA-256 gives', () => {
    for (const { key, sha256 } of exampleKeys) {
      expect(createHash('sha256').update(key).digest('hex')).toBe(sha256);
    }
  });

  it('are known from the Secret, or where the settings list them', () => {
    const [alpha] = exampleKeys;
    const known = (keys: object[]) =>
      knownKeys(parse({ kind: 'api-key', keys }).method as any);
    expect(known([]).map(k => k.identity)).toEqual(['alpha', 'beta']);
    expect(known([{ identity: 'x', sha256: 'ab'.repeat(32) }])).toEqual([]);
    expect(known([{ identity: 'x', sha256: alpha.sha256 }])).toEqual([
      { identity: 'x', key: alpha.key },
    ]);
  });
});

describe('cases', () => {
  it('say all of a refusal', () => {
    const settings = parse({ kind: 'api-key' }, { realm: 'shop' });
    expect(caseOf(settings, 'no key').expect).toEqual({
      reached: false,
      response: {
        status: 401,
        headers: {
          'content-type': ['application/problem+json'],
          'www-authenticate': ['ApiKey realm="shop"'],
        },
        body: '{"type":"about:blank","title":"Unauthorized","status":401,"detail":"The API key is missing."}',
      },
    });
  });

  it('expect the identity and no credential', () => {
    const headers = (rest: object) =>
      caseOf(parse({ kind: 'hmac' }, rest), 'another key').expect.request!
        .headers;
    expect(headers({})).toEqual({
      'x-auth-identity': ['beta'],
      authorization: [],
    });
    expect(headers({ credential: 'forward', identityHeader: 'x-who' })).toEqual(
      { 'x-who': ['beta'] },
    );
  });

  it('follow the window, the cache and the number of failures', () => {
    const settings = parse({ kind: 'hmac', windowSeconds: 7 });
    expect(caseOf(settings, 'an old timestamp').request.prepare).toMatchObject({
      age: 37,
    });
    const statuses = (rest: object) =>
      casesOf(parse({ kind: 'introspection', ...rest }))
        .filter(c => c.alone)
        .map(c => c.expect.response.status);
    const times = (count: number, status: number) =>
      Array.from({ length: count }, () => status);
    expect(statuses({ failures: 1 })).toEqual([
      ...[201, 201],
      ...times(2, 401),
      201,
      ...times(4, 503),
      201,
    ]);
    expect(statuses({ failures: 5, cacheSeconds: 0 })).toEqual([
      ...[201, 401],
      ...times(6, 401),
      201,
      ...times(8, 503),
    ]);
  });

  it('let the upstream see a part where headers go on before the body', () => {
    const reached = (implementation: string) =>
      casesOf(parse({ kind: 'hmac' }), implementation, 'Buffered').find(
        c => c.name === 'a digest of another body',
      )!.expect.reached;
    expect(reached('extproc-go')).toBe(false);
    expect(reached('wasm-rust')).toBe('either');
  });

  it('refuse a body beyond the buffer only where it is held in it', () => {
    const status = (body: 'Buffered' | 'FullDuplexStreamed') =>
      casesOf(parse({ kind: 'hmac' }), 'extproc-go', body).find(
        c => c.name === 'a large body',
      )!.expect.response.status;
    expect(status('Buffered')).toBe(413);
    expect(status('FullDuplexStreamed')).toBe(201);
  });
});

describe('requirements', () => {
  const of = (method: object) => requirementsOf(authentication, parse(method));

  it('name the secrets, and never where the settings have the hashes', () => {
    const names = (method: object) => of(method).secrets.map(s => s.name);
    expect(names({ kind: 'api-key' })).toEqual(['api-keys']);
    expect(
      names({
        kind: 'api-key',
        keys: [{ identity: 'a', sha256: 'ab'.repeat(32) }],
      }),
    ).toEqual([]);
    expect(names({ kind: 'hmac' })).toEqual(['hmac-keys']);
    expect(names({ kind: 'introspection' })).toEqual([
      'introspection-client-id',
      'introspection-client-secret',
    ]);
  });

  it('rule Wasm out for introspection only', () => {
    expect(of({ kind: 'introspection' }).impossible['wasm-rust']).toMatch(
      'call-outs',
    );
    expect(of({ kind: 'hmac' }).impossible).toEqual({});
    expect(of({ kind: 'introspection' }).calls).toBe(true);
  });

  it('include the body for signatures only', () => {
    expect(authentication.phases(parse({ kind: 'hmac' }))).toContain(
      'requestBody',
    );
    expect(authentication.phases(parse({ kind: 'api-key' }))).toEqual([
      'requestHeaders',
    ]);
  });
});

describe('warnings', () => {
  const texts = (method: object) =>
    authentication.warnings!(parse(method)).map(w => w.text);

  it('tell of example keys in the settings', () => {
    const [{ sha256 }] = exampleKeys;
    const keys = (hash: string) => [{ identity: 'a', sha256: hash }];
    expect(texts({ kind: 'api-key', keys: keys(sha256) })[0]).toMatch(
      'example key',
    );
    expect(
      texts({ kind: 'api-key', keys: keys('ab'.repeat(32)) }).join(),
    ).not.toMatch('example key');
  });

  it('are few, the gravest first', () => {
    const gravity = ['outage', 'security', 'correctness', 'operation', 'note'];
    for (const kind of ['api-key', 'hmac', 'introspection']) {
      const ranks = authentication.warnings!(parse({ kind })).map(w =>
        gravity.indexOf(w.severity),
      );
      expect(ranks.length).toBeGreaterThanOrEqual(2);
      expect(ranks.length).toBeLessThanOrEqual(5);
      expect(ranks).toEqual([...ranks].sort());
    }
  });

  it('tell what becomes of preflights, where browsers are clients', () => {
    expect(texts({ kind: 'api-key' }).join()).toMatch('spec.cors');
    expect(texts({ kind: 'introspection' }).join()).toMatch('spec.cors');
    expect(texts({ kind: 'hmac' }).join()).not.toMatch('spec.cors');
  });

  it('tell of tokens for anybody', () => {
    expect(texts({ kind: 'introspection' }).join()).toMatch('audience');
    expect(texts({ kind: 'introspection', audience: 'me' }).join()).not.toMatch(
      'audience',
    );
  });
});
