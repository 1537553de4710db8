import { readdirSync, readFileSync } from 'fs';
import { join } from 'path';
import { objectKinds } from '../kinds';
import { knowledge } from './knowledge';
import { meanings } from './meanings';
import answers from './__observed__/answers.json';
import related from './__observed__/related.json';
import { LiveBackend, LivePolicy, PolicyState } from './types';
import { policyHealth } from './health';

const folder = join(__dirname, '__fixtures__');

/** An object as a real gateway left it: `npm run lab -- record` wrote it. */
function fixture(name: string): LivePolicy {
  return JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'));
}

/** What the cluster held of the processor at the same time. */
function backendOf(name: string): LiveBackend {
  const objects: { kind: string }[] = (related as any)[name] ?? [];
  const ofKind = (kind: string): any[] =>
    objects.filter(object => object.kind === kind);
  return {
    endpointSlices: ofKind('EndpointSlice'),
    tlsPolicies: ofKind('BackendTLSPolicy'),
  };
}

const names = readdirSync(folder).map(file => file.replace('.json', ''));

type Expected = Record<string, [PolicyState, string[], RegExp?]>;

/** The same about kinds that are no extension. */
const expectedOfOthers: Expected = {
  'security-accepted': [
    'Accepted',
    ['test-authorization'],
    /clientIPDetection/,
  ],
  'security-jwt': ['Accepted', ['test-jwt'], /JWKS.*cannot be fetched.*401/],
  'security-jwks-unreachable': [
    'Accepted',
    ['test-jwt'],
    /while the issuer’s key set \(JWKS\) cannot be fetched, .* get 401/,
  ],
  'security-jwks-missing': [
    'NotAccepted',
    ['jwks-missing'],
    /ConfigMap default\/nope/,
  ],
  'security-secret-missing': [
    'NotAccepted',
    ['security-secret-missing'],
    /Secret default\/nope for APIKeyAuth.*kubectl get secret nope -n default/,
  ],
  'security-authorizer-missing': [
    'NotAccepted',
    ['authorizer-missing'],
    /service default\/nosvc that decides/,
  ],
  'security-authorizer-missing-fail-open': [
    'NotAccepted',
    ['authorizer-missing'],
  ],
  'security-authorizer-down': [
    'Accepted',
    ['test-extauth'],
    /cannot be reached, requests get 403 \(with failOpen they pass/,
  ],
  'security-location-unknown': [
    'NotAccepted',
    ['client-location-unknown'],
    /location require ClientTrafficPolicy\.spec\.clientIPDetection\./,
  ],
  'security-expression-rejected': [
    'Accepted',
    ['test-authorization'],
    /a function that Envoy’s CEL lacks, .*update_rejected must not grow/,
  ],
  'security-conflicted': [
    'Conflicted',
    ['conflict'],
    /Another SecurityPolicy is .* HTTPRoute my-route.*kubectl get securitypolicies\.gateway/,
  ],
  'security-overridden': [
    'Overridden',
    ['overridden', 'test-authorization'],
    /default\/my-route/,
  ],
  'security-target-missing': [
    'NotAttached',
    ['not-attached'],
    /HTTPRoute default\/no-route does not exist/,
  ],
  'security-stale': ['Stale', ['stale']],
  'traffic-accepted': ['Accepted', ['test']],
  'traffic-rate-limit-disabled': [
    'NotAccepted',
    ['rate-limit-disabled'],
    /rateLimit\.backend/,
  ],
  'traffic-body-missing': [
    'NotAccepted',
    ['response-body-missing'],
    /ConfigMap \S*nope with the body/,
  ],
  'traffic-all-unhealthy': [
    'Accepted',
    ['test-healthcheck'],
    /no endpoint passes the active check, requests get 503/,
  ],
  'traffic-conflicted': ['Conflicted', ['conflict'], /BackendTrafficPolicy/],
  'traffic-overridden': ['Overridden', ['overridden', 'test']],
  'traffic-merged-parent': ['Merged', ['merged-into-child', 'test']],
  'traffic-merged-child': [
    'Merged',
    ['merged-with-parent', 'test'],
    /default\/traffic-merged-parent/,
  ],
  'traffic-target-missing': ['NotAttached', ['not-attached']],
  'traffic-stale': ['Stale', ['stale']],
  'client-accepted': ['Accepted', ['test']],
  'client-buffer-limit': [
    'NotAccepted',
    ['buffer-limit-out-of-range'],
    /bufferLimit is 8Gi; it must be between 0 and 4294967295 bytes/,
  ],
  'client-proxy-protocol': [
    'Accepted',
    ['test-proxyprotocol'],
    /PROXY protocol is closed/,
  ],
  'client-conflicted': [
    'Conflicted',
    ['conflict'],
    /Another ClientTrafficPolicy is already attached to Gateway eg,/,
  ],
  'client-section-conflicted': [
    'Conflicted',
    ['conflict'],
    /attached to that section of eg,/,
  ],
  'client-overridden': [
    'Overridden',
    ['overridden-sections', 'test'],
    /single listeners take over for http:/,
  ],
  'client-target-missing': [
    'NotAttached',
    ['not-attached'],
    /Gateway default\/nosuch does not exist/,
  ],
  'client-section-not-found': ['NotAccepted', ['section-not-found']],
  'client-stale': ['Stale', ['stale']],
  'route-accepted': ['Accepted', ['test'], /requests get 503/],
  'route-parent-missing': [
    'NotAttached',
    ['not-attached'],
    /Gateway default\/nosuch does not exist.*Check name, kind and namespace of parentRefs/,
  ],
  'route-section-missing': ['NotAccepted', ['route-parent-section']],
  'route-not-allowed': [
    'NotAccepted',
    ['route-not-allowed'],
    /take no HTTPRoute from this namespace/,
  ],
  'route-hostname': ['NotAccepted', ['route-hostname']],
  'route-backend-missing': [
    'Incomplete',
    ['route-backend-missing'],
    /Rule 0 .*service default\/nosvc, which does not exist/,
  ],
  'grpc-route-backend-missing': [
    'Incomplete',
    ['route-backend-missing'],
    /service default\/nosvc/,
  ],
  'route-port-missing': [
    'Incomplete',
    ['route-backend-port'],
    /Service default\/backend has no port 9999/,
  ],
  'route-reference-grant-missing': [
    'Incomplete',
    ['route-reference-grant-missing'],
    /namespace other: from gateway\.networking\.k8s\.io HTTPRoute/,
  ],
  'route-no-endpoints': [
    'Incomplete',
    ['route-no-endpoints'],
    /no ready pod behind the Service default\/empty/,
  ],
  'route-backend-down': ['Accepted', ['test'], /no pod .* answers.*503/],
  'route-filter-missing': [
    'Incomplete',
    ['route-filter-missing'],
    /HTTPRouteFilter default\/no-filter does not exist/,
  ],
  'route-filter-refused': [
    'NotAccepted',
    ['route-filter-refused'],
    /HTTPRouteFilter is refused: secret default\/nope does not exist\./,
  ],
  filter: ['NoStatus', ['no-status'], /kind has no status/],
  'route-overlap': [
    'Accepted',
    ['route-overlap', 'test'],
    /same requests: HTTPRoute default\/another-route\./,
  ],
  'route-stale': ['Stale', ['stale']],
  'backend-accepted': ['Accepted', ['test']],
  'backend-unreachable': ['Accepted', ['test'], /none does, requests get 503/],
  'backend-loopback': [
    'NotAccepted',
    ['backend-invalid'],
    /refused: IP address 127\.0\.0\.1 in the loopback range/,
  ],
  'backend-disabled': [
    'NotAttached',
    ['not-attached'],
    /Backends are switched off.*extensionApis\.enableBackend: true/,
  ],
  'to-backend-disabled': [
    'Incomplete',
    ['route-backend-disabled'],
    /leads to a Backend, and Backends are switched off/,
  ],
  'backend-unused': ['NotAttached', ['not-attached'], /no route or policy/],
  'backend-mended': ['Accepted', ['test']],
  'patch-accepted': ['Accepted', ['test'], /update_rejected must not grow/],
  'patch-disabled': [
    'NotAccepted',
    ['patch-disabled'],
    /EnvoyPatchPolicy is switched off.*enableEnvoyPatchPolicy: true/,
  ],
  'patch-resource-missing': [
    'Incomplete',
    ['patch-resource-missing'],
    /has no RouteConfiguration\/default\/eg\/nosuch\./,
  ],
  'patch-failed': ['Incomplete', ['patch-failed'], /no_such_field/],
  'patch-unknown-field': [
    'Incomplete',
    ['patch-result-invalid'],
    /Envoy has: proto:.* unknown field "no_such_field"\./,
  ],
  'patch-target-missing': [
    'NotAttached',
    ['not-attached'],
    /EnvoyPatchPolicy is switched off.*Gateway default\/nosuch does not exist/,
  ],
  'patch-rejected': [
    'Accepted',
    ['test'],
    /can reject .* keep the one before.*update_rejected must not grow/,
  ],
  'patch-stale': ['Stale', ['stale']],
  'proxy-accepted': ['Accepted', ['test'], /seen at their pods/],
  'proxy-invalid': [
    'NotAccepted',
    ['proxy-invalid'],
    /EnvoyProxy is refused: /,
  ],
  'proxy-unused': [
    'Unknown',
    ['not-attached'],
    /no GatewayClass or Gateway names it, or this is an Envoy Gateway before 1\.9/,
  ],
};

/** What must be said about each fixture: state, hints, and words that must be there. */
const expected: Expected = {
  ...expectedOfOthers,
  'accepted-extproc': [
    'Accepted',
    ['test-extproc'],
    /kubectl get gateway eg -n default/,
  ],
  'accepted-extproc-tls': ['Accepted', ['test-extproc']],
  'accepted-extproc-server-down': [
    'Accepted',
    ['test-extproc'],
    /while the processor is down.*500/,
  ],
  'accepted-extproc-server-down-fail-open': [
    'Accepted',
    ['test-extproc'],
    /with failOpen they pass unprocessed/,
  ],
  'accepted-extproc-wrong-hostname': [
    'Accepted',
    ['test-extproc'],
    /TLS to it fails, requests get 500/,
  ],
  'accepted-extproc-not-ready': [
    'BackendNotReady',
    ['backend-not-ready'],
    /Service default\/extproc-failing: 0 of 1 endpoints ready/,
  ],
  'accepted-wasm-not-loadable': ['Accepted', ['test-wasm'], /requests get 503/],
  'listener-set': ['Accepted', ['test-lua']],
  'accepted-lua': ['Accepted', ['test-lua']],
  'accepted-wasm': ['Accepted', ['test-wasm']],
  'accepted-dynamic-module': [
    'Accepted',
    ['test-dynamicmodule'],
    /rejects the whole listener.*requests pass unprocessed.*update_rejected/,
  ],
  'target-missing': [
    'NotAttached',
    ['not-attached'],
    /HTTPRoute default\/no-route does not exist/,
  ],
  'section-not-found-gateway': [
    'NotAccepted',
    ['section-not-found'],
    /kubectl get gateway eg -n default/,
  ],
  'section-not-found-route': [
    'NotAccepted',
    ['section-not-found'],
    /HTTPRoute default\/my-route has no section “nosuch”/,
  ],
  'conflicted-route': [
    'Conflicted',
    ['conflict'],
    /HTTPRoute my-route.*oldest wins by creationTimestamp, then the first by namespace and name/,
  ],
  'conflicted-gateway': ['Conflicted', ['conflict'], /Gateway eg/],
  overridden: [
    'Overridden',
    ['overridden', 'test-lua'],
    /take over for default\/my-route/,
  ],
  'merged-parent': ['Merged', ['merged-into-child', 'test-lua']],
  'merged-child': [
    'Merged',
    ['merged-with-parent', 'test-extproc'],
    /merged with default\/merged-parent/,
  ],
  'deprecated-field': [
    'Accepted',
    ['deprecated-field', 'test-lua'],
    /Write it as spec\.targetRefs/,
  ],
  'lua-syntax': ['NotAccepted', ['lua-syntax'], /line 3, column 3, near 'end'/],
  'lua-no-entry-point': ['NotAccepted', ['lua-no-entry-point']],
  'lua-unknown-method': [
    'NotAccepted',
    ['lua-validation'],
    /attempt to call a non-function object/,
  ],
  'lua-configmap-missing': [
    'NotAccepted',
    ['lua-configmap-missing'],
    /ConfigMap default\/no-cm/,
  ],
  'lua-disabled': ['NotAccepted', ['lua-disabled'], /enableLua: true/],
  'extproc-service-missing': [
    'NotAccepted',
    ['service-missing'],
    /Service default\/nosvc/,
  ],
  'extproc-service-missing-fail-open': ['NotAccepted', ['service-missing']],
  'extproc-port-missing': [
    'NotAccepted',
    ['port-missing'],
    /default\/extproc has no TCP port 9999/,
  ],
  'extproc-no-ready-endpoints': [
    'NotAccepted',
    ['no-ready-endpoints'],
    /no pod behind the Service default\/extproc-starting/,
  ],
  'extproc-no-backend-refs': ['NotAccepted', ['no-backend-refs']],
  'extproc-reference-grant-missing': [
    'NotAccepted',
    ['reference-grant-missing'],
    /ReferenceGrant in namespace other/,
  ],
  'extproc-backend-missing': [
    'NotAccepted',
    ['backend-missing'],
    /Backend default\/nope/,
  ],
  'extproc-ca-missing': [
    'NotAccepted',
    ['backend-ca-missing'],
    /configmap default\/nope/,
  ],
  'wasm-http-404': ['NotAccepted', ['wasm-not-found']],
  'wasm-http-404-fail-open': ['NotAccepted', ['wasm-not-found']],
  'wasm-wrong-sha256': [
    'NotAccepted',
    ['wasm-checksum'],
    /it has sha256 93a44bb.*the policy says fcde2b2[0-9a-f]*\./,
  ],
  'wasm-not-wasm': [
    'NotAccepted',
    ['wasm-invalid'],
    /http:\/\/10\.99\.0\.4:8000\/page\.html holds/,
  ],
  'wasm-image-not-found': [
    'NotAccepted',
    ['image-not-found'],
    /wasm\/manifests\/v1/,
  ],
  'wasm-ca-not-trusted': ['NotAccepted', ['ca-not-trusted']],
  'wasm-pull-secret-missing': [
    'NotAccepted',
    ['wasm-object-missing'],
    /pull secret default\/nope/,
  ],
  'wasm-ca-configmap-missing': [
    'NotAccepted',
    ['wasm-object-missing'],
    /ConfigMap default\/nope/,
  ],
  'dynamic-module-not-registered': [
    'NotAccepted',
    ['dynamic-module-not-registered'],
    /“hello”/,
  ],
  stale: ['Stale', ['stale'], /generation 1, the policy is at generation 3/],
  'two-problems': ['NotAccepted', ['lua-disabled', 'service-missing']],
  aggregated: ['Accepted', ['aggregated', 'test-lua']],
  'two-gateways': ['NotAccepted', ['dynamic-module-not-registered']],
  'tcp-route': [
    'Accepted',
    ['target-without-effect', 'test-lua'],
    /TCPRoute default\/db/,
  ],
  'wasm-unreachable': [
    'NotAccepted',
    ['wasm-download-failed'],
    /could not be downloaded: .*connection refused\. /,
  ],
  'wasm-image-denied': ['NotAccepted', ['image-denied'], /pullSecretRef/],
  'wasm-image-unreachable': [
    'NotAccepted',
    ['image-failed'],
    /could not be fetched: .*connection refused\. /,
  ],
};

describe('policyHealth', () => {
  it('is tested with every fixture', () => {
    expect(Object.keys(expected).sort()).toEqual(names.sort());
  });

  it.each(Object.entries(expected))('%s', (name, [state, ids, words = /./]) => {
    const health = policyHealth(fixture(name), backendOf(name));
    expect(health.state).toBe(state);
    expect(health.hints.map(hint => hint.id)).toEqual(ids);
    for (const { meaning, remedy } of health.hints) {
      expect(`${meaning} ${remedy}`).not.toMatch(/undefined|\.\.|\s\s/);
      expect(remedy).not.toBe('');
    }
    expect(
      health.hints.map(h => `${h.meaning} ${h.remedy}`).join('\n'),
    ).toMatch(words);
  });

  it('shows a message that nobody knows as it is', () => {
    const policy = fixture('lua-disabled');
    policy.status!.ancestors![0]!.conditions![0]!.message =
      'ExtProc: something that no release has said before.';
    const { state, hints } = policyHealth(policy);
    expect([state, hints.map(h => h.id)]).toEqual(['NotAccepted', ['other']]);
    expect(hints[0]!.meaning).toMatch(/that no release has said before/);
  });

  it('does not know what an ancestor without conditions means', () => {
    const policy = fixture('accepted-lua');
    // The API server refuses such a status; other releases may not.
    policy.status!.ancestors![0]!.conditions = [];
    const { state, hints } = policyHealth(policy);
    expect([state, hints.map(h => h.id)]).toEqual(['Unknown', ['unknown']]);
  });

  it('explains everything in its table with some fixture', () => {
    const explained = new Set(
      Object.values(expected).flatMap(([, ids]) => ids),
    );
    expect(knowledge.map(k => k.id).filter(id => !explained.has(id))).toEqual(
      [],
    );
  });

  describe('against what a request was answered', () => {
    const observed = Object.entries(answers);
    const healthOf = (name: string) =>
      policyHealth(fixture(name), backendOf(name));

    const effects: Record<number, RegExp> = {
      200: /Requests pass without|the answer of another route|as if the policy were not there|The Gateways that name it are not programmed/,
      403: /refuses it first with 401 or 403/,
      500: /answered with 500/,
    };

    it.each(
      observed.filter(([name]) => healthOf(name).state === 'NotAccepted'),
    )('says what it was: %s', (name, { status }) => {
      expect(healthOf(name).effect).toMatch(effects[status]!);
    });

    const unprocessed = observed
      .filter(([, { processed }]) => !processed)
      .map(([name]) => name);
    const takenOver = (name: string) =>
      ['Accepted', 'Merged', 'Overridden'].includes(healthOf(name).state);

    it.each(unprocessed.filter(takenOver))(
      'does not claim that the extension works: %s',
      name => {
        const { effect, hints } = healthOf(name);
        expect(effect).toMatch(
          /only a request shows|another policy runs in its place/,
        );
        expect(hints.map(h => h.remedy).join()).toMatch(/Send a request/);
      },
    );

    it.each(unprocessed.filter(name => !takenOver(name)))(
      'says that something is wrong: %s',
      name => {
        expect(healthOf(name).hints[0]!.severity).not.toBe('info');
      },
    );
  });

  describe('what is known of the processor', () => {
    const factsOf = (name: string, backend = backendOf(name)) =>
      policyHealth(fixture(name), backend).backend.map(
        ({ state, text }) => `${state}: ${text}`,
      );

    it.each([
      [
        'accepted-extproc',
        ['good: Service default/extproc: 1 of 1 endpoints ready.'],
      ],
      [
        'accepted-extproc-tls',
        [
          'good: Service default/extproc-tls: 1 of 1 endpoints ready.',
          'good: BackendTLSPolicy default/extproc-tls is accepted. Whether the processor’s certificate is for extproc.lab, only a request shows.',
        ],
      ],
      [
        'extproc-ca-missing',
        [
          'good: Service default/extproc-no-ca: 1 of 1 endpoints ready.',
          expect.stringMatching(
            /^bad: BackendTLSPolicy default\/extproc-no-ca: \w+=False \w+: .*nope/,
          ),
        ],
      ],
      [
        'extproc-no-ready-endpoints',
        ['bad: Service default/extproc-starting: 0 of 0 endpoints ready.'],
      ],
      ['accepted-lua', []],
    ])('%s', (name, facts) => {
      expect(factsOf(name)).toEqual(facts);
    });

    it('says what it does not know', () => {
      expect(factsOf('accepted-extproc', {})).toEqual([
        'unknown: Service default/extproc: Backstage may not list EndpointSlices, so whether it has ready endpoints is not known.',
      ]);
      expect(factsOf('accepted-extproc', { endpointSlices: [] })).toEqual([
        expect.stringMatching(/^unknown: .*carries the label of this entity/),
      ]);
    });

    it('goes by the Deployment too', () => {
      const deployment = (readyReplicas?: number) => ({
        metadata: { name: 'my-extension', namespace: 'default' },
        status: { readyReplicas },
      });
      const stateWith = (readyReplicas?: number) =>
        policyHealth(fixture('accepted-extproc'), {
          deployments: [deployment(readyReplicas)],
        }).state;
      expect([stateWith(), stateWith(1), stateWith(2)]).toEqual([
        'BackendNotReady',
        'Accepted',
        'Accepted',
      ]);
    });

    it('says what requests see while it is not ready', () => {
      const unready = backendOf('accepted-extproc-not-ready');
      const policy = fixture('accepted-extproc-not-ready');
      expect(policyHealth(policy, unready).effect).toMatch(/answered with 500/);
      policy.spec!.extProc![0]!.failOpen = true;
      expect(policyHealth(policy, unready).effect).toMatch(/pass unprocessed/);
    });
  });

  it.each([
    ['security-jwks-missing', /answered with 500/],
    ['security-authorizer-missing', /answered with 500/],
    [
      'security-authorizer-missing-fail-open',
      /pass without external authorization, because it is failOpen/,
    ],
    ['security-target-missing', /pass without the checks/],
    ['security-overridden', /On some routes another policy/],
    ['traffic-rate-limit-disabled', /answered with 500/],
    ['traffic-target-missing', /pass without what this policy sets/],
    ['client-buffer-limit', /to the affected listeners is answered with 500/],
    ['client-overridden', /On some listeners another policy/],
    ['route-section-missing', /No listener serves this route/],
    ['route-filter-refused', /rules with the fault are answered with 500/],
    ['route-backend-missing', /rules with the fault are answered with 500/],
    ['backend-loopback', /led to it are answered with 500/],
    ['patch-disabled', /as if the policy were not there/],
    ['patch-resource-missing', /operations that failed are left out/],
    ['proxy-invalid', /not programmed/],
    ['filter', /depends on the route that refers to it/],
  ])('says what requests see of another kind: %s', (name, effect) => {
    expect(policyHealth(fixture(name)).effect).toMatch(effect);
  });

  it('does not take external authorization that fails open for other faults', () => {
    const policy = fixture('security-authorizer-missing-fail-open');
    policy.status!.ancestors![0]!.conditions![0]!.message +=
      '\nJWT: local JWKS ConfigMap default/nope not found.';
    const { effect, hints } = policyHealth(policy);
    expect(effect).toMatch(/answered with 500/);
    expect(hints.map(h => h.id)).toEqual([
      'jwks-missing',
      'authorizer-missing',
    ]);
  });

  it('shows who reports, wherever the kind has its status', () => {
    const reporters = (name: string) =>
      policyHealth(fixture(name)).ancestors.map(a => a.name);
    expect(reporters('security-accepted')).toEqual(['Gateway default/eg']);
    expect(reporters('route-accepted')).toEqual(['Gateway default/eg']);
    expect(reporters('backend-accepted')).toEqual([
      'Backend default/backend-accepted',
    ]);
    expect(reporters('proxy-accepted')).toEqual([
      'Gateway default/of-proxy-accepted',
    ]);
    expect(reporters('filter')).toEqual([]);
  });

  it('goes by the newest condition of a Backend, whose older ones stay', () => {
    const backend = fixture('backend-mended');
    const [invalid, accepted] = backend.status!.conditions!;
    expect([invalid!.type, accepted!.type]).toEqual(['Invalid', 'Accepted']);
    backend.status!.conditions = [
      { ...invalid!, observedGeneration: 2 },
      { ...accepted!, observedGeneration: 1 },
    ];
    expect(policyHealth(backend).state).toBe('NotAccepted');
  });

  it.each([
    ['security-accepted', ['authorization']],
    ['traffic-accepted', ['faultInjection']],
    ['client-accepted', ['headers']],
    ['route-accepted', ['ResponseHeaderModifier']],
    ['patch-accepted', ['patch of RouteConfiguration']],
    ['accepted-lua', ['Lua']],
  ])('says what %s has', (name, features) => {
    expect(policyHealth(fixture(name)).features).toEqual(features);
  });

  describe('of AI Gateway, as its controller writes it', () => {
    // Source: newConditions in internal/controller/controller.go of AI Gateway 1.1; it gives no generation.
    const route = (conditions?: object[]) =>
      ({
        apiVersion: 'aigateway.envoyproxy.io/v1alpha1',
        kind: 'AIGatewayRoute',
        metadata: { name: 'chat', namespace: 'default', generation: 2 },
        spec: { parentRefs: [{ name: 'eg' }] },
        ...(conditions ? { status: { conditions } } : {}),
      } as LivePolicy);

    it.each([
      [
        'Accepted',
        {
          type: 'Accepted',
          status: 'True',
          reason: 'ReconciliationSucceeded',
          message: 'AI Gateway Route reconciled successfully',
        },
        ['test'],
      ],
      [
        'NotAccepted',
        {
          type: 'NotAccepted',
          status: 'False',
          reason: 'ReconciliationFailed',
          message: 'AIServiceBackend default/my-provider not found',
        },
        ['other'],
      ],
    ] as const)('%s', (state, condition, ids) => {
      const { hints, ...health } = policyHealth(route([condition]));
      expect(health.state).toBe(state);
      expect(hints.map(h => h.id)).toEqual(ids);
      expect(hints[0]!.meaning + hints[0]!.remedy).toMatch(/AI Gateway/);
    });

    it('says that nobody has reported', () => {
      expect(policyHealth(route())).toMatchObject({
        state: 'Unknown',
        hints: [{ id: 'not-attached', severity: 'warning' }],
      });
    });
  });

  it('knows what each state of every kind means', () => {
    expect(Object.keys(meanings).sort()).toEqual(
      objectKinds.map(({ kind }) => kind).sort(),
    );
    expect(() => policyHealth({ kind: 'Secret' })).toThrow(
      'kind: the health of a Secret is not known',
    );
  });

  it('says that there is no policy', () => {
    expect(policyHealth(undefined)).toMatchObject({
      state: 'NotDeployed',
      hints: [{ id: 'not-deployed' }],
    });
  });

  it.each([
    [
      'lua-disabled',
      'Every request to the affected routes is answered with 500.',
    ],
    [
      'extproc-service-missing',
      'Every request to the affected routes is answered with 500.',
    ],
    [
      'extproc-service-missing-fail-open',
      'Requests pass without the extension that failed, because it is failOpen.',
    ],
    [
      'wasm-http-404-fail-open',
      'Requests pass without the extension that failed, because it is failOpen.',
    ],
    ['section-not-found-route', 'Requests pass without the extension.'],
    ['target-missing', 'Requests pass without the extension.'],
    ['conflicted-route', 'Requests are processed by the other policy only.'],
  ])('says what requests see: %s', (name, effect) => {
    expect(policyHealth(fixture(name)).effect).toBe(effect);
  });

  describe('with several entries of one mechanism', () => {
    const backends = (auth: boolean, stats: boolean) => [
      { backendRefs: [{ name: 'auth', port: 9001 }], failOpen: auth },
      { backendRefs: [{ name: 'stats', port: 9001 }], failOpen: stats },
    ];
    const modules = (first: boolean, second: boolean) => [
      {
        name: 'a',
        code: { type: 'HTTP', http: { url: 'http://files/a.wasm' } },
        failOpen: first,
      },
      {
        name: 'b',
        code: { type: 'Image', image: { url: 'ghcr.io/acme/b:v1' } },
        failOpen: second,
      },
    ];
    const effectWith = (spec: object, message: string) =>
      policyHealth({
        metadata: { name: 'two', namespace: 'models', generation: 1 },
        spec: {
          targetRefs: [{ kind: 'HTTPRoute', name: 'chat' }],
          ...spec,
        },
        status: {
          ancestors: [
            {
              ancestorRef: { kind: 'Gateway', name: 'eg', namespace: 'infra' },
              conditions: [
                {
                  type: 'Accepted',
                  status: 'False',
                  reason: 'Invalid',
                  message,
                  observedGeneration: 1,
                },
              ],
            },
          ],
        },
      }).effect;
    const passes = /^Requests pass without the extension that failed/;
    const refused =
      /^Every request to the affected routes is answered with 500/;
    const either = /does not say which entry failed.*pass.*500/;

    // Messages as Envoy Gateway 1.9 words them, see the recorded fixtures. It answers 500 unless every entry that failed
    // is failOpen (buildExtProcs and buildWasms of its envoyextensionpolicy.go).
    it.each([
      [
        'the one that may fail',
        backends(false, true),
        'service models/stats not found.',
        passes,
      ],
      [
        'the one that must not',
        backends(false, true),
        'service models/auth not found.',
        refused,
      ],
      [
        'the one that may, listed first',
        backends(true, false),
        'no ready endpoints for the related Service models/auth.',
        passes,
      ],
      [
        'both',
        backends(false, true),
        'service models/auth not found\nservice models/stats not found.',
        refused,
      ],
      [
        'both, and both may',
        backends(true, true),
        'service models/auth not found\nservice models/stats not found.',
        passes,
      ],
      [
        'one that is not named',
        backends(false, true),
        'invalid ExtProc MessageTimeout value.',
        either,
      ],
      [
        'one that is not named where all may',
        backends(true, true),
        'something new.',
        passes,
      ],
      [
        'one that is not named where none may',
        backends(false, false),
        'something new.',
        refused,
      ],
      [
        'a service of a similar name',
        backends(false, true),
        'service models/stats-v2 not found.',
        either,
      ],
      [
        'a service of that name elsewhere',
        backends(false, true),
        'service other/stats not found.',
        either,
      ],
    ])('ExtProc, failed: %s', (_, extProc, fault, words) => {
      expect(effectWith({ extProc }, `ExtProc: ${fault}`)).toMatch(words);
    });

    it.each([
      [
        'by its address',
        modules(true, false),
        'module downloaded from http://files/a.wasm has checksum 93a4, which does not match: fcde.',
        passes,
      ],
      [
        'by its address',
        modules(false, true),
        'module downloaded from http://files/a.wasm has checksum 93a4, which does not match: fcde.',
        refused,
      ],
      [
        'without a name',
        modules(false, true),
        'wasm module download failed after 1 attempts, last error: wasm module download request failed: status code 404.',
        either,
      ],
    ])('Wasm, failed: %s', (_, wasm, fault, words) => {
      expect(effectWith({ wasm }, `Wasm: ${fault}`)).toMatch(words);
    });

    it('counts all mechanisms', () => {
      const spec = {
        extProc: backends(true, true),
        wasm: modules(false, false),
      };
      expect(
        effectWith(spec, 'ExtProc: service models/auth not found.'),
      ).toMatch(passes);
      expect(
        effectWith(
          spec,
          'Wasm: status code 404\nExtProc: service models/auth not found.',
        ),
      ).toMatch(refused);
      expect(
        effectWith(
          spec,
          'ExtProc: service models/auth not found\nLua: syntax error.',
        ),
      ).toMatch(refused);
    });

    it.each([
      ['auth', /answered with 500/],
      ['stats', /pass unprocessed/],
    ])('accepted, and %s is not ready', (unready, words) => {
      const health = policyHealth(
        {
          metadata: { name: 'two', namespace: 'models', generation: 1 },
          spec: { extProc: backends(false, true) },
          status: {
            ancestors: [{ conditions: [{ type: 'Accepted', status: 'True' }] }],
          },
        },
        {
          endpointSlices: ['auth', 'stats'].map(name => ({
            metadata: {
              namespace: 'models',
              labels: { 'kubernetes.io/service-name': name },
            },
            endpoints: [{ conditions: { ready: name !== unready } }],
          })),
        },
      );
      expect(health.state).toBe('BackendNotReady');
      expect(health.effect).toMatch(words);
    });
  });

  it('does not call Lua failOpen because a processor beside it is', () => {
    const policy = fixture('two-problems');
    policy.spec!.extProc![0]!.failOpen = true;
    expect(policyHealth(policy).effect).toMatch(/500/);
  });

  it('shows each ancestor with its own state', () => {
    const { ancestors, hints } = policyHealth(fixture('two-gateways'));
    expect(ancestors.map(({ name, state }) => [name, state])).toEqual([
      ['Gateway default/eg', 'NotAccepted'],
      ['Gateway default/internal', 'Accepted'],
    ]);
    expect(hints[0]!.ancestors).toEqual(['Gateway default/eg']);
    expect(policyHealth(fixture('merged-child')).ancestors[0]!.name).toBe(
      'Gateway default/eg, section http',
    );
  });

  it('explains once what several gateways say', () => {
    const policy = fixture('lua-disabled');
    const [ancestor] = policy.status!.ancestors!;
    policy.status!.ancestors!.push({
      ...ancestor!,
      ancestorRef: { ...ancestor!.ancestorRef, name: 'internal' },
    });
    expect(policyHealth(policy).hints).toEqual([
      expect.objectContaining({
        id: 'lua-disabled',
        ancestors: ['Gateway default/eg', 'Gateway default/internal'],
      }),
    ]);
  });

  it('explains each of several missing objects', () => {
    const policy = fixture('extproc-service-missing');
    policy.status!.ancestors![0]!.conditions![0]!.message =
      'ExtProc: service default/a not found.\nExtProc: service default/b not found.';
    expect(policyHealth(policy).hints.map(h => h.meaning)).toEqual([
      'The Service default/a of the processor does not exist.',
      'The Service default/b of the processor does not exist.',
    ]);
  });

  it('reads mechanism, targets, generations and age', () => {
    expect(policyHealth(fixture('stale'))).toMatchObject({
      name: 'stale',
      namespace: 'default',
      mechanisms: ['Lua'],
      targets: [{ kind: 'HTTPRoute', text: 'default/my-route' }],
      generation: 3,
      observedGeneration: 1,
      createdAt: '2026-11-25T09:00:00Z',
    });
    expect(policyHealth(fixture('two-problems')).mechanisms).toEqual([
      'ExtProc',
      'Lua',
    ]);
    expect(policyHealth(fixture('aggregated')).targets).toEqual([
      { kind: 'HTTPRoute', text: 'default/many' },
    ]);
    expect(policyHealth(fixture('deprecated-field')).targets).toEqual([
      { kind: 'HTTPRoute', text: 'default/my-route' },
    ]);
    expect(
      policyHealth(fixture('section-not-found-gateway')).targets,
    ).toMatchObject([{ sectionName: 'nosuch' }]);
  });

  it.each([
    ['an empty object', {}, 'NotAttached'],
    ['an empty status', { spec: { lua: [{}] }, status: {} }, 'NotAttached'],
    [
      'an ancestor without anything',
      { spec: { lua: [{}] }, status: { ancestors: [{}] } },
      'Unknown',
    ],
  ] as [string, LivePolicy, PolicyState][])(
    'copes with %s',
    (_, policy, state) => {
      expect(policyHealth(policy).state).toBe(state);
    },
  );
});
