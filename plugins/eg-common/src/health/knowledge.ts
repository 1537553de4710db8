import { ObjectKind } from '../kinds';
import { policyKind } from '../policy/constants';
import { HealthHint, PolicyCondition } from './types';

/**
 * One thing that Envoy Gateway says in a condition, explained. The messages are those of Envoy Gateway 1.9; a message
 * that no entry knows is shown as it is.
 */
export interface Knowledge {
  id: string;
  severity: HealthHint['severity'];
  /** The kinds that say it; all where left out. */
  kinds?: readonly string[];
  /** The condition that it is in; Accepted=False where left out. */
  condition?: { type: string; status: string; reason?: string };
  /** The message, with groups for what differs. */
  message?: RegExp;
  /** Of entries with the same topic, only the first that matches is used. */
  topic?: string;
  meaning(match: string[], kind: ObjectKind): string;
  remedy(match: string[], kind: ObjectKind): string;
}

/** The same entries, for some kinds only. */
const only = (kinds: readonly string[], entries: Knowledge[]): Knowledge[] =>
  entries.map(entry => ({ ...entry, kinds }));

/** What to ask for where Backends are switched off. */
export const enableBackend =
  'Ask the platform team to set extensionApis.enableBackend: true in the EnvoyGateway configuration (Helm: config.envoyGateway.extensionApis.enableBackend).';

const refresh =
  'Envoy Gateway looks at it again when the policy changes; after ten failures it waits about an hour.';

/** Explanations of conditions that are not about the extension itself. */
const attachment: Knowledge[] = [
  {
    id: 'conflict',
    severity: 'error',
    condition: { type: 'Accepted', status: 'False', reason: 'Conflicted' },
    message: /Unable to target (section of|\S+) ([^,\s]+)(?:,|\/| )/,
    meaning: ([, target, name], { kind }) =>
      `Another ${kind} is already attached to ${
        target === 'section of' ? 'that section of' : target
      } ${name}, and a target takes one. The oldest wins by creationTimestamp, then the first by namespace and name; this one has no effect.`,
    remedy: (_, { plural, group }) =>
      `Put both into one policy, give this one a sectionName of its own, or delete the other: kubectl get ${plural}.${group} --all-namespaces --sort-by=.metadata.creationTimestamp`,
  },
  {
    id: 'section-not-found',
    severity: 'error',
    condition: { type: 'Accepted', status: 'False', reason: 'TargetNotFound' },
    message: /No section name (\S+) found for (\S+) (\S+)/,
    meaning: ([, section, kind, name]) =>
      `${kind} ${name} has no section “${section}”: no such listener of a Gateway or ListenerSet, or no rule of that name in a route.`,
    remedy: ([, section, kind, name]) =>
      `Correct targetRefs[].sectionName, name the rule of the route, or leave sectionName out. kubectl get ${kind!.toLowerCase()} ${
        name!.split('/')[1] ?? name
      } -n ${
        name!.split('/')[0]
      } -o yaml shows the names; “${section}” is not among them.`,
  },
  {
    id: 'overridden-sections',
    severity: 'warning',
    condition: { type: 'Overridden', status: 'True' },
    message: /overriding these sections \[([^\]]*)\]/,
    meaning: ([, sections]) =>
      `Policies of single listeners take over for ${sections}: there, only theirs counts. Every other listener still has this one.`,
    remedy: () =>
      'Repeat in the listener’s policy what should count there too; settings of two policies are not merged.',
  },
  {
    id: 'overridden',
    severity: 'warning',
    condition: { type: 'Overridden', status: 'True' },
    message: /for these routes: \[([^\]]*)\]/,
    meaning: ([, routes]) =>
      `More specific policies take over for ${
        routes || 'some routes'
      }: there, only theirs runs. Everything else that this policy targets still has it.`,
    remedy: (_, { kind }) =>
      kind === policyKind
        ? 'Where both should run, set mergeType: StrategicMerge in the route’s policy (Envoy Gateway 1.9 and newer); lists such as lua or extProc replace each other, so use different mechanisms or repeat the entry.'
        : 'Where both should count, set mergeType: StrategicMerge in the route’s policy; what both set is the route policy’s alone.',
  },
  {
    id: 'merged-with-parent',
    severity: 'info',
    condition: { type: 'Merged', status: 'True' },
    message: /Merged with policy (\S+)/,
    topic: 'merged',
    meaning: ([, parent]) =>
      `It runs merged with ${parent}, because of its mergeType.`,
    remedy: () =>
      'A list that both have (such as lua, extProc, wasm or rules) is this policy’s alone; test that what you expect of the other still runs.',
  },
  {
    id: 'merged-into-child',
    severity: 'info',
    condition: { type: 'Merged', status: 'True' },
    message: /for these routes: \[([^\]]*)\]/,
    topic: 'merged',
    meaning: ([, routes]) =>
      `Policies of ${routes || 'some routes'} merge this one into theirs.`,
    remedy: () =>
      'A list that both have (such as lua, extProc, wasm or rules) is the route policy’s alone: there, this policy’s entries do not run. Test with a request to such a route.',
  },
  {
    id: 'deprecated-field',
    severity: 'warning',
    condition: { type: 'Warning', status: 'True', reason: 'DeprecatedField' },
    message: /(\S+) is deprecated, use (\S+) instead/,
    meaning: ([, old]) => `${old} still works and will be removed.`,
    remedy: ([, , replacement]) =>
      `Write it as ${replacement}, and apply the policy again.`,
  },
  {
    id: 'aggregated',
    severity: 'warning',
    condition: { type: 'Aggregated', status: 'True' },
    meaning: () =>
      'The policy has more ancestors than the 16 that a status can hold; the rest are summed up in the last one.',
    remedy: () =>
      'Do not take the absence of a gateway here for a fault. Several policies with fewer targets each show every gateway.',
  },
];

