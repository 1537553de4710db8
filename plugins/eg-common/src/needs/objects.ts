import {
  envoyGatewayApi,
  envoyGatewayGroup,
  gatewayGroup,
} from '../policy/constants';
import type {
  KubernetesObject,
  ObjectFile,
} from '../policy/envoyExtensionPolicy';
import type { FieldComment } from '../policy/yaml';
import { NativeContext } from './types';

// What the policies of the needs table are made of. Where the owner has to decide, the value is a working example and
// its line ends in a TODO.

/** Kinds of route that HTTP features apply to, and what they are attached to. */
export const httpTargets = [
  'HTTPRoute',
  'GRPCRoute',
  'Gateway',
  'ListenerSet',
] as const;

type Path = (string | number)[];

/** A value that the owner has to decide. */
export const todo = (path: Path, text: string): FieldComment => ({
  path,
  text: `TODO: ${text}`,
  inline: true,
});

/** Something to know about a field. */
export const note = (path: Path, text: string): FieldComment => ({
  path,
  text,
});

const file = (kind: string) => `policy/${kind.toLowerCase()}.yaml`;

function metadata({ name, target, labels }: NativeContext, own = name) {
  return { name: own, namespace: target.namespace, labels };
}

/** The Gateway that the target belongs to: the target itself, or one that the owner has to name. */
function gatewayOf({ target }: NativeContext): {
  name: string;
  placeholder: boolean;
} {
  return target.kind === 'Gateway'
    ? { name: target.name, placeholder: target.placeholder }
    : { name: 'my-gateway', placeholder: true };
}

/** Who the policy is for: the person's target, or its Gateway where the kind allows nothing else. */
function targetRef(context: NativeContext, kinds: readonly string[]) {
  const { target } = context;
  if (kinds.includes(target.kind)) {
    return {
      ref: {
        group: gatewayGroup,
        kind: target.kind,
        name: target.name,
        ...(target.sectionName ? { sectionName: target.sectionName } : {}),
      },
      comments: target.placeholder
        ? [
            todo(
              ['spec', 'targetRefs', 0, 'name'],
              `the ${target.kind} in namespace ${target.namespace}.`,
            ),
          ]
        : [],
    };
  }
  const gateway = gatewayOf(context);
  return {
    ref: { group: gatewayGroup, kind: 'Gateway', name: gateway.name },
    comments: [
      todo(
        ['spec', 'targetRefs', 0, 'name'],
        `the Gateway of your ${target.kind}. All its routes are affected; add sectionName for one listener.`,
      ),
    ],
  };
}

/** Kinds that each policy of Envoy Gateway can target. */
const policyTargets: Record<string, readonly string[]> = {
  SecurityPolicy: [
    'Gateway',
    'ListenerSet',
    'HTTPRoute',
    'GRPCRoute',
    'TCPRoute',
  ],
  BackendTrafficPolicy: [
    'Gateway',
    'ListenerSet',
    'HTTPRoute',
    'GRPCRoute',
    'TCPRoute',
    'TLSRoute',
    'UDPRoute',
  ],
  ClientTrafficPolicy: ['Gateway', 'ListenerSet'],
};

/** A policy of Envoy Gateway for the target. */
export function policy(
  context: NativeContext,
  kind: 'SecurityPolicy' | 'BackendTrafficPolicy' | 'ClientTrafficPolicy',
  spec: Record<string, unknown>,
  comments: FieldComment[] = [],
): ObjectFile {
  const { ref, comments: targetComments } = targetRef(
    context,
    policyTargets[kind]!,
  );
  return {
    path: file(kind),
    object: {
      apiVersion: envoyGatewayApi,
      kind,
      metadata: metadata(context),
      spec: { targetRefs: [ref], ...spec },
    },
    comments: [...targetComments, ...comments],
  };
}

/** Which kind of route carries filters for the target. */
function routeKind({ target }: NativeContext): 'HTTPRoute' | 'GRPCRoute' {
  return target.kind === 'GRPCRoute' ? 'GRPCRoute' : 'HTTPRoute';
}

/** A rule of a route; `answers`: its filters answer themselves, so that it leads nowhere. */
type Rule = {
  matches?: object[];
  filters?: object[];
  backendRefs?: object[];
  answers?: boolean;
  [field: string]: unknown;
};

const backend = { name: 'my-service', port: 8080 };

/**
 * The person's route with filters or matches in its rules.
 *
 * @param rules - each without backendRefs where they stay those of the route
 * @param comments - where the owner decides
 */
