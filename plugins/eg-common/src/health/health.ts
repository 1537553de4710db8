import { ObjectKind, objectKindOf } from '../kinds';
import { policyKind } from '../policy/constants';
import { backendFacts } from './backend';
import { FailureOutcome, outcomeOfBackend } from './failure';
import { explain, isRefusal, isShortfall } from './knowledge';
import { KindMeaning, meanings } from './meanings';
import { reportsOf } from './reports';
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
  PolicyState,
  policyStates,
} from './types';

function condition(
  { conditions = [] }: PolicyAncestorStatus,
  type: string,
): PolicyCondition | undefined {
  return conditions.find(c => c.type === type);
}

function stateOf(report: PolicyAncestorStatus): PolicyState {
  const { conditions = [] } = report;
  const accepted = condition(report, 'Accepted');
  if (accepted?.status === 'False' && accepted.reason === 'Conflicted') {
    return 'Conflicted';
  }
  if (conditions.some(isRefusal)) {
    return 'NotAccepted';
  }
  if (conditions.some(isShortfall)) {
    return 'Incomplete';
  }
  if (condition(report, 'Overridden')?.status === 'True') {
    return 'Overridden';
  }
  if (condition(report, 'Merged')?.status === 'True') {
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
  silent: PolicyState,
): PolicyState {
  if (ancestors.length === 0) {
    return silent;
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

/** What the status does not tell, for the features that an object has. */
function untold(
  features: readonly string[],
  texts: KindMeaning['untold'],
): { feature: string; text: string }[] {
  const told = features.filter(feature => feature && texts[feature]);
  return (told.length > 0 || !texts[''] ? told : ['']).map(feature => ({
    feature,
    text: texts[feature]!,
  }));
}

/** Hints that follow from the object and its state rather than from a condition. */
function general(
  object: LivePolicy,
  { addOn = 'Envoy Gateway', status }: ObjectKind,
  meaning: KindMeaning,
  health: Pick<
    PolicyHealth,
    | 'state'
    | 'features'
    | 'targets'
    | 'ancestors'
    | 'backend'
    | 'generation'
    | 'observedGeneration'
  >,
): Omit<HealthHint, 'ancestors'>[] {
  const { state, features, targets, ancestors, backend } = health;
  const hints: Omit<HealthHint, 'ancestors'>[] = [];
  if (ancestors.length === 0) {
    const words = targets.map(t => `${t.kind} ${t.text}`).join(', ');
    const severities: Partial<Record<PolicyState, HealthHint['severity']>> = {
      NotAttached: 'error',
      NoStatus: 'info',
    };
    hints.push({
      id: status === 'none' ? 'no-status' : 'not-attached',
      severity: severities[state] ?? 'warning',
      meaning: meaning.silent.meaning(words),
      remedy: meaning.silent.remedy,
    });
  } else if (state === 'Unknown') {
    hints.push({
      id: 'unknown',
      severity: 'warning',
      meaning:
        'There is an ancestor, but no condition that says whether the policy is accepted.',
      remedy:
        'Wait half a minute, then look at the controller’s log: kubectl logs -n envoy-gateway-system deployment/envoy-gateway.',
    });
  }
  if (state === 'Stale') {
    hints.push({
      id: 'stale',
      severity: 'warning',
      meaning: `The status is about generation ${health.observedGeneration}, the policy is at generation ${health.generation}: ${addOn} has not judged the latest change.`,
      remedy:
        'Wait half a minute. If it stays, check that the controller runs and has a leader: kubectl get pods -n envoy-gateway-system, and its log.',
    });
  }
  hints.push(...(meaning.oddities?.(object, targets) ?? []));
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
      ...untold(features, meaning.untold).map(({ feature, text }) => ({
        id: feature ? `test-${feature.toLowerCase()}` : 'test',
        severity: 'info' as const,
        meaning:
          'Accepted means that the configuration is valid, not that requests are processed.',
        remedy: `Send a request and look for what it changes: ${requestTo(
          ancestors,
        )}${text}`,
      })),
    );
  }
  return hints;
}

/** What requests see while a processor is not ready. */
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
  meaning: KindMeaning,
): string {
  const refusals = ancestors.flatMap(a => a.conditions).filter(isRefusal);
  switch (state) {
    case 'Accepted':
      return 'The gateway has accepted the configuration. Whether requests are processed, only a request shows.';
    case 'BackendNotReady':
      return notReady[outcomeOfBackend(policy, backend)];
    case 'NotAccepted':
      return refusals.every(c => c.reason === 'TargetNotFound')
        ? meaning.without
        : meaning.refused(policy, refusals);
    case 'Incomplete':
      return meaning.incomplete;
    case 'Conflicted':
      return 'Requests are processed by the other policy only.';
    case 'Overridden':
      return `On some ${meaning.parts} another policy runs in its place.`;
    case 'Merged':
      return 'It runs together with another policy.';
    case 'NotAttached':
    case 'NoStatus':
      return meaning.without;
    case 'Stale':
      return 'Requests may still be processed as before the last change.';
    default:
      return 'What requests see is not known.';
  }
}

/** The same explanation for several gateways is given once. */
function explained(
  ancestors: AncestorHealth[],
  kind: ObjectKind,
): HealthHint[] {
  const hints = new Map<string, HealthHint>();
  for (const { name, conditions } of ancestors) {
    for (const hint of conditions.flatMap(c => explain(c, kind))) {
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
 * What the status of a live object says, of any of the `objectKinds`: one state, the conditions of every Gateway, and for
 * each known reason what it means and what to do.
 *
 * @public
 * @param policy - the object as the API server returns it; undefined where there is none
 * @param backend - what the cluster holds of its external processor, as far as it is known
 * @throws Error where the kind is none of `objectKinds`
 */
export function policyHealth(
  policy: LivePolicy | undefined,
  backend: LiveBackend = {},
): PolicyHealth {
  if (!policy) {
    return {
      state: 'NotDeployed',
      effect: 'Requests pass without the extension.',
      kind: '',
      name: '',
      namespace: '',
      mechanisms: [],
      features: [],
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
  const kind = policy.kind ?? policyKind;
  const entry = objectKindOf(kind);
  const meaning = meanings[kind];
  if (!entry || !meaning) {
    throw new Error(`kind: the health of a ${kind} is not known`);
  }
  const ancestors = reportsOf(policy, entry).map(ancestorHealth);
  const facts = backendFacts(policy, backend);
  const shared = {
    state: overall(policy, ancestors, facts, meaning.silent.state),
    ancestors,
    backend: facts,
    mechanisms: mechanismsOf(policy),
    features: meaning.features(policy),
    targets: targetsOf(policy),
    generation: policy.metadata?.generation,
    observedGeneration: oldest(ancestors.map(a => a.observedGeneration)),
  };
  return {
    ...shared,
    effect: effectOf(shared.state, policy, ancestors, backend, meaning),
    kind,
    name: policy.metadata?.name ?? '',
    namespace: policy.metadata?.namespace ?? 'default',
    createdAt: policy.metadata?.creationTimestamp,
    hints: [
      ...explained(ancestors, entry),
      ...general(policy, entry, meaning, shared).map(hint => ({
        ...hint,
        ancestors: [],
      })),
    ].sort(
      (a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity),
    ),
  };
}