const lua: Knowledge[] = [
  {
    id: 'lua-disabled',
    severity: 'error',
    message: /Skipping Lua EnvoyExtensionPolicy as feature is disabled/,
    meaning: () =>
      'Lua is switched off in this Envoy Gateway; since 1.9 that is the default.',
    remedy: () =>
      'Ask the platform team to set extensionApis.enableLua: true in the EnvoyGateway configuration (Helm: config.envoyGateway.extensionApis.enableLua), or build the extension as Wasm or ExtProc.',
  },
  {
    id: 'lua-configmap-missing',
    severity: 'error',
    message:
      /can't find the referenced configmap (\S+) in namespace (\S+?)\.?$/m,
    meaning: ([, name, namespace]) =>
      `The ConfigMap ${namespace}/${name} with the script does not exist.`,
    remedy: ([, name, namespace]) =>
      `Apply it to the policy’s namespace, with the script under the key lua: kubectl get configmap ${name} -n ${namespace}. In a generated repository: kubectl apply -k policy/.`,
  },
  {
    id: 'lua-no-entry-point',
    severity: 'error',
    topic: 'lua-validation',
    message:
      /expected one of envoy_on_request\(\) or envoy_on_response\(\) to be defined/,
    meaning: () =>
      'The script defines neither envoy_on_request nor envoy_on_response, so Envoy would never call it.',
    remedy: () =>
      'Define one of them as a global function: function envoy_on_request(handle) … end.',
  },
  {
    id: 'lua-syntax',
    severity: 'error',
    topic: 'lua-validation',
    message:
      /validation failed for lua body[\s\S]*?<string> line:(\d+)\(column:(\d+)\) near ([^\n]*?):\s+syntax error/,
    meaning: ([, line, column, near]) =>
      `The script has a syntax error in line ${line}, column ${column}, near ${near}.`,
    remedy: () =>
      'Correct the script; luac -p finds the same offline, and so does make build in a generated repository.',
  },
  {
    id: 'lua-validation',
    severity: 'error',
    topic: 'lua-validation',
    message:
      /validation failed for lua body[\s\S]*?(?:failed to validate with (\w+): )([^\n]*)/,
    meaning: ([, entry, error]) =>
      `Envoy Gateway tried ${entry} against stand-ins for Envoy’s functions, and it failed: ${error}.`,
    remedy: () =>
      'Correct the call, or guard it: a stand-in returns “example_value” for every header, does not know clearRouteCache, filterState or pairs over headers, and forbids require, setmetatable and io. A script that is right in Envoy all the same needs luaValidation: InsecureSyntax in the EnvoyProxy.',
  },
];

