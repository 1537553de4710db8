import { Release, releases } from 'backstage-plugin-eg-common';
import { LiveObject } from '../../kubernetes';

type Schema = Record<string, any>;

/** A field of EnvoyExtensionPolicy by which the releases that have it are known. */
const markers = {
  luaFilterContext: 'lua.filterContext',
  dynamicModule: 'dynamicModule',
  mergeType: 'mergeType',
  extProcShadowModeAndStatus: 'extProc.shadowMode',
  crossNamespaceSelectors: 'targetSelectors.namespaces',
} satisfies Partial<Record<keyof Release, string>>;

/** The schema of `spec` in the version of a CRD that is served under the name. */
export function specSchema(
  crd: LiveObject,
  version: string,
): Schema | undefined {
  return (crd.spec?.versions ?? []).find(
    (v: { name: string }) => v.name === version,
  )?.schema?.openAPIV3Schema?.properties?.spec;
}

function fieldOf(schema: Schema | undefined, path: string): Schema | undefined {
  return path
    .split('.')
    .reduce<Schema | undefined>(
      (at, name) => (at?.items ?? at)?.properties?.[name],
      schema,
    );
}

/**
 * The releases whose EnvoyExtensionPolicy has just these fields.
 *
 * @param schema - of its spec, as the cluster has it
 */
export function releasesWith(schema: Schema): Release[] {
  const names = Object.keys(markers) as (keyof typeof markers)[];
  return releases.filter(release =>
    names.every(
      name => release[name] === Boolean(fieldOf(schema, markers[name])),
    ),
  );
}

/**
 * The fields of a value that a schema lacks. The API server refuses them.
 *
 * @param schema - OpenAPI v3, as in a CRD
 * @param value - what is checked against it
 * @param path - where the value is
 */
export function unknownFields(
  schema: Schema,
  value: unknown,
  path: string,
): string[] {
  if (Array.isArray(value)) {
    return schema.items
      ? value.flatMap((v, i) => unknownFields(schema.items, v, `${path}[${i}]`))
      : [];
  }
  const open =
    schema['x-kubernetes-preserve-unknown-fields'] ||
    schema.additionalProperties ||
    !schema.properties;
  if (typeof value !== 'object' || value === null || open) {
    return [];
  }
  return Object.entries(value).flatMap(([name, inner]) => {
    const known = schema.properties[name];
    return known
      ? unknownFields(known, inner, `${path}.${name}`)
      : [`${path}.${name}`];
  });
}
