import { ExtensionPlan } from '../plan';
import { backendSettings } from './backendSettings';
import {
  claimsNamespace,
  envoyGatewayApi,
  envoyGatewayGroup,
  gatewayGroup,
  policyKind,
} from './constants';
import { labelsFor } from './labels';
import { FieldComment } from './yaml';

/** A Kubernetes object. */
export type KubernetesObject = {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    [key: string]: unknown;
  };
  [key: string]: unknown;
};

/** A file with one Kubernetes object. */
export interface ObjectFile {
  path: string;
  object: KubernetesObject;
  comments: FieldComment[];
}

/** Labels of every object of an extension. */
export function labelsOf(plan: ExtensionPlan): Record<string, string> {
  return labelsFor(plan.name);
}

/** Name of the ConfigMap with the Lua script. */
export function luaConfigMapName(plan: ExtensionPlan): string {
  return `${plan.name}-lua`;
}

function processingMode({ processing, extproc }: ExtensionPlan) {
  const direction = (d: ExtensionPlan['processing']['request']) =>
    d && d.body ? { body: d.body } : {};
  const { attributes } = extproc!;
  return {
    ...(processing.request
      ? {
          request: {
            ...direction(processing.request),
            ...(attributes.length ? { attributes } : {}),
          },
        }
      : {}),
    ...(processing.response
      ? { response: direction(processing.response) }
      : {}),
    ...(letsBodiesPass(processing) ? { allowModeOverride: true } : {}),
  };
}

/**
 * Whether the processor may tell Envoy, per message, not to hold a body that it does not look at: one without an end,
 * such as a WebSocket, would never arrive. In FullDuplexStreamed nothing is held, and Envoy ignores such a wish.
 */
export function letsBodiesPass({
  request,
  response,
}: ExtensionPlan['processing']): boolean {
  return [request, response].some(d => d && d.body === 'Buffered');
}

type Extension = {
  spec: Record<string, unknown>;
  comments: FieldComment[];
};

const failOpenComment = (field: (string | number)[]): FieldComment => ({
  path: field,
  text: 'true lets traffic pass unprocessed when the extension fails; keep false for anything that must hold.',
});

const byMechanism: Record<
  Exclude<ExtensionPlan['mechanism'], 'native'>,
  (plan: ExtensionPlan, luaScript: string) => Extension
> = {
  extproc: plan => {
    const { namespace, port, messageTimeout } = plan.extproc!;
    return {
      spec: {
        extProc: [
          {
            backendRefs: [
              {
                name: plan.name,
                ...(namespace === plan.policy.namespace ? {} : { namespace }),
                port,
              },
            ],
            processingMode: processingMode(plan),
            ...(plan.claims
              ? { metadata: { accessibleNamespaces: [claimsNamespace] } }
              : {}),
            messageTimeout,
            failOpen: plan.policy.failOpen,
            ...backendSettings(plan),
          },
        ],
      },
      comments: [
        {
          path: ['spec', 'extProc', 0, 'processingMode'],
          text: 'Only what is named here reaches the processor; {} means headers.',
        },
        {
          path: ['spec', 'extProc', 0, 'messageTimeout'],
          text: 'Above the p99 of the processor. A message that takes longer fails the request with 504.',
        },
        failOpenComment(['spec', 'extProc', 0, 'failOpen']),
        ...(plan.environment === 'production'
          ? [
              {
                path: ['spec', 'extProc', 0, 'backendSettings'],
                text: 'What a replica that fails costs; figures are in docs/production.md.',
              },
            ]
          : []),
      ],
    };
  },
  wasm: plan => {
    const { image, rootID } = plan.wasm!;
    return {
      spec: {
        wasm: [
          {
            name: plan.name,
            rootID,
            code: {
              type: 'Image',
              image: { url: `${image.repository}:${image.tag}` },
            },
            config: plan.settings,
            ...(plan.secrets.length
              ? {
                  env: {
                    hostKeys: plan.secrets.map(({ variable }) => variable),
                  },
                }
              : {}),
            failOpen: plan.policy.failOpen,
          },
        ],
      },
      comments: [
        {
          path: ['spec', 'wasm', 0, 'rootID'],
          text: 'Reaches the module as plugin_root_id; see README.md.',
        },
        image.placeholder
          ? {
              path: ['spec', 'wasm', 0, 'code', 'image', 'url'],
              text: 'TODO: the registry that you push to.',
              inline: true,
            }
          : {
              path: ['spec', 'wasm', 0, 'code', 'image', 'url'],
              text: 'After pushing, pin it with a field sha256 beside url: the digest of the manifest, without sha256:.',
            },
        failOpenComment(['spec', 'wasm', 0, 'failOpen']),
      ],
    };
  },
  lua: (plan, luaScript) => {
    const { source, filterContext } = plan.lua!;
    return {
      spec: {
        lua: [
          {
            ...(source === 'Inline'
              ? { type: 'Inline', inline: luaScript }
              : {
                  type: 'ValueRef',
                  valueRef: {
                    group: '',
                    kind: 'ConfigMap',
                    name: luaConfigMapName(plan),
                  },
                }),
            ...(filterContext ? { filterContext: plan.settings } : {}),
          },
        ],
      },
      comments: filterContext
        ? [
            {
              path: ['spec', 'lua', 0, 'filterContext'],
              text: 'The settings of the script.',
            },
          ]
        : [],
    };
  },
};