const extProc: Knowledge[] = [
  {
    id: 'service-missing',
    severity: 'error',
    message: /service (\S+) not found/,
    meaning: ([, name]) =>
      `The Service ${name} of the processor does not exist.`,
    remedy: () =>
      'Deploy the processor (in a generated repository: kubectl apply -k k8s/), or correct backendRefs[].name and namespace.',
  },
  {
    id: 'port-missing',
    severity: 'error',
    message: /TCP Port (\d+) not found on service (\S+?)\.?$/im,
    meaning: ([, port, name]) => `The Service ${name} has no TCP port ${port}.`,
    remedy: ([, , name]) =>
      `Name a port of the Service in backendRefs[].port: kubectl get service ${
        name!.split('/')[1] ?? name
      } -n ${name!.split('/')[0]}.`,
  },
  {
    id: 'no-ready-endpoints',
    severity: 'error',
    message: /no ready endpoints for the related (\S+) (\S+?)\.?$/m,
    meaning: ([, kind, name]) =>
      `There is no pod behind the ${kind} ${name}: the processor does not run, or the Service selects other labels.`,
    remedy: ([, , name]) =>
      `Start it, and check that the Service’s selector matches the pods’ labels: kubectl get endpointslices -n ${
        name!.split('/')[0]
      } -l kubernetes.io/service-name=${name!.split('/')[1]}.`,
  },
  {
    id: 'no-backend-refs',
    severity: 'error',
    message: /no backendRefs found for external service/,
    meaning: () => 'extProc names no processor: backendRefs is empty.',
    remedy: () =>
      'Name the Service and its port in spec.extProc[].backendRefs; the schema does not insist on it, the controller does.',
  },
  {
    id: 'reference-grant-missing',
    severity: 'error',
    message: /backend ref to (\S+) (\S+) not permitted by any ReferenceGrant/,
    meaning: ([, kind, name]) =>
      `The policy may not refer to ${kind} ${name}, which is in another namespace.`,
    remedy: ([, kind, name]) =>
      `Create a ReferenceGrant in namespace ${
        name!.split('/')[0]
      }: from gateway.envoyproxy.io EnvoyExtensionPolicy in the policy’s namespace, to ${kind}. A generated repository has it in k8s/referencegrant.yaml.`,
  },
  {
    id: 'backend-missing',
    severity: 'error',
    message: /backend (\S+) not found/i,
    meaning: ([, name]) => `The Backend ${name} does not exist.`,
    remedy: () =>
      'Create it (gateway.envoyproxy.io/v1alpha1, and extensionApis.enableBackend: true in the EnvoyGateway configuration), or correct backendRefs[].name.',
  },
  {
    id: 'backend-ca-missing',
    severity: 'error',
    message:
      /ExtProc: (configmap|secret) (\S+) not found in namespace (\S+?)\.?$/m,
    meaning: ([, kind, name, namespace]) =>
      `The ${kind} ${namespace}/${name} with the CA certificate of a BackendTLSPolicy does not exist.`,
    remedy: ([, , , namespace]) =>
      `Create it in namespace ${namespace} with the certificate under the key ca.crt, or correct validation.caCertificateRefs of the BackendTLSPolicy.`,
  },
];

