import { releaseOf } from '../releases';
import { gatewayGroup, policyKind } from './constants';

/**
 * A rule of the EnvoyExtensionPolicy API that an object breaks.
 *
 * @public
 */
export interface LintProblem {
  /** Path of the field, for example `spec.extProc[0]`. */
  field: string;
  /** What the API server or Envoy Gateway would say, or what is known to go wrong. */
  message: string;
}

type Value = any;

interface Rule {
  /** Path pattern; `[]` stands for every element. */
  at: string;
  message: string;
  /** Whether the value at the path keeps the rule. */
  holds(value: Value): boolean;
}

const has = (value: Value, key: string) =>
  value !== null && typeof value === 'object' && value[key] !== undefined;

const kinds = [
  'Gateway',
  'ListenerSet',
  'HTTPRoute',
  'GRPCRoute',
  'UDPRoute',
  'TCPRoute',
  'TLSRoute',
];
const routeKinds = kinds.filter(kind => kind.endsWith('Route'));
const noEffectKinds = ['UDPRoute', 'TCPRoute', 'TLSRoute'];
const bodyModes = [
  'Streamed',
  'Buffered',
  'BufferedPartial',
  'FullDuplexStreamed',
];

const duration = /^([0-9]{1,5}(h|m|s|ms)){1,4}$/;
const dnsSubdomain =
  /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const isObject = (value: Value) =>
  value !== null && typeof value === 'object' && !Array.isArray(value);
const isName = (value: Value) =>
  typeof value === 'string' && value.length >= 1 && value.length <= 253;
const isPort = (value: Value) =>
  Number.isInteger(value) && value >= 1 && value <= 65535;
const optional = (check: (value: Value) => boolean) => (value: Value) =>
  value === undefined || check(value);
const oneOf = (values: readonly string[]) =>
  optional((value: Value) => values.includes(value));
const bodies = (extProc: Value) =>
  ['request', 'response'].map(
    direction => extProc?.processingMode?.[direction]?.body,
  );

/** Rules of the CRD's schema for the fields that are generated. Source: envoy-gateway.md's flattened CRD, v1.9. */
const schemaRules: Rule[] = [
  {
    at: 'metadata.name',
    message: 'must be a DNS subdomain of at most 253 characters',
    holds: value => isName(value) && dnsSubdomain.test(value),
  },
  ...['extProc', 'wasm', 'lua', 'dynamicModule'].map(
    (list): Rule => ({
      at: `spec.${list}`,
      message: 'must be a list of at most 16 entries',
      holds: optional(value => Array.isArray(value) && value.length <= 16),
    }),
  ),
  {
    at: 'spec.extProc[].messageTimeout',
    message: 'must be a Gateway API Duration such as 500ms or 1m30s',
    holds: optional(value => typeof value === 'string' && duration.test(value)),
  },
  ...['request', 'response'].map(
    (direction): Rule => ({
      at: `spec.extProc[].processingMode.${direction}.body`,
      message: `must be one of ${bodyModes.join(', ')}`,
      holds: oneOf(bodyModes),
    }),
  ),
  ...['extProc[].failOpen', 'wasm[].failOpen'].map(
    (field): Rule => ({
      at: `spec.${field}`,
      message: 'must be true or false',
      holds: optional(value => typeof value === 'boolean'),
    }),
  ),
  {
    at: 'spec.extProc[].backendRefs[].name',
    message: 'is required, 1 to 253 characters',
    holds: isName,
  },
  {
    at: 'spec.extProc[].backendRefs[].port',
    message: 'must be from 1 to 65535',
    holds: optional(isPort),
  },
  {
    at: 'spec.targetRefs[].name',
    message: 'is required, 1 to 253 characters',
    holds: isName,
  },
  {
    at: 'spec.wasm[].code',
    message: 'is required',
    holds: isObject,
  },
  {
    at: 'spec.wasm[].code.type',
    message: 'must be HTTP or Image',
    holds: value => value === 'HTTP' || value === 'Image',
  },
  {
    at: 'spec.lua[].type',
    message: 'must be Inline or ValueRef',
    holds: value => value === 'Inline' || value === 'ValueRef',
  },
];

