import { Implementation, Mechanism } from '../implementations';
import { wasmMemory } from '../purposes';
import { Facts } from './facts';
import { Gravity } from './types';

/** What the warnings look at: the facts, what is generated and what is advised. */
export interface Outcome extends Facts {
  implementation: Implementation;
  /** Best of the ranking. */
  advised: Implementation;
  /** Mechanisms that are close behind. */
  close: readonly Mechanism[];
}

/** Something to know. Within a gravity, the order of the table counts. */
export interface WarningRule {
  id: string;
  gravity: Gravity;
  source: string;
  /** It asks for work that generated logic does itself: it is left only to people who write logic of their own. */
  ownLogic?: true;
  applies(outcome: Outcome): boolean;
  text(outcome: Outcome): string;
}

/** The mechanism is generated, or advised. */
const uses = ({ implementation, advised }: Outcome, mechanism: Mechanism) =>
  [implementation.mechanism, advised.mechanism].includes(mechanism);

/** Whoever reads this may end with the mechanism: it is used, asked for, or close behind. */
const faces = (outcome: Outcome, mechanism: Mechanism) =>
  uses(outcome, mechanism) ||
  outcome.close.includes(mechanism) ||
  (mechanism === 'lua' && outcome.answers.language === 'lua');

const isNative = ({ implementation }: Outcome) =>
  implementation.mechanism === 'native';

/** What is configured: all of it, or what stays beside the extension. */
const configured = (outcome: Outcome) =>
  isNative(outcome) ? outcome.covered : outcome.beside;

/** Whether a service is asked by Envoy Gateway’s own features. */
const asksService = (outcome: Outcome) =>
  configured(outcome).some(({ native }) => native.hop);

/** Whether the need, or the feature that is decided, brings the warning with it. */
const brought = (outcome: Outcome, id: string) =>
  outcome.need.warnings?.includes(id) ||
  configured(outcome).some(
    ({ need, native }) =>
      native.warnings?.includes(id) || need.warnings?.includes(id),
  ) ||
  false;

/** Whether a person writes the logic: there is none of the purpose, none for the mechanism, or none here at all. */
const writesLogic = (outcome: Outcome) =>
  outcome.purpose.openEnded || !outcome.advised.generated || isNative(outcome);

const needs = (outcome: Outcome, what: keyof Facts['need']['implies']) =>
  Boolean(outcome.need.implies[what]);

const inProcess: Mechanism[] = ['wasm', 'lua', 'dynamic-module'];

/** The release that a used feature came with, where that is worth saying. */
const since = (version: string) => (outcome: Outcome) =>
  configured(outcome).some(({ native }) => native.since === version) ||
  brought(outcome, `requires-eg-${version}`);

const usesShadowMode = (outcome: Outcome) =>
  uses(outcome, 'extproc') &&
  needs(outcome, 'observes') &&
  outcome.release.extProcShadowModeAndStatus;

const policyApi = 'EnvoyExtensionPolicy API (envoyproxy/gateway, api/v1alpha1)';