const wasm: Knowledge[] = [
  {
    id: 'wasm-not-found',
    severity: 'error',
    topic: 'wasm-download',
    message: /wasm module download request failed: status code 404/,
    meaning: () =>
      'There is no file at the URL of the Wasm module: the server answered 404.',
    remedy: () =>
      `Correct wasm[].code.http.url, or upload the module. It is Envoy Gateway’s controller that downloads it, not Envoy: the URL must be reachable from there. ${refresh}`,
  },
  {
    id: 'wasm-download-failed',
    severity: 'error',
    topic: 'wasm-download',
    message:
      /wasm module download failed after \d+ attempts, last error: ([^\n]*?)\.?$/m,
    meaning: ([, error]) =>
      `The Wasm module could not be downloaded: ${error}.`,
    remedy: () =>
      `It is Envoy Gateway’s controller that downloads it, not Envoy: check the URL, network policies and proxies from its namespace. ${refresh}`,
  },
  {
    id: 'wasm-checksum',
    severity: 'error',
    message: /has checksum (\S+?), which does not match: (\S+?)\.?$/m,
    meaning: ([, actual, wanted]) =>
      `The Wasm module is not the one that the policy pins: it has sha256 ${actual}, the policy says ${wanted}.`,
    remedy: () =>
      'Pin what you built: for HTTP the sha256 of the file, for an image the digest of its manifest, each without “sha256:”. An unexpected change can also mean that someone replaced the file.',
  },
  {
    id: 'wasm-invalid',
    severity: 'error',
    message: /fetched Wasm binary from (\S+) is invalid/,
    meaning: ([, url]) => `What ${url} holds is not a Wasm module.`,
    remedy: () =>
      'Serve the .wasm file itself: an error page, an archive or a native library is refused. file plugin.wasm must say “WebAssembly”.',
  },
  {
    id: 'image-not-found',
    severity: 'error',
    topic: 'wasm-image',
    message:
      /could not fetch Wasm OCI image: [^\n]*?GET (\S+): (?:MANIFEST|NAME)_UNKNOWN/,
    meaning: ([, url]) => `The registry has no such image or tag: ${url}.`,
    remedy: () =>
      'Push the image (in a generated repository: make push), or correct wasm[].code.image.url.',
  },
  {
    id: 'ca-not-trusted',
    severity: 'error',
    topic: 'wasm-image',
    message: /x509: certificate signed by unknown authority/,
    meaning: () =>
      'Envoy Gateway does not trust the certificate of the registry or server.',
    remedy: () =>
      'Put the CA certificate into a ConfigMap (key ca.crt) and name it in code.image.tls.caCertificateRef or code.http.tls.caCertificateRef (Envoy Gateway 1.8 and newer).',
  },
  {
    id: 'image-denied',
    severity: 'error',
    topic: 'wasm-image',
    message: /could not fetch Wasm OCI image: [^\n]*?(UNAUTHORIZED|DENIED)/,
    meaning: () => 'The registry refuses to give the image out.',
    remedy: () =>
      'Name a Secret of type kubernetes.io/dockerconfigjson in code.image.pullSecretRef, or correct its credentials.',
  },
  {
    id: 'image-failed',
    severity: 'error',
    topic: 'wasm-image',
    message: /could not fetch Wasm OCI image: ([^\n]*?)\.?$/m,
    meaning: ([, error]) => `The Wasm image could not be fetched: ${error}.`,
    remedy: () =>
      `Check the registry’s address from Envoy Gateway’s namespace; a registry without TLS is used only at a private address. ${refresh}`,
  },
  {
    id: 'wasm-object-missing',
    severity: 'error',
    message: /Wasm: (secret|configmap) (\S+) does not exist/i,
    meaning: ([, kind, name]) =>
      kind!.toLowerCase() === 'secret'
        ? `The pull secret ${name} does not exist.`
        : `The ConfigMap ${name} with the CA certificate does not exist.`,
    remedy: ([, kind]) =>
      kind!.toLowerCase() === 'secret'
        ? 'Create it with kubectl create secret docker-registry, or correct code.image.pullSecretRef; in another namespace it needs a ReferenceGrant.'
        : 'Create it with the certificate under the key ca.crt, or correct tls.caCertificateRef.',
  },
];

