import { ExtensionPlan } from '../plan';
import { LocalRoute, purposeOf } from '../purposes';
import { envoyBackendSettings } from './backendSettings';
import { claimsNamespace } from './constants';
import { letsBodiesPass } from './envoyExtensionPolicy';
import { milliseconds } from './schema';

const type = (name: string) => `type.googleapis.com/${name}`;

/** Ports of local/envoy.yaml; test/run_cases.py replaces them by free ones. */
const ports = { admin: 9901, listener: 10000, upstream: 8080 };

/** base64url of the 32 bytes with which test/run_cases.py signs the claims of a case. */
const testKey = 'bG9jYWwtdGVzdC1rZXktb2YtcnVuX2Nhc2VzLnB5ISE';
/** How much of an HTTP/2 stream, and of a connection, may be under way: Envoy Gateway's, not Envoy's own. */
const http2Windows = {
  initial_stream_window_size: 65536,
  initial_connection_window_size: 1048576,
};

function address(port: number) {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}

function cluster(name: string, port: number, options: object = {}) {
  return {
    name,
    type: 'STATIC',
    connect_timeout: '10s',
    per_connection_buffer_limit_bytes: 32768,
    ...options,
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: address(port) } }] }],
    },
  };
}

/**
 * The upstream is spoken to as the client speaks, as with `BackendTrafficPolicy.spec.useClientProtocol`: in HTTP/2,
 * trailers arrive.
 */
const sameProtocolAsClient = {
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
    '@type': type('envoy.extensions.upstreams.http.v3.HttpProtocolOptions'),
    use_downstream_protocol_config: {
      http_protocol_options: {},
      http2_protocol_options: http2Windows,
    },
  },
};

/** A Gateway API Duration as a protobuf duration in JSON: `1m500ms` is `60.5s`. */
export function protobufDuration(duration: string): string {
  return `${milliseconds(duration) / 1000}s`;
}

/** Body modes in Envoy's ext_proc API. */
const envoyBodyModes = {
  Buffered: 'BUFFERED',
  FullDuplexStreamed: 'FULL_DUPLEX_STREAMED',
};

function processingMode({ request, response }: ExtensionPlan['processing']) {
  const body = (d: typeof request) =>
    d && d.body ? envoyBodyModes[d.body] : 'NONE';
  // Envoy Gateway sends trailers in the full duplex mode only, which needs them.
  const trailers = (d: typeof request) =>
    d && d.body === 'FullDuplexStreamed' ? 'SEND' : 'SKIP';
  return {
    request_header_mode: request ? 'SEND' : 'SKIP',
    request_body_mode: body(request),
    request_trailer_mode: trailers(request),
    response_header_mode: response ? 'SEND' : 'SKIP',
    response_body_mode: body(response),
    response_trailer_mode: trailers(response),
  };
}

/** The filter of a mechanism as Envoy Gateway programs it: listener-level settings and what enables it on a route. */
interface Filter {
  name: string;
  config: object;
  perRoute: object;
  clusters: object[];
}

const enabled = {
  '@type': type('envoy.config.route.v3.FilterConfig'),
  config: {},
};

function filterOf(plan: ExtensionPlan): Filter {
  const policy = `envoyextensionpolicy/${plan.policy.namespace}/${plan.policy.name}`;
  switch (plan.mechanism) {
    case 'extproc': {
      const id = `${policy}/extproc/0`;
      const { namespace, port, messageTimeout } = plan.extproc!;
      const resilience = envoyBackendSettings(plan, protobufDuration);
      return {
        name: `envoy.filters.http.ext_proc/${id}`,
        config: {
          '@type': type(
            'envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor',
          ),
          grpc_service: {
            envoy_grpc: {
              authority: `${plan.name}.${namespace}:${port}`,
              cluster_name: id,
            },
            timeout: '10s',
            ...resilience.service,
          },
          ...(plan.policy.failOpen ? { failure_mode_allow: true } : {}),
          message_timeout: protobufDuration(messageTimeout),
          processing_mode: processingMode(plan.processing),
          ...(letsBodiesPass(plan.processing)
            ? { allow_mode_override: true }
            : {}),
          ...(plan.extproc!.attributes.length && plan.processing.request
            ? { request_attributes: plan.extproc!.attributes }
            : {}),
          ...(plan.claims
            ? {
                metadata_options: {
                  forwarding_namespaces: { untyped: [claimsNamespace] },
                },
              }
            : {}),
        },
        perRoute: enabled,
        clusters: [
          cluster(id, port, {
            ...resilience.cluster,
            typed_extension_protocol_options: {
              'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
                '@type': type(
                  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
                ),
                explicit_http_config: {
                  http2_protocol_options: http2Windows,
                },
              },
            },
          }),
        ],
      };
    }
    case 'wasm': {
      const id = `${policy}/wasm/0`;
      return {
        name: `envoy.filters.http.wasm/${id}`,
        config: {
          '@type': type('envoy.extensions.filters.http.wasm.v3.Wasm'),
          config: {
            name: plan.name,
            root_id: plan.wasm!.rootID,
            fail_open: plan.policy.failOpen,
            vm_config: {
              vm_id: id,
              runtime: 'envoy.wasm.runtime.v8',
              code: { local: { filename: 'build/plugin.wasm' } },
              ...(plan.secrets.length
                ? {
                    environment_variables: {
                      host_env_keys: plan.secrets.map(
                        ({ variable }) => variable,
                      ),
                    },
                  }
                : {}),
            },
            configuration: {
              '@type': type('google.protobuf.StringValue'),
              value: JSON.stringify(plan.settings),
            },
          },
        },
        perRoute: enabled,
        clusters: [],
      };
    }
    case 'lua': {
      const id = `${policy}/lua/0`;
      return {
        name: `envoy.filters.http.lua/${id}`,
        config: {
          '@type': type('envoy.extensions.filters.http.lua.v3.Lua'),
          default_source_code: { filename: 'build/filter.lua' },
        },
        perRoute: plan.lua!.filterContext
          ? {
              '@type': type('envoy.extensions.filters.http.lua.v3.LuaPerRoute'),
              filter_context: plan.settings,
            }
          : enabled,
        clusters: [],
      };
    }
    default:
      throw new Error(`unknown mechanism ${plan.mechanism}`);
  }
}

