import {
  lintCel,
  lintCelFormat,
  newestRelease,
  releases,
} from 'backstage-plugin-eg-common';
// The table is no part of the package's interface.
// eslint-disable-next-line @backstage/no-relative-monorepo-imports
import {
  CelPlace,
  functions,
  Kind,
  lacking,
  loops,
  operators,
  places,
  Shape,
} from '../../plugins/eg-common/src/policy/cel/table';
import { egctl, smallGateway, translate } from '../src/egctl';
import { describeUnless, hasProgram } from '../src/tools';
import {
  CelEnvoy,
  ListenerParts,
  logOfAll,
  startCelEnvoy,
  writes,
} from './celEnvoy';

// What is known of Envoy's CEL, judged in real Envoys: what the lint accepts Envoy can judge, what it refuses Envoy refuses
// or never finds true.

type PlaceName = keyof typeof places;

const missing = (programs: readonly string[]) =>
  programs.filter(program => !hasProgram(program));

/** The oldest and the newest Envoy. */
const envoys = [
  ...new Set([releases[0]!, newestRelease].map(r => r.testEnvoy)),
];

const longer = (n: number) => 'x'.repeat(n);
const matches = (pattern: string) => `'x'.matches('${pattern}') || true`;

/** Expressions that Envoy finds true for the test's request. */
const accepted = [
  'true',
  "request.headers['x-role'] == 'reader'",
  "request.headers['X-Role'] == 'reader'",
  "request['method'] == 'GET'",
  "'x-role' in request.headers",
  'has(request.headers.host)',
  '!has(request.headers.nope)',
  "request.path.matches('(?i)^/SHOP/[0-9]+')",
  "request.path.startsWith('/shop') && !(request.method in ['PUT', 'POST'])",
  "request.headers['x-none'] == 'a' || request.method == 'GET'",
  "request.method == 'GET' ? request.size == 0 : false",
  'request.path != null',
  "1 != 'a'",
  "{'a': 1}.a == 1",
  "google.protobuf.StringValue{value: 'a'} == 'a'",
  '9223372036854775807 > 18446744073709551615u || true',
  "metadata.filter_metadata['envoy.filters.http.jwt_authn']['people']['sub'] == 'ann'",
  "metadata.filter_metadata['envoy.filters.http.jwt_authn'].people.sub.startsWith('an')",
  "'reader' in metadata.filter_metadata['envoy.filters.http.jwt_authn']['people']['roles']",
  "metadata.filter_metadata['envoy.filters.http.jwt_authn']['people']['level'] == 3",
  // The largest patterns of their shapes.
  matches(longer(96)),
  matches(`^${longer(200)}`),
  matches(`[0-9]${longer(95)}`),
  matches(`[^/]${longer(88)}`),
  matches(`(?i)${longer(96)}`),
  matches(`é${longer(94)}`),
  matches(`${longer(90)}[a-z]+`),
  matches(`^/shop/[0-9]${longer(95)}$`),
  matches(`[à-ý]${longer(94)}`),
  matches(`[^é]${longer(78)}`),
  matches(`(?i)straße${longer(80)}`),
];

const nested = (n: number) => `1${' + 1'.repeat(n)} > 0`;

