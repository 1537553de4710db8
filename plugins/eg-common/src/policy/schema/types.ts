import { z } from 'zod';

// The vocabulary of the policy's schema: what the API server's validation knows, and no more.

type Value = any;
type Fields = Record<string, z.ZodType>;

/** A rule on an object as a whole, with the API's message. */
export type Rule = [message: string, holds: (self: Value) => boolean];

/** Whether the release that is asked for has what came with another one. */
export type Since = (version: string) => boolean;

/** Adds rules to a schema. As in the API server, they are asked only when the value has the right form. */
export function ruled(schema: z.ZodType, rules: readonly Rule[]): z.ZodType {
  return schema.superRefine((self, context) => {
    for (const [message, holds] of rules) {
      if (!holds(self)) {
        context.addIssue({ code: 'custom', message });
      }
    }
  });
}

/** A field that may be left out. The API server takes null for that too. */
const optional = (schema: z.ZodType) =>
  schema
    .nullable()
    .optional()
    .transform(given => given ?? undefined);

/** An object with these fields and no others. */
export function object(
  required: Fields,
  others: Fields = {},
  rules: readonly Rule[] = [],
): z.ZodType {
  return ruled(
    z.strictObject({
      ...required,
      ...Object.fromEntries(
        Object.entries(others).map(([name, schema]) => [
          name,
          optional(schema),
        ]),
      ),
    }),
    rules,
  );
}

/** What the API server puts in where nothing, or null, is given. */
export const defaulted = (schema: z.ZodType, value: unknown) =>
  schema
    .nullable()
    .default(value)
    .transform(given => given ?? value);

const plural = (count: number, noun: string) =>
  `${count} ${noun}${count === 1 ? '' : 's'}`;

/** Text of so many characters, counted as the API server does: by code points. */
export const text = (
  min = 0,
  max = Infinity,
  pattern?: RegExp,
  expected = `match ${pattern}`,
): z.ZodType =>
  ruled(z.string(), [
    [
      max === Infinity
        ? `must have at least ${plural(min, 'character')}`
        : `must have ${min} to ${plural(max, 'character')}`,
      self => [...self].length >= min && [...self].length <= max,
    ],
    [`must ${expected}`, self => !pattern || pattern.test(self)],
  ]);

export const bool = z.boolean();
export const anything = z.unknown();
export const oneOf = (...values: string[]) => z.enum(values);
export const list = (item: z.ZodType, max = Infinity, min = 0) =>
  z.array(item).min(min).max(max);
export const map = z.record(z.string(), z.string());
export const int32 = (min = -(2 ** 31), max = 2 ** 31 - 1) =>
  z.number().int().min(min).max(max);
export const int64 = (
  min = Number.MIN_SAFE_INTEGER,
  max = Number.MAX_SAFE_INTEGER,
) => z.number().int().min(min).max(max);

export const subdomain =
  /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const emptyOrSubdomain = new RegExp(`^$|${subdomain.source}`);

export const name = text(1, 253);
export const sectionName = text(1, 253, subdomain, 'be a DNS subdomain');
export const group = text(
  0,
  253,
  emptyOrSubdomain,
  'be empty or a DNS subdomain',
);
export const kind = text(1, 63, /^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$/);
export const namespace = text(
  1,
  63,
  /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
  'be a DNS label',
);
export const moduleName = text(1, 253, /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/);
export const port = int32(1, 65535);
export const percent = int32(0, 100);
export const duration = text(
  0,
  Infinity,
  /^([0-9]{1,5}(h|m|s|ms)){1,4}$/,
  'be a Gateway API Duration such as 500ms or 1m30s',
);
/** A Kubernetes quantity of bytes: any whole number, or text with a unit. */
export const byteSize = z.union([
  z.number().int(),
  text(
    0,
    Infinity,
    /^[1-9]+[0-9]*([EPTGMK]i|[EPTGMk])?$/,
    'be a size such as 32Ki or 1M',
  ),
]);
export const base64 = text(
  0,
  Infinity,
  /^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/,
  'be base64',
);

/** Milliseconds of a {@link duration}. */
export function milliseconds(value: string): number {
  const units: Record<string, number> = {
    h: 3_600_000,
    m: 60_000,
    s: 1000,
    ms: 1,
  };
  return [...value.matchAll(/([0-9]+)(ms|h|m|s)/g)].reduce(
    (sum, [, amount, unit]) => sum + Number(amount) * units[unit!]!,
    0,
  );
}

/** A field is there exactly when another one, the type of a union, has a value. */
export const onlyFor = (
  field: string,
  value: string,
  message: string,
  type = 'type',
): Rule => [
  message,
  self => (self[type] === value) === (self[field] !== undefined),
];
