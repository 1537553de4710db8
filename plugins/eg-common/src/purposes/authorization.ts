import { cases } from './authorizationCases';
import { AuthorizationSettings, settings } from './authorizationRules';
import { Purpose } from './types';

/**
 * Decides by ordered rules who may do what, and says so in a log.
 *
 * @public
 */
export const authorization: Purpose<AuthorizationSettings> = {
  id: 'authorization',
  title: 'Authorize requests',
  description:
    'Allows or denies requests by rules over method, path, headers and verified claims; what no rule allows is denied.',
  settings,
  defaultPhases: ['requestHeaders'],
  example: () =>
    settings.parse({
      rules: [
        {
          name: 'everybody-reads',
          effect: 'allow',
          methods: ['GET', 'HEAD'],
          paths: [{ match: 'prefix', path: '/' }],
        },
      ],
    }),
  asks: ['rules'],
  phases: () => ['requestHeaders'],
  wholeBody: false,
  changesBody: false,
  openEnded: false,
  requires: ({ provider }) => ({ claims: provider || null }),
  warnings: ({ rules, provider, decisionLog, mode }) => {
    const byHeader = rules.some(
      r => r.effect === 'allow' && r.headers.length && !r.claims.length,
    );
    const denies = rules.some(r => r.effect === 'deny' && r.paths.length);
    return [
      ...(mode === 'report-only'
        ? [
            {
              severity: 'security' as const,
              text: 'The mode is report-only: nothing is refused until you set it to enforce.',
              source: 'the settings',
            },
          ]
        : []),
      ...(provider
        ? [
            {
              severity: 'security' as const,
              text: `Claims count only where a SecurityPolicy with the JWT provider of the settings covers the same routes; without it, rules that ask for claims answer 401. With optional: true there, requests without a token reach the rules.`,
              source: 'Envoy Gateway documentation, JWT authentication',
            },
          ]
        : []),
      ...(byHeader
        ? [
            {
              severity: 'security' as const,
              text: 'Some rules allow by a header alone: whoever reaches the gateway can send it. Remove it from clients’ requests before, or ask for claims.',
              source: 'OWASP API Security Top 10, API2 Broken Authentication',
            },
          ]
        : []),
      ...(denies
        ? [
            {
              severity: 'security' as const,
              text: 'Rules that deny a path hold only as long as the upstream reads paths alike: with upstreams that ignore case, set pathCase to ignored, and deny by prefix rather than by exact path. Better, allow what is meant and leave the rest to the default.',
              source: 'CWE-41, Improper Resolution of Path Equivalence',
            },
          ]
        : []),
      ...(decisionLog !== 'none'
        ? [
            {
              severity: 'operation' as const,
              text: 'With Wasm and Lua, the decision log is part of Envoy’s own at level info, which Envoy Gateway does not show by default: set EnvoyProxy spec.logging.level to info for wasm or lua.',
              source: 'Envoy Gateway API, ProxyLogComponent',
            },
          ]
        : []),
    ];
  },
  cases,
};
