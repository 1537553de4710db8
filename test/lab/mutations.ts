import fc from 'fast-check';

// Policies that are right or wrong in ways that nobody thought of, made from what the CRD itself says of each field.

/** A node of a CRD's schema, as far as it is used here. */
export interface CrdSchema {
  type?: string;
  properties?: Record<string, CrdSchema>;
  additionalProperties?: CrdSchema;
  items?: CrdSchema;
  required?: string[];
  enum?: unknown[];
  allOf?: CrdSchema[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  format?: string;
  minItems?: number;
  maxItems?: number;
  'x-kubernetes-int-or-string'?: boolean;
  'x-kubernetes-validations'?: { rule: string; message: string }[];
}

type Value = any;
type Draw = fc.GeneratorValue;

const isObject = (value: Value) =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A value in a policy that can be changed: where it is and what the CRD says of it. */
interface Place {
  holder: Value;
  key: string | number;
  schema: CrdSchema;
}

/** What the API says where one of its rules is broken. */
export function messagesOf(schema: CrdSchema): string[] {
  return [
    ...(schema['x-kubernetes-validations'] ?? []).map(rule => rule.message),
    ...[
      ...Object.values(schema.properties ?? {}),
      ...(schema.items ? [schema.items] : []),
    ].flatMap(messagesOf),
  ];
}

/** Texts that the rules of a schema compare with, which chance would not find. */
function literalsOf(schema: CrdSchema): string[] {
  return [
    ...(schema['x-kubernetes-validations'] ?? []).flatMap(({ rule }) =>
      [...rule.matchAll(/['"]([^'"]*)['"]/g)].map(([, text]) => text!),
    ),
    ...[
      ...Object.values(schema.properties ?? {}),
      ...(schema.items ? [schema.items] : []),
    ].flatMap(literalsOf),
  ];
}

/** What a policy is mutated with: the schema of its spec and the words of its rules. */
export interface Vocabulary {
  spec: CrdSchema;
  words: string[];
}

export function vocabularyOf(spec: CrdSchema): Vocabulary {
  return {
    spec,
    words: [
      ...new Set([
        ...literalsOf(spec),
        ...[
          'a',
          'my-route',
          'A b',
          'a.example.com',
          '500ms',
          '1m30s',
          '0s',
          '1.5s',
        ],
        ...['request.path', 'GET', 'post', '32Ki', '0', '-1', 'ü', 'YQ==', 'Y'],
      ]),
    ],
  };
}

/** Values of every type, for where another one is asked for. */
const strangers: fc.Arbitrary<unknown> = fc.constantFrom<unknown>(
  null,
  true,
  'text',
  '',
  0,
  1,
  1.5,
  [],
  ['a'],
  {},
  { a: 1 },
);

function enumOf({ enum: own, allOf = [] }: CrdSchema): unknown[] | undefined {
  const lists = [own, ...allOf.map(part => part.enum)].filter(
    (values): values is unknown[] => values !== undefined,
  );
  return lists.length > 0
    ? lists[0]!.filter(value => lists.every(values => values.includes(value)))
    : undefined;
}

function sampleText(
  draw: Draw,
  vocabulary: Vocabulary,
  schema: CrdSchema,
): string {
  const { minLength = 0, maxLength = 20, pattern } = schema;
  // What its own rules name is what matters to it.
  const own = literalsOf(schema);
  const words = own.length > 0 && draw(fc.boolean) ? own : vocabulary.words;
  const regexp = new RegExp(pattern ?? '');
  const fitting = words.filter(
    word =>
      word.length >= minLength && word.length <= maxLength && regexp.test(word),
  );
  return draw(fc.constantFrom, ...(fitting.length > 0 ? fitting : ['a']));
}

/** A value that the schema allows; rules that span fields it may break. */
function sample(
  draw: Draw,
  vocabulary: Vocabulary,
  schema: CrdSchema,
  depth = 0,
): Value {
  const values = enumOf(schema);
  if (values) {
    return draw(fc.constantFrom, ...values);
  }
  if (schema['x-kubernetes-int-or-string']) {
    return draw(fc.constantFrom<unknown[]>, '32Ki', '1M', '10', 4096);
  }
  switch (schema.type) {
    case 'object': {
      if (schema.additionalProperties) {
        return { key: sample(draw, vocabulary, schema.additionalProperties) };
      }
      const chosen = Object.entries(schema.properties ?? {}).filter(
        ([name]) =>
          schema.required?.includes(name) ||
          draw(fc.nat, { max: 9 }) < (depth < 2 ? 4 : 2),
      );
      return Object.fromEntries(
        chosen.map(([name, property]) => [
          name,
          sample(draw, vocabulary, property, depth + 1),
        ]),
      );
    }
    case 'array':
      return Array.from(
        { length: draw(fc.integer, { min: schema.minItems ?? 0, max: 2 }) },
        () => sample(draw, vocabulary, schema.items!, depth + 1),
      );
    case 'string':
      return schema.format === 'byte'
        ? draw(fc.constantFrom, '', 'YQ==', 'YWI=', 'YWJj')
        : sampleText(draw, vocabulary, schema);
    case 'boolean':
      return draw(fc.boolean);
    case 'integer': {
      const { minimum = 0, maximum = 1000 } = schema;
      return draw(fc.constantFrom, minimum, maximum, minimum + 1);
    }
    default:
      return draw(fc.constantFrom<unknown[]>, { a: [1, 'b'] }, 'text', 3, []);
  }
}

/** Every value in a policy that the CRD describes. */
function placesIn(holder: Value, key: string | number, schema: CrdSchema) {
  const value = holder[key];
  const places: Place[] = [{ holder, key, schema }];
  if (Array.isArray(value) && schema.items) {
    value.forEach((_, i) => places.push(...placesIn(value, i, schema.items!)));
  } else if (isObject(value)) {
    for (const name of Object.keys(value)) {
      const property = schema.properties?.[name];
      if (property) {
        places.push(...placesIn(value, name, property));
      }
    }
  }
  return places;
}

type Change = (draw: Draw, vocabulary: Vocabulary, place: Place) => void;

const set =
  (
    value: (draw: Draw, vocabulary: Vocabulary, place: Place) => Value,
  ): Change =>
  (draw, vocabulary, place) => {
    place.holder[place.key] = value(draw, vocabulary, place);
  };

const current = ({ holder, key }: Place) => holder[key];
const pick = (draw: Draw, values: readonly string[]) =>
  values.length > 0 ? draw(fc.constantFrom, ...values) : undefined;

const forAll: Change[] = [
  ({}, {}, { holder, key }) => {
    if (Array.isArray(holder)) {
      holder.splice(key as number, 1);
    } else {
      delete holder[key];
    }
  },
  set(draw => draw(() => strangers)),
  set((draw, vocabulary, { schema }) => sample(draw, vocabulary, schema)),
];

/** What can be done to a value, by its type in the CRD. */
const changes: Record<string, Change[]> = {
  object: [
    (draw, _, place) => {
      if (isObject(current(place))) {
        delete current(place)[pick(draw, Object.keys(current(place))) ?? ''];
      }
    },
    ...Array<Change>(4).fill((draw, vocabulary, place) => {
      const value = current(place);
      const properties = place.schema.properties ?? {};
      const name = pick(
        draw,
        Object.keys(properties).filter(n => value?.[n] === undefined),
      );
      if (name !== undefined && isObject(value)) {
        value[name] = sample(draw, vocabulary, properties[name]!);
      }
    }),
    (draw, _, place) => {
      const value = current(place);
      if (isObject(value)) {
        value[draw(fc.constantFrom, 'unknown', 'Name', 'failopen')] = 1;
      }
    },
  ],
  array: [
    set(() => []),
    (draw, vocabulary, place) => {
      if (Array.isArray(current(place))) {
        current(place).push(sample(draw, vocabulary, place.schema.items!));
      }
    },
    set((draw, _, place) => {
      const value = current(place);
      const count = (place.schema.maxItems ?? 17) + draw(fc.nat, { max: 1 });
      return Array.isArray(value) && value.length > 0
        ? Array(count).fill(value[0])
        : value;
    }),
  ],
  string: [
    set((draw, { words }) => draw(fc.constantFrom, ...words)),
    set((draw, { words }) => draw(fc.constantFrom, ...words)),
    set((draw, _, { schema: { minLength = 0, maxLength = 300 } }) =>
      'a'.repeat(
        draw(
          fc.constantFrom,
          Math.max(0, minLength - 1),
          minLength,
          maxLength,
          maxLength + 1,
        ),
      ),
    ),
    set(() => 'ä'.repeat(253)),
  ],
  integer: [
    set((draw, _, { schema }) => {
      const { minimum = -(2 ** 31), maximum = 2 ** 31 - 1 } = schema;
      return draw(
        fc.constantFrom,
        ...[minimum - 1, minimum, maximum, maximum + 1, 0.5, 404, 418],
      );
    }),
  ],
  boolean: [set((_draw, _vocabulary, place) => !current(place))],
};

/** What is not part of the spec, and so not of the CRD's own schema. */
const outside: ((draw: Draw, policy: Value) => void)[] = [
  (draw, { metadata }) => {
    metadata.name = draw(
      fc.constantFrom<unknown[]>,
      ...[
        'My Policy',
        '',
        'a.b',
        'a_b',
        '-a',
        'a'.repeat(253),
        'a'.repeat(254),
      ],
      ...[undefined, 7],
    );
  },
  (draw, { metadata }) => {
    metadata.labels = draw(
      fc.constantFrom<unknown[]>,
      ...[{ 'a.b/c': '' }, { 'a/b/c': 'd' }, { '-a': 'b' }, { a: 'b c' }],
      ...[{ a: 1 }, [], { a: 'b'.repeat(63) }, { a: 'b'.repeat(64) }],
      { 'A/b': 'c' },
    );
  },
  (draw, { metadata }) => {
    metadata.annotations = draw(
      fc.constantFrom<unknown[]>,
      ...[{ 'a.b/c': 'd e\n' }, { 'a/b/c': 'd' }, { 'A/b': 'c' }],
      ...[{ a: true }, { '': 'a' }, { ['a'.repeat(64)]: 'b' }],
    );
  },
  (draw, policy) => {
    policy.apiVersion = draw(
      fc.constantFrom,
      'gateway.envoyproxy.io/v1',
      'gateway.networking.k8s.io/v1',
      'v1',
    );
  },
  (_, policy) => {
    policy.specs = {};
  },
  (_, { metadata }) => {
    metadata.label = {};
  },
  (_, policy) => {
    delete policy.spec;
  },
];

function mutate(draw: Draw, vocabulary: Vocabulary, policy: Value) {
  if (draw(fc.nat, { max: 19 }) === 0) {
    draw(fc.constantFrom, ...outside)(draw, policy);
    return;
  }
  const times = draw(fc.integer, { min: 1, max: 3 });
  for (let i = 0; i < times && policy.spec; i++) {
    const place = draw(
      fc.constantFrom,
      ...placesIn(policy, 'spec', vocabulary.spec),
    );
    const ofType = changes[place.schema.type ?? ''] ?? [];
    draw(
      fc.constantFrom,
      ...ofType,
      ...ofType,
      ...forAll,
    )(draw, vocabulary, place);
  }
}

/** Mutations of policies: each of one of them, changed in one to three places. The same for the same seed. */
export function mutationsOf(
  policies: readonly object[],
  vocabulary: Vocabulary,
  count: number,
  seed: number,
): object[] {
  const mutant = fc.gen().map(draw => {
    const policy = structuredClone(draw(fc.constantFrom, ...policies));
    mutate(draw, vocabulary, policy);
    // What is written is JSON.
    return JSON.parse(JSON.stringify(policy));
  });
  return fc.sample(mutant, { seed, numRuns: count });
}

/** Where a schema has rules: the names that lead there from the spec. */
function ruledPlaces(schema: CrdSchema, path: string[] = []): string[][] {
  return [
    ...(schema['x-kubernetes-validations'] ? [path] : []),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, property]) =>
      ruledPlaces(property, [...path, name]),
    ),
    ...(schema.items ? ruledPlaces(schema.items, [...path, '[]']) : []),
  ];
}

