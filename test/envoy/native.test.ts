import {
  isBefore,
  needs,
  newestRelease,
  ExtensionPlan,
  plan,
  Release,
  releases,
  renderFiles,
} from 'backstage-plugin-eg-common';
import { parse } from 'yaml';
import { completed } from '../src/answers';
import { egctlOf, translate, validate } from '../src/egctl';
import { gatewayClass, withReferents } from '../src/referents';
import { describeWith } from '../src/tools';

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
type Target = (typeof targets)[keyof typeof targets] | typeof listenerSet;

/** egctl does not load objects of this kind: it validates what targets one, and cannot translate it. */
const listenerSet = { kind: 'ListenerSet', name: 'my-listeners' } as const;

/** What is written for needs that the release covers on the target, each in a namespace of its own, by namespace. */
function policiesOn(
  target: Target,
  release: Release,
  prefix: string,
): [string, any[]][] {
  const namespace = (id: string) =>
    `${prefix.toLowerCase().replace(/ /g, '-')}-${id}`;
  return needs
    .filter(
      ({ native }) =>
        native?.targets.includes(target.kind) &&
        !isBefore(release.version, native.since),
    )
    .map(({ id }): [string, ExtensionPlan] => [
      id,
      plan(
        completed({
          name: 'my-policy',
          owner: 'group:default/platform',
          need: id,
          gatewayVersion: release.version,
          target: { ...target, namespace: namespace(id) },
        }),
      ),
    ])
    .filter(([, { mechanism }]) => mechanism === 'native')
    .map(([id, planned]): [string, any[]] => [
      namespace(id),
      Object.entries(renderFiles(planned))
        .filter(([path]) => /^policy\/(?!kustomization)/.test(path))
        .map(([, text]) => parse(text, { version: '1.1' }))
        // Envoy Gateway knows nothing of the add-on's kinds.
        .filter(({ apiVersion }) => !apiVersion.startsWith('aigateway.')),
    ])
    .filter(([, policies]) => policies.length > 0);
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

const inNamespaces = (written: ReturnType<typeof policiesOn>) =>
  written.flatMap(([, policies]) => policies);

/** A section is one field in all releases: the newest judges it. */
const targetsFor = (release: Release) =>
  Object.entries(targets).filter(
    ([, target]) => release === newestRelease || !('sectionName' in target),
  );

describe.each(releases)(
  'native policies for Envoy Gateway $version',
  release => {
    const egctl = egctlOf(release);

    describeWith([egctl], 'judged by its own validation', () => {
      const written = new Map(
        targetsFor(release).map(([name, target]) => [
          name,
          policiesOn(target, release, name),
        ]),
      );
      let found: any[];

      beforeAll(() => {
        const all = [...written.values()].flat();
        // Translation begins with the validation of every object. egctl takes one EnvoyProxy for all: what depends on its own
        // is translated alone.
        const alone = all.filter(([, policies]) => dependsOnProxy(policies));
        const together = all.filter(entry => !alone.includes(entry));
        found = [together, ...alone.map(entry => [entry])].flatMap(group =>
          conditions(
            JSON.parse(
              translate(
                [
                  gatewayClass,
                  ...group.flatMap(([, policies]) =>
                    withReferents(policies, release),
                  ),
                ],
                'gateway-api',
                egctl,
              ),
            ),
          ),
        );
      });

      it.each([...written.keys()])(
        'what is written for every need on %s is accepted',
        name => {
          expect(written.get(name)!.length).toBeGreaterThan(0);
          for (const [namespace, policies] of written.get(name)!) {
            const own = found.filter(c => c.namespace === namespace);
            const judged = policies.filter(p => p.spec.targetRefs);
            expect(
              own.filter(c => c.type === 'Accepted' && c.policy).length,
            ).toBeGreaterThanOrEqual(judged.length);
            expect(
              own.filter(
                c =>
                  // A deprecated field, for example.
                  c.type === 'Warning' ||
                  (['Accepted', 'ResolvedRefs', 'Programmed'].includes(
                    c.type,
                  ) &&
                    c.status !== 'True' &&
                    !beyondEgctl.test(c.message)),
              ),
            ).toEqual([]);
          }
        },
      );

      if (release.listenerSet) {
        it('what is written for every need on a ListenerSet keeps the API', () => {
          const onListenerSet = policiesOn(
            listenerSet,
            release,
            'listener-set',
          );
          expect(onListenerSet.length).toBeGreaterThan(0);
          expect(validate(inNamespaces(onListenerSet), egctl)).toBe('');
        });
      }
    });
  },
);

/** Needs that are covered since a release after the first, with it and the one before. */
const arrivals = releases
  .slice(1)
  .flatMap((release, i) =>
    needs
      .filter(({ native }) => native?.since === release.version)
      .map(({ id }) => ({ id, release, before: releases[i]! })),
  );

describeWith(releases.map(egctlOf), 'what arrived with a release', () => {
  it.each(arrivals)(
    '$id since $release.version is refused by $before.version',
    ({ id, release, before }) => {
      const [, policies] = policiesOn(targets.HTTPRoute, release, 'new').find(
        ([namespace]) => namespace === `new-${id}`,
      )!;
      expect(validate(policies, egctlOf(before))).toMatch(
        /unknown field|Unsupported value|not found/,
      );
    },
  );
});

describe('native policies', () => {
  it.each(releases.map(r => r.version))(
    'nothing is decided that Envoy Gateway %s does not have',
    gatewayVersion => {
      const newer = needs.filter(
        ({ native }) => native && isBefore(gatewayVersion, native.since),
      );
      const decided = newer.map(({ id }) =>
        plan(
          completed({
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