/** Expressions that Envoy Gateway accepts; Envoy refuses them, with a part of the reason. */
const refused: [expression: string, reason: RegExp][] = [
  ...Object.keys(lacking).map((name): [string, RegExp] => [
    `'a'.${name}('b') == 'a'`,
    /No overload/,
  ]),
  ...Object.keys(lacking).map((name): [string, RegExp] => [
    `${name}('b') == 'a'`,
    /No overload/,
  ]),
  ['math.greatest(1, 2) == 2', /No overload/],
  ["strings.quote('a') == 'a'", /No overload/],
  ["base64.encode(b'a') == 'YQ=='", /No overload/],
  ['optional.of(1).hasValue()', /No overload/],
  ["request.path.unheardOf('a')", /No overload/],
  ["request.path.startsWith('a', 'b')", /No overload/],
  ['int() == 1', /No overload/],
  ["int('1', 2) == 1", /No overload/],
  ["'1'.int() == 1", /No overload/],
  ['getFullYear(request.time) > 2000', /No overload/],
  ...Object.keys(loops)
    // Envoy Gateway's parser does not know it as a macro.
    .filter(name => name !== 'existsOne')
    .map((name): [string, RegExp] => [
      `[1, 2].${name}(x, x == 1) == [true]`,
      /Comprehension/,
    ]),
  ["request.path.matches('[')", /RE2|regular expression/],
  ["request.path.matches('(?=a)')", /RE2|regular expression/],
  ["matches(request.path, '(a)\\\\1')", /RE2|regular expression/],
  ...[
    longer(97),
    `[0-9]${longer(96)}`,
    `[^/]${longer(89)}`,
    `(?i)${longer(97)}`,
    `é${longer(95)}`,
    '\\\\pL',
    `^/shop/[0-9]${longer(96)}$`,
    `[à-ý]${longer(95)}`,
    `[^é]${longer(80)}`,
    `(?i)straße${longer(88)}`,
  ].map((pattern): [string, RegExp] => [matches(pattern), /RE2|regular exp/]),
  ['foo{a: 1} == 1', /struct/],
];

/** Expressions that Envoy takes and never finds true. */
const never = [
  ".request.method == 'GET'",
  '1',
  "'a'",
  'null',
  'request.method',
  "request.headers['x-role']",
  "'a' + 'b' == 'ab'",
  "request.headers['x-role'] + request.headers['x-role'] == 'readerreader'",
  "b'a' + b'b' == b'ab'",
  '[1] + [2] == [1, 2]',
  '1 + 1.0 == 2.0',
  "1 == 'a'",
  "'a' == null",
  '!request.method',
  "!request.headers['x-role']",
  'request.method && true',
  '1 ? true : false',
  '[1].contains(1)',
  "'a' in 'abc'",
  "foo == 'a'",
  "!(foo == 'a')",
  "request.foo == 'a'",
  "!(request.foo == 'a')",
  'has(request.foo)',
  "request.headers.x-role == 'reader'",
  "request.path.foo == 'a'",
  "metadata['filter_metadata'] == metadata.filter_metadata",
  "plugin_name == ''",
  'node.id == node.id',
  'type(request.time) == google.protobuf.Timestamp',
];

/** What cannot be parsed. */
const unparsable = [
  "has(request.headers['x-role'])",
  'has(request)',
  'request.path ==',
  "request.path = '/'",
  "'a",
  'if == 1',
  '9223372036854775808 > 1',
  '18446744073709551616u > 1u',
  'request.?path',
  '[1].exists(1, true)',
];

/** How deep Envoy's own parser goes; Envoy Gateway's goes deeper. */
const deepest = nested(30);
const tooDeep = nested(31);

const quiet = [...refused.map(([e]) => e), ...never, ...unparsable, tooDeep];

/** A value of each type, for which every function that takes the type has a result. */
const samples: Record<Exclude<Kind, 'any'>, string> = {
  bool: 'true',
  bytes: "b'a'",
  double: '1.0',
  duration: "duration('1s')",
  int: '1',
  list: '[1, 2]',
  map: "{'x-role': 1, 1: 1, true: 1}",
  message: 'xds.node',
  null: 'null',
  string: "'x-role'",
  strings: 'request.headers',
  timestamp: "timestamp('2026-01-01T00:00:00Z')",
  type: 'int',
  uint: '1u',
};

/** Texts that functions can convert, and a value that leaves the other side to decide. */
const ownSamples: Record<string, Partial<typeof samples>> = {
  bool: { string: "'true'" },
  double: { string: "'1.5'" },
  duration: { string: "'1s'" },
  int: { string: "'1'" },
  timestamp: { string: "'2026-01-01T00:00:00Z'" },
  uint: { string: "'1'" },
  '_||_': { bool: 'false' },
  ...Object.fromEntries(
    Object.keys(functions)
      .filter(name => name.startsWith('get'))
      .map(name => [name, { string: "'UTC'" }]),
  ),
};