const dynamicModule: Knowledge[] = [
  {
    id: 'dynamic-module-not-registered',
    severity: 'error',
    message: /dynamic module "([^"]+)" is not registered/,
    meaning: ([, name]) =>
      `The EnvoyProxy of this Gateway does not list a dynamic module “${name}”.`,
    remedy: ([, name]) =>
      `Ask the platform team to add it to spec.dynamicModules of the EnvoyProxy (name: ${name}, and where it is), or correct dynamicModule[].name.`,
  },
];

const security: Knowledge[] = [
  {
    id: 'jwks-missing',
    severity: 'error',
    message: /JWT: local JWKS ConfigMap (\S+) not found/,
    meaning: ([, name]) =>
      `The ConfigMap ${name} with the key set (JWKS) does not exist.`,
    remedy: () =>
      'Create it in the policy’s namespace with the key set under the key jwks, or correct jwt.providers[].localJWKS.valueRef.',
  },
  {
    id: 'security-secret-missing',
    severity: 'error',
    message: /(OIDC|BasicAuth|APIKeyAuth): secret (\S+) does not exist/i,
    meaning: ([, feature, name]) =>
      `The Secret ${name} for ${feature} does not exist.`,
    remedy: ([, , name]) =>
      `Create it: kubectl get secret ${name!.split('/')[1] ?? name} -n ${
        name!.split('/')[0]
      } must find it. For OIDC its key is client-secret, for basic authentication .htpasswd, for API keys each client has a key. In another namespace it needs a ReferenceGrant.`,
  },
  {
    id: 'authorizer-missing',
    severity: 'error',
    message: /ExtAuth: (service|backend) (\S+) not found/i,
    meaning: ([, kind, name]) =>
      `The ${kind} ${name} that decides about requests does not exist.`,
    remedy: () =>
      'Deploy it, or correct extAuth.http.backendRefs or extAuth.grpc.backendRefs.',
  },
  {
    id: 'client-location-unknown',
    severity: 'error',
    message:
      /clientIPGeoLocations\S* (requires|does not support) ([^\n]*?)\.?$/m,
    meaning: ([, verb, what]) =>
      `Rules by the client’s location ${
        verb === 'requires' ? 'require' : 'do not support'
      } ${what!.replace(' to be configured', '')}.`,
    remedy: () =>
      'Say in a ClientTrafficPolicy of the Gateway how the client’s address is found (spec.clientIPDetection), and in its EnvoyProxy where the database is (spec.geoIP.provider).',
  },
];

const backendTraffic: Knowledge[] = [
  {
    id: 'rate-limit-disabled',
    severity: 'error',
    message: /enable Ratelimit in the EnvoyGateway config/,
    meaning: () =>
      'Global rate limits need the rate limit service, which is not switched on in this Envoy Gateway.',
    remedy: () =>
      'Ask the platform team to set rateLimit.backend (type Redis, with its url) in the EnvoyGateway configuration, or limit per proxy with rateLimit.type: Local.',
  },
  {
    id: 'response-body-missing',
    severity: 'error',
    message:
      /ResponseOverride: can't find the referenced configmap (\S+?)\.?$/m,
    meaning: ([, name]) =>
      `The ConfigMap ${name} with the body of an answer does not exist.`,
    remedy: () =>
      'Create it in the policy’s namespace with the text under the key response.body, or correct responseOverride[].response.body.valueRef.',
  },
];

const clientTraffic: Knowledge[] = [
  {
    id: 'buffer-limit-out-of-range',
    severity: 'error',
    message:
      /BufferLimit value (\S+) is out of range, must be between (\S+) and (\S+?)\.?$/m,
    meaning: ([, value, from, to]) =>
      `connection.bufferLimit is ${value}; it must be between ${from} and ${to} bytes.`,
    remedy: () => 'Correct it, for example 1Mi.',
  },
];

