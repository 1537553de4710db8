import {
  envoyGatewayApi,
  envoyGatewayGroup,
  gatewayGroup,
} from '../policy/constants';
import type { ObjectFile } from '../policy/envoyExtensionPolicy';
import { commentsOf, note, plain, todo } from './marks';
import { crossRules, merge, Rule } from './merge';
import type { NativeContext } from './types';

// What the policies of the needs table are made of. Where nothing was given, the value is a working example and its line
// ends in a TODO.

/** Kinds of route that HTTP features apply to, and what they are attached to. */
export const httpTargets = [
  'HTTPRoute',
  'GRPCRoute',
  'Gateway',
  'ListenerSet',
] as const;

/** What one need asks of an object. What several needs ask of the object with one path becomes one object. */
export interface Piece {
  path: string;
  apiVersion: string;
  kind: string;
  name: unknown;
  /** Every field but the metadata; values may be marked, see marks.ts. */
  body: Record<string, unknown>;
  /** Of a route: its rules. `first`: they stand before the others, and are not combined with them. */
  rules?: { first: boolean; list: Rule[] };
}

const fileOf = (kind: string, variant = '') =>
  `policy/${kind.toLowerCase()}${variant && `-${variant}`}.yaml`;

/** The name of the Gateway that the target belongs to: the target itself, or one that the owner has to name. */
function gatewayName({ target }: NativeContext, text: string): unknown {
  return target.kind === 'Gateway' && !target.placeholder
    ? target.name
    : todo(target.kind === 'Gateway' ? target.name : 'my-gateway', text);
}

