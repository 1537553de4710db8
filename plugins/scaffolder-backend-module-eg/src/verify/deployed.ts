import {
  LivePolicy,
  PolicyAncestorStatus,
  policyHealth,
  PolicyState,
} from 'backstage-plugin-eg-common';
import { setTimeout as sleep } from 'timers/promises';
import {
  Cluster,
  ClusterUnavailableError,
  describeRef,
  gatewaysOf,
  isEnvoyGateway,
  ObjectRef,
} from '../kubernetes';
import { targetsOf } from './cluster/references';
import { Report } from './types';

/** An ancestor that has to accept the policy. */
export interface ExpectedAncestor {
  ref: ObjectRef;
  /** The listener, where the route names one. */
  sectionName?: string;
}

/** What is known of a deployed policy. */
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

/** Whether a policy is accepted, for its generation, by every gateway that it should be, and if not, why not. */
export function judgeDeployed({
  policy,
  expected,
  open,
}: Observation): Verdict {
  const health = policyHealth(policy);
  const silent = policy
    ? expected.filter(e => !policy.status?.ancestors?.some(reportsFor(e)))
    : [];
  const accepted = acceptedStates.includes(health.state) && silent.length === 0;
  const ancestors = health.ancestors.map(
    a => `${a.name}: ${a.state}, generation ${a.observedGeneration ?? '?'}`,
  );
  return {
    accepted,
    summary: accepted
      ? `generation ${health.generation} is accepted by ${health.ancestors
          .map(a => a.name)
          .join(' and ')}`
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

/** Reads the policy and finds out which gateways should report on it. */
async function observe(
  cluster: Cluster,
  { namespace, name }: DeployedOptions,
): Promise<Observation> {
  const reading = await cluster.read({
    group: 'gateway.envoyproxy.io',
    kind: 'EnvoyExtensionPolicy',
    namespace,
    name,
  });
  if (reading.state === 'unknown') {
    throw new ClusterUnavailableError(
      `the policy cannot be read: ${reading.reason}`,
    );
  }
  if (reading.state === 'absent') {
    return { expected: [], open: [reading.reason] };
  }
  const policy = reading.value as LivePolicy;
  const expected: ExpectedAncestor[] = [];
  const open: string[] = [];
  for (const { ref } of targetsOf([{ file: '', object: reading.value }])) {
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

/**
 * Which policy is waited for, and how long.
 *
 * @public
 */
export interface DeployedOptions {
  namespace: string;
  name: string;
  /** Milliseconds to wait until it is accepted; 0 looks once. */
  timeout: number;
  /** Milliseconds between two looks. */
  interval?: number;
}

/**
 * Waits until a deployed EnvoyExtensionPolicy is accepted, for its generation, by every Gateway that its targets belong
 * to. Nothing is written.
 *
 * @param connect - gives the cluster, called for every look; told when its last answer is of use
 * @param options - which policy, and how long
 * @param progress - is told when something changes
 */
export async function verifyDeployed(
  connect: (deadline: number) => Promise<Cluster>,
  options: DeployedOptions,
  progress: { log(line: string): void; signal?: AbortSignal },
): Promise<Report> {
  const { namespace, name, timeout, interval = 2000 } = options;
  const policy = `EnvoyExtensionPolicy ${namespace}/${name}`;
  const end = Date.now() + timeout;
  let said = '';
  for (;;) {
    progress.signal?.throwIfAborted();
    let verdict: Verdict;
    try {
      verdict = judgeDeployed(await observe(await connect(end), options));
    } catch (error) {
      if (!(error instanceof ClusterUnavailableError)) {
        throw error;
      }
      const { message, transient } = error;
      verdict = {
        accepted: false,
        summary: message,
        details: [],
        final: !transient,
      };
    }
    const { accepted, final, summary, details } = verdict;
    const now = [summary, ...details].join('\n');
    if (now !== said) {
      const left = Math.max(0, Math.round((end - Date.now()) / 1000));
      progress.log(
        `${policy}: ${now}${
          accepted || !left ? '' : `\nwaiting ${left} s more`
        }`,
      );
      said = now;
    }
    const over = final || Date.now() + interval > end;
    if (accepted || over) {
      return {
        checks: [
          {
            id: 'accepted',
            title: `${policy} is accepted`,
            status: accepted ? 'passed' : 'failed',
            details: [
              accepted || final || timeout === 0
                ? summary
                : `not within ${timeout / 1000} s. ${summary}`,
              ...details,
            ],
          },
        ],
        passed: accepted,
      };
    }
    await sleep(interval, undefined, { signal: progress.signal });
  }
}