const routes: Knowledge[] = [
  {
    id: 'route-parent-section',
    severity: 'error',
    condition: {
      type: 'Accepted',
      status: 'False',
      reason: 'NoMatchingParent',
    },
    meaning: () =>
      'The Gateway has no listener that a parentRef asks for by sectionName or port.',
    remedy: () =>
      'Correct parentRefs[].sectionName or port, or leave them out: kubectl get gateway -o yaml shows the listeners.',
  },
  {
    id: 'route-not-allowed',
    severity: 'error',
    condition: {
      type: 'Accepted',
      status: 'False',
      reason: 'NotAllowedByListeners',
    },
    meaning: (_, { kind }) =>
      `The listeners take no ${kind} from this namespace: their allowedRoutes say which kinds and namespaces they take.`,
    remedy: () =>
      'Ask the owner of the Gateway to allow the namespace or the kind in listeners[].allowedRoutes, or use a Gateway that does.',
  },
  {
    id: 'route-hostname',
    severity: 'error',
    condition: {
      type: 'Accepted',
      status: 'False',
      reason: 'NoMatchingListenerHostname',
    },
    meaning: () =>
      'None of the route’s hostnames is one that the listener serves.',
    remedy: () =>
      'Compare spec.hostnames of the route with listeners[].hostname of the Gateway; *.example.com covers a.example.com, not example.com.',
  },
  {
    id: 'route-filter-refused',
    severity: 'error',
    condition: {
      type: 'Accepted',
      status: 'False',
      reason: 'UnsupportedValue',
    },
    message: /[Ii]nvalid filter (\S+): ([^\n]*?)\.?$/m,
    meaning: ([, filter, error]) => `A ${filter} is refused: ${error}.`,
    remedy: () =>
      'Correct the filter or what it refers to. The rule answers 500 until then.',
  },
  {
    id: 'route-backend-missing',
    severity: 'error',
    condition: {
      type: 'ResolvedRefs',
      status: 'False',
      reason: 'BackendNotFound',
    },
    message:
      /route rule (\d+) backendRef \d+: (\S+(?: backend)?) (\S+) not found/,
    meaning: ([, rule, kind, name]) =>
      `Rule ${rule} (counted from 0) leads to the ${kind} ${name}, which does not exist.`,
    remedy: () => 'Deploy it, or correct backendRefs[].name and namespace.',
  },
  {
    id: 'route-backend-disabled',
    severity: 'error',
    condition: {
      type: 'ResolvedRefs',
      status: 'False',
      reason: 'UnsupportedValue',
    },
    message: /Backend is disabled in Envoy Gateway configuration/,
    meaning: () =>
      'A rule leads to a Backend, and Backends are switched off in this Envoy Gateway; that is the default.',
    remedy: () => enableBackend,
  },
  {
    id: 'route-backend-port',
    severity: 'error',
    condition: {
      type: 'ResolvedRefs',
      status: 'False',
      reason: 'PortNotFound',
    },
    message: /Port (\d+) not found on (\S+) (\S+?)\.?$/m,
    meaning: ([, port, kind, name]) =>
      `The ${kind} ${name} has no port ${port}.`,
    remedy: () => 'Name a port of it in backendRefs[].port.',
  },
  {
    id: 'route-reference-grant-missing',
    severity: 'error',
    condition: {
      type: 'ResolvedRefs',
      status: 'False',
      reason: 'RefNotPermitted',
    },
    message:
      /[Bb]ackend ref to (\S+) (\S+) not permitted by any ReferenceGrant/,
    meaning: ([, kind, name], { kind: route }) =>
      `The ${route} may not refer to ${kind} ${name}, which is in another namespace.`,
    remedy: ([, kind, name], { kind: route, group }) =>
      `Create a ReferenceGrant in namespace ${
        name!.split('/')[0]
      }: from ${group} ${route} in the route’s namespace, to ${kind}.`,
  },
  {
    id: 'route-filter-missing',
    severity: 'error',
    condition: { type: 'ResolvedRefs', status: 'False' },
    message: /[Uu]nable to translate HTTPRouteFilter: (\S+?)\.?$/m,
    meaning: ([, name]) =>
      `The HTTPRouteFilter ${name} does not exist, or what it refers to does not.`,
    remedy: () =>
      'Create it in the route’s namespace (in a generated repository: kubectl apply -k policy), or correct extensionRef.name. The rule answers 500 until then.',
  },
  {
    id: 'route-no-endpoints',
    severity: 'error',
    condition: {
      type: 'BackendsAvailable',
      status: 'False',
      reason: 'EndpointsNotFound',
    },
    message: /no ready endpoints for the related (\S+) (\S+?)\.?$/m,
    meaning: ([, kind, name]) =>
      `There is no ready pod behind the ${kind} ${name}.`,
    remedy: ([, , name]) =>
      `Start it, and check that the Service’s selector matches the pods’ labels: kubectl get endpointslices -n ${
        name!.split('/')[0]
      } -l kubernetes.io/service-name=${name!.split('/')[1]}.`,
  },
  {
    id: 'route-overlap',
    severity: 'warning',
    condition: { type: 'RouteRulesOverlap', status: 'True' },
    message: /Overlapping match conditions with route\(s\): ([^\n]*)/,
    meaning: ([, others]) =>
      `Other routes match the same requests: ${others}. The oldest route answers them, then the first by namespace and name.`,
    remedy: () =>
      'Give the routes different paths, headers or hostnames, or keep one of them.',
  },
];

