import { Mechanism } from '../implementations';
import { Candidate } from './facts';
import { enumeration } from './words';

/** What speaks for or against something that can do the job. */
export interface Preference {
  id: string;
  /** Where the weight comes from. */
  source: string;
  /** Points for each candidate that the preference applies to. */
  points(candidate: Candidate): number;
  reason(candidate: Candidate): string;
}

type Weights = Partial<Record<Mechanism, number>>;

const weight = ({ implementation }: Candidate, weights: Weights) =>
  weights[implementation.mechanism] ?? 0;

const is = (candidate: Candidate, mechanism: Mechanism) =>
  candidate.implementation.mechanism === mechanism;

/** Whether a feature that covers part of the wish asks a service for each request. */
const asksService = ({ covered }: Candidate) =>
  covered.some(({ native }) => native.hop);

/** Whether it is a few lines on headers. */
const small = ({ body, calls, state, need, purpose }: Candidate) =>
  !body &&
  !calls &&
  !state &&
  (need.id === 'unspecified'
    ? purpose.id === 'header-transform'
    : Boolean(need.implies.script));

/** A language as people write it. */
const languageName = (language: string) =>
  ({ typescript: 'TypeScript', cpp: 'C++' }[language] ??
  language.charAt(0).toUpperCase() + language.slice(1));

const specification = 'the decision matrix of the specification';

