import {
  LivePolicy,
  ObjectKind,
  objectKindOf,
  PolicyAncestorStatus,
  PolicyHealth,
  policyHealth,
  PolicyState,
  reportsOf,
} from 'backstage-plugin-eg-common';
import { setTimeout as sleep } from 'timers/promises';
import {
  Cluster,
  ClusterUnavailableError,
  describeRef,
  gatewaysOf,
  isEnvoyGateway,
  LiveObject,
  ObjectRef,
} from '../kubernetes';
import { targetsOf } from './cluster/references';
import { Report } from './types';
import { nextPause, WaitingRoom, waitingRoom } from './waiting';

/** An ancestor that has to accept the policy. */
export interface ExpectedAncestor {
  ref: ObjectRef;
  /** The listener, where the route names one. */
  sectionName?: string;
}

/** What is known of a deployed policy or other object. */
export interface Observation {
  /** Undefined where there is none. */
  policy?: LivePolicy;
  expected: ExpectedAncestor[];
  /** What could not be found out about the ancestors. */
  open: string[];
}

/** What an observation means. */
export interface Verdict {
  accepted: boolean;
  /** One line that says how it stands. */
  summary: string;
  /** Reasons and remedies. */
  details: string[];
  /** Waiting does not change it. */
  final?: boolean;
}

/** States in which a gateway has accepted the policy, whatever others do beside it. */
const acceptedStates: readonly PolicyState[] = [
  'Accepted',
  'Overridden',
  'Merged',
];

const reportsFor =
  ({ ref, sectionName }: ExpectedAncestor) =>
  ({ ancestorRef = {} }: PolicyAncestorStatus): boolean =>
    ancestorRef.kind === ref.kind &&
    ancestorRef.name === ref.name &&
    (ancestorRef.namespace ?? ref.namespace) === ref.namespace &&
    (sectionName === undefined || ancestorRef.sectionName === sectionName);

const describeAncestor = ({ ref, sectionName }: ExpectedAncestor) =>
  `${describeRef(ref)}${sectionName ? `, section ${sectionName}` : ''}`;

function kindOf(kind: string): ObjectKind {
  const found = objectKindOf(kind);
  if (!found) {
    throw new Error(`kind: ${kind} is none that can be waited for`);
  }
  return found;
}

/** Who has accepted it; some controllers do not say which generation of it. */
function acceptedBy({
  generation,
  observedGeneration,
  ancestors,
}: PolicyHealth): string {
  const names = ancestors.map(a => a.name).join(' and ');
  return observedGeneration === undefined
    ? `accepted, says ${names}; its status does not tell which generation that is about`
    : `generation ${generation} is accepted by ${names}`;
}

/** Whether a policy is accepted, for its generation, by every gateway that it should be, and if not, why not. */
export function judgeDeployed({
  policy,
  expected,
  open,
}: Observation): Verdict {
  const health = policyHealth(policy);
  const reports = policy ? reportsOf(policy, kindOf(health.kind)) : [];
  const silent = policy
    ? expected.filter(e => !reports.some(reportsFor(e)))
    : [];
  const accepted = acceptedStates.includes(health.state) && silent.length === 0;
  const ancestors = health.ancestors.map(
    a => `${a.name}: ${a.state}, generation ${a.observedGeneration ?? '?'}`,
  );
  return {
    accepted,
    summary: accepted
      ? acceptedBy(health)
      : `${health.state}: ${health.effect}`,
    details: [
      ...(accepted ? [] : ancestors),
      ...silent.map(e => `${describeAncestor(e)} has not reported on it yet`),
      ...health.hints.map(
        ({ severity, meaning, remedy }) =>
          `${severity === 'info' ? 'note: ' : ''}${meaning} ${remedy}`,
      ),
      ...open.map(reason => `not checked: ${reason}`),
    ],
  };
}

type PolicyName = Pick<DeployedOptions, 'kind' | 'namespace' | 'name'>;

/** Whose Gateways should report on an object: what a policy targets, a route itself, nobody’s for other kinds. */
function attachedTo(
  { status }: ObjectKind,
  self: ObjectRef,
  object: LiveObject,
): ObjectRef[] {
  return status === 'parents'
    ? [self]
    : targetsOf([{ file: '', object }])
        .map(({ ref }) => ref)
        .filter(() => status === 'ancestors');
}