const patches: Knowledge[] = [
  {
    id: 'patch-disabled',
    severity: 'error',
    condition: { type: 'Accepted', status: 'False', reason: 'Disabled' },
    meaning: () =>
      'EnvoyPatchPolicy is switched off in this Envoy Gateway; that is the default.',
    remedy: () =>
      'Ask the platform team to set extensionApis.enableEnvoyPatchPolicy: true in the EnvoyGateway configuration (Helm: config.envoyGateway.extensionApis.enableEnvoyPatchPolicy).',
  },
  {
    id: 'patch-resource-missing',
    severity: 'error',
    condition: {
      type: 'Programmed',
      status: 'False',
      reason: 'ResourceNotFound',
    },
    message: /Unable to find xds resources: ([^\n]*?)\.?$/m,
    meaning: ([, names]) =>
      `Envoy’s configuration has no ${names!
        .split(',')
        .map(name => name.replace(/^type\.googleapis\.com\/(?:\w+\.)*/, ''))
        .join(', ')}.`,
    remedy: () =>
      'Correct jsonPatches[].name: egctl config envoy-proxy listener (or route, cluster) prints the names, such as NAMESPACE/GATEWAY/LISTENER.',
  },
  {
    id: 'patch-result-invalid',
    severity: 'error',
    condition: { type: 'Programmed', status: 'False', reason: 'Invalid' },
    topic: 'patch-failed',
    // The message quotes the whole resource.
    message: /[Uu]nable to unmarshal xds resource [\s\S]*err:([^\n]*?)\.?$/,
    meaning: ([, error]) =>
      `What the patch makes of the resource is no configuration that Envoy has: ${error}.`,
    remedy: () =>
      'Correct path and value by Envoy’s API reference: field names are those of its protobuf messages, and a typed_config needs its @type.',
  },
  {
    id: 'patch-failed',
    severity: 'error',
    condition: { type: 'Programmed', status: 'False', reason: 'Invalid' },
    message: /([^\n]+?)\.?$/m,
    topic: 'patch-failed',
    meaning: ([, error]) => `The patch cannot be carried out: ${error}.`,
    remedy: () =>
      'Compare path and value with what Envoy has: egctl config envoy-proxy listener -o yaml. An update of Envoy Gateway can move what a path points to.',
  },
];

const backends: Knowledge[] = [
  {
    id: 'backend-invalid',
    severity: 'error',
    condition: { type: 'Invalid', status: 'False' },
    message: /The Backend was not accepted: ([^\n]*?)\.?$/m,
    meaning: ([, error]) => `The Backend is refused: ${error}.`,
    remedy: () =>
      'Correct spec.endpoints or spec.tls: an address that every pod means differently (loopback, link-local) is not allowed, and TLS needs a certificate authority.',
  },
];

