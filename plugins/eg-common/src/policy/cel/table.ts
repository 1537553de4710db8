// What Envoy's CEL has, as data; test/envoy/cel.test.ts judges every entry in a real Envoy. Envoy 1.36 to 1.40 agree. It is
// less than CEL's own library: no extensions, no comprehensions, no conversion to text, no concatenation.
// Sources: Envoy, source/extensions/filters/common/expr/evaluator.cc and the page Attributes of its documentation.

/** The type of a value. `strings` is a map of strings, `message` a Protobuf message, `any` what only a request decides. */
export type Kind =
  | 'any'
  | 'bool'
  | 'bytes'
  | 'double'
  | 'duration'
  | 'int'
  | 'list'
  | 'map'
  | 'message'
  | 'null'
  | 'string'
  | 'strings'
  | 'timestamp'
  | 'type'
  | 'uint';

/** A type, or the fields of a variable with theirs. */
export type Shape = Kind | { readonly [field: string]: Shape };

/** Types of arguments, a method's receiver first, and of the result. */
export type Signature = readonly [takes: readonly Kind[], gives: Kind];

/** How Envoy knows a function, and for which types. */
export interface CelFunction {
  /** `a.f(b)`, `f(a, b)` or both. */
  readonly written: 'method' | 'function' | 'both';
  readonly signatures: readonly Signature[];
}

const numbers = ['int', 'uint', 'double'] as const;
/** What can be a key of a map. */
const keys = ['bool', 'string', ...numbers] as const;

const ordered = ['bool', 'bytes', 'duration', 'string', 'timestamp'] as const;

const conversion = (gives: Kind, ...from: Kind[]): CelFunction => ({
  written: 'function',
  signatures: from.map(kind => [[kind], gives]),
});

const ofTexts: CelFunction = {
  written: 'both',
  signatures: [[['string', 'string'], 'bool']],
};

const ofTime = (...kinds: Kind[]): CelFunction => ({
  written: 'method',
  signatures: kinds.flatMap((kind): Signature[] => [
    [[kind], 'int'],
    // With a time zone.
    ...(kind === 'timestamp' ? [[[kind, 'string'], 'int'] as Signature] : []),
  ]),
});

/** The functions of Envoy's CEL. */
export const functions: Readonly<Record<string, CelFunction>> = {
  contains: ofTexts,
  endsWith: ofTexts,
  matches: ofTexts,
  startsWith: ofTexts,
  size: {
    written: 'both',
    signatures: (['string', 'bytes', 'list', 'map', 'strings'] as const).map(
      kind => [[kind], 'int'],
    ),
  },
  bool: conversion('bool', 'bool', 'string'),
  bytes: conversion('bytes', 'bytes', 'string'),
  double: conversion('double', ...numbers, 'string'),
  duration: conversion('duration', 'duration', 'string'),
  dyn: conversion('any', 'any'),
  int: conversion('int', ...numbers, 'string', 'bool', 'timestamp'),
  timestamp: conversion('timestamp', 'timestamp', 'string', 'int'),
  type: conversion('type', 'any'),
  uint: conversion('uint', ...numbers, 'string'),
  getDate: ofTime('timestamp'),
  getDayOfMonth: ofTime('timestamp'),
  getDayOfWeek: ofTime('timestamp'),
  getDayOfYear: ofTime('timestamp'),
  getFullYear: ofTime('timestamp'),
  getHours: ofTime('timestamp', 'duration'),
  getMilliseconds: ofTime('timestamp', 'duration'),
  getMinutes: ofTime('timestamp', 'duration'),
  getMonth: ofTime('timestamp'),
  getSeconds: ofTime('timestamp', 'duration'),
};

const arithmetic: Signature[] = numbers.map(kind => [[kind, kind], kind]);

const order: Signature[] = [
  ...ordered.map((kind): Signature => [[kind, kind], 'bool']),
  ...numbers.flatMap(a => numbers.map((b): Signature => [[a, b], 'bool'])),
];

/** An operator: how it is written, for which types, and what to do where it has none. */
export interface CelOperator {
  readonly sign: string;
  readonly signatures: readonly Signature[];
  readonly remedy: string;
}

/** What to do where two numbers are of different types. */
export const convert = 'make both one type with int(), uint() or double()';
const twoNumbers = 'it is for two numbers of one type';
const comparable = 'compare values of one type';
const condition =
  "write a condition, for example request.method == 'GET' instead of request.method";

