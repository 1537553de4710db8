import { readdirSync, readFileSync } from 'fs';
import { join } from 'path';
import { knowledge } from './knowledge';
import { LivePolicy, PolicyState } from './types';
import { policyHealth } from './health';

const folder = join(__dirname, '__fixtures__');

/** An object as a real gateway left it. */
function fixture(name: string): LivePolicy {
  return JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'));
}

const names = readdirSync(folder).map(file => file.replace('.json', ''));

/** What must be said about each fixture: state, hints, and words that must be there. */
const expected: Record<string, [PolicyState, string[], RegExp?]> = {
  'accepted-extproc': ['Accepted', ['test-extproc']],
  'accepted-lua': ['Accepted', ['test-lua']],
  'accepted-wasm': ['Accepted', ['test-wasm']],
  'accepted-dynamic-module': [
    'Accepted',
    ['test-dynamicmodule'],
    /update_rejected/,
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
    ['merged-with-parent', 'test-wasm'],
    /merged with default\/lua-gw/,
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
    /Service default\/extproc is ready/,
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
    /it has sha256 2c26b46.*the policy says fcde2b2[0-9a-f]*\./,
  ],
  'wasm-not-wasm': [
    'NotAccepted',
    ['wasm-invalid'],
    /http:\/\/10\.99\.0\.4:8000\/plugin\.wasm holds/,
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
  unknown: ['Unknown', ['unknown']],
  'two-problems': ['NotAccepted', ['lua-disabled', 'service-missing']],
  aggregated: ['Accepted', ['aggregated', 'test-lua']],
  'two-gateways': ['NotAccepted', ['lua-disabled']],
  'tcp-route': [
    'Accepted',
    ['target-without-effect', 'test-extproc'],
    /TCPRoute default\/db/,
  ],
  'unknown-message': [
    'NotAccepted',
    ['other'],
    /something that no release has said before/,
  ],
};

describe('policyHealth', () => {
  it('is tested with every fixture', () => {
    expect(Object.keys(expected).sort()).toEqual(names.sort());
  });

  it.each(Object.entries(expected))('%s', (name, [state, ids, words = /./]) => {
    const health = policyHealth(fixture(name));
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

  it.each([
    [
      'Wasm: wasm module download failed after 5 attempts, last error: dial tcp 10.0.0.1:80: connect: connection refused.',
      'wasm-download-failed',
      /could not be downloaded: dial tcp 10\.0\.0\.1:80: connect: connection refused\. /,
    ],
    [
      'Wasm: could not fetch Wasm OCI image: could not fetch manifest: GET https://registry.lab/v2/wasm/manifests/v1: UNAUTHORIZED: authentication required.',
      'image-denied',
      /pullSecretRef/,
    ],
    [
      'Wasm: could not fetch Wasm OCI image: could not parse reference.',
      'image-failed',
      /could not be fetched: could not parse reference\. /,
    ],
  ])(
    'knows what the laboratory could not provoke: %s',
    (message, id, words) => {
      const policy = fixture('wasm-image-not-found');
      policy.status!.ancestors![0]!.conditions![0]!.message = message;
      const { hints } = policyHealth(policy);
      expect(hints.map(h => h.id)).toEqual([id]);
      expect(`${hints[0]!.meaning} ${hints[0]!.remedy}`).toMatch(words);
    },
  );

  it('explains everything in its table with some fixture', () => {
    const explained = new Set(
      Object.values(expected).flatMap(([, ids]) => ids),
    );
    // See the test above.
    const unseen = ['wasm-download-failed', 'image-denied', 'image-failed'];
    expect(knowledge.map(k => k.id).filter(id => !explained.has(id))).toEqual(
      unseen,
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

  it('does not call Lua failOpen because a processor beside it is', () => {
    const policy = fixture('two-problems');
    policy.spec!.extProc![0]!.failOpen = true;
    expect(policyHealth(policy).effect).toMatch(/500/);
  });

  it('shows each ancestor with its own state', () => {
    const { ancestors, hints } = policyHealth(fixture('two-gateways'));
    expect(ancestors.map(({ name, state }) => [name, state])).toEqual([
      ['Gateway default/eg', 'Accepted'],
      ['Gateway default/internal', 'NotAccepted'],
    ]);
    expect(hints[0]!.ancestors).toEqual(['Gateway default/internal']);
    expect(policyHealth(fixture('merged-child')).ancestors[1]!.name).toBe(
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
      mechanisms: ['ExtProc'],
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
      { kind: 'Gateway', text: 'every Gateway with team=shop' },
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