const proxies: Knowledge[] = [
  {
    id: 'proxy-invalid',
    severity: 'error',
    condition: {
      type: 'Accepted',
      status: 'False',
      reason: 'InvalidParameters',
    },
    message: /([^\n]+?)\.?$/m,
    topic: 'proxy-invalid',
    meaning: ([, error]) => `The EnvoyProxy is refused: ${error}.`,
    remedy: () =>
      'Correct what the message names; until then, the Gateways and the GatewayClass that name it are refused as well.',
  },
];

/**
 * What conditions mean and what to do, in the order in which they are tried.
 */
export const knowledge: readonly Knowledge[] = [
  ...attachment,
  ...only([policyKind], [...lua, ...extProc, ...wasm, ...dynamicModule]),
  ...only(['SecurityPolicy'], security),
  ...only(['BackendTrafficPolicy'], backendTraffic),
  ...only(['ClientTrafficPolicy'], clientTraffic),
  ...only(['HTTPRoute', 'GRPCRoute'], routes),
  ...only(['EnvoyPatchPolicy'], patches),
  ...only(['Backend'], backends),
  ...only(['EnvoyProxy'], proxies),
];

/** Whether a condition says that the object is refused; some kinds have a type of their own for that. */
export function isRefusal({ type, status }: PolicyCondition): boolean {
  return (
    status === 'False' && ['Accepted', 'Invalid', 'NotAccepted'].includes(type)
  );
}

/** Whether a condition says that an accepted object is not carried out as a whole. */
export function isShortfall({ type, status }: PolicyCondition): boolean {
  return (
    (status === 'False' &&
      ['Programmed', 'ResolvedRefs', 'BackendsAvailable'].includes(type)) ||
    (status === 'True' && type === 'PartiallyInvalid')
  );
}

function isIn(
  { type, status, reason }: PolicyCondition,
  wanted: NonNullable<Knowledge['condition']>,
): boolean {
  return (
    type === wanted.type &&
    status === wanted.status &&
    (wanted.reason === undefined || reason === wanted.reason)
  );
}

/** Every place of a message that an entry knows; Envoy Gateway puts one problem on each line. */
function matchesOf(pattern: RegExp | undefined, message: string): string[][] {
  return pattern
    ? [...message.matchAll(new RegExp(pattern, `${pattern.flags}g`))]
    : [[message]];
}

/** What is known about a condition; for a refusal or a shortfall that nobody knows, what the controller says. */
export function explain(
  condition: PolicyCondition,
  kind: ObjectKind,
): Omit<HealthHint, 'ancestors'>[] {
  const topics = new Set<string>();
  const hints = knowledge.flatMap(entry => {
    const wanted = entry.condition ?? { type: 'Accepted', status: 'False' };
    const { id, severity, topic, kinds } = entry;
    if (
      !isIn(condition, wanted) ||
      (kinds && !kinds.includes(kind.kind)) ||
      (topic && topics.has(topic))
    ) {
      return [];
    }
    const matches = matchesOf(entry.message, condition.message ?? '');
    if (topic && matches.length > 0) {
      topics.add(topic);
    }
    return matches.map(match => ({
      id,
      severity,
      meaning: entry.meaning(match, kind),
      remedy: entry.remedy(match, kind),
    }));
  });
  if (hints.length === 0 && (isRefusal(condition) || isShortfall(condition))) {
    const { addOn = 'Envoy Gateway' } = kind;
    return [
      {
        id: 'other',
        severity: 'error',
        meaning: `${addOn} ${
          isRefusal(condition) ? 'refuses' : 'cannot carry out'
        } the ${kind.kind} (${condition.reason || 'no reason given'}): ${
          condition.message || 'it does not say why'
        }`,
        remedy: `Correct what the message names and apply it again. The log of ${addOn}’s controller has more: kubectl logs -n ${
          kind.addOn
            ? 'envoy-ai-gateway-system deployment/ai-gateway-controller'
            : 'envoy-gateway-system deployment/envoy-gateway'
        }.`,
      },
    ];
  }
  return hints;
}
