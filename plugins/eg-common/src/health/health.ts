import { backendFacts } from './backend';
import { explain } from './knowledge';
import { FailureOutcome, outcomeOfBackend, outcomeOfRefusal } from './failure';
import { mechanismsOf, targetsOf } from './spec';
import {
  AncestorHealth,
  BackendFact,
  HealthHint,
  LiveBackend,
  LivePolicy,
  PolicyAncestorStatus,
  PolicyCondition,
  PolicyHealth,
  PolicyMechanism,
  PolicyState,
  policyStates,
} from './types';

function condition(
  { conditions = [] }: PolicyAncestorStatus,
  type: string,
): PolicyCondition | undefined {
  return conditions.find(c => c.type === type);
}

function stateOf(ancestor: PolicyAncestorStatus): PolicyState {
  const accepted = condition(ancestor, 'Accepted');
  if (accepted?.status === 'False') {
    return accepted.reason === 'Conflicted' ? 'Conflicted' : 'NotAccepted';
  }
  if (condition(ancestor, 'Overridden')?.status === 'True') {
    return 'Overridden';
  }
  if (condition(ancestor, 'Merged')?.status === 'True') {
    return 'Merged';
  }
  return accepted?.status === 'True' ? 'Accepted' : 'Unknown';
}

function nameOf({ ancestorRef = {} }: PolicyAncestorStatus): string {
  const { kind = 'Gateway', namespace, name, sectionName } = ancestorRef;
  const section = sectionName ? `, section ${sectionName}` : '';
  return `${kind} ${namespace ? `${namespace}/` : ''}${name ?? ''}${section}`;
}

function oldest(generations: (number | undefined)[]): number | undefined {
  const known = generations.filter((g): g is number => g !== undefined);
  return known.length ? Math.min(...known) : undefined;
}

function ancestorHealth(ancestor: PolicyAncestorStatus): AncestorHealth {
  const conditions = ancestor.conditions ?? [];
  return {
    name: nameOf(ancestor),
    controller: ancestor.controllerName ?? '',
    state: stateOf(ancestor),
    conditions,
    observedGeneration: oldest(conditions.map(c => c.observedGeneration)),
  };
}

/** States in which the gateway has taken the configuration over. */
const takenOver: PolicyState[] = ['Accepted', 'Overridden', 'Merged'];

function overall(
  policy: LivePolicy,
  ancestors: AncestorHealth[],
  backend: BackendFact[],
): PolicyState {
  if (ancestors.length === 0) {
    return 'NotAttached';
  }
  const observed = oldest(ancestors.map(a => a.observedGeneration));
  if ((observed ?? Infinity) < (policy.metadata?.generation ?? 0)) {
    return 'Stale';
  }
  const gravest = policyStates.find(state =>
    ancestors.some(a => a.state === state),
  )!;
  return takenOver.includes(gravest) &&
    backend.some(({ state }) => state === 'bad')
    ? 'BackendNotReady'
    : gravest;
}

/** What a request tells that the status does not. */
const whatToTest: Record<PolicyMechanism, string> = {
  ExtProc:
    'while the processor is down, or TLS to it fails, requests get 500 (with failOpen they pass unprocessed).',
  Wasm: 'with a module that Envoy cannot load, requests get 503, and Envoy’s log says why.',
  Lua: 'an error while the script runs is only in Envoy’s log, and the request passes.',
  DynamicModule:
    'if Envoy cannot load the module it rejects the whole listener and keeps the one before, so requests pass unprocessed and later changes are lost. Its counter update_rejected must not grow.',
};

/** How to send a request through the first Gateway that has taken a policy over. */
function requestTo(ancestors: AncestorHealth[]): string {
  const [, namespace, name] =
    ancestors
      .map(ancestor => /^Gateway ([^/]+)\/([^,]+)/.exec(ancestor.name))
      .find(match => match) ?? [];
  return name
    ? `curl -i http://ADDRESS/, with the address that kubectl get gateway ${name} -n ${namespace} shows and the listener’s port; `
    : '';
}

const withoutEffect = ['UDPRoute', 'TCPRoute', 'TLSRoute'];

