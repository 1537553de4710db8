import { LivePolicy } from 'backstage-plugin-eg-common';
import fs from 'fs-extra';
import { join } from 'path';
import { fakeKubernetes } from '../__testUtils__/kubernetes';
import { clusterOf } from '../kubernetes/cluster';
import { ClusterUnavailableError } from '../kubernetes';
import { ExpectedAncestor, judgeDeployed, verifyDeployed } from './deployed';

/** A policy as a real Envoy Gateway left it. */
function recorded(name: string): LivePolicy {
  return fs.readJsonSync(
    join(
      __dirname,
      '../../../eg-common/src/health/__fixtures__',
      `${name}.json`,
    ),
  );
}

const gateway = (name: string, sectionName?: string): ExpectedAncestor => ({
  ref: {
    group: 'gateway.networking.k8s.io',
    kind: 'Gateway',
    namespace: 'default',
    name,
  },
  sectionName,
});

/** The ancestors that a recorded policy has, as if just they were expected. */
const ownAncestors = (policy: LivePolicy): ExpectedAncestor[] =>
  (policy.status?.ancestors ?? []).map(({ ancestorRef }) => ({
    ref: ancestorRef as ExpectedAncestor['ref'],
    sectionName: ancestorRef!.sectionName,
  }));

describe('judgeDeployed', () => {
  it.each([
    ['accepted-extproc', true],
    ['accepted-wasm', true],
    ['overridden', true],
    ['merged-child', true],
    ['deprecated-field', true],
    ['lua-disabled', false],
    ['conflicted-route', false],
    ['two-gateways', false],
    ['stale', false],
    ['target-missing', false],
  ])('takes %s for accepted: %s', (name, accepted) => {
    const policy = recorded(name);
    expect(
      judgeDeployed({ policy, expected: ownAncestors(policy), open: [] })
        .accepted,
    ).toBe(accepted);
  });

  it('waits for every Gateway that is expected', () => {
    const policy = recorded('accepted-lua');
    const { accepted, details } = judgeDeployed({
      policy,
      expected: [...ownAncestors(policy), gateway('second', 'https')],
      open: [],
    });
    expect(accepted).toBe(false);
    expect(details).toContain(
      'Gateway default/second, section https has not reported on it yet',
    );
  });

  it('does not take one section for another', () => {
    const policy = recorded('accepted-lua');
    const [own] = ownAncestors(policy);
    const expected = [{ ...own!, sectionName: 'https' }];
    expect(judgeDeployed({ policy, expected, open: [] }).accepted).toBe(false);
  });

  it('says why not, what to do, and what it does not know', () => {
    const policy = recorded('lua-disabled');
    const { details } = judgeDeployed({
      policy,
      expected: ownAncestors(policy),
      open: ['the Gateways of HTTPRoute default/a: cannot get'],
    });
    expect(details.join('\n')).toContain('enableLua: true');
    expect(details.at(-1)).toBe(
      'not checked: the Gateways of HTTPRoute default/a: cannot get',
    );
  });
});

describe('verifyDeployed', () => {
  const api = 'gateway.networking.k8s.io/v1';
  const surroundings = (policy: LivePolicy) => [
    {
      apiVersion: api,
      kind: 'GatewayClass',
      metadata: { name: 'eg' },
      spec: { controllerName: 'gateway.envoyproxy.io/gatewayclass-controller' },
    },
    {
      apiVersion: api,
      kind: 'Gateway',
      metadata: { name: 'eg', namespace: 'default' },
      spec: { gatewayClassName: 'eg' },
    },
    ...policy.spec!.targetRefs!.map(({ kind, name }) => ({
      apiVersion: api,
      kind,
      metadata: { name, namespace: 'default' },
      spec: { parentRefs: [{ name: 'eg' }] },
    })),
  ];
  const policy = recorded('accepted-lua');
  const options = {
    namespace: policy.metadata!.namespace!,
    name: policy.metadata!.name!,
    timeout: 400,
    interval: 20,
  };
  const limits = () => ({ request: 1000, deadline: Date.now() + 5000 });

  it('logs every change, once, until it is accepted', async () => {
    const kubernetes = fakeKubernetes(surroundings(policy));
    const log: string[] = [];
    let looks = 0;
    const report = await verifyDeployed(
      async () => {
        looks++;
        if (looks === 3) {
          kubernetes.objects.push({ ...policy, status: {} } as any);
        }
        if (looks === 6) {
          kubernetes.objects.splice(-1, 1, policy as any);
        }
        return clusterOf(kubernetes, 'lab', limits());
      },
      options,
      { log: line => log.push(line) },
    );
    expect(report.passed).toBe(true);
    expect(log.map(line => line.split('\n')[0])).toEqual(
      [
        'NotDeployed: Requests pass without the extension.',
        'NotAttached: Requests pass without the extension.',
        `generation ${
          policy.metadata!.generation
        } is accepted by Gateway default/eg`,
      ].map(
        text =>
          `EnvoyExtensionPolicy ${options.namespace}/${options.name}: ${text}`,
      ),
    );
    expect(kubernetes.requests.every(r => r.method === 'GET')).toBe(true);
  });

  it('ends at the deadline with what it saw last', async () => {
    const started = Date.now();
    const report = await verifyDeployed(
      async () => clusterOf(fakeKubernetes(), 'lab', limits()),
      options,
      { log: () => {} },
    );
    expect(Date.now() - started).toBeLessThan(2000);
    expect(report).toMatchObject({
      passed: false,
      checks: [{ id: 'accepted', status: 'failed' }],
    });
    expect(report.checks[0]!.details[0]).toBe(
      'not within 0.4 s. NotDeployed: Requests pass without the extension.',
    );
  });

  it.each([
    [true, 'more'],
    [false, 'once'],
  ])(
    'tries again where a failure is transient: %s',
    async (transient, times) => {
      let looks = 0;
      const report = await verifyDeployed(
        async () => {
          looks++;
          throw new ClusterUnavailableError('not now', transient);
        },
        options,
        { log: () => {} },
      );
      expect(report.passed).toBe(false);
      expect(looks > 1 ? 'more' : 'once').toBe(times);
    },
  );

  it('stops with the task', async () => {
    const controller = new AbortController();
    const waiting = verifyDeployed(
      async () => clusterOf(fakeKubernetes(), 'lab', limits()),
      { ...options, timeout: 60_000, interval: 10_000 },
      { log: () => controller.abort(), signal: controller.signal },
    );
    await expect(waiting).rejects.toThrow('aborted');
  });
});
