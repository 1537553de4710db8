import { Candidate } from './facts';

/** Why something cannot do the job. */
export interface Constraint {
  id: string;
  /** Where the fact comes from. */
  source: string;
  /** The reasons; none where the constraint is met. */
  violated(candidate: Candidate): string | string[] | undefined;
}

/** The id of the constraint that Envoy Gateway itself covers the wish. */
export const nativeFeature = 'native-feature';

/** What cannot work. Whatever breaks one of these is never recommended, however many points it would have. */
export const constraints: readonly Constraint[] = [
  {
    id: nativeFeature,
    source: 'the table of needs, each with its documentation',
    violated: ({ implementation, uncovered }) =>
      implementation.mechanism === 'native' && uncovered.length > 0
        ? uncovered
        : undefined,
  },
  {
    id: 'connections-only',
    source:
      'Envoy Gateway internal/gatewayapi/envoyextensionpolicy.go: only routes of HTTP listeners are touched',
    violated: ({ answers, connections, implementation }) =>
      connections && implementation.mechanism !== 'native'
        ? `Your target is a ${answers.target.kind}: an extension policy on it is accepted and does nothing, since there is no HTTP to process.`
        : undefined,
  },
  {
    id: 'release',
    source: 'Envoy Gateway 1.8 release notes: dynamic modules',
    violated: ({ implementation, release }) =>
      implementation.mechanism === 'dynamic-module' && !release.dynamicModule
        ? `It exists since Envoy Gateway 1.8; you run ${release.version}.`
        : undefined,
  },
  {
    id: 'purpose',
    source: 'the table of implementations',
    violated: ({ implementation, purpose, requirements }) => {
      const never = implementation.impossible[purpose.id];
      const thisWay = requirements.impossible[implementation.id];
      return (
        (never && `It does not do “${purpose.title}”: ${never}.`) ??
        (thisWay &&
          `It does not do “${purpose.title}” as you set it: ${thisWay}.`)
      );
    },
  },
  {
    id: 'external-calls',
    source:
      'EnvoyExtensionPolicy API: no field adds a cluster for a call-out from Wasm or Lua (envoyproxy/gateway, api/v1alpha1)',
    violated: ({ calls, implementation }) =>
      calls && implementation.externalCalls === 'existing-clusters'
        ? 'You need to call external services. Its call-outs reach only clusters that Envoy already has, and an EnvoyExtensionPolicy has no field that adds one.'
        : undefined,
  },
  {
    id: 'files-and-drivers',
    source: 'Proxy-Wasm ABI; Envoy Lua filter: no sockets, no files',
    violated: ({ implementation, need }) =>
      need.implies.database &&
      ['wasm', 'lua'].includes(implementation.mechanism)
        ? 'You need a database, and it can open neither files nor sockets; drivers do not run in it.'
        : undefined,
  },
  {
    id: 'state',
    source: 'Envoy Lua filter: one script environment for each worker thread',
    violated: ({ state, implementation }) =>
      state && implementation.state === 'none'
        ? 'You need state between requests; it keeps none.'
        : undefined,
  },
  {
    id: 'whole-body',
    source:
      'Envoy Gateway listeners: per_connection_buffer_limit_bytes 32768 unless ClientTrafficPolicy.spec.connection.bufferLimit says otherwise',
    violated: ({ answers, implementation, wholeBody, changesBody }) =>
      (wholeBody || (changesBody && !implementation.holdsBack)) &&
      ['large', 'streaming'].includes(answers.bodySize) &&
      implementation.wholeBody === 'listener-buffer'
        ? `Your bodies are ${answers.bodySize}. It has to hold a body in the listener’s connection buffer, 32 KiB by default; a request beyond it is answered with 413.`
        : undefined,
  },
  {
    id: 'lua-body',
    source:
      'Envoy Lua filter: body() collects the whole body; bodyChunks() runs when the headers have left',
    violated: ({ answers, body, implementation, need }) =>
      implementation.mechanism === 'lua' &&
      body &&
      Boolean(need.implies.headerFromBody) &&
      ['large', 'streaming'].includes(answers.bodySize)
        ? 'Headers have to follow from the body, for which Lua collects all of it in the connection buffer, 32 KiB by default.'
        : undefined,
  },
];