/** Hints that follow from the policy and its state rather than from a condition. */
function general(
  health: Pick<
    PolicyHealth,
    'state' | 'mechanisms' | 'targets' | 'ancestors' | 'backend'
  > & {
    generation?: number;
    observedGeneration?: number;
  },
): Omit<HealthHint, 'ancestors'>[] {
  const { state, mechanisms, targets, ancestors, backend } = health;
  const hints: Omit<HealthHint, 'ancestors'>[] = [];
  if (state === 'NotAttached') {
    hints.push({
      id: 'not-attached',
      severity: 'error',
      meaning: `No gateway has taken notice of the policy: ${
        targets.map(t => `${t.kind} ${t.text}`).join(', ') || 'its target'
      } does not exist, is in another namespace, or belongs to no Gateway of Envoy Gateway. Envoy Gateway gives no condition for that.`,
      remedy:
        'Check name, kind and namespace of targetRefs (a targetRef is always in the policy’s own namespace), and that the route has a parentRef to a Gateway that is Programmed. Right after applying, wait some seconds. Targets in other namespaces need targetSelectors[].namespaces and a ReferenceGrant.',
    });
  }
  if (state === 'Stale') {
    hints.push({
      id: 'stale',
      severity: 'warning',
      meaning: `The status is about generation ${health.observedGeneration}, the policy is at generation ${health.generation}: Envoy Gateway has not judged the latest change.`,
      remedy:
        'Wait half a minute. If it stays, check that the controller runs and has a leader: kubectl get pods -n envoy-gateway-system, and its log.',
    });
  }
  if (state === 'Unknown') {
    hints.push({
      id: 'unknown',
      severity: 'warning',
      meaning:
        'There is an ancestor, but no condition that says whether the policy is accepted.',
      remedy:
        'Wait half a minute, then look at the controller’s log: kubectl logs -n envoy-gateway-system deployment/envoy-gateway.',
    });
  }
  if (mechanisms.length === 0) {
    hints.push({
      id: 'empty',
      severity: 'warning',
      meaning: 'The policy holds no extension, so it does nothing.',
      remedy: 'Add an entry under extProc, wasm, lua or dynamicModule.',
    });
  }
  const idle = targets.filter(({ kind }) => withoutEffect.includes(kind));
  if (idle.length > 0) {
    hints.push({
      id: 'target-without-effect',
      severity: 'warning',
      meaning: `${idle
        .map(t => `${t.kind} ${t.text}`)
        .join(
          ', ',
        )}: the API accepts this kind, but extensions run on HTTP traffic only.`,
      remedy: 'Target a Gateway, ListenerSet, HTTPRoute or GRPCRoute.',
    });
  }
  if (state === 'BackendNotReady') {
    hints.push({
      id: 'backend-not-ready',
      severity: 'error',
      meaning: `The gateway has accepted the policy, and its processor cannot serve: ${backend
        .filter(fact => fact.state === 'bad')
        .map(fact => fact.text)
        .join(' ')}`,
      remedy:
        'Look at its pods: kubectl get pods, kubectl describe pod, kubectl logs. Then send a request and look for what the extension changes.',
    });
  }
  if (takenOver.includes(state)) {
    hints.push(
      ...mechanisms.map(mechanism => ({
        id: `test-${mechanism.toLowerCase()}`,
        severity: 'info' as const,
        meaning:
          'Accepted means that the configuration is valid, not that requests are processed.',
        remedy: `Send a request and look for what the extension changes: ${requestTo(
          ancestors,
        )}${whatToTest[mechanism]}`,
      })),
    );
  }
  return hints;
}

/** What requests see of a policy that is refused, by what becomes of them. */
const refused: Record<FailureOutcome, string> = {
  passes:
    'Requests pass without the extension that failed, because it is failOpen.',
  refused: 'Every request to the affected routes is answered with 500.',
  either:
    'The message does not say which entry failed. If it is one with failOpen, requests pass without it; if not, every request to the affected routes is answered with 500. A request shows which.',
};