/** Every CEL rule of the CRD that concerns generated fields, v1.9, with the API server's messages. */
const celRules: Rule[] = [
  {
    at: 'spec',
    message: 'either targetRef or targetRefs must be used',
    holds: spec =>
      has(spec, 'targetRef') !== has(spec, 'targetRefs') ||
      (spec.targetSelectors?.length ?? 0) > 0,
  },
  {
    at: 'spec.targetRef.group',
    message: `this policy can only have a targetRef.group of ${gatewayGroup}`,
    holds: optional(value => value === gatewayGroup),
  },
  {
    at: 'spec.targetRef.kind',
    message: `this policy can only have a targetRef.kind of ${kinds.join('/')}`,
    holds: oneOf(kinds),
  },
  {
    at: 'spec.targetRefs[].group',
    message: `this policy can only have a targetRefs[*].group of ${gatewayGroup}`,
    holds: value => value === gatewayGroup,
  },
  {
    at: 'spec.targetRefs[].kind',
    message: `this policy can only have a targetRefs[*].kind of ${kinds.join(
      '/',
    )}`,
    holds: value => kinds.includes(value),
  },
  {
    at: 'spec',
    message: 'mergeType can only be used with xRoute targets',
    holds: spec =>
      !has(spec, 'mergeType') ||
      [
        ...(has(spec, 'targetRef') ? [spec.targetRef] : []),
        ...(spec.targetRefs ?? []),
        ...(spec.targetSelectors ?? []),
      ].every((target: Value) => routeKinds.includes(target?.kind)),
  },
  {
    at: 'spec.mergeType',
    message: 'Replace is not a valid MergeType for EnvoyExtensionPolicy',
    holds: value => value !== 'Replace',
  },
  {
    at: 'spec.targetSelectors[].group',
    message: `group must be ${gatewayGroup}`,
    holds: optional(value => value === gatewayGroup),
  },
  {
    at: 'spec.targetSelectors[].namespaces',
    message: 'selector must be specified when from is Selector',
    holds: optional(
      value => value?.from !== 'Selector' || has(value, 'selector'),
    ),
  },
  {
    at: 'spec.extProc[]',
    message: 'BackendRefs must be used, backendRef is not supported.',
    holds: value => !has(value, 'backendRef'),
  },
  {
    at: 'spec.extProc[].backendRefs[].kind',
    message:
      'BackendRefs only supports Service, ServiceImport, and Backend kind.',
    holds: oneOf(['Service', 'ServiceImport', 'Backend']),
  },
  {
    at: 'spec.extProc[].backendRefs[].group',
    message:
      'BackendRefs only supports Core, multicluster.x-k8s.io, and gateway.envoyproxy.io groups.',
    holds: oneOf(['', 'multicluster.x-k8s.io', 'gateway.envoyproxy.io']),
  },
  {
    at: 'spec.extProc[].backendRefs[]',
    message: 'Must have port for Service reference',
    holds: value =>
      (value?.group ?? '') !== '' ||
      (value?.kind ?? 'Service') !== 'Service' ||
      has(value, 'port'),
  },
  {
    at: 'spec.extProc[]',
    message:
      'If FullDuplexStreamed body processing mode is used, FailOpen must be false.',
    holds: value =>
      value?.failOpen !== true || !bodies(value).includes('FullDuplexStreamed'),
  },
  {
    at: 'spec.extProc[]',
    message:
      'If shadowMode is enabled, body processing mode must be Streamed or unset.',
    holds: value =>
      value?.shadowMode !== true ||
      bodies(value).every(body => body === undefined || body === 'Streamed'),
  },
  {
    at: 'spec.extProc[].metadata.writableNamespaces[]',
    message:
      'writableNamespaces cannot contain well-known Envoy HTTP filter namespaces',
    holds: optional(value => !String(value).startsWith('envoy.filters.http')),
  },
  {
    at: 'spec.lua[]',
    message: 'Exactly one of inline or valueRef must be set with correct type.',
    holds: value =>
      value?.type === 'ValueRef'
        ? !has(value, 'inline') && has(value, 'valueRef')
        : has(value, 'inline') && !has(value, 'valueRef'),
  },
  {
    at: 'spec.lua[].valueRef',
    message:
      'Only a reference to an object of kind ConfigMap belonging to default v1 API group is supported.',
    holds: optional(
      value =>
        value?.kind === 'ConfigMap' &&
        (value.group === '' || value.group === 'v1'),
    ),
  },
  {
    at: 'spec.wasm[].code',
    message: 'If type is HTTP, http field needs to be set.',
    holds: value => (value?.type === 'HTTP') === has(value, 'http'),
  },
  {
    at: 'spec.wasm[].code',
    message: 'If type is Image, image field needs to be set.',
    holds: value => (value?.type === 'Image') === has(value, 'image'),
  },
  {
    at: 'spec.wasm[].code.image.pullSecretRef',
    message: 'only support Secret kind.',
    holds: optional(value => (value?.kind ?? 'Secret') === 'Secret'),
  },
];

