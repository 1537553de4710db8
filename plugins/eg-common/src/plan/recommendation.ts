import { z } from 'zod';
import { ImplementationId, Mechanism } from '../implementations';
import { Gravity, Recommendation } from '../recommend';

// The recommendation as a plan holds it. The annotations make the compiler refuse a schema that lacks a field of the type.

/** Keys in a table that lists every member of a type: a new member does not compile until it is here. */
function keysOf<T extends string>(table: Record<T, true>) {
  return z.enum(Object.keys(table) as [T, ...T[]]);
}

export const implementationId = keysOf<ImplementationId>({
  'extproc-go': true,
  'wasm-rust': true,
  lua: true,
  'dynamic-module': true,
  native: true,
});

const mechanism = keysOf<Mechanism>({
  extproc: true,
  wasm: true,
  lua: true,
  'dynamic-module': true,
  native: true,
});

const gravity = keysOf<Gravity>({
  outage: true,
  security: true,
  correctness: true,
  operation: true,
  note: true,
});

export const recommendationSchema: z.ZodType<Recommendation> = z.strictObject({
  decision: implementationId,
  recommended: implementationId,
  advised: mechanism,
  advisedTitle: z.string(),
  ranking: z.array(
    z.strictObject({
      implementation: implementationId,
      mechanism,
      title: z.string(),
      score: z.number(),
      reasons: z.array(
        z.strictObject({ points: z.number(), text: z.string() }),
      ),
      generated: z.boolean(),
    }),
  ),
  rejected: z.array(
    z.strictObject({
      implementation: implementationId,
      mechanism,
      title: z.string(),
      reasons: z.array(z.string()),
      unknown: z.boolean(),
    }),
  ),
  warnings: z.array(
    z.strictObject({
      id: z.string(),
      text: z.string(),
      severity: gravity,
      source: z.string(),
    }),
  ),
  native: z.array(
    z.strictObject({
      need: z.string(),
      title: z.string(),
      feature: z.string(),
      since: z.string(),
      limits: z.array(z.string()),
      source: z.string(),
      addOn: z.string().nullable(),
    }),
  ),
  left: z.array(z.strictObject({ need: z.string(), text: z.string() })),
  hybrid: z.array(z.strictObject({ text: z.string(), feature: z.string() })),
  confidence: z.strictObject({
    level: z.enum(['high', 'medium', 'low']),
    reason: z.string(),
  }),
  questions: z.array(
    z.strictObject({
      field: z.string(),
      value: z.unknown(),
      decision: implementationId,
      text: z.string(),
    }),
  ),
  contradictions: z.array(z.string()),
  asked: z.array(z.strictObject({ question: z.string(), answer: z.string() })),
});