function combinations(name: string, count: number): string[][] {
  const values = Object.values({ ...samples, ...ownSamples[name] });
  return count === 1
    ? values.map(value => [value])
    : values.flatMap(a => values.map(b => [a, b]));
}

const counts = (signatures: readonly (readonly [readonly Kind[], Kind])[]) => [
  ...new Set(signatures.map(([takes]) => takes.length)),
];

/** Every function and operator with values of all types. */
const typed = [
  ...Object.entries(functions).flatMap(([name, { written, signatures }]) =>
    counts(signatures).flatMap(count =>
      combinations(name, count).flatMap(([first, ...rest]) => [
        ...(written === 'method'
          ? []
          : [`${name}(${[first, ...rest].join(', ')})`]),
        ...(written === 'function'
          ? []
          : [`(${first}).${name}(${rest.join(', ')})`]),
      ]),
    ),
  ),
  ...Object.entries(operators).flatMap(([name, { sign, signatures }]) =>
    counts(signatures).flatMap(count =>
      combinations(name, count).map(([a, b]) => {
        if (name === '_[_]') {
          return `(${a})[${b}]`;
        }
        return count === 1 ? `${sign}(${a})` : `((${a}) ${sign} (${b}))`;
      }),
    ),
  ),
  ...combinations('', 1).map(([test]) => `((${test}) ? 1 : 1)`),
];

/** It is true where the expression has a value at all. */
const hasValue = (expression: string) => `${expression} == ${expression}`;

/** Paths of all values of a place. */
function paths(shape: Shape, path: readonly string[] = []): string[] {
  return typeof shape === 'string'
    ? [path.join('.')]
    : Object.entries(shape).flatMap(([name, inner]) =>
        paths(inner, [...path, name]),
      );
}

const pathsOf = (name: PlaceName) =>
  paths((places[name] as CelPlace).variables as Shape);

/** What is there only when a connection fails. */
const onFailure = /transport_failure_reason|termination_details/;

const format = (expressions: readonly string[]) =>
  expressions.map(expression => `%CEL(${expression})%`).join('|');