/** What the API server accepts and Envoy Gateway refuses or ignores. */
const controllerRules: Rule[] = [
  {
    at: 'spec.extProc[]',
    message: 'no backendRefs found for external service',
    holds: value => (value?.backendRefs?.length ?? 0) > 0,
  },
  {
    at: 'spec.lua[].filterContext',
    message: 'must be an object; Envoy Gateway cannot program anything else',
    holds: optional(isObject),
  },
  {
    at: 'spec.targetRef',
    message: 'is deprecated, use spec.targetRefs instead',
    holds: value => value === undefined,
  },
  {
    at: 'spec.targetRefs[].kind',
    message: `a policy on ${noEffectKinds.join(
      ', ',
    )} is accepted and has no effect`,
    holds: value => !noEffectKinds.includes(value),
  },
  {
    at: 'spec',
    message: 'has no extension: give extProc, wasm, lua or dynamicModule',
    holds: spec =>
      ['extProc', 'wasm', 'lua', 'dynamicModule'].some(
        list => (spec?.[list]?.length ?? 0) > 0,
      ),
  },
];

/** Fields that a release lacks, with the release that brought them. */
const releaseFields: {
  at: string;
  known: keyof ReturnType<typeof releaseOf>;
  since: string;
  holds?: (value: Value) => boolean;
}[] = [
  {
    at: 'spec.targetRefs[].kind',
    known: 'listenerSet',
    since: '1.9',
    holds: value => value !== 'ListenerSet',
  },
  { at: 'spec.mergeType', known: 'mergeType', since: '1.9' },
  { at: 'spec.lua[].filterContext', known: 'luaFilterContext', since: '1.9' },
  {
    at: 'spec.extProc[].shadowMode',
    known: 'extProcShadowModeAndStatus',
    since: '1.9',
  },
  {
    at: 'spec.extProc[].statusOnError',
    known: 'extProcShadowModeAndStatus',
    since: '1.9',
  },
  { at: 'spec.dynamicModule', known: 'dynamicModule', since: '1.8' },
];

/** The values at a path pattern with their real paths; a path that leads nowhere gives its parent's missing field. */
function valuesAt(root: Value, pattern: string): [string, Value][] {
  const steps = pattern
    .split('.')
    .flatMap(step =>
      step.endsWith('[]') ? [step.slice(0, -2), '[]'] : [step],
    );
  return steps.reduce<[string, Value][]>(
    (found, step) =>
      found.flatMap(([path, value]): [string, Value][] => {
        if (step === '[]') {
          return Array.isArray(value)
            ? value.map((v, i) => [`${path}[${i}]`, v])
            : [];
        }
        return isObject(value)
          ? [[path ? `${path}.${step}` : step, value[step]]]
          : [];
      }),
    [['', root]],
  );
}

/**
 * Checks an EnvoyExtensionPolicy against the API's rules (schema of the generated fields and every CEL rule on them)
 * and against what Envoy Gateway is known to refuse or ignore.
 *
 * @public
 * @param policy - the object
 * @param gatewayVersion - minor release of Envoy Gateway
 * @returns the broken rules; empty when there are none
 */
export function lintPolicy(
  policy: unknown,
  gatewayVersion: string,
): LintProblem[] {
  const object = policy as Value;
  if (
    !isObject(object) ||
    object.kind !== policyKind ||
    !isObject(object.spec)
  ) {
    return [{ field: 'kind', message: `must be a ${policyKind} with a spec` }];
  }
  const release = releaseOf(gatewayVersion);
  const rules: Rule[] = [
    ...schemaRules,
    ...celRules,
    ...controllerRules,
    ...releaseFields
      .filter(({ known }) => !release[known])
      .map(
        ({ at, since, holds }): Rule => ({
          at,
          message: `exists since Envoy Gateway ${since}, not in ${release.version}`,
          holds: holds ?? (value => value === undefined),
        }),
      ),
  ];
  return rules.flatMap(({ at, message, holds }) =>
    valuesAt(object, at)
      .filter(([, value]) => !holds(value))
      .map(([field]) => ({ field, message })),
  );
}
