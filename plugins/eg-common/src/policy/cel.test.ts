import { parseAnswers, plan } from '../index';
import { lintCel, lintCelFormat } from './cel';
import { lintNative } from './nativeLint';

// What Envoy says of each rule is in test/envoy/cel.test.ts; this is about the messages and where they appear.

describe('the lint of CEL', () => {
  it.each([
    [
      "request.headers['x'].lowerAscii() == 'a'",
      `Envoy’s CEL has no function lowerAscii, as in request.headers["x"].lowerAscii(): compare without regard to case, for example with matches('(?i)^get$')`,
    ],
    [
      "has(request.headers['x'])",
      `has() takes a field, for example has(request.headers.host), and not request.headers["x"]; for other names, use in: 'x-role' in request.headers`,
    ],
    [
      '[1].exists(x, x > 0)',
      "Envoy’s CEL cannot loop, as [1].exists(x, x > 0) does: use in, for example request.method in ['GET', 'HEAD'], or write each alternative, joined by ||",
    ],
    [
      "'a' + request.path == 'a/'",
      'Envoy has no + for string and string, as in "a" + request.path: texts and lists cannot be joined; compare their parts, for example with startsWith() and endsWith()',
    ],
    [
      '1 + 1.0 == 2.0',
      'Envoy has no + for int and double, as in 1 + 1.0: make both one type with int(), uint() or double()',
    ],
    [
      "request.headers.x-role == 'a'",
      "request.headers.x - role is a subtraction; a header with a dash is written in brackets: request.headers['x-role']",
    ],
    [
      "1 == 'a'",
      'int and string are never equal, as in 1 == "a"; compare values of one type',
    ],
    [
      'request.method',
      "its result is string and not bool, so that it is never true: write a condition, for example request.method == 'GET' instead of request.method",
    ],
    [
      'request.path ==',
      /^it is no CEL expression: at character 14, .*end of input$/,
    ],
    [
      'response.code == 200',
      'there is no response yet before the upstream is asked, so that the expression is never true; use connection, destination, filter_state, metadata, request, source, xds',
    ],
    [
      'request.duration > duration("1s")',
      /^there is no request.duration yet before the upstream is asked, .*; it has headers, host, id/,
    ],
    ['request.user', /^request has no user, .*; it has headers, host, id/],
    [
      "request.path.matches('(?!a)')",
      /^Envoy refuses the pattern in .*: it is no regular expression of RE2 .*look-around/,
    ],
    [
      `request.path.matches('${'a'.repeat(97)}')`,
      /^Envoy refuses the pattern in .*: it is too large, .* 96 characters/,
    ],
  ])('explains %s', (expression, message) => {
    const [problem, ...more] = lintCel(expression, 'authorization');
    expect(more).toEqual([]);
    expect(problem).toMatch(message);
  });

  it('says everything that is wrong at once, and each thing once', () => {
    expect(
      lintCel("foo == 'a' && foo == 'b' && bar == 'c'", 'authorization'),
    ).toEqual([
      expect.stringMatching(/variable foo/),
      expect.stringMatching(/variable bar/),
    ]);
  });

  it.each(['(', '[', '{1:', 'a(', '!(', '-(', '(1 + '])(
    'has an answer for %s however often it is repeated',
    opening => {
      expect(
        lintCel(opening.repeat(4096 / opening.length), 'authorization'),
      ).toHaveLength(1);
    },
  );

  it.each(['request.headers', '[1]', 'type(1)'])(
    'refuses %s in a text, of which only the type is written',
    expression => {
      expect(lintCelFormat(`%CEL(${expression})%`, 'logFormat')).toEqual([
        expect.stringMatching(/only the name of the type/),
      ]);
    },
  );
});

describe('settings of needs', () => {
  const planned = (need: string, settings: object) => () =>
    plan(
      parseAnswers({
        name: 'my-policy',
        owner: 'group:default/platform',
        need,
        target: { name: 'my-route' },
        needSettings: { [need]: settings },
      } as any),
    );

  it.each([
    [
      'authorize-by-expression',
      { expression: "request.path.split('/')[1] == 'shop'" },
      /expression.*no function split/s,
    ],
    [
      'copy-header',
      { header: 'x-a', direction: 'request', from: '%CEL(response.code)%' },
      /from.*no response yet/s,
    ],
    [
      'access-log',
      { fields: { a: '%CEL(request.path.substring(1))%' } },
      /fields.*no function substring/s,
    ],
  ])('of %s are judged by the lint', (need, settings, message) => {
    expect(planned(need, settings)).toThrow(message);
  });

  it.each([
    ['authorize-by-expression', { expression: "request.method == 'GET'" }],
    ['copy-header', { header: 'x-a', from: '%CEL(request.path)%' }],
    ['access-log', { fields: { a: '%CEL(request.duration)%' } }],
  ])('of %s that Envoy can judge are taken', (need, settings) => {
    expect(planned(need, settings)().mechanism).toBe('native');
  });
});

describe('expressions in objects', () => {
  const bad = '%CEL(foo)%';
  const headers = (name: string) => ({ [name]: { set: [{ value: bad }] } });
  const filter = (name: string) => headers(`${name}HeaderModifier`);

  it.each([
    [
      'SecurityPolicy',
      { authorization: { rules: [{ cel: 'true' }, { cel: 'foo' }] } },
      ['spec.authorization.rules[1].cel'],
    ],
    [
      'EnvoyProxy',
      {
        telemetry: {
          accessLog: {
            settings: [
              { matches: ['foo'], format: { text: bad } },
              { format: { json: { a: bad, b: '%CEL(request.path)%' } } },
            ],
          },
        },
      },
      [
        'spec.telemetry.accessLog.settings[0].matches[0]',
        'spec.telemetry.accessLog.settings[0].format.text',
        'spec.telemetry.accessLog.settings[1].format.json.a',
      ],
    ],
    [
      'ClientTrafficPolicy',
      {
        headers: {
          ...headers('earlyRequestHeaders'),
          ...headers('lateResponseHeaders'),
        },
      },
      [
        'spec.headers.earlyRequestHeaders.set[0].value',
        'spec.headers.lateResponseHeaders.set[0].value',
      ],
    ],
    ...['HTTPRoute', 'GRPCRoute'].map((kind): [string, object, string[]] => [
      kind,
      {
        rules: [
          {
            filters: [filter('request'), filter('response')],
            backendRefs: [{ filters: [filter('response')] }],
          },
        ],
      },
      [
        'spec.rules[0].filters[0].requestHeaderModifier.set[0].value',
        'spec.rules[0].filters[1].responseHeaderModifier.set[0].value',
        'spec.rules[0].backendRefs[0].filters[0].responseHeaderModifier.set[0].value',
      ],
    ]),
  ])('of %s are found wherever they are', (kind, spec, fields) => {
    expect(
      lintNative({ kind, spec })
        .filter(({ message }) => /variable foo/.test(message))
        .map(({ field }) => field),
    ).toEqual(expect.arrayContaining(fields));
    expect(
      lintNative({ kind, spec }).filter(({ message }) =>
        /variable foo/.test(message),
      ),
    ).toHaveLength(fields.length);
  });
});
