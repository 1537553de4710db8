import { CelPlaceName, lintCel, lintCelFormat } from './cel';
import { envoyGatewayApi, gatewayGroup } from './constants';
import { LintProblem, valuesAt } from './lint';

type Value = any;

interface KindRules {
  apiVersion: string;
  /** Kinds that it can target, where it has targets. */
  targets?: readonly string[];
  /** Fields of spec of which one has to be there. */
  oneOf?: readonly string[];
  /** Fields of spec that have to be there. */
  required?: readonly string[];
}

const routes = ['HTTPRoute', 'GRPCRoute'];
const gateways = ['Gateway', 'ListenerSet'];
const connections = ['TCPRoute', 'TLSRoute', 'UDPRoute'];

/** What the API of each kind that is written asks for. Source: the CRDs of Envoy Gateway 1.9 and Gateway API 1.6. */
const kinds: Record<string, KindRules> = {
  SecurityPolicy: {
    apiVersion: envoyGatewayApi,
    targets: [...gateways, ...routes, 'TCPRoute'],
    oneOf: [
      'apiKeyAuth',
      'authorization',
      'basicAuth',
      'cors',
      'csrf',
      'extAuth',
      'jwt',
      'oidc',
    ],
  },
  BackendTrafficPolicy: {
    apiVersion: envoyGatewayApi,
    targets: [...gateways, ...routes, ...connections],
  },
  ClientTrafficPolicy: { apiVersion: envoyGatewayApi, targets: gateways },
  EnvoyProxy: { apiVersion: envoyGatewayApi },
  HTTPRouteFilter: {
    apiVersion: envoyGatewayApi,
    oneOf: ['credentialInjection', 'directResponse', 'matches', 'urlRewrite'],
  },
  Backend: { apiVersion: envoyGatewayApi, oneOf: ['endpoints', 'type'] },
  EnvoyPatchPolicy: {
    apiVersion: envoyGatewayApi,
    required: ['targetRef', 'type', 'jsonPatches'],
  },
  HTTPRoute: {
    apiVersion: `${gatewayGroup}/v1`,
    required: ['parentRefs', 'rules'],
  },
  GRPCRoute: {
    apiVersion: `${gatewayGroup}/v1`,
    required: ['parentRefs', 'rules'],
  },
};

/** Where a kind has CEL expressions: alone, or as `%CEL(…)%` in a format. */
interface CelField {
  at: string;
  place: CelPlaceName;
  format?: true;
}

const modified = (at: string, place: CelPlaceName): CelField[] =>
  ['set', 'add', 'addIfAbsent'].map(list => ({
    at: `${at}.${list}[].value`,
    place,
    format: true,
  }));

const routeHeaders = ['filters[]', 'backendRefs[].filters[]'].flatMap(at => [
  ...modified(`spec.rules[].${at}.requestHeaderModifier`, 'requestHeader'),
  ...modified(`spec.rules[].${at}.responseHeaderModifier`, 'responseHeader'),
]);

const logs = 'spec.telemetry.accessLog.settings[]';

const celFields: Record<string, readonly CelField[]> = {
  SecurityPolicy: [
    { at: 'spec.authorization.rules[].cel', place: 'authorization' },
  ],
  EnvoyProxy: [
    { at: `${logs}.matches[]`, place: 'logFilter' },
    { at: `${logs}.format.text`, place: 'logFormat', format: true },
    { at: `${logs}.format.json.*`, place: 'logFormat', format: true },
  ],
  ClientTrafficPolicy: [
    ...modified('spec.headers.earlyRequestHeaders', 'requestHeader'),
    ...modified('spec.headers.lateResponseHeaders', 'responseHeader'),
  ],
  HTTPRoute: routeHeaders,
  GRPCRoute: routeHeaders,
};

/** What Envoy refuses of the CEL expressions in an object, or never finds true. */
function celProblems(object: Value): LintProblem[] {
  return (celFields[object.kind] ?? []).flatMap(({ at, place, format }) =>
    valuesAt(object, at).flatMap(([field, text]) =>
      typeof text === 'string'
        ? (format ? lintCelFormat : lintCel)(text, place).map(message => ({
            field,
            message,
          }))
        : [],
    ),
  );
}

/**
 * Checks an object of Envoy Gateway or the Gateway API for what its kind asks for: version, required fields, targets and
 * CEL expressions that Envoy can judge.
 * Kinds that are not known are left to the cluster.
 *
 * @public
 * @param object - the object
 * @returns the broken rules; empty when there are none
 */
export function lintNative(object: unknown): LintProblem[] {
  const { apiVersion, kind, metadata, spec } = (object ?? {}) as Value;
  const problems: LintProblem[] = [];
  const broken = (field: string, message: string) =>
    problems.push({ field, message });
  if (!apiVersion) {
    broken('apiVersion', 'is required');
  }
  if (!kind) {
    broken('kind', 'is required');
  }
  if (!metadata?.name) {
    broken('metadata.name', 'is required');
  }
  const rules = kinds[kind];
  if (!rules) {
    return problems;
  }
  if (apiVersion !== rules.apiVersion) {
    broken('apiVersion', `of a ${kind} is ${rules.apiVersion}`);
  }
  for (const field of rules.required ?? []) {
    if (spec?.[field] === undefined) {
      broken(`spec.${field}`, 'is required');
    }
  }
  if (rules.oneOf && !rules.oneOf.some(f => spec?.[f] !== undefined)) {
    broken('spec', `has none of ${rules.oneOf.join(', ')}`);
  }
  if (rules.targets) {
    const refs: Value[] = spec?.targetRefs ?? [];
    if (refs.length === 0) {
      broken('spec.targetRefs', 'is empty: the policy counts for nothing');
    }
    refs.forEach((ref, i) => {
      if (ref?.group !== gatewayGroup) {
        broken(`spec.targetRefs[${i}].group`, `must be ${gatewayGroup}`);
      }
      if (!rules.targets!.includes(ref?.kind)) {
        broken(
          `spec.targetRefs[${i}].kind`,
          `of a ${kind} is one of ${rules.targets!.join(', ')}`,
        );
      }
      if (!ref?.name) {
        broken(`spec.targetRefs[${i}].name`, 'is required');
      }
    });
  }
  return [...problems, ...celProblems(object)];
}