describeUnless(missing(['make', 'python3', 'openssl']), 'Envoy’s CEL', () => {
  describe.each(envoys)('in Envoy %s', version => {
    const chunk = 400;
    const rows = [...accepted, deepest, ...quiet];
    const listeners: Record<string, ListenerParts> = {
      last: { accessLog: [writes(text('last'))] },
      known: {
        accessLog: [
          writes(text(`known ${format(pathsOf('logFormat').map(hasValue))}`)),
        ],
        requestHeaders: {
          'x-value': format(pathsOf('requestHeader').map(hasValue)),
        },
        responseHeaders: {
          'x-value': format(pathsOf('responseHeader').map(hasValue)),
        },
      },
      ...Object.fromEntries(
        rows.map((expression, i) => [
          `row-${i}`,
          {
            accessLog: [
              writes(text(`row-${i}`), {
                extensionFilter: {
                  name: 'cel',
                  typedConfig: {
                    '@type':
                      'type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter',
                    expression,
                  },
                },
              }),
            ],
          },
        ]),
      ),
      ...Object.fromEntries(
        Array.from({ length: Math.ceil(typed.length / chunk) }, (_, i) => [
          `typed-${i}`,
          {
            accessLog: [
              writes(
                text(
                  `typed-${i} ${format(
                    typed.slice(i * chunk, (i + 1) * chunk).map(hasValue),
                  )}`,
                ),
              ),
            ],
          },
        ]),
      ),
    };
    let envoy: CelEnvoy | undefined;
    let lines: string[];
    let known: Record<string, string | undefined>;

    beforeAll(async () => {
      envoy = await startCelEnvoy(version, listeners);
      known = (await envoy.send('known')).headers;
      lines = await logOfAll(
        envoy,
        Object.keys(listeners).filter(name => name !== 'last'),
        'last',
      );
    });

    afterAll(() => envoy?.stop());

    const valuesOf = (name: string) =>
      lines
        .find(line => line.startsWith(`${name} `))!
        .slice(name.length + 1)
        .split('|');

    const isTrue = (expression: string) =>
      lines.includes(`row-${rows.indexOf(expression)}`);
    const reason = (expression: string) =>
      envoy!.refused[`row-${rows.indexOf(expression)}`] ?? '';

    it.each([...accepted, deepest])(
      'finds %s true, and the lint accepts it',
      expression => {
        expect(reason(expression)).toBe('');
        expect(isTrue(expression)).toBe(true);
        expect(lintCel(expression, 'logFilter')).toEqual([]);
      },
    );

    it.each(refused)('refuses %s, and so does the lint', (expression, why) => {
      expect(reason(expression)).toMatch(why);
      expect(lintCel(expression, 'logFilter')).not.toEqual([]);
    });

    it.each(never)('never finds %s true, and the lint says so', expression => {
      expect(reason(expression)).toBe('');
      expect(isTrue(expression)).toBe(false);
      expect(lintCel(expression, 'logFilter')).not.toEqual([]);
    });

    it.each([...unparsable, tooDeep])(
      'cannot parse %s, and neither can the lint',
      expression => {
        expect(reason(expression)).toMatch(/parse/);
        expect(lintCel(expression, 'logFilter')).not.toEqual([]);
      },
    );

    it('has the functions and operators of the table for its types alone', () => {
      const results = Array.from(
        { length: Math.ceil(typed.length / chunk) },
        (_, i) => valuesOf(`typed-${i}`),
      ).flat();
      expect(results).toHaveLength(typed.length);
      const disagreements = typed.flatMap((expression, i) => {
        const works = results[i] === 'true';
        const problems = lintCel(hasValue(expression), 'logFilter');
        return works === (problems.length === 0)
          ? []
          : [
              `${expression}: Envoy ${results[i]}, lint ${
                problems[0] ?? 'accepts'
              }`,
            ];
      });
      expect(disagreements).toEqual([]);
    });

    it.each([
      ['logFormat', () => valuesOf('known')],
      ['requestHeader', () => known['x-asked']!.split('|')],
      ['responseHeader', () => known['x-value']!.split('|')],
    ] as const)('knows what the table says at %s', (name, values) => {
      const given = values();
      expect(
        pathsOf(name).filter(
          (path, i) => given[i] !== 'true' && !onFailure.test(path),
        ),
      ).toEqual([]);
    });
  });
});

function text(inline: string) {
  return { textFormatSource: { inlineString: `${inline}\n` } };
}

/** The rules of a policy as Envoy Gateway programs them, by expression; nothing where it answers 500 itself. */
function programmed(
  groups: readonly (readonly string[])[],
): Map<string, object | undefined> {
  const gateway = smallGateway() as any[];
  const route = gateway.find(({ kind }) => kind === 'HTTPRoute');
  const name = (i: number) => `group-${i}`;
  const metadata = (i: number) => ({ name: name(i), namespace: 'default' });
  const objects = groups.flatMap((expressions, i) => [
    {
      ...route,
      metadata: metadata(i),
      spec: { ...route.spec, hostnames: [`${name(i)}.test`] },
    },
    {
      apiVersion: 'gateway.envoyproxy.io/v1alpha1',
      kind: 'SecurityPolicy',
      metadata: metadata(i),
      spec: {
        targetRefs: [
          {
            group: 'gateway.networking.k8s.io',
            kind: 'HTTPRoute',
            name: name(i),
          },
        ],
        authorization: {
          defaultAction: 'Deny',
          rules: expressions.map(cel => ({ action: 'Allow', cel })),
        },
      },
    },
  ]);
  const xds = JSON.parse(
    translate([...gateway.filter(o => o !== route), ...objects], 'xds', egctl),
  );
  const hosts: any[] = Object.values<any>(xds.xds)
    .flatMap(({ configs }) => configs)
    .flatMap(({ dynamicRouteConfigs = [] }) => dynamicRouteConfigs)
    .flatMap(({ routeConfig }) => routeConfig.virtualHosts);
  return new Map(
    groups.flatMap((expressions, i) => {
      const host = hosts.find(({ domains }) =>
        domains.includes(`${name(i)}.test`),
      );
      const [filter, config] = Object.entries<any>(
        host.routes[0].typedPerFilterConfig ?? {},
      )[0] ?? [''];
      return expressions.map((expression, n): [string, object | undefined] => {
        const list = config?.rbac.matcher.matcherList;
        const { matcher } = config?.rbac ?? {};
        return [
          expression,
          config && {
            [filter]: {
              ...config,
              rbac: {
                ...config.rbac,
                matcher: {
                  ...matcher,
                  matcherList: { ...list, matchers: [list.matchers[n]] },
                },
              },
            },
          },
        ];
      });
    }),
  );
}