/**
 * Verifies JWTs that test/run_cases.py signs, as a SecurityPolicy with `jwt` would verify those of the provider. The key
 * is the runner's and good for nothing else.
 */
function claimsFilter(provider: string) {
  return {
    name: 'envoy.filters.http.jwt_authn',
    typed_config: {
      '@type': type(
        'envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication',
      ),
      providers: {
        [provider]: {
          forward: true,
          payload_in_metadata: provider,
          local_jwks: {
            inline_string: JSON.stringify({
              keys: [{ kty: 'oct', alg: 'HS256', kid: 'test', k: testKey }],
            }),
          },
        },
      },
      rules: [
        {
          match: { prefix: '/' },
          requires: {
            requires_any: {
              requirements: [
                { provider_name: provider },
                { allow_missing: {} },
              ],
            },
          },
        },
      ],
    },
  };
}

/**
 * What a route to the upstream has beside what it matches. Envoy Gateway lets WebSockets through on every route of an
 * HTTPRoute.
 */
function toUpstream(filter: Filter) {
  return {
    route: {
      cluster: 'upstream',
      upgrade_configs: [{ upgrade_type: 'websocket' }],
    },
    typed_per_filter_config: { [filter.name]: filter.perRoute },
  };
}

/** A route for requests with a header; its responses tell. */
function secondRoute({ header, value }: LocalRoute, filter: Filter) {
  return {
    match: {
      prefix: '/',
      headers: [{ name: header, string_match: { exact: value } }],
    },
    ...toUpstream(filter),
    response_headers_to_add: [
      { header: { key: 'x-local-route', value: 'second' } },
    ],
  };
}

/**
 * Configuration of a local Envoy with one listener, the extension's filter as Envoy Gateway programs it, and an
 * upstream on port 8080. Compared with `egctl x translate` in test/envoy, and with what a gateway was given in test/lab.
 */
export function localEnvoy(plan: ExtensionPlan): object {
  const filter = filterOf(plan);
  const second = purposeOf(plan.purpose).localRoute?.(plan.settings);
  return {
    admin: { address: address(ports.admin) },
    static_resources: {
      listeners: [
        {
          name: 'default/eg/http',
          address: address(ports.listener),
          per_connection_buffer_limit_bytes: 32768,
          filter_chains: [
            {
              filters: [
                {
                  name: 'envoy.filters.network.http_connection_manager',
                  typed_config: {
                    '@type': type(
                      'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
                    ),
                    http2_protocol_options: {
                      max_concurrent_streams: 100,
                      ...http2Windows,
                    },
                    stat_prefix: `http-${ports.listener}`,
                    use_remote_address: true,
                    normalize_path: true,
                    merge_slashes: true,
                    path_with_escaped_slashes_action: 'UNESCAPE_AND_REDIRECT',
                    server_header_transformation: 'PASS_THROUGH',
                    common_http_protocol_options: {
                      headers_with_underscores_action: 'REJECT_REQUEST',
                    },
                    http_filters: [
                      ...(plan.claims ? [claimsFilter(plan.claims)] : []),
                      {
                        name: filter.name,
                        disabled: true,
                        typed_config: filter.config,
                      },
                      {
                        name: 'envoy.filters.http.router',
                        typed_config: {
                          '@type': type(
                            'envoy.extensions.filters.http.router.v3.Router',
                          ),
                          suppress_envoy_headers: true,
                        },
                      },
                    ],
                    route_config: {
                      name: 'default/eg/http',
                      virtual_hosts: [
                        {
                          name: 'default/eg/http/*',
                          domains: ['*'],
                          routes: [
                            ...(second ? [secondRoute(second, filter)] : []),
                            { match: { prefix: '/' }, ...toUpstream(filter) },
                          ],
                        },
                      ],
                    },
                  },
                },
              ],
            },
          ],
        },
      ],
      clusters: [
        cluster('upstream', ports.upstream, {
          typed_extension_protocol_options: sameProtocolAsClient,
        }),
        ...filter.clusters,
      ],
    },
  };
}