/** Who the policy is for: the person's target, or its Gateway where the kind allows nothing else. */
function targetRef(context: NativeContext, kinds: readonly string[]) {
  const { target } = context;
  if (kinds.includes(target.kind)) {
    return {
      group: gatewayGroup,
      kind: target.kind,
      name: target.placeholder
        ? todo(
            target.name,
            `the ${target.kind} in namespace ${target.namespace}.`,
          )
        : target.name,
      ...(target.sectionName ? { sectionName: target.sectionName } : {}),
    };
  }
  return {
    group: gatewayGroup,
    kind: 'Gateway',
    name: gatewayName(
      context,
      `the Gateway of your ${target.kind}. All its routes are affected; add sectionName for one listener.`,
    ),
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
): Piece {
  return object(context, envoyGatewayApi, kind, {
    spec: { targetRefs: [targetRef(context, policyTargets[kind]!)], ...spec },
  });
}

/** What a route is attached to. */
function parentRef(context: NativeContext, text: string) {
  const { target } = context;
  return target.kind === 'ListenerSet'
    ? {
        group: gatewayGroup,
        kind: 'ListenerSet',
        name: target.placeholder ? todo(target.name, text) : target.name,
      }
    : { name: gatewayName(context, text) };
}

/**
 * The person's route with filters or matches in its rules.
 *
 * @param list - the rules, each without backendRefs where they stay those of the route
 * @param first - whether they stand before other rules of the route instead of being combined with them
 */
export function route(
  context: NativeContext,
  list: Rule[],
  first = false,
): Piece {
  const { target } = context;
  const kind = target.kind === 'GRPCRoute' ? 'GRPCRoute' : 'HTTPRoute';
  const own = target.kind === kind;
  const name = own ? target.name : 'my-route';
  return {
    path: fileOf(kind),
    apiVersion: `${gatewayGroup}/v1`,
    kind,
    name:
      own && !target.placeholder
        ? name
        : todo(name, `your ${kind}, in namespace ${target.namespace}.`),
    body: {
      spec: {
        parentRefs: [parentRef(context, 'what your route is attached to.')],
      },
    },
    rules: { first, list },
  };
}

/** A route of its own that redirects. */
export function redirectRoute(context: NativeContext, rule: Rule): Piece {
  return {
    path: fileOf('HTTPRoute', 'redirect'),
    apiVersion: `${gatewayGroup}/v1`,
    kind: 'HTTPRoute',
    name: `${context.name}-redirect`,
    body: {
      spec: {
        parentRefs: [
          {
            ...parentRef(context, 'the Gateway whose requests are redirected.'),
            sectionName: todo(
              'http',
              'the listener whose requests are redirected; a redirect to https on the HTTPS listener never ends.',
            ),
          },
        ],
      },
    },
    rules: { first: true, list: [rule] },
  };
}

/**
 * A filter of Envoy Gateway, and the route with the rule that refers to it.
 *
 * @param own - of a filter that answers itself: what requests its rule matches; it is a filter and a rule of its own
 */
export function routeFilter(
  context: NativeContext,
  spec: Record<string, unknown>,
  own?: { variant: string; matches: unknown[] },
): Piece[] {
  const name = own ? `${context.name}-${own.variant}` : context.name;
  const extensionRef = {
    group: envoyGatewayGroup,
    kind: 'HTTPRouteFilter',
    name,
  };
  const rule: Rule = { filters: [{ type: 'ExtensionRef', extensionRef }] };
  return [
    {
      path: fileOf('HTTPRouteFilter', own?.variant),
      apiVersion: envoyGatewayApi,
      kind: 'HTTPRouteFilter',
      name,
      body: { spec },
    },
    own
      ? route(context, [{ matches: own.matches, ...rule }], true)
      : route(context, [rule]),
  ];
}

/** Any other object in the target's namespace. */
export function object(
  context: NativeContext,
  apiVersion: string,
  kind: string,
  body: Record<string, unknown>,
): Piece {
  return { path: fileOf(kind), apiVersion, kind, name: context.name, body };
}

/** Settings of all proxies of a Gateway; its owner refers to them. */
export function envoyProxy(
  context: NativeContext,
  spec: Record<string, unknown>,
): Piece {
  return object(context, envoyGatewayApi, 'EnvoyProxy', {
    spec: note(
      spec,
      `Counts for a Gateway whose spec.infrastructure.parametersRef names it (group ${envoyGatewayGroup}, kind EnvoyProxy, name ${context.name}). One Gateway has one EnvoyProxy: where it has one already, add these fields there.`,
    ),
  });
}

/** A patch of what Envoy Gateway programs. */
export function listenerPatch(
  context: NativeContext,
  filter: Record<string, unknown>,
): Piece {
  const { target } = context;
  const gateway = target.kind === 'Gateway' ? target.name : 'my-gateway';
  const section = target.kind === 'Gateway' ? target.sectionName : null;
  return object(context, envoyGatewayApi, 'EnvoyPatchPolicy', {
    spec: {
      targetRef: {
        group: gatewayGroup,
        kind: 'Gateway',
        name: gatewayName(
          context,
          'the Gateway; the patch counts for a whole listener.',
        ),
      },
      type: 'JSONPatch',
      jsonPatches: [
        {
          type: 'type.googleapis.com/envoy.config.listener.v3.Listener',
          name: todo(
            `${target.namespace}/${gateway}/${section ?? 'http'}`,
            'namespace, Gateway and listener, as egctl config envoy-proxy listener prints them.',
          ),
          operation: {
            op: 'add',
            path: '/default_filter_chain/filters/0/typed_config/http_filters/0',
            value: filter,
          },
        },
      ],
    },
  });
}

/** Whether a rule leads nowhere because one of its filters answers. */
const answersItself = (rule: Rule, answering: readonly string[]) =>
  (rule.filters ?? []).some(filter => {
    const { type, extensionRef } = plain(filter);
    return type === 'RequestRedirect' || answering.includes(extensionRef?.name);
  });

/** The rules of all needs as those of one route. */
function rulesOf(pieces: readonly Piece[], answering: readonly string[]) {
  const of = (first: boolean) =>
    pieces.flatMap(({ rules }) => (rules?.first === first ? [rules.list] : []));
  const combined = of(false);
  return [
    ...of(true).flat(),
    ...(combined.length ? combined.reduce(crossRules) : []),
  ].map(rule =>
    rule.backendRefs || answersItself(rule, answering)
      ? rule
      : {
          ...rule,
          backendRefs: [
            {
              name: todo(
                'my-service',
                'the Service that the rule leads to, and its port.',
              ),
              port: 8080,
            },
          ],
        },
  );
}

/** Rules of a SecurityPolicy in the order in which they count; what no rule names is denied where one allows. */
function authorized(spec: any) {
  const authorization = plain(spec.authorization);
  if (!authorization) {
    return spec;
  }
  const denies = authorization.rules.map((r: any) => r.action === 'Deny');
  const rules = [true, false].flatMap(deny =>
    spec.authorization.rules.filter((_: any, i: number) => denies[i] === deny),
  );
  return {
    ...spec,
    authorization: {
      defaultAction: denies.every(Boolean) ? 'Allow' : 'Deny',
      rules: note(
        rules,
        'The first rule that matches decides; what matches none gets the default action.',
      ),
    },
  };
}

/**
 * The objects for what needs ask of them: one for each path, with every need's fields.
 *
 * @throws MergeConflict where two needs want different values in one field
 */
export function objectFiles(
  { target, labels }: NativeContext,
  pieces: readonly Piece[],
): ObjectFile[] {
  const answering = pieces
    .filter(({ body }) => plain(body.spec)?.directResponse)
    .map(({ name }) => String(plain(name)));
  return [...new Set(pieces.map(({ path }) => path))].sort().map(path => {
    const parts = pieces.filter(piece => piece.path === path);
    const [{ apiVersion, kind, name }] = parts as [Piece];
    const { spec, ...body } = parts
      .map(part => part.body)
      .reduce((a, b) => merge(a, b, [kind]) as Piece['body']) as any;
    const whole = {
      apiVersion,
      kind,
      metadata: { name, namespace: target.namespace, labels },
      ...body,
      spec: kind === 'SecurityPolicy' ? authorized(spec) : spec,
    };
    if (parts.some(({ rules }) => rules)) {
      whole.spec = {
        ...spec,
        rules: note(
          rulesOf(parts, answering),
          path === fileOf(kind)
            ? `Put what these rules say into the rules of your own ${kind}. This file is not part of kustomization.yaml: applied, it takes the place of a route with its name.`
            : 'This route is not part of kustomization.yaml: apply it by itself.',
        ),
      };
    }
    return { path, object: plain(whole), comments: commentsOf(whole) };
  });
}
