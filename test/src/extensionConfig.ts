// What an Envoy configuration says about an extension, wherever the configuration comes from: local/envoy.yaml, Envoy
// Gateway's translation, or what a running Envoy says that it was given.

/** Protobuf JSON has names in camel case and leaves defaults out; durations may have more digits. */
export function normalised(value: any): any {
  if (Array.isArray(value)) {
    return value.map(normalised);
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, v]) => v !== false && v !== 'NONE')
        .map(([k, v]) => [
          k.includes('.') || k.startsWith('@')
            ? k
            : k.replace(/_([a-z])/g, (_, c) => c.toUpperCase()),
          normalised(v),
        ]),
    );
  }
  return typeof value === 'string' && /^[0-9.]+s$/.test(value)
    ? `${parseFloat(value)}s`
    : value;
}

/** Every object in a configuration that satisfies a condition. */
export function find(value: any, matches: (object: any) => boolean): any[] {
  if (typeof value !== 'object' || value === null) {
    return [];
  }
  return [
    ...(matches(value) ? [value] : []),
    ...Object.values(value).flatMap(v => find(v, matches)),
  ];
}

/** The parts of a normalised configuration that an extension depends on. */
export function extensionOf(config: any): Record<string, any> {
  const [listener] = find(
    config,
    v =>
      v.filterChains !== undefined &&
      find(v, f => f.httpFilters && /^http-/.test(f.statPrefix)).length > 0,
  );
  const [manager] = find(
    listener,
    v => v.httpFilters && /^http-/.test(v.statPrefix ?? ''),
  );
  const own = /envoyextensionpolicy/;
  const filters = manager.httpFilters.filter((f: any) => own.test(f.name));
  const [cluster] = find(
    config,
    v => v.loadAssignment !== undefined || v.edsClusterConfig !== undefined,
  ).filter(v => own.test(v.name ?? ''));
  const { filterChains: _chains, ...rest } = listener;
  const { httpFilters, ...options } = manager;
  return {
    // The order of the filters is the order of what they do.
    order: httpFilters.map((f: any) => f.name),
    filters,
    router: httpFilters[httpFilters.length - 1],
    perRoute: find(config, v => v.typedPerFilterConfig !== undefined)
      .map(v => v.typedPerFilterConfig)
      .filter(v => Object.keys(v).some(name => own.test(name))),
    connectionManager: options,
    listener: rest,
    ...(cluster && { cluster }),
  };
}

/** A value that one of two configurations has otherwise, or has not. */
export interface Difference {
  path: string;
  local: unknown;
  programmed: unknown;
}

/** Where two values differ, as far down as it goes. */
export function differences(
  local: any,
  programmed: any,
  path = '',
): Difference[] {
  const bothObjects = [local, programmed].every(
    v => typeof v === 'object' && v !== null,
  );
  if (
    bothObjects &&
    Array.isArray(local) === Array.isArray(programmed) &&
    (!Array.isArray(local) || local.length === programmed.length)
  ) {
    return [...new Set([...Object.keys(local), ...Object.keys(programmed)])]
      .sort()
      .flatMap(key =>
        differences(local[key], programmed[key], path ? `${path}.${key}` : key),
      );
  }
  return JSON.stringify(local) === JSON.stringify(programmed)
    ? []
    : [{ path, local, programmed }];
}
