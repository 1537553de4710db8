import { implementationOf } from '../implementations';
import {
  applyHeaderOperations,
  derivedValue,
  headerTransform,
  sourceValue,
} from './headerTransform';
import { requirementsOf } from './purposes';

/** The value as it is. */
const plain = {
  part: { kind: 'whole' as const },
  table: [],
  prefix: '',
  suffix: '',
};

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
    headers: new Map([
      ['x-id', ['1']],
      ['cookie', ['flag; Token=x; token=a="b" c ;token=z', 'empty=; id=7']],
    ]),
  };
  const message = new Map([['x-id', ['2', '3']]]);

  it.each([
    [{ kind: 'header', name: 'x-id' }, '2, 3'],
    [{ kind: 'header', name: 'x-none' }, ''],
    [{ kind: 'request-header', name: 'x-id' }, '1'],
    [{ kind: 'cookie', name: 'token' }, 'a="b" c'],
    [{ kind: 'cookie', name: 'id' }, '7'],
    [{ kind: 'cookie', name: 'empty' }, ''],
    [{ kind: 'cookie', name: 'flag' }, ''],
    [{ kind: 'cookie', name: 'toke' }, ''],
    [
      {
        kind: 'joined',
        inputs: [
          { kind: 'path-segment', segment: 1 },
          { kind: 'header', name: 'x-id' },
        ],
        separator: ':',
      },
      'orders:2, 3',
    ],
    [
      {
        kind: 'joined',
        inputs: [{ kind: 'path' }, { kind: 'cookie', name: 'empty' }],
        separator: ':',
      },
      '',
    ],
    [{ kind: 'path' }, '/orders/4711%2F/'],
    [{ kind: 'path-segment', segment: 2 }, '4711%2F'],
    [{ kind: 'path-segment', segment: 3 }, ''],
    [{ kind: 'path-segment', segment: 4 }, ''],
    [{ kind: 'query', name: 'tenant' }, 'a%20b'],
    [{ kind: 'query', name: 'eq' }, 'x=y'],
    [{ kind: 'query', name: 'flag' }, ''],
    [{ kind: 'query', name: 'absent' }, ''],
  ] as const)('%j', (from, value) => {
    expect(
      sourceValue(from as Parameters<typeof sourceValue>[0], message, request),
    ).toBe(value);
  });

  it('removes what a client sent where the source has nothing', () => {
    const from = { kind: 'query', name: 'absent' } as const;
    expect(
      applyHeaderOperations(new Map([['a', ['client']]]), [
        { action: 'set-from', name: 'a', from, ...plain, default: '' },
        { action: 'append-from', name: 'b', from, ...plain, default: '' },
        { action: 'append-from', name: 'c', from, ...plain, default: 'none' },
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
    [{ kind: 'body', name: 'a' }, /one of the kinds header/],
    [{ kind: 'cookie', name: 'a=b' }, /RFC 6265/],
    [{ kind: 'joined', inputs: [{ kind: 'path' }] }, /at least two/],
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

describe('derived values', () => {
  const separated = (separator: string, number: number) => ({
    kind: 'separated' as const,
    separator,
    number,
  });
  const pattern = (text: string) => ({
    kind: 'pattern' as const,
    pattern: text,
  });
  const plans = [
    { when: 'g', use: 'gold' },
    { when: 's', use: 'silver' },
  ];

  it.each([
    ['a.b.c', { part: separated('.', 1) }, '<a>'],
    ['a.b.c', { part: separated('.', -2) }, '<b>'],
    ['a, b ,c', { part: separated(',', 2) }, '<b>'],
    ['a.b', { part: separated('.', 3) }, 'none'],
    ['a.b', { part: separated('.', -3) }, 'none'],
    ['a..c', { part: separated('.', 2) }, 'none'],
    ['Bearer abc', { part: pattern('Bearer (\\w{1,9})') }, '<abc>'],
    ['see EMP-123456.', { part: pattern('EMP-\\d{6}') }, '<EMP-123456>'],
    ['Basic abc', { part: pattern('Bearer (\\w{1,9})') }, 'none'],
    ['b', { part: pattern('a(x)|b') }, 'none'],
    ['g', { table: plans }, '<gold>'],
    ['G', { table: plans }, 'none'],
    ['plan=s', { part: separated('=', 2), table: plans }, '<silver>'],
    ['', { table: plans }, 'none'],
  ])('of %j by %j', (value, members, expected) => {
    expect(
      derivedValue(
        {
          ...plain,
          prefix: '<',
          suffix: '>',
          default: 'none',
          ...members,
        },
        value,
      ),
    ).toBe(expected);
  });

  const withPart = (members: object) => ({
    request: [
      {
        action: 'set-from',
        name: 'x-a',
        from: { kind: 'path' },
        ...members,
      },
    ],
  });

  it.each([
    [{ part: separated('.', 0) }, /from 1 to 32, or from -1/],
    [{ part: separated('', 1) }, /1 to 16/],
    [{ part: pattern('a.b') }, /not possible here/],
    [{ part: pattern('a?') }, /matches the empty text/],
    [{ part: pattern('(a)(b)') }, /at most one \(group\)/],
    [{ part: pattern('(a){2}') }, /at most one \(group\)/],
    [{ part: pattern('(?:x(a)){2}') }, /at most one \(group\)/],
    [{ part: pattern('\\w{1,999}\\w{1,999}') }, /none has more than 1000/],
    [{ table: [...plans, plans[0]] }, /each value once/],
    [{ prefix: ' x' }, /neither begins nor ends/],
    [{ suffix: 'x ' }, /neither begins nor ends/],
    [{ prefix: 'ü' }, /visible ASCII/],
  ])('refuses %j', (members, message) => {
    const { error } = headerTransform.settings.safeParse(withPart(members));
    expect(error!.issues[0]!.message).toMatch(message);
  });

  it('take no patterns in Lua', () => {
    const impossible = (members: object) =>
      Object.keys(
        requirementsOf(
          headerTransform,
          headerTransform.settings.parse(withPart(members)),
        ).impossible,
      );
    expect(impossible({ part: pattern('a') })).toEqual(['lua']);
    expect(impossible({ part: separated('.', 1) })).toEqual([]);
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
