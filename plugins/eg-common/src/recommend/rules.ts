import { Implementation } from '../implementations';
import { Answers } from '../intake';
import { Purpose } from '../purposes';
import { Release } from '../releases';

/** What a rule looks at. */
export interface Facts {
  answers: Answers;
  purpose: Purpose;
  release: Release;
  implementation: Implementation;
  /** Whether a body is processed. */
  body: boolean;
}

/** Why an implementation cannot do the job. */
export interface Constraint {
  id: string;
  /** Where the fact comes from. */
  source: string;
  /** The reason, or undefined where the constraint is met. */
  violated(facts: Facts): string | undefined;
}

/** What speaks for or against an implementation that can do the job. */
export interface Preference {
  id: string;
  /** Points for each implementation that the preference applies to. */
  points(facts: Facts): number;
  reason(facts: Facts): string;
}

/** Something to know; `mechanism` limits it to a decision. In the order of gravity. */
export interface WarningRule {
  id: string;
  source: string;
  applies(facts: Facts): boolean;
  text(facts: Facts): string;
}

const bodyPhases = ['requestBody', 'responseBody'];

/** Whether the answers ask for a body. */
export function processesBody(answers: Answers): boolean {
  return answers.processing.some(phase => bodyPhases.includes(phase));
}

export const constraints: Constraint[] = [
  {
    id: 'purpose',
    source: 'implementations table',
    violated: ({ implementation, purpose }) => {
      const why = implementation.impossible[purpose.id];
      return why && `It cannot do “${purpose.title}”: ${why}.`;
    },
  },
  {
    id: 'external-calls',
    source:
      'EnvoyExtensionPolicy API: no field adds a cluster for a call-out from Wasm or Lua (envoyproxy/gateway, api/v1alpha1)',
    violated: ({ answers, implementation }) =>
      answers.externalCalls && implementation.externalCalls !== 'any'
        ? 'You need to call external services. Its call-outs reach only clusters that Envoy already has, and an EnvoyExtensionPolicy cannot add one.'
        : undefined,
  },
  {
    id: 'state',
    source: 'Envoy Lua filter: one script environment for each worker thread',
    violated: ({ answers, implementation }) =>
      answers.stateAcrossRequests && implementation.state === 'none'
        ? 'You need state between requests; it keeps none.'
        : undefined,
  },
  {
    id: 'whole-body',
    source:
      'Envoy Gateway listeners: per_connection_buffer_limit_bytes 32768 unless ClientTrafficPolicy.spec.connection.bufferLimit says otherwise',
    violated: ({ answers, implementation, purpose, body }) =>
      body &&
      purpose.wholeBody &&
      answers.bodySize !== 'small' &&
      implementation.wholeBody === 'listener-buffer'
        ? `Your bodies are ${answers.bodySize}. It has to hold a body in the listener’s connection buffer, 32 KiB by default; a request beyond it is answered with 413.`
        : undefined,
  },
];

export const preferences: Preference[] = [
  {
    id: 'minimal-latency',
    points: ({ answers, implementation }) =>
      answers.latency === 'minimal'
        ? { extproc: -3, wasm: 4, lua: 2 }[implementation.mechanism]
        : 0,
    reason: ({ implementation }) =>
      implementation.mechanism === 'extproc'
        ? 'Each processed phase is a gRPC round trip to another process, more than the 1 ms that you allow.'
        : 'It runs inside Envoy, without a network hop, within the 1 ms that you allow.',
  },
  {
    id: 'language',
    points: ({ answers, implementation }) =>
      answers.language === implementation.language ? 4 : 0,
    reason: ({ implementation }) =>
      `It is written in ${implementation.languageTitle}, as you prefer.`,
  },
  {
    id: 'simple-prototype',
    points: ({ answers, implementation, body }) =>
      implementation.mechanism === 'lua' &&
      answers.environment === 'prototype' &&
      answers.latency !== 'minimal' &&
      !body
        ? 4
        : 0,
    reason: () =>
      'A header change in a prototype is a few lines of script, with nothing to build, push or run.',
  },
  {
    id: 'production',
    points: ({ answers, implementation }) =>
      answers.environment === 'production'
        ? { extproc: 2, wasm: 1, lua: -1 }[implementation.mechanism]
        : 0,
    reason: ({ implementation }) =>
      ({
        extproc:
          'In production it scales, restarts and crashes apart from Envoy, and standard tools debug it.',
        wasm: 'In production it runs in a sandbox; a crash costs requests, not Envoy.',
        lua: 'In production it is limited: errors let requests pass, every change drains the listeners, and there are no tools to debug it.',
      }[implementation.mechanism]),
  },
  {
    id: 'state',
    points: ({ answers, implementation }) =>
      answers.stateAcrossRequests
        ? { process: 2, worker: -1, none: 0 }[implementation.state]
        : 0,
    reason: ({ implementation }) =>
      implementation.state === 'process'
        ? 'It keeps state in its own process, or in a store that it calls.'
        : 'Its state lives in one VM for each Envoy worker and is not shared.',
  },
  {
    id: 'body',
    points: ({ implementation, body }) =>
      body && implementation.mechanism === 'extproc' ? 1 : 0,
    reason: () =>
      'It can take bodies buffered or streamed, of any size that its memory allows.',
  },
  {
    id: 'lua-disabled',
    points: ({ implementation, release }) =>
      implementation.mechanism === 'lua' && !release.luaEnabledByDefault
        ? -1
        : 0,
    reason: ({ release }) =>
      `Envoy Gateway ${release.version} has Lua off; an operator must turn it on first.`,
  },
  {
    id: 'unsure',
    points: ({ answers, implementation }) =>
      implementation.mechanism === 'extproc' && answers.latency !== 'minimal'
        ? 2
        : 0,
    reason: () =>
      'It is the most flexible mechanism and the safest for Envoy: nothing that you may need later is out of reach.',
  },
];

