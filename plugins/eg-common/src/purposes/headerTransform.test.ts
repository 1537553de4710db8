import { implementationOf } from '../implementations';
import {
  applyHeaderOperations,
  headerTransform,
  sourceValue,
} from './headerTransform';
import { requirementsOf } from './purposes';

describe('header operations', () => {
  it.each([
    ['set adds', {}, { action: 'set', name: 'a', value: '1' }, { a: ['1'] }],
    [
      'set replaces all lines',
      { a: ['x', 'y'] },
      { action: 'set', name: 'a', value: '1' },
      { a: ['1'] },
    ],
    [
      'append adds behind',
      { a: ['x', 'y'] },
      { action: 'append', name: 'a', value: '1' },
      { a: ['x', 'y', '1'] },
    ],
    [
      'append adds the first',
      {},
      { action: 'append', name: 'a', value: '1' },
      { a: ['1'] },
    ],
    [
      'remove takes all lines',
      { a: ['x', 'y'] },
      { action: 'remove', name: 'a' },
      { a: [] },
    ],
    [
      'rename moves all lines over what was there',
      { a: ['x', 'y'], b: ['z'] },
      { action: 'rename', name: 'a', to: 'b' },
      { a: [], b: ['x', 'y'] },
    ],
    [
      'rename of an absent header does nothing',
      { b: ['z'] },
      { action: 'rename', name: 'a', to: 'b' },
      { b: ['z'] },
    ],
  ] as const)('%s', (_name, before, operation, after) => {
    const headers = new Map<string, string[] | undefined>(
      Object.entries<readonly string[]>(before).map(([k, v]) => [k, [...v]]),
    );
    expect(
      Object.fromEntries(applyHeaderOperations(headers, [operation])),
    ).toEqual(after);
  });

  it('lets each operation see what the one before left', () => {
    expect(
      applyHeaderOperations(new Map(), [
        { action: 'set', name: 'a', value: '1' },
        { action: 'append', name: 'a', value: '2' },
        { action: 'rename', name: 'a', to: 'b' },
      ]),
    ).toEqual(
      new Map([
        ['a', []],
        ['b', ['1', '2']],
      ]),
    );
  });
});

describe('headerTransform', () => {
  const settings = headerTransform.settings.parse({
    request: [{ action: 'append', name: 'X-Forwarded-For', value: '1' }],
    response: [{ action: 'remove', name: 'server' }],
  });

  it('writes names in lower case', () => {
    expect(settings.request[0]).toMatchObject({ name: 'x-forwarded-for' });
  });

  it('expects nothing of a header whose old value is not the sender’s alone', () => {
    const [first] = headerTransform.cases(settings, {
      processing: { request: { body: false }, response: { body: false } },
      implementation: implementationOf('extproc-go'),
    });
    expect(first!.expect.request!.headers).not.toHaveProperty(
      'x-forwarded-for',
    );
    expect(first!.expect.response.headers).toHaveProperty('server', []);
  });
});

describe('sources', () => {
  const request = {
    path: '/orders/4711%2F/?tenant=a%20b&empty=&flag&tenant=second&eq=x=y',
    headers: new Map([['x-id', ['1']]]),
  };
  const message = new Map([['x-id', ['2', '3']]]);

  it.each([
    [{ kind: 'header', name: 'x-id' }, '2, 3'],
    [{ kind: 'header', name: 'x-none' }, ''],
    [{ kind: 'request-header', name: 'x-id' }, '1'],
    [{ kind: 'path' }, '/orders/4711%2F/'],
    [{ kind: 'path-segment', segment: 2 }, '4711%2F'],
    [{ kind: 'path-segment', segment: 3 }, ''],
    [{ kind: 'path-segment', segment: 4 }, ''],
    [{ kind: 'query', name: 'tenant' }, 'a%20b'],
    [{ kind: 'query', name: 'eq' }, 'x=y'],
    [{ kind: 'query', name: 'flag' }, ''],
    [{ kind: 'query', name: 'absent' }, ''],
  ] as const)('%j', (from, value) => {
    expect(sourceValue(from, message, request)).toBe(value);
  });

  it('removes what a client sent where the source has nothing', () => {
    const from = { kind: 'query', name: 'absent' } as const;
    expect(
      applyHeaderOperations(new Map([['a', ['client']]]), [
        { action: 'set-from', name: 'a', from, default: '' },
        { action: 'append-from', name: 'b', from, default: '' },
        { action: 'append-from', name: 'c', from, default: 'none' },
      ]),
    ).toEqual(
      new Map([
        ['a', []],
        ['b', []],
        ['c', ['none']],
      ]),
    );
  });

  const ofResponse = (kind: string) =>
    headerTransform.settings.parse({
      response: [
        { action: 'set-from', name: 'x-a', from: { kind, name: 'x-b' } },
      ],
    });

  it('need the request where they are of the request', () => {
    expect(headerTransform.phases(ofResponse('request-header'))).toEqual([
      'requestHeaders',
      'responseHeaders',
    ]);
    expect(headerTransform.phases(ofResponse('header'))).toEqual([
      'responseHeaders',
    ]);
  });

  it.each([
    [{ kind: 'path-segment', segment: 0 }, /whole number from 1 to 32/],
    [{ kind: 'query', name: 'a b' }, /for example tenant/],
    [{ kind: 'cookie', name: 'a' }, /one of the kinds header/],
    [{ kind: 'header', name: 'host' }, /choose another header/],
  ])('refuses %j', (from, message_) => {
    const { error } = headerTransform.settings.safeParse({
      request: [{ action: 'set-from', name: 'x-a', from }],
    });
    expect(error!.issues[0]!.message).toMatch(message_);
  });

  it.each([
    ['', true],
    ['a b', true],
    [' a', false],
    ['a\nb', false],
    ['ü', false],
  ])('have a default that is a header value or empty: %j', (value, valid) => {
    const parsed = headerTransform.settings.safeParse({
      request: [
        {
          action: 'set-from',
          name: 'x-a',
          from: { kind: 'path' },
          default: value,
        },
      ],
    });
    expect(parsed.success).toBe(valid);
  });
});

describe('choosing the route again', () => {
  const settings = headerTransform.settings.parse({
    request: [{ action: 'set', name: 'x-a', value: '1' }],
    reroute: true,
  });

  it('is impossible in Lua only', () => {
    expect(
      Object.keys(requirementsOf(headerTransform, settings).impossible),
    ).toEqual(['lua']);
    expect(
      requirementsOf(headerTransform, { ...settings, reroute: false })
        .impossible,
    ).toEqual({});
  });

  it('is seen by a route that only the changed request has', () => {
    expect(headerTransform.localRoute!(settings)).toEqual({
      header: 'x-a',
      value: '1',
    });
    expect(
      headerTransform.localRoute!({ ...settings, reroute: false }),
    ).toBeUndefined();
    const [first] = headerTransform.cases(settings, {
      processing: { request: { body: false }, response: { body: false } },
      implementation: implementationOf('extproc-go'),
    });
    expect(first!.expect.response.headers).toMatchObject({
      'x-local-route': ['second'],
    });
  });

  it('is warned of', () => {
    expect(headerTransform.warnings!(settings)).toEqual([
      expect.objectContaining({ severity: 'security' }),
    ]);
  });
});
