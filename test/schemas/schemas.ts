import fs from 'fs-extra';
import { join } from 'path';
import { releases } from 'backstage-plugin-eg-common';
import { templateFolder } from 'eg-cli';
import { parseAllDocuments } from 'yaml';
import { crdFolder, gatewayVersion } from '../lab/programs';

// The schemas that repositories check their policies against, made from the CRDs of each release. What an API server asks
// for beyond a schema (CEL rules) is left out; descriptions and defaults are, too.

/** JSON Schema, or a structural schema of Kubernetes. */
type Schema = Record<string, any>;

/** Where they are kept: a folder for each release, in it one for each kind. */
export const schemaFolder = join(templateFolder, 'skeletons/native/schemas');

/** Kinds that a repository's policies can have. */
const kinds = [
  'Backend',
  'BackendTrafficPolicy',
  'ClientTrafficPolicy',
  'EnvoyExtensionPolicy',
  'EnvoyPatchPolicy',
  'EnvoyProxy',
  'GRPCRoute',
  'HTTPRoute',
  'HTTPRouteFilter',
  'SecurityPolicy',
];

/** Keywords that mean the same in both. */
const kept = [
  'enum',
  'maxItems',
  'maxLength',
  'maxProperties',
  'maximum',
  'minItems',
  'minLength',
  'minProperties',
  'minimum',
  'pattern',
  'required',
  'uniqueItems',
];

const mapValues = (map: Schema, change: (value: any) => unknown): Schema =>
  Object.fromEntries(Object.entries(map).map(([k, v]) => [k, change(v)]));

function typeOf(schema: Schema): Schema {
  if (schema['x-kubernetes-int-or-string']) {
    return { type: ['integer', 'string'] };
  }
  if (!schema.type) {
    return {};
  }
  return { type: schema.nullable ? [schema.type, 'null'] : schema.type };
}

/**
 * A structural schema of Kubernetes as JSON Schema.
 *
 * @param closed - whether fields that it does not name are refused; not in parts that only add a condition
 */
export function jsonSchema(schema: Schema, closed = true): Schema {
  const inner = (part: Schema) => jsonSchema(part, closed);
  const { additionalProperties, items, not, properties } = schema;
  const open =
    !closed || !properties || schema['x-kubernetes-preserve-unknown-fields'];
  return {
    ...Object.fromEntries(
      kept.filter(key => schema[key] !== undefined).map(k => [k, schema[k]]),
    ),
    ...typeOf(schema),
    ...(schema['x-kubernetes-int-or-string']
      ? {}
      : Object.fromEntries(
          ['allOf', 'anyOf', 'oneOf']
            .filter(key => schema[key])
            .map(key => [
              key,
              schema[key].map((part: Schema) => jsonSchema(part, false)),
            ]),
        )),
    ...(not ? { not: jsonSchema(not, false) } : {}),
    ...(properties ? { properties: mapValues(properties, inner) } : {}),
    ...(typeof additionalProperties === 'object'
      ? { additionalProperties: inner(additionalProperties) }
      : {}),
    ...(open ? {} : { additionalProperties: false }),
    ...(items ? { items: inner(items) } : {}),
  };
}

/** The parts of a schema that are schemas themselves, with itself. */
function parts(schema: Schema): Schema[] {
  const { additionalProperties, allOf, anyOf, items, not, oneOf, properties } =
    schema;
  return [
    schema,
    ...[
      ...Object.values<Schema>(properties ?? {}),
      ...[allOf, anyOf, oneOf].flatMap(list => list ?? []),
      ...[items, not, additionalProperties].filter(
        part => typeof part === 'object',
      ),
    ].flatMap(parts),
  ];
}

/** From how many characters on it is worth to name a part that occurs again. */
const worthAName = 120;

/** The same schema with equal parts written once, in $defs. */
export function shared(schema: Schema): Schema {
  const times = new Map<string, number>();
  for (const part of parts(schema)) {
    const text = JSON.stringify(part);
    times.set(text, (times.get(text) ?? 0) + 1);
  }
  const again = [...times.keys()].filter(
    text => text.length > worthAName && times.get(text)! > 1,
  );
  const names = new Map(again.map((text, i) => [text, `d${i}`]));
  const referring = (part: Schema): Schema => {
    const name = names.get(JSON.stringify(part));
    return name ? { $ref: `#/$defs/${name}` } : within(part);
  };
  function within(part: Schema): Schema {
    return Object.fromEntries(
      Object.entries(part).map(([key, value]) => {
        if (key === 'properties') {
          return [key, mapValues(value, referring)];
        }
        if (['allOf', 'anyOf', 'oneOf'].includes(key)) {
          return [key, value.map(referring)];
        }
        return ['items', 'not', 'additionalProperties'].includes(key) &&
          typeof value === 'object'
          ? [key, referring(value)]
          : [key, value];
      }),
    );
  }
  const main = within(schema);
  const defs = again.map(text => [names.get(text)!, within(JSON.parse(text))]);
  // A part of a named part has a name that nothing refers to any more.
  const written = JSON.stringify([main, defs]);
  return {
    ...main,
    $defs: Object.fromEntries(
      defs.filter(([name]) => written.includes(`"#/$defs/${name}"`)),
    ),
  };
}

/** The schema of the objects that a CRD defines, in the version that is stored. */
function schemaOf(crd: Schema, module: string): Schema {
  const { group, names, versions } = crd.spec;
  const { name, schema } = versions.find((v: Schema) => v.storage);
  const { properties, required } = schema.openAPIV3Schema;
  return shared({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $comment: `${group}/${name} ${names.kind} as the CRD in github.com/envoyproxy/gateway ${module} has it (Apache-2.0), without descriptions and CEL rules. Generated.`,
    type: 'object',
    required: ['apiVersion', 'kind', 'metadata', ...(required ?? [])],
    properties: {
      ...mapValues(properties, part => jsonSchema(part)),
      apiVersion: { enum: [`${group}/${name}`] },
      kind: { enum: [names.kind] },
      metadata: { type: 'object' },
      status: {},
    },
    additionalProperties: false,
  });
}

/**
 * The schemas of a release, by file name.
 *
 * @param release - its minor version
 * @throws Error when its Go module cannot be had
 */
export async function schemasOf(
  release: string,
  say: (text: string) => void,
): Promise<Record<string, string>> {
  const folder = await crdFolder(release, say);
  const files = (await fs.readdir(folder, { recursive: true })) as string[];
  const texts = await Promise.all(
    files
      .filter(file => file.endsWith('.yaml'))
      .map(file => fs.readFile(join(folder, file), 'utf8')),
  );
  const crds = texts
    .flatMap(text => parseAllDocuments(text).map(d => d.toJS() as Schema))
    .filter(object => object?.kind === 'CustomResourceDefinition');
  return Object.fromEntries(
    kinds.map(kind => {
      const crd = crds.find(({ spec }) => spec.names.kind === kind);
      if (!crd) {
        throw new Error(`${folder} has no CRD of ${kind}`);
      }
      return [
        `${kind.toLowerCase()}/${kind.toLowerCase()}.json`,
        `${JSON.stringify(schemaOf(crd, gatewayVersion(release)))}\n`,
      ];
    }),
  );
}

/** Writes the schemas of every release. */
export async function writeSchemas(say: (text: string) => void): Promise<void> {
  for (const { version } of releases) {
    const folder = join(schemaFolder, version);
    await fs.emptyDir(folder);
    for (const [name, text] of Object.entries(await schemasOf(version, say))) {
      await fs.outputFile(join(folder, name), text);
    }
  }
}