/** Reads the object and finds out which gateways should report on it. */
async function observe(
  cluster: Cluster,
  { kind, namespace, name }: PolicyName,
): Promise<Observation> {
  const entry = kindOf(kind);
  const self = { group: entry.group, kind, namespace, name };
  const reading = await cluster.read(self);
  if (reading.state === 'unknown') {
    throw new ClusterUnavailableError(
      `the ${kind} cannot be read: ${reading.reason}`,
    );
  }
  if (reading.state === 'absent') {
    return { expected: [], open: [reading.reason] };
  }
  const policy = { ...reading.value, kind } as LivePolicy;
  const expected: ExpectedAncestor[] = [];
  const open: string[] = [];
  for (const ref of attachedTo(entry, self, reading.value)) {
    const target = await cluster.read(ref);
    if (target.state !== 'found') {
      open.push(`the Gateways of ${describeRef(ref)}: ${target.reason}`);
      continue;
    }
    for (const parent of await gatewaysOf(cluster, ref, target.value)) {
      if (parent.named.state === 'absent') {
        open.push(
          `${describeRef(parent.ancestor)}, which ${describeRef(
            ref,
          )} names, is not there`,
        );
        // Gateways of others report nothing here; one whose class cannot be read is taken for Envoy Gateway’s.
      } else if (isEnvoyGateway(parent.gatewayClass) !== false) {
        expected.push({
          ref: parent.ancestor,
          sectionName: parent.sectionName,
        });
      }
    }
  }
  return { policy, expected, open };
}

/** What one look shows; a cluster that cannot be asked is a verdict, too. */
async function look(
  connect: (deadline: number) => Promise<Cluster>,
  deadline: number,
  policy: PolicyName,
): Promise<Verdict> {
  try {
    return judgeDeployed(await observe(await connect(deadline), policy));
  } catch (error) {
    if (!(error instanceof ClusterUnavailableError)) {
      throw error;
    }
    return {
      accepted: false,
      summary: error.message,
      details: [],
      final: !error.transient,
    };
  }
}

/**
 * What is waited for, and how long.
 *
 * @public
 */
export interface DeployedOptions {
  /** One of `judgedKinds`. */
  kind: string;
  namespace: string;
  name: string;
  /** Milliseconds to wait until it is accepted; 0 looks once. The room may allow less. */
  timeout: number;
}

/**
 * Waits until a deployed object is accepted, for its generation, by every Gateway that its targets or parents belong to;
 * where its kind is judged once, until that judgement is good. Nothing is written.
 *
 * @param connect - gives the cluster, called for every look; told when its last answer is of use
 * @param options - which policy, and how long
 * @param progress.log - is told when something changes
 * @param progress.pause - milliseconds to the next look after a pause of so many
 * @param room - where all tasks wait; who finds no place looks once
 */
export async function verifyDeployed(
  connect: (deadline: number) => Promise<Cluster>,
  { kind, namespace, name, timeout }: DeployedOptions,
  progress: {
    log(line: string): void;
    signal?: AbortSignal;
    pause?: (previous?: number) => number;
  },
  room: WaitingRoom = waitingRoom(),
): Promise<Report> {
  const { log, signal, pause: pauseAfter = nextPause } = progress;
  const policy = `${kind} ${namespace}/${name}`;
  const { longest, atOnce } = room.limits;
  const allowed = Math.min(timeout, longest);
  const end = Date.now() + allowed;
  let said = '';
  let pause: number | undefined;
  let leave: (() => void) | undefined;
  const report = (
    { accepted, summary, details }: Verdict,
    waited: string,
  ): Report => ({
    checks: [
      {
        id: 'accepted',
        title: `What the gateways say about ${policy}`,
        status: accepted ? 'passed' : 'failed',
        details: [`${waited}${summary}`, ...details],
      },
    ],
    passed: accepted,
  });
  try {
    for (;;) {
      signal?.throwIfAborted();
      const verdict = await look(connect, end, { kind, namespace, name });
      const { accepted, final, summary, details } = verdict;
      pause = pauseAfter(pause);
      const over = Date.now() + pause > end;
      if (!accepted && !final && !over && !leave) {
        leave = room.enter();
        if (!leave) {
          return report(
            verdict,
            `looked once, because ${atOnce} other tasks wait for policies already (egExtensions.verify.waiting.maxTasks); run this again when they are done. `,
          );
        }
      }
      const now = [summary, ...details].join('\n');
      if (now !== said) {
        const left = Math.max(0, Math.round((end - Date.now()) / 1000));
        log(
          `${policy}: ${now}${
            accepted || final || over ? '' : `\nwaiting ${left} s more`
          }`,
        );
        said = now;
      }
      if (accepted || final || allowed === 0) {
        return report(verdict, '');
      }
      if (over) {
        const most =
          allowed < timeout
            ? ', the most that this Backstage waits (egExtensions.verify.waiting.maxSeconds)'
            : '';
        return report(verdict, `not within ${allowed / 1000} s${most}. `);
      }
      await sleep(pause, undefined, { signal });
    }
  } finally {
    leave?.();
  }
}