/** A value in which only what leads to a place is there, and what is required on the way. */
function leadingTo(
  draw: Draw,
  vocabulary: Vocabulary,
  schema: CrdSchema,
  [step, ...rest]: string[],
): Value {
  if (step === undefined) {
    return sample(draw, vocabulary, schema);
  }
  if (step === '[]') {
    return [leadingTo(draw, vocabulary, schema.items!, rest)];
  }
  const required = (schema.required ?? []).filter(name => name !== step);
  return Object.fromEntries([
    ...required.map(name => [
      name,
      sample(draw, vocabulary, schema.properties![name]!, 1),
    ]),
    [step, leadingTo(draw, vocabulary, schema.properties![step]!, rest)],
  ]);
}

/** Policies that keep or break each rule that spans fields, so many for every place that has rules. */
export function probesOf(
  spec: CrdSchema,
  count: number,
  seed: number,
): object[] {
  const vocabulary = vocabularyOf(spec);
  const target = {
    group: 'gateway.networking.k8s.io',
    kind: 'HTTPRoute',
    name: 'my-route',
  };
  return ruledPlaces(spec).flatMap(path =>
    fc.sample(
      fc.gen().map(draw => ({
        apiVersion: 'gateway.envoyproxy.io/v1alpha1',
        kind: 'EnvoyExtensionPolicy',
        metadata: { name: 'probe' },
        spec: {
          ...(path.length > 0 ? { targetRefs: [target] } : {}),
          ...leadingTo(draw, vocabulary, spec, path),
        },
      })),
      { seed, numRuns: count },
    ),
  );
}