/** Weights and the reasons that go with them, in the words of an answer to the person. */
export const preferences: readonly Preference[] = [
  {
    id: 'native-first',
    source:
      'answers of maintainers: what the API covers is no reason for an extension',
    points: candidate => weight(candidate, { native: 20 }),
    reason: ({ covered, release }) =>
      `Envoy Gateway ${release.version} does ${enumeration(
        covered.map(({ need }) => `“${need.label}”`),
      )} itself: ${[
        ...new Set(covered.map(({ native }) => native.feature)),
      ].join('; ')}.`,
  },
  {
    id: 'native-language',
    source: 'nothing is written',
    points: candidate =>
      candidate.answers.language === 'none'
        ? 0
        : weight(candidate, { native: 1 }),
    reason: ({ answers }) =>
      answers.language === 'other'
        ? 'The language that you prefer does not matter: no code has to be written.'
        : `You would write it in ${languageName(
            answers.language,
          )}; no code has to be written.`,
  },
  {
    id: 'native-latency',
    source: 'Envoy runs its own filters in the process',
    points: candidate =>
      candidate.answers.latency === 'minimal' && !asksService(candidate)
        ? weight(candidate, { native: 1 })
        : 0,
    reason: () =>
      'It runs in Envoy’s own filters, without a network hop, within the 1 ms that you allow.',
  },
  {
    id: 'native-calls',
    source: 'Envoy ext_authz and access log services',
    points: candidate =>
      candidate.calls && asksService(candidate)
        ? weight(candidate, { native: 1 })
        : 0,
    reason: () =>
      'The service that you need to call is asked by Envoy itself: with its retries, timeouts and TLS, and no processor in between.',
  },
  {
    id: 'native-production',
    source: 'nothing of one’s own in the path of requests',
    points: candidate =>
      candidate.answers.environment === 'production'
        ? weight(candidate, { native: 1 })
        : 0,
    reason: () =>
      'For production: no code of your own has to be released, scaled, watched and upgraded with Envoy.',
  },
  {
    id: 'minimal-latency',
    source: specification,
    points: candidate =>
      candidate.answers.latency === 'minimal'
        ? weight(candidate, {
            extproc: -3,
            wasm: 4,
            lua: 2,
            'dynamic-module': 4,
          })
        : 0,
    reason: candidate =>
      is(candidate, 'extproc')
        ? 'Each processed phase is a gRPC round trip to another process, more than the 1 ms that you allow.'
        : 'It runs inside Envoy, without a network hop, within the 1 ms that you allow.',
  },
  {
    id: 'language',
    source: 'SDKs of Proxy-Wasm, dynamic modules and ext_proc',
    points: ({ answers, implementation }) => {
      const { language } = answers;
      if (language === 'none') {
        return 0;
      }
      if (language === implementation.language) {
        return implementation.generated ? 5 : 3;
      }
      const { languages } = implementation;
      if (language === 'other') {
        return implementation.mechanism === 'extproc' ? 2 : 0;
      }
      return !implementation.generated && languages.includes(language) ? 3 : 0;
    },
    reason: ({ answers, implementation }) => {
      if (answers.language === 'other') {
        return `Any language with gRPC can implement it, yours too; what is generated is in ${languageName(
          implementation.language,
        )}.`;
      }
      return answers.language === implementation.language
        ? `It is written in ${languageName(
            implementation.language,
          )}, as you prefer.`
        : `It can be written in ${languageName(
            answers.language,
          )}, as you prefer.`;
    },
  },
  {
    id: 'simple-prototype',
    source: specification,
    points: candidate =>
      is(candidate, 'lua') &&
      candidate.answers.environment === 'prototype' &&
      candidate.answers.latency !== 'minimal' &&
      !candidate.body &&
      !candidate.need.implies.crypto
        ? 4
        : 0,
    reason: () =>
      'A header change in a prototype is a few lines of script, without a build, an image or a server.',
  },
  {
    id: 'small-script',
    source:
      'threads on header changes that configuration cannot express: a few lines of Lua were what stayed',
    points: candidate => {
      if (!is(candidate, 'lua') || !small(candidate)) {
        return 0;
      }
      if (candidate.answers.language === 'lua') {
        return 3;
      }
      return candidate.answers.environment === 'unknown' ? 4 : 0;
    },
    reason: ({ answers }) =>
      answers.language === 'lua'
        ? 'It is small, touches headers only and calls no service: what your Lua is good for.'
        : 'It is a few lines on headers, without calls and without state; a script in the policy is the smallest thing that does it.',
  },
  {
    id: 'parameters',
    source: 'Envoy Gateway 1.9 release notes: filterContext',
    points: ({ implementation, need, release }) =>
      implementation.mechanism === 'lua' &&
      need.implies.parameters &&
      release.luaFilterContext
        ? 2
        : 0,
    reason: () =>
      'One script in a ConfigMap serves all routes; filterContext gives each policy its parameters.',
  },
  {
    id: 'production',
    source: specification,
    points: candidate =>
      candidate.answers.environment === 'production'
        ? weight(candidate, {
            extproc: 2,
            wasm: 1,
            lua: -1,
            'dynamic-module': -1,
          })
        : 0,
    reason: ({ implementation }) =>
      ({
        extproc:
          'In production it scales, restarts and crashes apart from Envoy, and standard tools debug it.',
        wasm: 'In production it runs in a sandbox; a crash costs requests, not Envoy.',
        lua: 'In production it is limited: errors let requests pass, every change drains the listeners, and there are no tools to debug it.',
        'dynamic-module':
          'In production it has to be rebuilt and rolled out with every Envoy that Envoy Gateway ships.',
        native: '',
      }[implementation.mechanism]),
  },
  {
    id: 'crash-isolation',
    source: 'Envoy documentation, dynamic modules: no isolation, same process',
    points: ({ implementation }) =>
      implementation.crashIsolation === 'none' ? -4 : 0,
    reason: () =>
      'It runs unprotected in Envoy’s process: a fault in it ends the proxy for all traffic.',
  },
  {
    id: 'own-sockets',
    source: 'Envoy documentation, dynamic modules: HTTP call-outs to clusters',
    points: ({ calls, implementation }) =>
      calls && implementation.externalCalls === 'own-sockets' ? -2 : 0,
    reason: () =>
      'You call other services: it reaches clusters that Envoy already has, or opens sockets in threads of its own.',
  },
  {
    id: 'packaged',
    source:
      'Envoy Gateway documentation, dynamic modules: Coraza as a packaged module',
    points: ({ implementation, need }) =>
      implementation.mechanism === 'dynamic-module' && need.implies.packaged
        ? 12
        : 0,
    reason: ({ need }) =>
      `There is a maintained engine to load instead of one to write: ${need.implies.packaged}, as a dynamic module.`,
  },
  {
    id: 'state',
    source: 'Proxy-Wasm ABI: shared data, one store for the VMs of a process',
    points: ({ state, implementation }) =>
      state && implementation.mechanism !== 'native'
        ? { process: 2, proxy: 0, none: 0 }[implementation.state]
        : 0,
    reason: ({ implementation }) =>
      ({
        process:
          'You need state between requests: it keeps it in its own process, or in a store that it calls.',
        proxy:
          'You need state between requests: it shares it among the workers of one proxy, not among proxies.',
        none: '',
      }[implementation.state]),
  },
  {
    id: 'calls',
    source: 'specification; Envoy ext_proc',
    points: candidate => (candidate.calls && is(candidate, 'extproc') ? 1 : 0),
    reason: () =>
      'You need to call other services: it is a program of its own, with clients, pools and caches like any other.',
  },
  {
    id: 'body',
    source: specification,
    points: candidate => (candidate.body && is(candidate, 'extproc') ? 1 : 0),
    reason: ({ answers }) =>
      answers.bodySize === 'large' || answers.bodySize === 'streaming'
        ? `Your bodies are ${answers.bodySize}: it takes them streamed, of any size that its memory allows.`
        : 'It can take bodies buffered or streamed, of any size that its memory allows.',
  },
  {
    id: 'asynchronous',
    source: 'Envoy Gateway 1.9 release notes: shadowMode (observability_mode)',
    points: candidate =>
      is(candidate, 'extproc') &&
      candidate.need.implies.observes &&
      candidate.release.extProcShadowModeAndStatus
        ? 7
        : 0,
    reason: () =>
      'You only look: in shadow mode Envoy sends it copies and does not wait for answers. There is no flow control, and what is sent while the processor is away is lost silently.',
  },
  {
    id: 'crypto',
    source: 'Envoy Lua filter: no hash functions',
    points: candidate =>
      candidate.need.implies.crypto
        ? weight(candidate, { wasm: 1, lua: -4 })
        : 0,
    reason: candidate =>
      is(candidate, 'lua')
        ? 'You need hashes or signatures, and its runtime has none; they would be inlined, slow and unreviewed.'
        : 'The computation needs the request and a key only, which suits a sandbox without a network.',
  },
  {
    id: 'json',
    source: 'Envoy Lua filter; Envoy Gateway’s validator blocks require',
    points: candidate =>
      candidate.body && candidate.need.implies.json && is(candidate, 'lua')
        ? -4
        : 0,
    reason: () =>
      'You need JSON, and it has no library for it; a parser would be inlined.',
  },
  {
    id: 'lua-disabled',
    source: 'Envoy Gateway 1.9 release notes: extensionApis.enableLua',
    points: candidate =>
      is(candidate, 'lua') && !candidate.release.luaEnabledByDefault ? -1 : 0,
    reason: ({ release }) =>
      `Envoy Gateway ${release.version} has Lua off; an operator must turn it on first.`,
  },
  {
    id: 'unsure',
    source: specification,
    points: candidate =>
      is(candidate, 'extproc') && candidate.answers.latency !== 'minimal'
        ? 2
        : 0,
    reason: () =>
      'It is the most flexible mechanism, with any library, calls and state that you may need later, and it runs outside of Envoy’s process.',
  },
];