/**
 * The EnvoyExtensionPolicy of a plan, with comments where the owner decides.
 *
 * @param plan - the plan
 * @param luaScript - the script, where the mechanism is Lua
 */
export function envoyExtensionPolicy(
  plan: ExtensionPlan,
  luaScript: string,
): ObjectFile {
  if (plan.mechanism === 'native') {
    throw new Error('a native plan has no extension');
  }
  const { spec, comments } = byMechanism[plan.mechanism](plan, luaScript);
  const { kind, name, sectionName, placeholder } = plan.target;
  return {
    path: 'policy/envoyextensionpolicy.yaml',
    object: {
      apiVersion: envoyGatewayApi,
      kind: policyKind,
      metadata: {
        name: plan.policy.name,
        namespace: plan.policy.namespace,
        labels: labelsOf(plan),
      },
      spec: {
        targetRefs: [
          {
            group: gatewayGroup,
            kind,
            name,
            ...(sectionName ? { sectionName } : {}),
          },
        ],
        ...spec,
      },
    },
    comments: [
      ...(placeholder
        ? [
            {
              path: ['spec', 'targetRefs', 0, 'name'],
              text: `TODO: the ${kind} in namespace ${plan.target.namespace} that the extension is for.`,
              inline: true,
            },
          ]
        : []),
      ...comments,
    ],
  };
}

/** The ConfigMap that a Lua policy of type ValueRef refers to. Envoy Gateway reads the key `lua`. */
export function luaConfigMap(
  plan: ExtensionPlan,
  luaScript: string,
): ObjectFile {
  return {
    path: 'policy/lua-configmap.yaml',
    object: {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        name: luaConfigMapName(plan),
        namespace: plan.policy.namespace,
        labels: labelsOf(plan),
      },
      data: { lua: luaScript },
    },
    comments: [],
  };
}

/** Lets the policy's namespace refer to the Service in the workload's namespace. */
export function referenceGrant(plan: ExtensionPlan): ObjectFile {
  return {
    path: 'k8s/referencegrant.yaml',
    object: {
      apiVersion: `${gatewayGroup}/v1beta1`,
      kind: 'ReferenceGrant',
      metadata: {
        name: plan.name,
        namespace: plan.extproc!.namespace,
        labels: labelsOf(plan),
      },
      spec: {
        from: [
          {
            group: envoyGatewayGroup,
            kind: policyKind,
            namespace: plan.policy.namespace,
          },
        ],
        to: [{ group: '', kind: 'Service', name: plan.name }],
      },
    },
    comments: [],
  };
}
