import { FailureOutcome, outcomeOfRefusal } from './failure';
import { enableBackend } from './knowledge';
import { mechanismsOf } from './spec';
import {
  HealthHint,
  LivePolicy,
  PolicyCondition,
  PolicyState,
  PolicyTarget,
} from './types';

type Hint = Omit<HealthHint, 'ancestors'>;

/**
 * What the states of one kind mean. The effects are what requests were answered in `test/lab/situations`.
 */
export interface KindMeaning {
  /** What requests see where no gateway has taken it over. */
  without: string;
  /** What requests see where it is refused for its content; conditions are those that refuse it. */
  refused(object: LivePolicy, conditions: PolicyCondition[]): string;
  /** What requests see where it is accepted and not all of it can be carried out. */
  incomplete: string;
  /** Where a more specific object takes over. */
  parts: 'routes' | 'listeners';
  /** What it means that nobody reports on it. */
  silent: {
    state: PolicyState;
    meaning(targets: string): string;
    remedy: string;
  };
  /** What it has, for people. */
  features(object: LivePolicy): string[];
  /** What the status does not tell, by feature; `''` stands for the kind as a whole. */
  untold: Readonly<Record<string, string>>;
  /** What is odd about the object itself. */
  oddities?(object: LivePolicy, targets: PolicyTarget[]): Hint[];
}

const every500 = 'Every request to the affected routes is answered with 500.';

const attachment =
  'Check name, kind and namespace of targetRefs (a targetRef is always in the policy’s own namespace), and that the route has a parentRef to a Gateway that is Programmed. Right after applying, wait some seconds. Targets in other namespaces need targetSelectors[].namespaces and a ReferenceGrant.';

const unattached = (targets: string) =>
  `No gateway has taken notice of the policy: ${
    targets || 'its target'
  } does not exist, is in another namespace, or belongs to no Gateway of Envoy Gateway. Envoy Gateway gives no condition for that.`;

/** Fields that say where something counts rather than what it does. */
const notFeatures = [
  'targetRef',
  'targetRefs',
  'targetSelectors',
  'mergeType',
  'parentRefs',
  'hostnames',
  'type',
  'priority',
];

const fieldsOf = ({ spec = {} }: LivePolicy) =>
  Object.keys(spec).filter(field => !notFeatures.includes(field));

const policy: KindMeaning = {
  without: 'Requests pass without what this policy sets.',
  refused: () => every500,
  incomplete: 'Part of what this policy sets is missing for requests.',
  parts: 'routes',
  silent: {
    state: 'NotAttached',
    meaning: unattached,
    remedy: attachment,
  },
  features: fieldsOf,
  untold: { '': 'what the policy sets must show in the answer.' },
};

const withoutEffect = ['UDPRoute', 'TCPRoute', 'TLSRoute'];

/** What requests see of an extension that is refused, by what becomes of them. */
const outcomes: Record<FailureOutcome, string> = {
  passes:
    'Requests pass without the extension that failed, because it is failOpen.',
  refused: every500,
  either:
    'The message does not say which entry failed. If it is one with failOpen, requests pass without it; if not, every request to the affected routes is answered with 500. A request shows which.',
};

const extension: KindMeaning = {
  ...policy,
  without: 'Requests pass without the extension.',
  refused: (object, conditions) =>
    outcomes[
      outcomeOfRefusal(object, conditions.map(c => c.message ?? '').join('\n'))
    ],
  features: mechanismsOf,
  untold: {
    ExtProc:
      'while the processor is down, or TLS to it fails, requests get 500 (with failOpen they pass unprocessed).',
    Wasm: 'with a module that Envoy cannot load, requests get 503, and Envoy’s log says why.',
    Lua: 'an error while the script runs is only in Envoy’s log, and the request passes.',
    DynamicModule:
      'if Envoy cannot load the module it rejects the whole listener and keeps the one before, so requests pass unprocessed and later changes are lost. Its counter update_rejected must not grow.',
  },
  oddities(object, targets) {
    const idle = targets.filter(({ kind }) => withoutEffect.includes(kind));
    return [
      ...(mechanismsOf(object).length === 0
        ? [
            {
              id: 'empty',
              severity: 'warning' as const,
              meaning: 'The policy holds no extension, so it does nothing.',
              remedy: 'Add an entry under extProc, wasm, lua or dynamicModule.',
            },
          ]
        : []),
      ...(idle.length > 0
        ? [
            {
              id: 'target-without-effect',
              severity: 'warning' as const,
              meaning: `${idle
                .map(t => `${t.kind} ${t.text}`)
                .join(
                  ', ',
                )}: the API accepts this kind, but extensions run on HTTP traffic only.`,
              remedy: 'Target a Gateway, ListenerSet, HTTPRoute or GRPCRoute.',
            },
          ]
        : []),
    ];
  },
};