/** Shared condition: the decision is a mechanism. */
const only =
  (mechanism: Implementation['mechanism']) =>
  ({ implementation }: Facts) =>
    implementation.mechanism === mechanism;

export const warningRules: WarningRule[] = [
  {
    id: 'lua-disabled-by-default-1.9',
    source: 'Envoy Gateway 1.9 release notes: extensionApis.enableLua',
    applies: facts => only('lua')(facts) && !facts.release.luaEnabledByDefault,
    text: ({ release }) =>
      `Envoy Gateway ${release.version} has Lua off by default. Unless EnvoyGateway.extensionApis.enableLua is true, the policy is not accepted and every route that it targets answers 500.`,
  },
  {
    id: 'latency-conflicts-with-external-calls',
    source: 'specification, decision matrix',
    applies: ({ answers }) =>
      answers.latency === 'minimal' && answers.externalCalls,
    text: () =>
      'Less than 1 ms and a call to an external service contradict each other. Cache what you look up, or allow more latency.',
  },
  {
    id: 'body-exceeds-buffer-limit',
    source:
      'Envoy Gateway: ClientTrafficPolicy.spec.connection.bufferLimit, 32 KiB by default',
    applies: facts =>
      facts.body &&
      facts.answers.bodySize === 'small' &&
      facts.purpose.wholeBody,
    text: () =>
      'Bodies are held in the listener’s connection buffer, 32 KiB by default: a larger request is answered with 413, a larger response with 500. ClientTrafficPolicy.spec.connection.bufferLimit raises it.',
  },
  {
    id: 'whole-body-breaks-streaming',
    source: 'Envoy ext_proc, FULL_DUPLEX_STREAMED',
    applies: ({ answers, purpose, body }) =>
      body && purpose.wholeBody && answers.bodySize === 'streaming',
    text: () =>
      'JSON can be changed only when it is complete: a streamed body is held back until its end, so server-sent events of type JSON do not stream.',
  },
  {
    id: 'fail-open-not-with-full-duplex',
    source:
      'EnvoyExtensionPolicy CEL rule: FullDuplexStreamed requires failOpen false',
    applies: facts =>
      only('extproc')(facts) &&
      facts.body &&
      facts.answers.bodySize !== 'small',
    text: () =>
      'The body mode FullDuplexStreamed does not allow failOpen: when the processor is away, requests fail with 500.',
  },
  {
    id: 'per-proxy-state-only',
    source: 'Proxy-Wasm: one VM for each worker',
    applies: facts => only('wasm')(facts) && facts.answers.stateAcrossRequests,
    text: () =>
      'State lives in one VM for each Envoy worker: it is neither shared between workers and replicas nor kept over a restart.',
  },
  {
    id: 'adds-network-hop',
    source: 'Envoy ext_proc: message_timeout, 200 ms by default',
    applies: only('extproc'),
    text: () =>
      'Every processed phase is a round trip to the processor; when it takes longer than messageTimeout, the request fails with 504.',
  },
  {
    id: 'lua-strict-validation-false-rejects',
    source: 'Envoy Gateway internal/gatewayapi/luavalidator',
    applies: only('lua'),
    text: () =>
      'Envoy Gateway’s strict validator rejects some scripts that Envoy would run; keep to the calls that this repository’s checks allow.',
  },
  {
    id: 'lua-fails-open',
    source: 'Envoy Lua filter: script errors are logged',
    applies: only('lua'),
    text: () =>
      'A script that fails lets the request pass. For checks that must hold, use ExtProc.',
  },
  {
    id: 'wasm-memory-per-policy',
    source: 'Envoy Gateway: vm_id is unique for each policy entry',
    applies: only('wasm'),
    text: () =>
      'Each policy has its own VM in each Envoy worker, about 10 to 25 MB each. A panic stops the VM, and later requests of that worker fail with 503.',
  },
  {
    id: 'unneeded-phases',
    source: 'purpose',
    applies: ({ answers, purpose }) =>
      !purpose.openEnded &&
      answers.processing.some(
        phase => !purpose.phases(answers.settings).includes(phase),
      ),
    text: ({ answers, purpose }) =>
      `The settings do not need ${answers.processing
        .filter(phase => !purpose.phases(answers.settings).includes(phase))
        .join(
          ', ',
        )}; the extension is not given it, since every phase costs time.`,
  },
  {
    id: 'gateway-wide',
    source: 'Gateway API policy attachment',
    applies: ({ answers }) =>
      answers.target.kind === 'Gateway' ||
      answers.target.kind === 'ListenerSet',
    text: ({ answers }) =>
      `The target is a ${answers.target.kind}: all its routes are affected, except those that have a policy of their own, which replaces this one.`,
  },
];