/** The operators of Envoy's CEL, by the names that the parser gives them; equality and `?:` are not decided by types alone. */
export const operators: Readonly<Record<string, CelOperator>> = {
  '_+_': {
    sign: '+',
    signatures: [
      ...arithmetic,
      [['duration', 'duration'], 'duration'],
      [['duration', 'timestamp'], 'timestamp'],
      [['timestamp', 'duration'], 'timestamp'],
    ],
    remedy:
      'texts and lists cannot be joined; compare their parts, for example with startsWith() and endsWith()',
  },
  '_-_': {
    sign: '-',
    signatures: [
      ...arithmetic,
      [['duration', 'duration'], 'duration'],
      [['timestamp', 'duration'], 'timestamp'],
      [['timestamp', 'timestamp'], 'duration'],
    ],
    remedy:
      "a name with a dash is written in brackets, for example request.headers['x-role']",
  },
  '_*_': { sign: '*', signatures: arithmetic, remedy: twoNumbers },
  '_/_': { sign: '/', signatures: arithmetic, remedy: twoNumbers },
  '_%_': {
    sign: '%',
    signatures: [
      [['int', 'int'], 'int'],
      [['uint', 'uint'], 'uint'],
    ],
    remedy: 'it is for two whole numbers of one type',
  },
  '-_': {
    sign: '-',
    signatures: [
      [['int'], 'int'],
      [['double'], 'double'],
    ],
    remedy: 'it is for int and double',
  },
  '!_': { sign: '!', signatures: [[['bool'], 'bool']], remedy: condition },
  '_&&_': {
    sign: '&&',
    signatures: [[['bool', 'bool'], 'bool']],
    remedy: condition,
  },
  '_||_': {
    sign: '||',
    signatures: [[['bool', 'bool'], 'bool']],
    remedy: condition,
  },
  '_<_': { sign: '<', signatures: order, remedy: comparable },
  '_<=_': { sign: '<=', signatures: order, remedy: comparable },
  '_>_': { sign: '>', signatures: order, remedy: comparable },
  '_>=_': { sign: '>=', signatures: order, remedy: comparable },
  '@in': {
    sign: 'in',
    signatures: [
      [['any', 'list'], 'bool'],
      ...keys.flatMap((kind): Signature[] => [
        [[kind, 'map'], 'bool'],
        [[kind, 'strings'], 'bool'],
      ]),
    ],
    remedy:
      "it looks for an element of a list or a key of a map, for example 'x-role' in request.headers; for a part of a text, use contains()",
  },
  '_[_]': {
    sign: '[]',
    signatures: [
      ...numbers.map((kind): Signature => [['list', kind], 'any']),
      [['strings', 'string'], 'string'],
      ...keys.map((kind): Signature => [['map', kind], 'any']),
    ],
    remedy: 'an index is for lists and maps',
  },
};

const ignoreCase =
  "compare without regard to case, for example with matches('(?i)^get$')";
const part =
  "look for the part with startsWith(), endsWith(), contains() or matches(), for example matches('^/shop(/|$)')";
const literalOnly =
  'compare the value with what it has to be, a literal of the same type';
const anyOf = 'write each alternative, joined by ||';
const allOf = 'write each condition, joined by &&';

/** Functions of CEL's libraries that Envoy lacks, and what does the same. */
export const lacking: Readonly<Record<string, string>> = {
  charAt: part,
  format: 'write the text as it has to be, without placeholders',
  indexOf: part,
  join: literalOnly,
  lastIndexOf: part,
  lowerAscii: ignoreCase,
  quote: literalOnly,
  range: 'write the list with its elements, for example [1, 2, 3]',
  replace: part,
  reverse: part,
  sort: 'write the list in its order',
  split: part,
  string: 'compare in the other type, for example int(…) == 1',
  substring: part,
  trim: "allow for blanks in matches(), for example matches('^ *a *$')",
  upperAscii: ignoreCase,
  bind: 'write the value where it is used',
  of: "test for a value with has() or in, for example 'x-role' in request.headers",
};

/** What to do about any other function that Envoy lacks. */
export const lackingRemedy =
  'it has contains(), endsWith(), matches(), size(), startsWith(), conversions and the getters of times';

/** The macros that loop, and what does the same. */
export const loops: Readonly<Record<string, string>> = {
  all: allOf,
  exists: `use in, for example request.method in ['GET', 'HEAD'], or ${anyOf}`,
  exists_one: anyOf,
  existsOne: anyOf,
  filter: anyOf,
  map: 'write each element',
};

/** Names of types, which are values. */
export const typeNames: readonly string[] = [
  'bool',
  'bytes',
  'double',
  'int',
  'list',
  'map',
  'null_type',
  'string',
  'type',
  'uint',
];

