import { Cluster, LiveObject, ObjectRef, Reading } from './cluster';

const gatewayGroup = 'gateway.networking.k8s.io';

/** How the names of Envoy Gateway’s controllers begin; installations that share a cluster choose the rest. */
const controllerPrefix = 'gateway.envoyproxy.io/';

/** A Gateway that something belongs to. */
export interface GatewayParent {
  /** What reports on policies: the Gateway itself, or the ListenerSet between. */
  ancestor: ObjectRef;
  /** The listener, where only one is meant. */
  sectionName?: string;
  /** The Gateway or ListenerSet that was named. */
  named: Reading<LiveObject>;
  gateway?: { ref: ObjectRef; reading: Reading<LiveObject> };
  /** Its class, where the Gateway is there. */
  gatewayClass?: Reading<LiveObject>;
}

/** `Gateway default/eg` */
export function describeRef({ kind, namespace, name }: ObjectRef): string {
  return `${kind} ${namespace ? `${namespace}/` : ''}${name}`;
}

/** Whether a class is Envoy Gateway’s; undefined where nobody knows. */
export function isEnvoyGateway(
  gatewayClass: Reading<LiveObject> | undefined,
): boolean | undefined {
  return gatewayClass?.state === 'found'
    ? String(gatewayClass.value.spec?.controllerName).startsWith(
        controllerPrefix,
      )
    : undefined;
}

/** What a route or ListenerSet names as its parents; a Gateway is its own. */
function parentsOf(
  target: ObjectRef,
  { spec = {} }: LiveObject,
): { ref: ObjectRef; sectionName?: string }[] {
  if (target.kind === 'Gateway' || target.kind === 'ListenerSet') {
    return [{ ref: target }];
  }
  return (spec.parentRefs ?? []).map(
    ({
      group = gatewayGroup,
      kind = 'Gateway',
      namespace = target.namespace,
      name,
      sectionName,
    }: Partial<ObjectRef> & { name: string; sectionName?: string }) => ({
      ref: { group, kind, namespace, name },
      sectionName,
    }),
  );
}

/**
 * The Gateways that a target of a policy belongs to.
 *
 * @param cluster - where they are
 * @param target - a Gateway, ListenerSet or route
 * @param object - the target as the cluster has it
 */
export async function gatewaysOf(
  cluster: Cluster,
  target: ObjectRef,
  object: LiveObject,
): Promise<GatewayParent[]> {
  const parents = parentsOf(target, object).filter(
    ({ ref }) => ref.group === gatewayGroup,
  );
  return Promise.all(
    parents.map(async ({ ref, sectionName }) => {
      const named = await cluster.read(ref);
      const parent: GatewayParent = { ancestor: ref, sectionName, named };
      if (named.state !== 'found') {
        return parent;
      }
      const own = named.value.spec?.parentRef;
      const gatewayRef: ObjectRef =
        ref.kind === 'ListenerSet'
          ? {
              group: gatewayGroup,
              kind: 'Gateway',
              namespace: own?.namespace ?? ref.namespace,
              name: own?.name ?? '',
            }
          : ref;
      const reading =
        ref.kind === 'ListenerSet' ? await cluster.read(gatewayRef) : named;
      return {
        ...parent,
        gateway: { ref: gatewayRef, reading },
        gatewayClass:
          reading.state === 'found'
            ? await cluster.read({
                group: gatewayGroup,
                kind: 'GatewayClass',
                name: reading.value.spec?.gatewayClassName ?? '',
              })
            : undefined,
      };
    }),
  );
}