const rejected =
  'Envoy can reject the configuration that follows from it, keep the one before, and lose later changes too: its counter update_rejected must not grow.';

const security: KindMeaning = {
  ...policy,
  without: 'Requests pass without the checks of this policy.',
  refused({ spec = {} }, conditions) {
    const lines = conditions.flatMap(c => (c.message ?? '').split('\n'));
    const { failOpen } = (spec.extAuth ?? {}) as { failOpen?: boolean };
    return failOpen && lines.every(line => line.startsWith('ExtAuth: '))
      ? 'Requests pass without external authorization, because it is failOpen.'
      : // The filters that could be built run before the route answers.
        'Every request to the affected routes is answered with 500, unless a check of this policy that still runs refuses it first with 401 or 403.';
  },
  untold: {
    jwt: 'while the issuer’s key set (JWKS) cannot be fetched, requests with a valid token get 401.',
    oidc: 'while the provider cannot be reached, logins fail with 401; sessions last until their tokens end.',
    extAuth:
      'while the service that decides cannot be reached, requests get 403 (with failOpen they pass unchecked).',
    apiKeyAuth: 'without a key of the Secret, a request gets 401.',
    basicAuth: 'without a user of the Secret, a request gets 401.',
    authorization: `behind another proxy, rules by address need clientIPDetection in a ClientTrafficPolicy. With a function that Envoy’s CEL lacks, ${rejected
      .charAt(0)
      .toLowerCase()}${rejected.slice(1)}`,
    '': 'requests that the policy should refuse must get 401 or 403.',
  },
};

const backendTraffic: KindMeaning = {
  ...policy,
  untold: {
    rateLimit:
      'while the rate limit service or its Redis is down, requests pass without a global limit (unless EnvoyGateway’s rateLimit.failClosed is set).',
    healthCheck:
      'while no endpoint passes the active check, requests get 503 or go to unhealthy endpoints, as panicThreshold says.',
    '': policy.untold['']!,
  },
};

const clientTraffic: KindMeaning = {
  ...policy,
  refused: () =>
    'Every request to the affected listeners is answered with 500.',
  parts: 'listeners',
  untold: {
    proxyProtocol:
      'a connection that does not begin with the PROXY protocol is closed.',
    tls: 'clients that do not meet the TLS settings cannot connect.',
    '': policy.untold['']!,
  },
};

const patch: KindMeaning = {
  ...policy,
  without: 'Envoy’s configuration is as if the policy were not there.',
  refused: () => 'Envoy’s configuration is as if the policy were not there.',
  incomplete:
    'The operations that failed are left out of Envoy’s configuration; requests pass without them.',
  silent: {
    state: 'NotAttached',
    meaning: targets =>
      `No gateway has taken notice of the policy: EnvoyPatchPolicy is switched off in this Envoy Gateway, which is the default, or ${
        targets || 'its target'
      } does not exist, is in another namespace, or is no Gateway of Envoy Gateway. Envoy Gateway gives no condition for that.`,
    remedy:
      'Ask the platform team whether extensionApis.enableEnvoyPatchPolicy is true in the EnvoyGateway configuration (Helm: config.envoyGateway.extensionApis.enableEnvoyPatchPolicy). Check spec.targetRef: a Gateway in the policy’s own namespace that is Programmed (with mergeGateways, the GatewayClass). Right after applying, wait some seconds.',
  },
  features: ({ spec = {} }) => [
    ...new Set(
      ((spec.jsonPatches ?? []) as { type?: string }[]).map(
        ({ type = '' }) => `patch of ${type.split('.').at(-1)}`,
      ),
    ),
  ],
  untold: { '': rejected },
};

const unreached = [
  'NotAllowedByListeners',
  'NoMatchingParent',
  'NoMatchingListenerHostname',
];

const notServed =
  'No listener serves this route: its requests get 404, or the answer of another route.';