/** Messages of Protobuf's library that can be written, and what they are. */
export const messages: Readonly<Record<string, Kind>> = {
  'google.protobuf.BoolValue': 'bool',
  'google.protobuf.BytesValue': 'bytes',
  'google.protobuf.DoubleValue': 'double',
  'google.protobuf.Duration': 'duration',
  'google.protobuf.FloatValue': 'double',
  'google.protobuf.Int32Value': 'int',
  'google.protobuf.Int64Value': 'int',
  'google.protobuf.StringValue': 'string',
  'google.protobuf.Struct': 'map',
  'google.protobuf.Timestamp': 'timestamp',
  'google.protobuf.UInt32Value': 'uint',
  'google.protobuf.UInt64Value': 'uint',
};

type Fields = Readonly<Record<string, Shape>>;

const certificates: Fields = {
  dns_san_local_certificate: 'string',
  dns_san_peer_certificate: 'string',
  sha256_peer_certificate_digest: 'string',
  subject_local_certificate: 'string',
  subject_peer_certificate: 'string',
  tls_version: 'string',
  uri_san_local_certificate: 'string',
  uri_san_peer_certificate: 'string',
};

const request: Fields = {
  headers: 'strings',
  host: 'string',
  id: 'string',
  method: 'string',
  path: 'string',
  protocol: 'string',
  query: 'string',
  referer: 'string',
  scheme: 'string',
  size: 'int',
  time: 'timestamp',
  total_size: 'int',
  url_path: 'string',
  useragent: 'string',
};

const xds: Fields = {
  cluster_metadata: 'message',
  cluster_name: 'string',
  filter_chain_name: 'string',
  listener_direction: 'int',
  listener_metadata: 'message',
  route_metadata: 'message',
  route_name: 'string',
  virtual_host_metadata: 'message',
  virtual_host_name: 'string',
};

/** A message of Protobuf: its fields have names and no index. */
export const metadata: Fields = {
  filter_metadata: 'map',
  typed_filter_metadata: 'map',
};

/** What is known once a route is chosen. */
const asked: Fields = {
  connection: {
    id: 'uint',
    mtls: 'bool',
    requested_server_name: 'string',
    ...certificates,
  },
  destination: { address: 'string', port: 'int' },
  filter_state: 'map',
  metadata,
  request,
  source: { address: 'string', port: 'int' },
  xds,
};

/** What formats know besides. */
const node: Fields = { node: 'message' };

/** What is known once the upstream answered. */
const answered: Fields = {
  ...asked,
  response: {
    backend_latency: 'duration',
    code: 'int',
    code_details: 'string',
    flags: 'int',
    grpc_status: 'int',
    headers: 'strings',
    size: 'int',
    total_size: 'int',
    trailers: 'strings',
  },
  upstream: {
    address: 'string',
    cx_pool_ready_duration: 'duration',
    local_address: 'string',
    locality: 'message',
    port: 'int',
    request_attempt_count: 'uint',
    transport_failure_reason: 'string',
    ...certificates,
  },
  upstream_filter_state: 'map',
  xds: {
    ...xds,
    ...node,
    upstream_host_locality_metadata: 'message',
    upstream_host_metadata: 'message',
  },
};

/** What is known at the end. */
const ended: Fields = {
  ...answered,
  connection: {
    ...(asked.connection as Fields),
    termination_details: 'string',
    transport_failure_reason: 'string',
  },
  request: { ...request, duration: 'duration' },
};

/** Where an expression is judged, and what of it. */
export interface CelPlace {
  /** When Envoy judges it, as the end of a sentence. */
  readonly when: string;
  /** Whether it has to be true, or is written into a text. */
  readonly gives: 'truth' | 'text';
  readonly variables: Fields;
}

/** The places where a person can write an expression. */
export const places = {
  /** `authorization.rules[].cel` of a SecurityPolicy. */
  authorization: {
    when: 'before the upstream is asked',
    gives: 'truth',
    variables: asked,
  },
  /** `accessLog.settings[].matches[]` of an EnvoyProxy. */
  logFilter: {
    when: 'when a request has ended',
    gives: 'truth',
    variables: ended,
  },
  /** `%CEL(…)%` in a format of an access log. */
  logFormat: {
    when: 'when a request has ended',
    gives: 'text',
    variables: ended,
  },
  /** `%CEL(…)%` in a header for the upstream. */
  requestHeader: {
    when: 'before the upstream is asked',
    gives: 'text',
    variables: { ...asked, xds: { ...xds, ...node } },
  },
  /** `%CEL(…)%` in a header for the client. */
  responseHeader: {
    when: 'when the upstream answered',
    gives: 'text',
    variables: answered,
  },
} as const satisfies Record<string, CelPlace>;

/** How deep an expression may be nested: the parser of Envoy counts. */
export const maxDepth = 31;

/** How large the program of a regular expression may be: the runtime flag of RE2 in Envoy. */
export const maxProgram = 100;