describeUnless(
  missing(['make', 'python3', 'openssl', egctl]),
  'CEL in a SecurityPolicy',
  () => {
    const fields = pathsOf('authorization')
      .filter(path => !onFailure.test(path))
      .map(hasValue);
    /** What only an answer brings. */
    const late = [
      'response.code',
      'response.code_details',
      'response.backend_latency',
      'upstream.address',
      'upstream_filter_state',
      'xds.node',
      'xds.upstream_host_metadata',
      'request.duration',
    ].map(hasValue);
    const together = [
      ...accepted,
      ...fields,
      ...late,
      ...never,
      ...refused.map(([expression]) => expression),
    ];
    let envoy: CelEnvoy | undefined;
    let rules: ReturnType<typeof programmed>;
    let statuses: Map<string, number>;
    const listenerOf = (expression: string) =>
      `rule-${together.indexOf(expression)}`;

    beforeAll(async () => {
      rules = programmed([together, ...unparsable.map(e => [e])]);
      envoy = await startCelEnvoy(
        newestRelease.testEnvoy,
        Object.fromEntries(
          together.map(expression => [
            listenerOf(expression),
            {
              routes: [
                {
                  name: 'my-route',
                  match: { prefix: '/' },
                  route: { cluster: 'upstream' },
                  typedPerFilterConfig: rules.get(expression),
                },
              ],
            },
          ]),
        ),
      );
      statuses = new Map();
      for (const expression of together) {
        const name = listenerOf(expression);
        if (!envoy.refused[name]) {
          statuses.set(expression, (await envoy.send(name)).status);
        }
      }
    });

    afterAll(() => envoy?.stop());

    it.each([...accepted, ...fields])(
      '%s lets the request pass',
      expression => {
        expect(envoy!.refused[listenerOf(expression)]).toBeUndefined();
        expect(statuses.get(expression)).toBe(200);
        expect(lintCel(expression, 'authorization')).toEqual([]);
      },
    );

    it.each([...never, ...late])('%s lets no request pass', expression => {
      expect(statuses.get(expression)).toBe(403);
      expect(lintCel(expression, 'authorization')).not.toEqual([]);
    });

    it.each(refused)('%s makes Envoy refuse it', (expression, why) => {
      expect(envoy!.refused[listenerOf(expression)]).toMatch(why);
      expect(lintCel(expression, 'authorization')).not.toEqual([]);
    });

    it.each(unparsable)('%s makes Envoy Gateway answer itself', expression => {
      expect(rules.get(expression)).toBeUndefined();
      expect(lintCel(expression, 'authorization')).not.toEqual([]);
    });
  },
);

describe('a format with CEL', () => {
  it('is judged in each of its commands', () => {
    expect(
      lintCelFormat(
        "%CEL(request.path)% %CEL(foo)%-%CEL(request.path.split('/')[1]):10% %REQ(foo)%",
        'logFormat',
      ),
    ).toEqual([
      expect.stringMatching(/^%CEL\(foo\)%: .*foo/),
      expect.stringMatching(/^%CEL\(.*\):10%: .*split/),
    ]);
  });
});