const route: KindMeaning = {
  ...policy,
  without: notServed,
  refused: (_, conditions) =>
    conditions.every(({ reason = '' }) => unreached.includes(reason))
      ? notServed
      : 'Requests that match the rules with the fault are answered with 500.',
  incomplete:
    'Requests that match the rules with the fault are answered with 500 or 503; other rules work.',
  silent: {
    state: 'NotAttached',
    meaning: targets =>
      `No gateway has taken notice of the route: ${
        targets || 'its parent'
      } does not exist, or is no Gateway of Envoy Gateway. Envoy Gateway gives no condition for that.`,
    remedy:
      'Check name, kind and namespace of parentRefs, and that the Gateway is Programmed. Right after applying, wait some seconds.',
  },
  features: ({ spec = {} }) => [
    ...new Set(
      ((spec.rules ?? []) as { filters?: { type?: string }[] }[]).flatMap(
        ({ filters = [] }) => filters.map(({ type = '' }) => type),
      ),
    ),
  ],
  untold: {
    '': 'while no pod behind a Service answers, requests get 503.',
  },
};

const backend: KindMeaning = {
  ...policy,
  without:
    'No gateway leads requests to it. Where Backends are switched off, a rule that refers to it answers 500.',
  refused: () => 'Requests that are led to it are answered with 500.',
  incomplete: 'Requests that are led to it fail.',
  silent: {
    state: 'NotAttached',
    meaning: () =>
      'Envoy Gateway has not judged the Backend: no route or policy of a Gateway refers to it, or Backends are switched off in this Envoy Gateway, which is the default.',
    remedy: `Name it in backendRefs of a route or policy (group gateway.envoyproxy.io, kind Backend). Right after applying, wait some seconds. ${enableBackend}`,
  },
  untold: {
    '': 'whether its addresses answer is not part of the status; while none does, requests get 503.',
  },
};

const proxy: KindMeaning = {
  ...policy,
  without: 'No proxy is known to run with these settings.',
  refused: () =>
    'The Gateways that name it are not programmed: they get no proxies, or keep the configuration from before.',
  silent: {
    // Before 1.9 the status stays empty, whatever the object is.
    state: 'Unknown',
    meaning: () =>
      'Nobody reports on the EnvoyProxy: no GatewayClass or Gateway names it, or this is an Envoy Gateway before 1.9, which gives it no status.',
    remedy:
      'Name it in spec.parametersRef of the GatewayClass or spec.infrastructure.parametersRef of the Gateway (group gateway.envoyproxy.io, kind EnvoyProxy), and look at the conditions there.',
  },
  untold: {
    '': 'whether the proxies start with these settings is seen at their pods: kubectl get pods -n envoy-gateway-system -l app.kubernetes.io/component=proxy.',
  },
};

const filter: KindMeaning = {
  ...policy,
  without: 'What requests see depends on the route that refers to it.',
  silent: {
    state: 'NoStatus',
    meaning: () =>
      'This kind has no status. Whether the filter is taken, the route says that refers to it: a missing or refused filter is in its conditions ResolvedRefs and Accepted.',
    remedy:
      'Name it in the filters of a rule (type ExtensionRef, kind HTTPRouteFilter), and look at the route.',
  },
};

const ai: KindMeaning = {
  ...policy,
  without: 'What requests see is not known.',
  refused: () =>
    'AI Gateway keeps what it made of the object before; if it is new, nothing of it is in effect.',
  silent: {
    state: 'Unknown',
    meaning: () =>
      'AI Gateway has not reported on it: its controller is not there, does not run, or has not come to it yet.',
    remedy:
      'Wait half a minute, then look at the controller: kubectl get pods -n envoy-ai-gateway-system, and its log.',
  },
  untold: {
    '': 'AI Gateway says only that it has read the object. The HTTPRoute that it makes of an AIGatewayRoute says what the gateway makes of it; whether the provider answers, no status says.',
  },
};

/** What the states of each kind of `objectKinds` mean. */
export const meanings: Readonly<Record<string, KindMeaning>> = {
  EnvoyExtensionPolicy: extension,
  SecurityPolicy: security,
  BackendTrafficPolicy: backendTraffic,
  ClientTrafficPolicy: clientTraffic,
  EnvoyPatchPolicy: patch,
  EnvoyProxy: proxy,
  Backend: backend,
  HTTPRouteFilter: filter,
  HTTPRoute: route,
  GRPCRoute: route,
  AIGatewayRoute: ai,
  AIServiceBackend: ai,
  BackendSecurityPolicy: ai,
};