/** The same while a processor is not ready. */
const notReady: Record<FailureOutcome, string> = {
  passes:
    'The gateway has accepted the policy, but the processor is not ready: requests pass unprocessed, because it is failOpen.',
  refused:
    'The gateway has accepted the policy, but the processor is not ready: requests to the affected routes are answered with 500.',
  either:
    'The gateway has accepted the policy, but a processor is not ready. If it is one with failOpen, requests pass without it; if not, requests to the affected routes are answered with 500. A request shows which.',
};

function effectOf(
  state: PolicyState,
  policy: LivePolicy,
  ancestors: AncestorHealth[],
  backend: LiveBackend,
): string {
  const refusals = ancestors
    .flatMap(a => a.conditions)
    .filter(c => c.type === 'Accepted' && c.status === 'False');
  switch (state) {
    case 'Accepted':
      return 'The gateway has accepted the configuration. Whether requests are processed, only a request shows.';
    case 'BackendNotReady':
      return notReady[outcomeOfBackend(policy, backend)];
    case 'NotAccepted':
      if (refusals.every(c => c.reason === 'TargetNotFound')) {
        return 'Requests pass without the extension.';
      }
      return refused[
        outcomeOfRefusal(policy, refusals.map(c => c.message ?? '').join('\n'))
      ];
    case 'Conflicted':
      return 'Requests are processed by the other policy only.';
    case 'Overridden':
      return 'On some routes another policy runs in its place.';
    case 'Merged':
      return 'It runs together with another policy.';
    case 'NotAttached':
      return 'Requests pass without the extension.';
    case 'Stale':
      return 'Requests may still be processed as before the last change.';
    default:
      return 'What requests see is not known.';
  }
}

/** The same explanation for several gateways is given once. */
function explained(ancestors: AncestorHealth[]): HealthHint[] {
  const hints = new Map<string, HealthHint>();
  for (const { name, conditions } of ancestors) {
    for (const hint of conditions.flatMap(explain)) {
      const key = `${hint.id} ${hint.meaning}`;
      const known = hints.get(key);
      if (!known) {
        hints.set(key, { ...hint, ancestors: [name] });
      } else if (!known.ancestors.includes(name)) {
        known.ancestors.push(name);
      }
    }
  }
  return [...hints.values()];
}

const severities: HealthHint['severity'][] = ['error', 'warning', 'info'];

/**
 * What a live EnvoyExtensionPolicy’s status says: one state, the conditions of every ancestor, and for each known
 * reason what it means and what to do.
 *
 * @public
 * @param policy - the object as the API server returns it; undefined where there is none
 * @param backend - what the cluster holds of its external processor, as far as it is known
 */
export function policyHealth(
  policy: LivePolicy | undefined,
  backend: LiveBackend = {},
): PolicyHealth {
  if (!policy) {
    return {
      state: 'NotDeployed',
      effect: 'Requests pass without the extension.',
      name: '',
      namespace: '',
      mechanisms: [],
      targets: [],
      ancestors: [],
      backend: [],
      hints: [
        {
          id: 'not-deployed',
          severity: 'info',
          meaning: 'There is no policy of this extension in the cluster.',
          remedy:
            'In the extension’s repository: kubectl apply -k policy, for an external processor after kubectl apply -k k8s and once its pods are ready. Policies are found by their label backstage.io/kubernetes-id.',
          ancestors: [],
        },
      ],
    };
  }
  const ancestors = (policy.status?.ancestors ?? []).map(ancestorHealth);
  const facts = backendFacts(policy, backend);
  const shared = {
    state: overall(policy, ancestors, facts),
    ancestors,
    backend: facts,
    mechanisms: mechanismsOf(policy),
    targets: targetsOf(policy),
    generation: policy.metadata?.generation,
    observedGeneration: oldest(ancestors.map(a => a.observedGeneration)),
  };
  return {
    ...shared,
    effect: effectOf(shared.state, policy, ancestors, backend),
    name: policy.metadata?.name ?? '',
    namespace: policy.metadata?.namespace ?? 'default',
    createdAt: policy.metadata?.creationTimestamp,
    hints: [
      ...explained(ancestors),
      ...general(shared).map(hint => ({ ...hint, ancestors: [] })),
    ].sort(
      (a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity),
    ),
  };
}
