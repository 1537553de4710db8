// What an Envoy configuration says about an extension, wherever the configuration comes from: local/envoy.yaml, Envoy
// Gateway's translation, or what a running Envoy says that it was given.

/** Protobuf JSON has names in camel case and leaves defaults out; durations may have more digits. */
function normalised(value: any): any {
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
            : k.replace(/_([a-z0-9])/g, (_, c) => c.toUpperCase()),
          normalised(v),
        ]),
    );
  }
  return typeof value === 'string' && /^[0-9.]+s$/.test(value)
    ? `${parseFloat(value)}s`
    : value;
}

/** Every object in a configuration that satisfies a condition. */
function find(value: any, matches: (object: any) => boolean): any[] {
  if (typeof value !== 'object' || value === null) {
    return [];
  }
  return [
    ...(matches(value) ? [value] : []),
    ...Object.values(value).flatMap(v => find(v, matches)),
  ];
}

/** The parts of a normalised configuration that an extension depends on. */
function extensionOf(config: any): Record<string, any> {
  const isGateways = (v: any) => /^http-/.test(v.statPrefix ?? '');
  const [listener] = find(
    config,
    v =>
      (v.filterChains ?? v.defaultFilterChain) !== undefined &&
      find(v, isGateways).length > 0,
  );
  const [manager] = find(listener, isGateways);
  const own = /envoyextensionpolicy/;
  const filters = manager.httpFilters.filter((f: any) => own.test(f.name));
  const [cluster] = find(
    config,
    v => v.loadAssignment !== undefined || v.edsClusterConfig !== undefined,
  ).filter(v => own.test(v.name ?? ''));
  // What a route does with requests (upgrades, timeouts, retries); where it leads is another upstream locally.
  const [action] = find(
    config,
    v =>
      v.route !== undefined &&
      Object.keys(v.typedPerFilterConfig ?? {}).some(name => own.test(name)),
  ).map(({ route: { cluster: to, weightedClusters, ...others } }) => others);
  const { filterChains: _, defaultFilterChain: __, ...rest } = listener;
  const { httpFilters: all, ...options } = manager;
  // Claims come from a SecurityPolicy, which is not the extension's; locally a filter stands for it.
  const httpFilters = all.filter(
    (f: any) => f.name !== 'envoy.filters.http.jwt_authn',
  );
  return {
    // The order of the filters is the order of what they do.
    order: httpFilters.map((f: any) => f.name),
    filters,
    router: httpFilters[httpFilters.length - 1],
    perRoute: find(config, v => v.typedPerFilterConfig !== undefined)
      .map(v => v.typedPerFilterConfig)
      .filter(v => Object.keys(v).some(name => own.test(name))),
    routeAction: action,
    connectionManager: options,
    listener: rest,
    ...(cluster && { cluster }),
  };
}

/** The names of the gateway's HTTP filters, in their order. */
export const filterNames = (config: any): string[] =>
  extensionOf(normalised(config)).order;

/** A value that one of two configurations has otherwise, or has not. */
export interface Difference {
  path: string;
  local: unknown;
  programmed: unknown;
}

/** Where two values differ, as far down as it goes. */
function differences(local: any, programmed: any, path = ''): Difference[] {
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

/** A difference that is meant to be. */
export interface Explained {
  path: RegExp;
  reason: string;
  /** What must hold all the same. */
  holds?: (difference: Difference) => boolean;
}

/** How every gateway's configuration differs from local/envoy.yaml. */
export const explained: readonly Explained[] = [
  {
    path: /^(cluster|listener)\.@type$/,
    reason: 'a discovery service names the types of its resources',
  },
  {
    path: /^cluster\.(type|edsClusterConfig|loadAssignment|dnsLookupFamily)$/,
    reason:
      'a gateway learns the processor’s endpoints; locally it is on 127.0.0.1',
  },
  {
    path: /^cluster\.(commonLbConfig|ignoreHealthOnHostRemoval|loadBalancingPolicy)$/,
    reason: 'locally there is one endpoint to choose',
  },
  {
    path: /^cluster\.metadata$/,
    reason: 'says which policy it is from',
  },
  {
    path: /^(connectionManager|listener)\.accessLog$/,
    reason: 'local tests look at answers, not at logs',
  },
  {
    path: /^connectionManager\.(rds|routeConfig)$/,
    reason:
      'routes come by discovery; what they say of the extension is in perRoute',
  },
  {
    path: /^(connectionManager\.statPrefix|listener\.address\.socketAddress\.(address|portValue))$/,
    reason: 'another port, for others than this machine',
  },
  {
    path: /^listener\.maxConnectionsToAcceptPerSocketEvent$/,
    reason: 'how connections are shared among threads under load',
  },
  {
    path: /^filters\.0\.typedConfig\.config\.configuration\.value$/,
    reason: 'Go writes &, < and > in JSON otherwise than JavaScript',
    holds: ({ local, programmed }) =>
      differences(JSON.parse(local as string), JSON.parse(programmed as string))
        .length === 0,
  },
];

/** The differences that nothing explains. */
export function unexplained(
  local: any,
  programmed: any,
  more: readonly Explained[] = [],
): Difference[] {
  return differences(
    extensionOf(normalised(local)),
    extensionOf(normalised(programmed)),
  ).filter(
    difference =>
      ![...explained, ...more].some(
        ({ path, holds = () => true }) =>
          path.test(difference.path) && holds(difference),
      ),
  );
}

/** The script is a file locally and text when programmed. */
export const sameScript = (script: string): Explained[] => [
  {
    path: /^filters\.0\.typedConfig\.defaultSourceCode\.filename$/,
    reason: 'the script is beside local/envoy.yaml, not in it',
  },
  {
    path: /^filters\.0\.typedConfig\.defaultSourceCode\.inlineString$/,
    reason: 'the same script',
    holds: ({ programmed }) => programmed === script,
  },
];

/** The module is a file locally, and fetched from Envoy Gateway when programmed. */
export const sameModule = (sha256: string): Explained[] => [
  {
    path: /^filters\.0\.typedConfig\.config\.vmConfig\.code\.local$/,
    reason: 'the module is beside local/envoy.yaml',
  },
  {
    path: /^filters\.0\.typedConfig\.config\.vmConfig\.code\.remote$/,
    reason: 'the same module',
    holds: ({ programmed }) => (programmed as any).sha256 === sha256,
  },
];