export function route(
  context: NativeContext,
  rules: Rule[],
  comments: FieldComment[] = [],
): ObjectFile {
  const { target } = context;
  const kind = routeKind(context);
  const own = target.kind === kind;
  const parent =
    target.kind === 'ListenerSet'
      ? {
          ref: { group: gatewayGroup, kind: 'ListenerSet', name: target.name },
          placeholder: target.placeholder,
        }
      : {
          ref: { name: gatewayOf(context).name },
          placeholder: gatewayOf(context).placeholder,
        };
  const complete = rules.map(
    ({ answers, ...rule }): Rule =>
      answers || 'backendRefs' in rule
        ? rule
        : { ...rule, backendRefs: [backend] },
  );
  return {
    path: file(kind),
    object: {
      apiVersion: `${gatewayGroup}/v1`,
      kind,
      metadata: metadata(context, own ? target.name : 'my-route'),
      spec: { parentRefs: [parent.ref], rules: complete },
    },
    comments: [
      note(
        ['spec', 'rules'],
        `Put what these rules say into the rules of your own ${kind}. This file is not part of kustomization.yaml: applied, it takes the place of a route with its name.`,
      ),
      ...(!own || target.placeholder
        ? [
            todo(
              ['metadata', 'name'],
              `your ${kind}, in namespace ${target.namespace}.`,
            ),
          ]
        : []),
      ...(parent.placeholder
        ? [
            todo(
              ['spec', 'parentRefs', 0, 'name'],
              'what your route is attached to.',
            ),
          ]
        : []),
      ...complete.flatMap((rule, i) =>
        rule.backendRefs?.[0] === backend
          ? [
              todo(
                ['spec', 'rules', i, 'backendRefs', 0, 'name'],
                'the Service that the rule leads to, and its port.',
              ),
            ]
          : [],
      ),
      ...comments,
    ],
  };
}

/** A filter of Envoy Gateway that a rule refers to, and the route that refers to it. */
export function routeFilter(
  context: NativeContext,
  spec: Record<string, unknown>,
  comments: FieldComment[] = [],
): ObjectFile[] {
  const filter: ObjectFile = {
    path: 'policy/httproutefilter.yaml',
    object: {
      apiVersion: envoyGatewayApi,
      kind: 'HTTPRouteFilter',
      metadata: metadata(context),
      spec,
    },
    comments,
  };
  const reference = {
    type: 'ExtensionRef',
    extensionRef: {
      group: envoyGatewayGroup,
      kind: 'HTTPRouteFilter',
      name: context.name,
    },
  };
  return [
    filter,
    route(context, [
      { filters: [reference], answers: 'directResponse' in spec },
    ]),
  ];
}

/** Any other object in the target's namespace. */
export function object(
  context: NativeContext,
  apiVersion: string,
  kind: string,
  rest: Record<string, unknown>,
  comments: FieldComment[] = [],
  name = context.name,
): ObjectFile {
  return {
    path: file(kind),
    object: {
      apiVersion,
      kind,
      metadata: metadata(context, name),
      ...rest,
    } as KubernetesObject,
    comments,
  };
}

/** Settings of all proxies of a Gateway; its owner refers to them. */
export function envoyProxy(
  context: NativeContext,
  spec: Record<string, unknown>,
  comments: FieldComment[] = [],
): ObjectFile {
  return object(context, envoyGatewayApi, 'EnvoyProxy', { spec }, [
    note(
      ['spec'],
      `Counts for a Gateway whose spec.infrastructure.parametersRef names it (group ${envoyGatewayGroup}, kind EnvoyProxy, name ${context.name}). One Gateway has one EnvoyProxy: where it has one already, add these fields there.`,
    ),
    ...comments,
  ]);
}

/** A patch of what Envoy Gateway programs. */
export function listenerPatch(
  context: NativeContext,
  filter: Record<string, unknown>,
): ObjectFile {
  const gateway = gatewayOf(context);
  const listener = `${context.target.namespace}/${gateway.name}/${
    context.target.kind === 'Gateway' && context.target.sectionName
      ? context.target.sectionName
      : 'http'
  }`;
  return object(
    context,
    envoyGatewayApi,
    'EnvoyPatchPolicy',
    {
      spec: {
        targetRef: { group: gatewayGroup, kind: 'Gateway', name: gateway.name },
        type: 'JSONPatch',
        jsonPatches: [
          {
            type: 'type.googleapis.com/envoy.config.listener.v3.Listener',
            name: listener,
            operation: {
              op: 'add',
              path: '/default_filter_chain/filters/0/typed_config/http_filters/0',
              value: filter,
            },
          },
        ],
      },
    },
    [
      ...(gateway.placeholder
        ? [
            todo(
              ['spec', 'targetRef', 'name'],
              'the Gateway; the patch counts for a whole listener.',
            ),
          ]
        : []),
      todo(
        ['spec', 'jsonPatches', 0, 'name'],
        'namespace, Gateway and listener, as egctl config envoy-proxy listener prints them.',
      ),
    ],
  );
}
