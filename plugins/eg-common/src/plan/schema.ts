import { z } from 'zod';
import { answersSchema } from '../intake';
import { namespaceName, objectName } from '../intake/fields';
import { implementationId, recommendationSchema } from './recommendation';
import { planVersion } from './versions';

const bodyMode = z
  .enum(['Buffered', 'FullDuplexStreamed'])
  .or(z.literal(false));
const direction = z.literal(false).or(z.strictObject({ body: bodyMode }));
const image = z.strictObject({
  /** Registry and path, without a tag. */
  repository: z.string(),
  tag: z.string(),
  /** Whether the registry still has to be decided. */
  placeholder: z.boolean(),
});

/**
 * A plan of the current version. A field that is added here is also added in migrations.ts, for plans that lack it.
 */
export const planSchema = z.strictObject({
  apiVersion: z.literal(planVersion),
  kind: z.literal('ExtensionPlan'),
  name: answersSchema.shape.name,
  description: z.string(),
  owner: z.string(),
  repository: z
    .strictObject({ host: z.string(), owner: z.string(), name: z.string() })
    .nullable(),
  implementation: implementationId,
  /** `native`: no extension; Envoy Gateway does all of it itself. */
  mechanism: z.enum(['extproc', 'wasm', 'lua', 'native']),
  language: z.string(),
  purpose: z.string(),
  settings: z.unknown(),
  environment: z.enum(['production', 'prototype']),
  release: z.strictObject({
    gateway: z.string(),
    envoy: z.string(),
    testEnvoy: z.string(),
    gatewayApi: z.string(),
  }),
  processing: z.strictObject({ request: direction, response: direction }),
  /** The provider of `SecurityPolicy.spec.jwt` whose verified claims the extension reads. */
  claims: z.string().nullable(),
  /** What is known to few: keys of the Secret `secretName` of an external processor, variables of Envoy for a Wasm module. */
  secrets: z.array(
    z.strictObject({
      name: z.string(),
      description: z.string(),
      variable: z.string(),
    }),
  ),
  target: z.strictObject({
    group: z.literal('gateway.networking.k8s.io'),
    kind: z.string().min(1, 'name a kind, for example HTTPRoute'),
    name: objectName,
    namespace: namespaceName,
    sectionName: objectName.nullable(),
    /** Whether the name still has to be decided. */
    placeholder: z.boolean(),
  }),
  policy: z.strictObject({
    name: objectName,
    namespace: namespaceName,
    failOpen: z.boolean(),
  }),
  extproc: z
    .strictObject({
      namespace: namespaceName,
      port: z.int(),
      metricsPort: z.int(),
      image,
      /** Gateway API Duration. */
      messageTimeout: z.string(),
      replicas: z.strictObject({ min: z.int(), max: z.int() }),
      /** Attributes of requests that Envoy sends along. */
      attributes: z.array(z.string()),
      /** Services that the processor asks, each found by an environment variable. */
      services: z.array(
        z.strictObject({
          title: z.string(),
          /** Name of the Service in k8s/dependencies. */
          host: z.string(),
          variable: z.string(),
          placeholder: z.string(),
          container: z
            .strictObject({
              image: z.string(),
              port: z.int(),
              address: z.string(),
              command: z.string().nullable(),
              secret: z.string().nullable(),
            })
            .nullable(),
        }),
      ),
    })
    .nullable(),
  wasm: z.strictObject({ image, rootID: z.string() }).nullable(),
  lua: z
    .strictObject({
      source: z.enum(['Inline', 'ValueRef']),
      /** Whether the settings are the policy's filterContext; else they are a table in the script. */
      filterContext: z.boolean(),
    })
    .nullable(),
  /** What Envoy Gateway does itself: all of it, or beside the extension. */
  native: z
    .strictObject({
      /** What the policies are for, in the order of the table of needs. */
      needs: z.array(
        z.strictObject({
          need: z.string(),
          /** What does it, for people. */
          title: z.string(),
          feature: z.string(),
          source: z.string(),
          /** What was said about it; what was not is a TODO in the objects. */
          settings: z.record(z.string(), z.unknown()),
        }),
      ),
      /** Policies and other objects, with comments where the owner decides. */
      objects: z.array(
        z.strictObject({
          path: z.string().regex(/^policy\/[a-z-]+\.yaml$/),
          object: z.looseObject({
            apiVersion: z.string(),
            kind: z.string(),
            metadata: z.looseObject({ name: z.string() }),
          }),
          comments: z.array(
            z.strictObject({
              path: z.array(z.string().or(z.int())),
              text: z.string(),
              inline: z.boolean().optional(),
            }),
          ),
        }),
      ),
    })
    .nullable(),
  recommendation: recommendationSchema,
});

/**
 * Everything that is decided about one extension. The only thing that the stages after it read: every default is
 * applied and every choice made.
 *
 * @public
 */
export type ExtensionPlan = z.infer<typeof planSchema>;
