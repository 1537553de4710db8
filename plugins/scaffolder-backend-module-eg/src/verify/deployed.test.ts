import {
  judgedKinds,
  LivePolicy,
  objectKinds,
} from 'backstage-plugin-eg-common';
import { ConfigReader } from '@backstage/config';
import fs from 'fs-extra';
import { join } from 'path';
import { parseAllDocuments } from 'yaml';
import { fakeKubernetes } from '../__testUtils__/kubernetes';
import { clusterOf } from '../kubernetes/cluster';
import { ClusterUnavailableError } from '../kubernetes';
import { Discovery, sharedDiscovery } from '../kubernetes/discovery';
import { ExpectedAncestor, judgeDeployed, verifyDeployed } from './deployed';
import {
  nextPause,
  readWaitingLimits,
  WaitingRoom,
  waitingRoom,
} from './waiting';

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
    ['security-accepted', true],
    ['security-overridden', true],
    ['security-jwks-missing', false],
    ['security-conflicted', false],
    ['security-target-missing', false],
    ['security-stale', false],
    ['traffic-merged-child', true],
    ['traffic-rate-limit-disabled', false],
    ['client-accepted', true],
    ['client-buffer-limit', false],
    ['route-accepted', true],
    ['route-stale', false],
    ['route-backend-missing', false],
    ['route-not-allowed', false],
    ['patch-accepted', true],
    ['patch-disabled', false],
    ['patch-resource-missing', false],
    ['backend-accepted', true],
    ['backend-mended', true],
    ['backend-loopback', false],
    ['backend-unused', false],
    ['proxy-accepted', true],
    ['proxy-invalid', false],
    ['filter', false],
  ])('takes %s for accepted: %s', (name, accepted) => {
    const policy = recorded(name);
    expect(
      judgeDeployed({ policy, expected: ownAncestors(policy), open: [] })
        .accepted,
    ).toBe(accepted);
  });

  it('does not claim a generation that a status does not tell', () => {
    const policy: LivePolicy = {
      kind: 'AIGatewayRoute',
      metadata: { name: 'chat', namespace: 'default', generation: 2 },
      status: {
        conditions: [
          {
            type: 'Accepted',
            status: 'True',
            reason: 'ReconciliationSucceeded',
            message: 'AI Gateway Route reconciled successfully',
          },
        ],
      },
    };
    const { accepted, summary } = judgeDeployed({
      policy,
      expected: [],
      open: [],
    });
    expect([accepted, summary]).toEqual([
      true,
      'accepted, says AIGatewayRoute default/chat; its status does not tell which generation that is about',
    ]);
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
    kind: policy.kind!,
    namespace: policy.metadata!.namespace!,
    name: policy.metadata!.name!,
    timeout: 400,
  };
  const limits = () => ({ request: 60_000, deadline: Date.now() + 60_000 });
  const often = () => 20;

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
      { ...options, timeout: 60_000 },
      { log: line => log.push(line), pause: often },
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
      { log: () => {}, pause: often },
    );
    expect(Date.now() - started).toBeLessThan(60_000);
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
        { ...options, timeout: 3_000 },
        { log: () => {}, pause: often },
      );
      expect(report.passed).toBe(false);
      expect(looks > 1 ? 'more' : 'once').toBe(times);
    },
  );

  it('stops with the task', async () => {
    const controller = new AbortController();
    const waiting = verifyDeployed(
      async () => clusterOf(fakeKubernetes(), 'lab', limits()),
      { ...options, timeout: 60_000 },
      { log: () => controller.abort(), signal: controller.signal },
    );
    await expect(waiting).rejects.toThrow('aborted');
  });

  it('says what was looked at, in words that no failure makes untrue', async () => {
    const { checks } = await verifyDeployed(
      async () => clusterOf(fakeKubernetes(), 'lab', limits()),
      { ...options, timeout: 0 },
      { log: () => {} },
    );
    expect(checks[0]).toMatchObject({ status: 'failed' });
    expect(checks[0]!.title).toBe(
      `What the gateways say about EnvoyExtensionPolicy ${options.namespace}/${options.name}`,
    );
  });

  describe('waiting', () => {
    /** Asks for a policy that is not there, and counts what the API server is asked. */
    function waiting(
      timeout: number,
      room: WaitingRoom,
      signal?: AbortSignal,
      discovery?: Discovery,
    ) {
      const kubernetes = fakeKubernetes();
      const log: string[] = [];
      const report = verifyDeployed(
        async () => clusterOf(kubernetes, 'lab', limits(), discovery),
        { ...options, timeout },
        { log: line => log.push(line), signal, pause: often },
        room,
      );
      return { report, kubernetes, log };
    }

    it('takes no longer than is allowed, and says who set it', async () => {
      const started = Date.now();
      const { report } = waiting(
        3_600_000,
        waitingRoom({ longest: 200, atOnce: 1 }),
      );
      expect((await report).checks[0]!.details[0]).toMatch(
        /^not within 0.2 s, the most that this Backstage waits \(egExtensions\.verify\.waiting\.maxSeconds\)\. NotDeployed/,
      );
      expect(Date.now() - started).toBeLessThan(60_000);
    });

    it('lets only so many wait; the next looks once and says so', async () => {
      const room = waitingRoom({ longest: 60_000, atOnce: 2 });
      const controller = new AbortController();
      const first = [1, 2].map(() => waiting(60_000, room, controller.signal));
      // They wait when they have said what they saw.
      while (first.some(({ log }) => log.length === 0)) {
        await new Promise(resolve => setTimeout(resolve, 5));
      }
      const third = waiting(60_000, room);
      const [check] = (await third.report).checks;
      expect(check!.status).toBe('failed');
      expect(check!.details[0]).toMatch(
        /^looked once, because 2 other tasks wait.*maxTasks.*NotDeployed/,
      );
      expect(
        third.kubernetes.requests.filter(r => r.path.includes('policies')),
      ).toHaveLength(1);
      // Who need not wait is not held up.
      await expect(waiting(0, room).report).resolves.toMatchObject({
        checks: [
          {
            details: expect.arrayContaining([
              expect.stringMatching(/^NotDeployed/),
            ]),
          },
        ],
      });
      controller.abort();
      await Promise.allSettled(first.map(({ report }) => report));
      // Their places are free again.
      const [leaveOne, leaveTwo] = [room.enter(), room.enter()];
      expect([leaveOne, leaveTwo]).toEqual([
        expect.any(Function),
        expect.any(Function),
      ]);
      expect(room.enter()).toBeUndefined();
      leaveOne!();
      leaveOne!();
      expect(room.enter()).toBeDefined();
      expect(room.enter()).toBeUndefined();
    });

    it('asks for the kinds of a cluster once, whoever looks', async () => {
      const discovery = sharedDiscovery();
      const asked = await Promise.all(
        [1, 2].map(async i => {
          await new Promise(resolve => setTimeout(resolve, 50 * i));
          const { report, kubernetes } = waiting(
            2_000,
            waitingRoom(),
            undefined,
            discovery,
          );
          await report;
          return kubernetes.requests.map(r => r.path);
        }),
      );
      const objects = asked
        .flat()
        .filter(path => path.includes('/namespaces/'));
      expect(objects.length).toBeGreaterThan(4);
      expect(
        asked.flat().filter(path => !path.includes('/namespaces/')),
      ).toEqual([
        '/apis/gateway.envoyproxy.io',
        '/apis/gateway.envoyproxy.io/v1alpha1',
      ]);
    });

    it('looks less often the longer it takes', () => {
      const pauses: number[] = [];
      while (pauses.length < 12) {
        pauses.push(nextPause(pauses.at(-1)));
      }
      expect(pauses[0]).toBe(2000);
      expect([...pauses].sort((a, b) => a - b)).toEqual(pauses);
      expect(pauses.at(-1)).toBe(30_000);
      // Two minutes take 11 looks, where every two seconds would be 60.
      const until = (end: number) => {
        let time = 0;
        return pauses.filter(p => (time += p) <= end).length;
      };
      expect(until(120_000)).toBeLessThan(12);
    });

    it('is bounded by the configuration, which is checked', () => {
      const read = (waits: object) =>
        readWaitingLimits(
          new ConfigReader({ egExtensions: { verify: { waiting: waits } } }),
        );
      expect(read({})).toEqual({ longest: 600_000, atOnce: 3 });
      expect(read({ maxSeconds: 60, maxTasks: 0 })).toEqual({
        longest: 60_000,
        atOnce: 0,
      });
      expect(() => read({ maxTasks: -1 })).toThrow(
        'egExtensions.verify.waiting.maxTasks: -1 is not valid: use a whole number, 0 or more',
      );
      expect(() => read({ maxSeconds: 1.5 })).toThrow('maxSeconds: 1.5');
    });
  });

  describe.each([
    'security-accepted',
    'traffic-accepted',
    'client-accepted',
    'patch-accepted',
    'route-accepted',
  ])('%s', name => {
    const object = recorded(name) as LivePolicy & { spec: any };
    const look = async (objects: object[]) =>
      verifyDeployed(
        async () => clusterOf(fakeKubernetes(objects as any), 'lab', limits()),
        {
          kind: object.kind!,
          namespace: 'default',
          name: object.metadata!.name!,
          timeout: 0,
        },
        { log: () => {} },
      );
    const around = [
      ...surroundings(policy),
      ...(object.kind === 'HTTPRoute' ? [object] : []),
    ];
    const withItself = [...around.filter(o => o !== object), object];

    it('is found by its kind, and accepted', async () => {
      const { passed, checks } = await look(withItself);
      expect([passed, checks[0]!.title]).toEqual([
        true,
        `What the gateways say about ${object.kind} default/${name}`,
      ]);
    });

    it('waits for the Gateway that it belongs to', async () => {
      const silent = { ...object, status: { ancestors: [], parents: [] } };
      const { passed, checks } = await look([
        ...around.filter(o => o !== object),
        silent,
      ]);
      expect(passed).toBe(false);
      expect(checks[0]!.details).toContain(
        'Gateway default/eg has not reported on it yet',
      );
    });
  });
});

describe('what stands elsewhere about the kinds', () => {
  const root = join(__dirname, '../../../..');
  const documents = (path: string) =>
    parseAllDocuments(fs.readFileSync(join(root, path), 'utf8')).map(document =>
      document.toJS(),
    );

  it('the template that checks offers every kind that has a status', () => {
    const [template] = documents(
      'templates/check-gateway-extension/template.yaml',
    );
    const [{ properties }] = template.spec.parameters;
    expect(properties.kind.enum).toEqual(judgedKinds);
  });

  it('Backstage’s account may get and list every kind', () => {
    const rules = documents('examples/kubernetes/backstage.yaml')
      .filter(({ kind }) => kind === 'ClusterRole')
      .flatMap(role => role.rules as any[]);
    const missing = objectKinds.flatMap(({ group, plural }) =>
      ['get', 'list'].flatMap(verb =>
        rules.some(
          ({ apiGroups, resources, verbs }) =>
            apiGroups.includes(group) &&
            resources.includes(plural) &&
            verbs.includes(verb),
        )
          ? []
          : [`${verb} ${plural}.${group}`],
      ),
    );
    expect(missing).toEqual([]);
  });
});
