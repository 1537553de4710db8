import {
  needs,
  parseAnswers,
  plan,
  releases,
  renderFiles,
} from 'backstage-plugin-eg-common';
import { parse } from 'yaml';
import { egctl, translate, validate } from '../src/egctl';
import { gatewayClass, withReferents } from '../src/referents';
import { describeWith } from '../src/tools';

jest.setTimeout(120_000);

/** A target of each kind that a need can be attached to. */
const targets = {
  HTTPRoute: { kind: 'HTTPRoute', name: 'my-route' },
  GRPCRoute: { kind: 'GRPCRoute', name: 'my-route' },
  Gateway: { kind: 'Gateway', name: 'my-gateway' },
  'a section of a Gateway': {
    kind: 'Gateway',
    name: 'my-gateway',
    sectionName: 'http',
  },
  TCPRoute: { kind: 'TCPRoute', name: 'my-route' },
  TLSRoute: { kind: 'TLSRoute', name: 'my-route' },
  UDPRoute: { kind: 'UDPRoute', name: 'my-route' },
} as const;

/** What is written for every need that can be attached to the target, each in a namespace of its own. */
function policiesOn(target: { kind: string }): [string, object[]][] {
  return needs
    .filter(({ native }) => native?.targets.includes(target.kind))
    .map(({ id }) => {
      const answers = parseAnswers({
        name: 'my-policy',
        owner: 'group:default/platform',
        need: id,
        target: { ...target, namespace: id },
      });
      const policies = Object.entries(renderFiles(plan(answers)))
        .filter(([path]) => /^policy\/(?!kustomization)/.test(path))
        .map(([, text]) => parse(text, { version: '1.1' }))
        // Envoy Gateway knows nothing of the add-on's kinds.
        .filter(({ apiVersion }) => !apiVersion.startsWith('aigateway.'));
      return [id, policies];
    });
}

/** Every condition in what Envoy Gateway made of the objects, with the namespace of the object that it belongs to. */
function conditions(value: any, namespace = '', policy = false): any[] {
  if (typeof value !== 'object' || value === null) {
    return [];
  }
  const own = value.metadata?.namespace ?? namespace;
  const ofPolicy = policy || value.ancestorRef !== undefined;
  return [
    ...(Array.isArray(value.conditions)
      ? value.conditions.map((c: any) => ({
          ...c,
          namespace: own,
          policy: ofPolicy,
        }))
      : []),
    ...Object.entries(value)
      .filter(([key]) => key !== 'conditions')
      .flatMap(([, v]) => conditions(v, own, ofPolicy)),
  ];
}

/** Whether a policy counts only with the EnvoyProxy beside it. */
const dependsOnProxy = (policies: any[]) =>
  policies.some(p => p.kind === 'EnvoyProxy') &&
  policies.some(p => p.spec.targetRefs);

/** What Envoy Gateway has in a cluster and egctl has not. */
const beyondEgctl = /OIDC: HMAC secret .* not found/;

describeWith([egctl], 'native policies', () => {
  it.each(Object.entries(targets))(
    'Envoy Gateway accepts what is written for every need on %s',
    (_, target) => {
      const written = policiesOn(target).filter(
        ([, policies]) => policies.length,
      );
      expect(written.length).toBeGreaterThan(0);
      expect(validate(written.flatMap(([, policies]) => policies))).toBe('');
      // egctl takes one EnvoyProxy for all: what depends on its own is translated alone.
      const alone = written.filter(([, policies]) => dependsOnProxy(policies));
      const together = written.filter(entry => !alone.includes(entry));
      const found = [together, ...alone.map(entry => [entry])].flatMap(group =>
        conditions(
          JSON.parse(
            translate(
              [
                gatewayClass,
                ...group.flatMap(([, policies]) => withReferents(policies)),
              ],
              'gateway-api',
            ),
          ),
        ),
      );
      for (const [id, policies] of written) {
        const own = found.filter(c => c.namespace === id);
        const judgedPolicies = policies.filter((p: any) => p.spec.targetRefs);
        expect(
          own.filter(c => c.type === 'Accepted' && c.policy).length,
        ).toBeGreaterThanOrEqual(judgedPolicies.length);
        expect(
          own.filter(
            c =>
              ['Accepted', 'ResolvedRefs', 'Programmed'].includes(c.type) &&
              c.status !== 'True' &&
              !beyondEgctl.test(c.message),
          ),
        ).toEqual([]);
      }
    },
  );

  it.each(releases.map(r => r.version))(
    'nothing is decided that Envoy Gateway %s does not have',
    gatewayVersion => {
      const newer = needs.filter(
        ({ native }) => native && Number(native.since) > Number(gatewayVersion),
      );
      const decided = newer.map(({ id }) =>
        plan(
          parseAnswers({
            name: 'my-policy',
            owner: 'group:default/platform',
            purpose: 'other',
            need: id,
            gatewayVersion: gatewayVersion as any,
          }),
        ),
      );
      expect(decided.filter(p => p.mechanism === 'native')).toEqual([]);
    },
  );
});