const rules: readonly WarningRule[] = [
  // Traffic stops.
  {
    id: 'udp-tcp-routes-unsupported',
    gravity: 'outage',
    source: 'Envoy Gateway internal/gatewayapi/envoyextensionpolicy.go',
    applies: ({ connections }) => connections,
    text: ({ answers }) =>
      `An EnvoyExtensionPolicy on a ${answers.target.kind} is accepted and does nothing. Whoever tries an extension there believes in a protection that is not there.`,
  },
  {
    id: 'lua-disabled-by-default-1.9',
    gravity: 'outage',
    source: 'Envoy Gateway 1.9 release notes: extensionApis.enableLua',
    applies: outcome =>
      faces(outcome, 'lua') && !outcome.release.luaEnabledByDefault,
    text: outcome =>
      `${
        uses(outcome, 'lua') ? '' : 'If you take Lua after all: '
      }Envoy Gateway ${
        outcome.release.version
      } has Lua off by default. Unless EnvoyGateway.extensionApis.enableLua is true, the policy is not accepted and every route that it targets answers 500.`,
  },
  {
    id: 'dynamic-module-abi-tied-to-envoy-version',
    gravity: 'outage',
    source: 'Envoy documentation, dynamic modules: ABI compatibility',
    applies: outcome => faces(outcome, 'dynamic-module'),
    text: ({ release }) =>
      `A dynamic module fits one Envoy: rebuild or re-pin it for Envoy ${release.envoy} and whenever Envoy Gateway ships another.`,
  },
  {
    id: 'must-be-registered-on-envoyproxy',
    gravity: 'outage',
    source: 'Envoy Gateway API: EnvoyProxy spec.dynamicModules',
    applies: outcome => uses(outcome, 'dynamic-module'),
    text: () =>
      'A module has to be listed in the EnvoyProxy’s spec.dynamicModules; a policy that names another one turns its routes into 500s.',
  },
  {
    id: 'dynamic-module-can-crash-proxy',
    gravity: 'outage',
    source: 'Envoy documentation, dynamic modules: no sandbox',
    applies: outcome => faces(outcome, 'dynamic-module'),
    text: () =>
      'A dynamic module is native code in Envoy’s process: a crash ends the proxy, and all its traffic with it.',
  },
  {
    id: 'body-exceeds-buffer-limit',
    gravity: 'outage',
    source:
      'Envoy Gateway: ClientTrafficPolicy.spec.connection.bufferLimit, 32 KiB by default',
    applies: outcome =>
      !isNative(outcome) &&
      outcome.body &&
      outcome.answers.bodySize !== 'streaming' &&
      !(outcome.purpose.streams && uses(outcome, 'extproc')) &&
      !usesShadowMode(outcome),
    text: ({ answers }) =>
      answers.bodySize === 'large'
        ? 'Do not buffer these bodies at the listener: beyond its connection buffer, 32 KiB by default, a request is answered with 413. They are streamed; ClientTrafficPolicy.spec.connection.bufferLimit is the other way.'
        : 'Bodies are held in the listener’s connection buffer, 32 KiB by default: a larger request is answered with 413, a larger response with 500. ClientTrafficPolicy.spec.connection.bufferLimit raises it.',
  },
  {
    id: 'callout-cluster-not-managed',
    gravity: 'outage',
    source: policyApi,
    applies: outcome =>
      outcome.calls &&
      (['lua', 'rust'].includes(outcome.answers.language) ||
        (!isNative(outcome) &&
          (outcome.answers.latency === 'minimal' ||
            inProcess.some(m => uses(outcome, m))))),
    text: () =>
      'A call-out from Lua, Wasm or a dynamic module names a cluster of Envoy, and Envoy Gateway has no field that creates one for it.',
  },
  {
    id: 'grpc-receive-limit-4mb',
    gravity: 'outage',
    source: 'gRPC: the default receive limit of servers',
    ownLogic: true,
    applies: outcome =>
      uses(outcome, 'extproc') &&
      outcome.body &&
      outcome.answers.bodySize === 'large',
    text: () =>
      'gRPC libraries receive 4 MB in one message by default, and a buffered body is one message. The server that is generated has a higher limit; one of your own in another language needs it too, or streamed bodies.',
  },
  {
    id: 'global-rate-limit-needs-redis',
    gravity: 'outage',
    source:
      'Envoy Gateway internal/gatewayapi/backendtrafficpolicy.go: without rateLimit in its configuration, the policy is refused and its routes answer 500',
    applies: outcome => brought(outcome, 'global-rate-limit-needs-redis'),
    text: () =>
      'A global limit needs the rate limit service and a Redis (rateLimit in Envoy Gateway’s own configuration). Where it is not configured, the policy is not accepted and every route that it targets answers 500.',
  },
  {
    id: 'geoip-provider-first',
    gravity: 'outage',
    source:
      'Envoy Gateway internal/gatewayapi/securitypolicy.go: rules by location need EnvoyProxy spec.geoIP',
    applies: outcome => brought(outcome, 'geoip-provider-first'),
    text: () =>
      'Give the Gateway the EnvoyProxy with geoIP, and its proxies the database, before the rules: without a provider the SecurityPolicy is not accepted and its routes answer 500.',
  },
  {
    id: 'authorizer-without-endpoints',
    gravity: 'outage',
    source:
      'Envoy Gateway internal/gatewayapi/securitypolicy.go: no ready endpoints, and its routes answer 500',
    applies: outcome =>
      configured(outcome).some(
        ({ need, native }) => native.hop && need.implies.guards,
      ),
    text: () =>
      'While the Service that decides has no ready endpoint, the policy is not accepted and its routes answer 500: deploy it first, with more than one replica.',
  },
  {
    id: 'envoy-patch-policy-disabled-by-default',
    gravity: 'outage',
    source: 'Envoy Gateway: extensionApis.enableEnvoyPatchPolicy',
    applies: outcome =>
      brought(outcome, 'envoy-patch-policy-disabled-by-default'),
    text: () =>
      'EnvoyPatchPolicy is off by default (extensionApis.enableEnvoyPatchPolicy), and bound to the names that Envoy Gateway generates: check it at every upgrade.',
  },
  {
    id: 'fail-open-not-with-full-duplex',
    gravity: 'outage',
    source:
      'EnvoyExtensionPolicy CEL rule: FullDuplexStreamed requires failOpen false',
    applies: outcome =>
      uses(outcome, 'extproc') && outcome.streaming && !usesShadowMode(outcome),
    text: () =>
      'The body mode FullDuplexStreamed does not allow failOpen: when the processor is away, requests fail with 500.',
  },
  // Somebody gets through.
  {
    id: 'fail-open-bypasses-check',
    gravity: 'security',
    source: 'EnvoyExtensionPolicy failOpen; SecurityPolicy extAuth.failOpen',
    applies: outcome =>
      needs(outcome, 'guards') && (!isNative(outcome) || asksService(outcome)),
    text: outcome =>
      uses(outcome, 'lua')
        ? 'It is a check: a script that fails lets requests pass by itself. The generated handlers turn that into a 500; keep it so.'
        : 'It is a check: with failOpen true, every request passes unchecked whenever the service or module fails. Leave it false.',
  },
  {
    id: 'secret-in-config',
    gravity: 'security',
    source: 'EnvoyExtensionPolicy: config and filterContext are plain fields',
    applies: outcome => needs(outcome, 'secret') && !isNative(outcome),
    text: outcome => {
      if (!uses(outcome, 'extproc')) {
        return 'It needs a key, and the configuration of the policy is plain text for whoever reads the namespace. Wasm can read the proxy’s environment (env.hostKeys); ExtProc mounts a Secret.';
      }
      const mounts =
        outcome.implementation.mechanism === 'extproc' &&
        outcome.requirements.secrets.length > 0;
      return `It needs a key: ${
        mounts
          ? 'create the Secret that the processor reads (README.md says how)'
          : 'mount it into the processor from a Secret'
      }, and keep it out of the policy and the settings, which are readable by whoever reads the namespace.`;
    },
  },
  {
    id: 'needs-correct-client-ip-detection',
    gravity: 'security',
    source: 'Envoy Gateway: ClientTrafficPolicy spec.clientIPDetection',
    applies: outcome => needs(outcome, 'clientAddress') && !outcome.connections,
    text: () =>
      'The client’s address is what the last hop says. Behind a load balancer, set ClientTrafficPolicy.spec.clientIPDetection first, or everyone has its address, or any that they claim.',
  },
  {
    id: 'sanitize-client-supplied-header',
    gravity: 'security',
    source:
      'Envoy Gateway: ClientTrafficPolicy spec.headers.earlyRequestHeaders',
    applies: outcome =>
      needs(outcome, 'trusted') ||
      brought(outcome, 'sanitize-client-supplied-header'),
    text: () =>
      'Backends will trust the header: remove what clients send under its name (earlyRequestHeaders.remove, or overwrite it in every case), or it can be forged.',
  },
  {
    id: 'logs-may-leak-sensitive-data',
    gravity: 'security',
    source: 'logging of bodies and headers',
    applies: outcome => needs(outcome, 'records'),
    text: () =>
      'What is recorded can hold credentials and personal data: choose fields, mask, and set who may read it and for how long.',
  },
  {
    id: 'keys-stored-in-kubernetes-secrets',
    gravity: 'security',
    source: 'Envoy Gateway: credentials are read from Secrets',
    applies: outcome => brought(outcome, 'keys-stored-in-kubernetes-secrets'),
    text: () =>
      'Credentials come from Secrets, and every proxy gets a copy: limit who reads them, and plan how they are rotated.',
  },
  // The result is wrong.
  {
    id: 'latency-conflicts-with-external-calls',
    gravity: 'correctness',
    source: 'the decision matrix of the specification',
    applies: ({ answers, calls }) => answers.latency === 'minimal' && calls,
    text: () =>
      'Less than 1 ms and a call to an external service contradict each other. Cache what you look up, or allow more latency.',
  },
  {
    id: 'ext-auth-cannot-see-responses',
    gravity: 'correctness',
    source: 'Envoy ext_authz: request path only',
    applies: outcome =>
      brought(outcome, 'ext-auth-cannot-see-responses') ||
      (!isNative(outcome) &&
        ['external-authorization', 'introspect-token'].includes(
          outcome.need.id,
        ) &&
        outcome.phases.some(p => p.startsWith('response'))),
    text: () =>
      'External authorization runs on requests only; it is not given responses.',
  },
  {
    id: 'ext-auth-cannot-modify-body',
    gravity: 'correctness',
    source: 'Envoy ext_authz: CheckResponse has headers only',
    applies: outcome =>
      brought(outcome, 'ext-auth-cannot-modify-body') ||
      (outcome.need.id === 'external-authorization' && outcome.changesBody),
    text: () =>
      'External authorization allows, denies and changes headers; it does not change bodies.',
  },
  {
    id: 'extension-runs-after-route-match',
    gravity: 'correctness',
    source: 'Envoy Gateway: filters are enabled for each matched route',
    applies: outcome =>
      (needs(outcome, 'routes') || needs(outcome, 'pseudoHeaders')) &&
      !isNative(outcome),
    text: () =>
      'An extension runs when the route has been matched. What it changes leads elsewhere only if it clears the route cache, and the route that matched first needs the policy.',
  },
  {
    id: 'cannot-mutate-host',
    gravity: 'correctness',
    source:
      'Envoy ext_proc mutation rules; Envoy Gateway has no field for them',
    applies: outcome =>
      brought(outcome, 'cannot-mutate-host') ||
      (needs(outcome, 'pseudoHeaders') && uses(outcome, 'extproc')),
    text: () =>
      'An external processor of Envoy Gateway has no say over the host, the scheme and the method: Envoy drops such changes silently. URLRewrite or an HTTPRouteFilter can.',
  },
  {
    id: 'content-length-must-match',
    gravity: 'correctness',
    source: 'HTTP; Envoy does not compute it anew for changed bodies',
    ownLogic: true,
    applies: outcome => outcome.changesBody && !isNative(outcome),
    text: outcome =>
      `A changed body needs its own content-length, or none: with the old one, it is cut off or the peer waits.${
        ['extproc', 'wasm'].includes(outcome.implementation.mechanism)
          ? ' What is generated sees to it around your logic, which leaves content-length alone.'
          : ''
      }`,
  },
  {
    id: 'header-changes-need-buffered-body',
    gravity: 'correctness',
    source: 'Envoy ext_proc: processing modes',
    ownLogic: true,
    applies: outcome =>
      needs(outcome, 'headerFromBody') && outcome.body && !isNative(outcome),
    text: () =>
      'Headers can follow from a body only while they have not left: with a body that is buffered, or with FullDuplexStreamed and a late answer to the headers.',
  },
  {
    id: 'buffered-mode-breaks-streaming',
    gravity: 'correctness',
    source: 'Envoy ext_proc: BUFFERED',
    ownLogic: true,
    applies: ({ streaming, phases }) =>
      streaming && phases.includes('responseBody'),
    text: () =>
      'A buffered response body holds server-sent events back until the end; stream it.',
  },
  {
    id: 'streamed-chunks-split-events',
    gravity: 'correctness',
    source: 'Envoy ext_proc: chunks follow the network',
    ownLogic: true,
    applies: ({ streaming, phases }) =>
      streaming && phases.includes('responseBody'),
    text: () =>
      'Chunks do not end where events or messages end: put them together before you parse.',
  },
  {
    id: 'whole-body-breaks-streaming',
    gravity: 'correctness',
    source: 'Envoy ext_proc, FULL_DUPLEX_STREAMED',
    applies: outcome =>
      outcome.wholeBody &&
      outcome.streaming &&
      !outcome.purpose.streams &&
      !isNative(outcome),
    text: () =>
      'What is changed only when it is complete is held back until its end: events in it do not stream.',
  },
  {
    id: 'grpc-bodies-are-framed',
    gravity: 'correctness',
    source: 'gRPC over HTTP/2: length-prefixed protobuf messages',
    applies: outcome => outcome.grpc && outcome.body && !isNative(outcome),
    text: () =>
      'Bodies of gRPC are length-prefixed protobuf, many in one stream, and the status is in the trailers. Read them as protobuf, not as JSON; to change a status, an extension has to be given trailers, which ExtProc is in FullDuplexStreamed only.',
  },
  {
    id: 'shadow-mode-streamed-only',
    gravity: 'correctness',
    source: 'EnvoyExtensionPolicy CEL rule: shadowMode',
    applies: outcome => usesShadowMode(outcome) && outcome.body,
    text: () =>
      'shadowMode allows bodies only Streamed, and Envoy ignores what the processor answers: add it to the policy once the processor only observes.',
  },
  {
    id: 'lua-no-json-library',
    gravity: 'correctness',
    source: 'Envoy Lua filter; Envoy Gateway’s validator blocks require',
    applies: outcome =>
      faces(outcome, 'lua') &&
      (needs(outcome, 'json') || outcome.purpose.id === 'body-transform') &&
      outcome.body,
    text: () =>
      'Lua has no JSON library here, and require is blocked: a parser would have to be inlined.',
  },
  {
    id: 'lua-no-crypto-library',
    gravity: 'correctness',
    source: 'Envoy Lua filter: importPublicKey and verifySignature only',
    applies: outcome => faces(outcome, 'lua') && needs(outcome, 'crypto'),
    text: () =>
      'Lua has no hash or HMAC functions here: they would have to be inlined.',
  },
  {
    id: 'filter-context-must-be-object',
    gravity: 'correctness',
    source: 'Envoy Gateway: filterContext becomes a protobuf Struct',
    applies: outcome =>
      uses(outcome, 'lua') &&
      outcome.release.luaFilterContext &&
      needs(outcome, 'parameters'),
    text: () =>
      'The API takes any JSON as filterContext, but Envoy Gateway translates objects only.',
  },
  {
    id: 'array-claims-arrive-base64-json',
    gravity: 'correctness',
    source: 'Envoy Gateway API: ClaimToHeader',
    applies: outcome => brought(outcome, 'array-claims-arrive-base64-json'),
    text: () =>
      'Claims that are lists or objects arrive as base64 of their JSON; only texts, numbers and booleans arrive as they are.',
  },
  {
    id: 'geoip-native-only-for-authorization',
    gravity: 'correctness',
    source: 'Envoy Gateway API: EnvoyProxy spec.geoIP',
    applies: outcome => brought(outcome, 'geoip-native-only-for-authorization'),
    text: () =>
      'Envoy Gateway’s GeoIP data feeds authorization rules only; it reaches no header.',
  },
  {
    id: 'response-override-cannot-match-request-headers',
    gravity: 'correctness',
    source: 'Envoy Gateway API: responseOverride.match',
    applies: outcome =>
      brought(outcome, 'response-override-cannot-match-request-headers'),
    text: () =>
      'responseOverride sees the status and, since 1.9, response headers; it does not see what the client asked for (Accept, language).',
  },
  {
    id: 'metadata-needs-extauth-or-extproc-producer',
    gravity: 'correctness',
    source: 'Envoy Gateway 1.9 release notes: limit.fromMetadata',
    applies: outcome =>
      brought(outcome, 'metadata-needs-extauth-or-extproc-producer'),
    text: () =>
      'The limiter only reads the metadata. External authorization, or an external processor with writableNamespaces, has to have written it by then.',
  },
  {
    id: 'wasm-no-db-driver',
    gravity: 'correctness',
    source: 'Proxy-Wasm ABI: HTTP and gRPC calls, no sockets',
    applies: outcome =>
      !isNative(outcome) &&
      outcome.calls &&
      ['go', 'rust', 'other'].includes(outcome.answers.language) &&
      (needs(outcome, 'database') || outcome.state),
    text: () =>
      'Wasm has no sockets: drivers of databases and caches do not even compile for it. They are at home in an external processor.',
  },
  {
    id: 'redirect-part-is-native',
    gravity: 'correctness',
    source: 'Gateway API: HTTPRoute RequestRedirect',
    applies: outcome =>
      !isNative(outcome) &&
      outcome.beside.some(({ need }) => need.id === 'redirect'),
    text: () =>
      'The redirect belongs in an HTTPRoute (filter RequestRedirect), not in the extension.',
  },
  // It costs.
  {
    id: 'needs-ai-gateway',
    gravity: 'operation',
    source: 'Envoy AI Gateway documentation',
    applies: outcome => brought(outcome, 'needs-ai-gateway'),
    text: () =>
      'It needs Envoy AI Gateway beside Envoy Gateway: an add-on with a controller and an external processor of its own.',
  },
  {
    id: 'cache-filter-experimental',
    gravity: 'operation',
    source: 'Envoy documentation, HTTP cache filter',
    applies: outcome => brought(outcome, 'cache-filter-experimental'),
    text: () =>
      'Envoy’s cache filter is work in progress, and not hardened against hostile upstreams or clients.',
  },
  {
    id: 'cache-introspection-results',
    gravity: 'operation',
    source: 'RFC 7662, section 4',
    ownLogic: true,
    applies: outcome => brought(outcome, 'cache-introspection-results'),
    text: () =>
      'Cache the issuer’s answers for a short time, or it becomes the bottleneck, and its outage yours.',
  },
  {
    id: 'requires-eg-1.7',
    gravity: 'operation',
    source: 'Envoy Gateway 1.7 release notes',
    applies: since('1.7'),
    text: () => 'It needs Envoy Gateway 1.7 or newer, in every cluster.',
  },
  {
    id: 'requires-eg-1.8',
    gravity: 'operation',
    source: 'Envoy Gateway 1.8 release notes',
    applies: since('1.8'),
    text: () => 'It needs Envoy Gateway 1.8 or newer, in every cluster.',
  },
  {
    id: 'requires-eg-1.9',
    gravity: 'operation',
    source: 'Envoy Gateway 1.9 release notes',
    applies: outcome =>
      since('1.9')(outcome) ||
      outcome.answers.target.kind === 'ListenerSet' ||
      (usesShadowMode(outcome) && outcome.body) ||
      (uses(outcome, 'lua') &&
        needs(outcome, 'parameters') &&
        outcome.release.luaFilterContext),
    text: () => 'It needs Envoy Gateway 1.9 or newer, in every cluster.',
  },
  {
    id: 'dynamic-module-requires-eg-1.8',
    gravity: 'operation',
    source: 'Envoy Gateway 1.8 release notes: dynamic modules',
    applies: outcome => faces(outcome, 'dynamic-module'),
    text: () => 'Dynamic modules need Envoy Gateway 1.8 or newer.',
  },
  {
    id: 'message-timeout-200ms-default',
    gravity: 'operation',
    source: 'Envoy ext_proc: message_timeout',
    applies: outcome =>
      uses(outcome, 'extproc') &&
      (outcome.calls || outcome.answers.latency === 'flexible'),
    text: () =>
      'Envoy waits 200 ms for the answer to a message unless messageTimeout says otherwise. A slow call behind the processor is then a 504. The policy that is generated sets it: check that it is above the p99 of the call. For bodies in FullDuplexStreamed the timeout does not run.',
  },
  {
    id: 'adds-network-hop',
    gravity: 'operation',
    source: 'Envoy ext_proc and ext_authz: gRPC or HTTP to another process',
    applies: outcome =>
      uses(outcome, 'extproc') && !usesShadowMode(outcome)
        ? true
        : isNative(outcome) && asksService(outcome),
    text: outcome =>
      isNative(outcome)
        ? 'Every request waits for a round trip to the service: run it close, with a timeout.'
        : 'Every processed phase is a round trip to the processor. When it takes longer than messageTimeout, the request fails with 504; for bodies in FullDuplexStreamed that timeout does not run, so bound the time there in the processor.',
  },
  {
    id: 'per-proxy-state-only',
    gravity: 'operation',
    source: 'Proxy-Wasm and dynamic modules: state of one process',
    applies: outcome =>
      brought(outcome, 'per-proxy-state-only') ||
      (outcome.state && !isNative(outcome)),
    text: outcome => {
      if (isNative(outcome)) {
        return 'Each proxy counts or keeps on its own: replicas share no state, and a restart loses it.';
      }
      return inProcess.some(m => uses(outcome, m))
        ? 'State lives in one proxy: it is neither shared between replicas nor kept over a restart.'
        : 'What a processor remembers lives in one replica, as state in a proxy lives in one proxy: where replicas have to agree, keep it in a store.';
    },
  },
  {
    id: 'compressed-upstream-body',
    gravity: 'operation',
    source: 'HTTP content codings',
    ownLogic: true,
    applies: outcome =>
      outcome.phases.includes('responseBody') &&
      !isNative(outcome) &&
      (outcome.changesBody ||
        needs(outcome, 'records') ||
        outcome.need.topic === 'inspection'),
    text: () =>
      'Responses may be compressed: decode before you look, or remove accept-encoding from the request.',
  },
  {
    id: 'backend-api-disabled-by-default',
    gravity: 'operation',
    source: 'Envoy Gateway: extensionApis.enableBackend',
    applies: outcome =>
      brought(outcome, 'backend-api-disabled-by-default') ||
      (uses(outcome, 'extproc') && outcome.answers.latency === 'minimal'),
    text: outcome =>
      isNative(outcome)
        ? 'Backend resources are off by default: without extensionApis.enableBackend the route answers 500.'
        : 'A socket beside Envoy makes the round trip to a processor shorter. It takes a Backend, which is off by default (extensionApis.enableBackend).',
  },
  {
    id: 'lua-strict-validation-false-rejects',
    gravity: 'operation',
    source: 'Envoy Gateway internal/gatewayapi/luavalidator',
    applies: outcome =>
      uses(outcome, 'lua') ||
      (outcome.answers.language === 'lua' && !isNative(outcome)),
    text: () =>
      'Envoy Gateway’s strict validator rejects some scripts that Envoy would run; keep to the calls that this repository’s checks allow.',
  },
  {
    id: 'wasm-memory-per-policy',
    gravity: 'operation',
    source:
      'Envoy Gateway: vm_id is unique for each policy entry; measured with Envoy 1.39.3',
    applies: outcome => uses(outcome, 'wasm'),
    text: ({ purpose }) =>
      `Each policy has VMs of its own in each Envoy, which then needs about ${
        wasmMemory[purpose.id]
      } MiB more. A panic stops the VM of a worker, and later requests of that worker fail with 503.`,
  },
  {
    id: 'filter-order',
    gravity: 'operation',
    source: 'Envoy Gateway internal/xds/translator/httpfilters.go',
    applies: outcome =>
      !isNative(outcome) &&
      ['authentication', 'authorization', 'limits'].includes(
        outcome.need.topic,
      ),
    text: () =>
      'An extension runs after authentication and external authorization and before authorization rules and rate limits: it can feed those, not correct these. EnvoyProxy spec.filterOrder changes it.',
  },
  // Good to know.
  {
    id: 'gateway-wide',
    gravity: 'note',
    source: 'Gateway API policy attachment',
    applies: ({ answers }) =>
      answers.target.kind === 'Gateway' ||
      answers.target.kind === 'ListenerSet',
    text: ({ answers }) =>
      `The target is a ${answers.target.kind}: all its routes are affected, except those that have a policy of their own, which replaces this one.`,
  },
  {
    id: 'unneeded-phases',
    gravity: 'note',
    source: 'the purpose',
    applies: outcome =>
      !isNative(outcome) &&
      !outcome.purpose.openEnded &&
      outcome.phases.some(
        phase =>
          !outcome.purpose.phases(outcome.answers.settings).includes(phase),
      ),
    text: ({ answers, phases, purpose }) =>
      `The settings do not need ${phases
        .filter(phase => !purpose.phases(answers.settings).includes(phase))
        .join(
          ', ',
        )}; the extension is not given it, since every phase costs time.`,
  },
  {
    id: 'one-policy-per-target',
    gravity: 'note',
    source: 'Envoy Gateway: the most specific policy wins; mergeType since 1.9',
    applies: outcome => !isNative(outcome) && !outcome.connections,
    text: ({ release }) =>
      `A target has one EnvoyExtensionPolicy: the oldest of several counts, and one on a route replaces that of its Gateway${
        release.mergeType ? ' unless mergeType is set' : ''
      }.`,
  },
];

/**
 * The rules that apply to an outcome, in the order of the table; what asks for work is left out where generated logic does it.
 */
export const warningRulesFor = (outcome: Outcome): WarningRule[] =>
  rules.filter(
    rule => rule.applies(outcome) && (!rule.ownLogic || writesLogic(outcome)),
  );
