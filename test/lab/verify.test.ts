import {
  AnswersInput,
  implementationOf,
  luaScript,
  needs,
  plan,
  renderFiles,
} from 'backstage-plugin-eg-common';
import fs from 'fs-extra';
import { AddressInfo, createServer, Server } from 'net';
import { join } from 'path';
import { completed } from '../src/answers';
import { describeUnless } from '../src/tools';
import { Backstage, startBackstage } from './backstage';
import { ApiServerLab, Lab, startLab } from './lab';
import { lacking } from './namespaces';

// A dry run of the scaffolder with its questions to a cluster takes a second, on a busy machine several.
const account = join(__dirname, '../../examples/kubernetes/backstage.yaml');

/** A complete repository, with stand-ins for the files that skeletons bring. */
function repository(given: Partial<AnswersInput> = {}): Record<string, string> {
  const planned = plan(
    completed({
      name: 'my-extension',
      owner: 'group:default/platform',
      purpose: 'header-transform',
      target: { name: 'my-route' },
      ...given,
    }),
  );
  const skeleton = implementationOf(planned.implementation).files.map(file => [
    file,
    'from the skeleton\n',
  ]);
  const script = luaScript(planned, {
    'filter.lua': 'function envoy_on_request(h) end\n',
  });
  return {
    ...Object.fromEntries(skeleton),
    ...renderFiles(planned, script),
  };
}

const policy = (name: string, spec: object = {}) => ({
  apiVersion: 'gateway.envoyproxy.io/v1alpha1',
  kind: 'EnvoyExtensionPolicy',
  metadata: { name, namespace: 'default' },
  spec: {
    targetRefs: [
      {
        group: 'gateway.networking.k8s.io',
        kind: 'HTTPRoute',
        name: 'my-route',
      },
    ],
    lua: [{ type: 'Inline', inline: 'function envoy_on_request(h) end' }],
    ...spec,
  },
});

const route = (name: string, gateway: string) => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name, namespace: 'default' },
  spec: {
    parentRefs: [{ name: gateway }],
    hostnames: [`${name}.example.com`],
    rules: [{ backendRefs: [{ name: 'backend', port: 3000 }] }],
  },
});

const targeting = (name: string) => ({
  targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', name }],
});

const named = { target: { name: 'my-route' } } as const;

describeUnless(lacking(), 'eg:verify with real clusters', () => {
  let lab: Lab;
  let older: ApiServerLab;
  let backstage: Backstage;
  /** Accepts connections, and says nothing. */
  let silent: Server;

  beforeAll(async () => {
    lab = await startLab({ enableLua: true });
    older = await startLab({ release: '1.8', apiServerOnly: true });
    silent = createServer(() => {}).listen(0, '127.0.0.1');
    for (const { kubectl, apply } of [lab, older]) {
      await kubectl(['create', 'namespace', 'backstage']);
      await apply(await fs.readFile(account, 'utf8'));
    }
    await lab.kubectl(['create', 'serviceaccount', 'nobody']);
    const cluster = (
      name: string,
      serviceAccountToken: string,
      at = lab.url,
    ) => ({
      name,
      url: at,
      caData: (at === older.url ? older : lab).caData,
      authProvider: 'serviceAccount',
      serviceAccountToken,
      skipMetricsLookup: true,
    });
    const token = await lab.token('backstage', 'backstage');
    const { port } = silent.address() as AddressInfo;
    backstage = await startBackstage([
      cluster('lab', token),
      cluster('older', await older.token('backstage', 'backstage'), older.url),
      cluster('without-rights', await lab.token('nobody')),
      cluster('wrong-token', 'wrong'),
      cluster('silent', token, `https://127.0.0.1:${port}`),
      // Nobody listens at port 1.
      cluster('gone', token, 'https://127.0.0.1:1'),
    ]);
  }, 1_800_000);
  afterAll(async () => {
    silent?.close();
    await backstage?.stop();
    await Promise.all([lab?.down(), older?.down()]);
  });

  /** The checks that ask a cluster. */
  async function ask(files: Record<string, string>, input: object = {}) {
    const { output, error } = await backstage.dryRun(
      'eg:verify',
      { cluster: 'lab', ...input },
      files,
    );
    const of = (id: string) =>
      output?.report.checks.find((c: any) => c.id === id) as
        | { status: string; details: string[] }
        | undefined;
    return { error, dryRun: of('dry-run'), cluster: of('cluster') };
  }

  describe('before anything is published', () => {
    it.each<[string, Partial<AnswersInput>, string[]]>([
      [
        'an external processor',
        { ...named, environment: 'production' },
        [
          'policy/envoyextensionpolicy.yaml: EnvoyExtensionPolicy',
          'k8s/deployment.yaml: Deployment',
          'k8s/horizontalpodautoscaler.yaml: HorizontalPodAutoscaler',
          'k8s/poddisruptionbudget.yaml: PodDisruptionBudget',
          'k8s/service.yaml: Service',
          'k8s/serviceaccount.yaml: ServiceAccount',
          'k8s/kustomization.yaml: ConfigMap',
        ],
      ],
      [
        'Lua',
        { ...named, implementation: 'lua', environment: 'production' },
        [
          'policy/envoyextensionpolicy.yaml: EnvoyExtensionPolicy',
          'policy/lua-configmap.yaml: ConfigMap',
        ],
      ],
      [
        'Wasm',
        { ...named, implementation: 'wasm-rust' },
        ['policy/envoyextensionpolicy.yaml: EnvoyExtensionPolicy'],
      ],
      [
        'what Envoy Gateway does itself',
        { ...named, need: 'cors', implementation: 'native' },
        ['policy/securitypolicy.yaml: SecurityPolicy'],
      ],
    ])('every object of %s would be taken', async (_, given, objects) => {
      const { error, dryRun, cluster } = await ask(repository(given));
      expect(error).toBeUndefined();
      expect(dryRun).toMatchObject({
        status: 'passed',
        details: [
          'in cluster lab',
          ...objects.map(o =>
            expect.stringContaining(`ok: ${o} default/my-extension`),
          ),
        ],
      });
      expect(cluster!.status).toBe('passed');
      expect(cluster!.details).toContain(
        'ok: HTTPRoute default/my-route: its Gateway default/eg is Envoy Gateway’s',
      );
    });

    it('every policy that Envoy Gateway has for a need would be taken, except of an add-on that is not there', async () => {
      const refused: Record<string, string | undefined> = {};
      const ofAddOns: string[] = [];
      const covered = needs.filter(({ native }) =>
        native?.targets.includes('HTTPRoute'),
      );
      for (const { id } of covered) {
        const files = repository({ ...named, purpose: undefined, need: id });
        const { error, dryRun } = await ask(files, { skip: ['cluster'] });
        const text = Object.values(files).join('\n');
        if (/^apiVersion: aigateway/m.test(text)) {
          ofAddOns.push(id);
        }
        if (dryRun?.status !== 'passed') {
          refused[id] = error ?? dryRun?.details.join('; ');
        }
      }
      expect(covered.length).toBeGreaterThan(10);
      expect(refused).toEqual(
        Object.fromEntries(
          ofAddOns.map(id => [
            id,
            expect.stringContaining('the cluster does not know'),
          ]),
        ),
      );
    });

    it('the person’s own route counts, not the one that is to be merged into it', async () => {
      const { dryRun, cluster } = await ask(
        repository({ ...named, purpose: undefined, need: 'route-by-claim' }),
      );
      expect(cluster!.details).toContain(
        'ok: HTTPRoute default/my-route: its Gateway default/eg is Envoy Gateway’s',
      );
      expect(dryRun!.details.join('\n')).toContain(
        'note: policy/httproute.yaml: HTTPRoute default/my-route exists, to be merged by hand: .spec',
      );
    });

    it('nothing is written, and the account could not', async () => {
      await ask(repository(named));
      const kinds = 'envoyextensionpolicies,deployments,services,configmaps';
      expect(
        await lab.kubectl(['get', kinds, '--all-namespaces', '--output=name']),
      ).not.toContain('my-extension');
      const asBackstage = '--as=system:serviceaccount:backstage:backstage';
      const apply = (...rest: string[]) =>
        lab.kubectl(
          ['apply', '--server-side', asBackstage, '--filename=-', ...rest],
          JSON.stringify(policy('written')),
        );
      await expect(apply()).rejects.toThrow(
        'Backstage may only try things out (dryRun=All).',
      );
      expect(await apply('--dry-run=server')).toContain('written');
    });

    it('a namespace that is not there yet leaves objects unchecked', async () => {
      const { error, dryRun, cluster } = await ask(
        repository({ ...named, namespace: 'not-yet' }),
      );
      expect(error).toBeUndefined();
      expect(dryRun).toMatchObject({ status: 'skipped' });
      expect(dryRun!.details).toContain(
        'not checked: k8s/service.yaml: Service not-yet/my-extension: namespace not-yet does not exist yet; create it before you apply: kubectl create namespace not-yet',
      );
      expect(dryRun!.details).toContain(
        'ok: policy/envoyextensionpolicy.yaml: EnvoyExtensionPolicy default/my-extension would be created',
      );
      expect(cluster!.status).toBe('passed');
      const required = await ask(
        repository({ ...named, namespace: 'not-yet' }),
        { require: ['dry-run'] },
      );
      expect(required.error).toContain('it is required, but: in cluster lab;');
    });

    it('says what the API server says', async () => {
      const files = repository(named);
      files['k8s/service.yaml'] = files['k8s/service.yaml']!.replace(
        'port: 9002',
        'port: 70000',
      );
      const { error } = await ask(files);
      // In the words of Kubernetes.
      expect(error).toContain(
        'k8s/service.yaml: Service default/my-extension: spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive',
      );
    });

    it('finds that others own an object of this name', async () => {
      const service = {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'taken', namespace: 'default' },
        spec: {
          selector: { app: 'theirs' },
          ports: [{ name: 'grpc', port: 9002, targetPort: 1 }],
        },
      };
      await lab.apply([service]);
      const { error } = await ask(repository({ ...named, name: 'taken' }));
      await lab.remove([service]);
      expect(error).toContain(
        'Service default/taken exists already, and others own fields that this changes: .spec.selector, .spec.ports[port=9002,protocol="TCP"].targetPort (kubectl). Choose another name',
      );
    });

    it.each<[string, Partial<AnswersInput>, string]>([
      [
        'a target',
        { target: { name: 'nope' } },
        'HTTPRoute default/nope is not there: httproutes.gateway.networking.k8s.io "nope" not found; correct its name',
      ],
      [
        'a listener',
        { target: { kind: 'Gateway', name: 'eg', sectionName: 'https' } },
        'Gateway default/eg has no section https; it has http',
      ],
      [
        'a named rule',
        { target: { name: 'my-route', sectionName: 'checkout' } },
        'HTTPRoute default/my-route has no section checkout; none of them has a name',
      ],
    ])('misses %s', async (_, given, message) => {
      expect((await ask(repository(given))).error).toContain(message);
    });

    it('does not look for a target that is still to be named', async () => {
      const { error, cluster } = await ask(repository({ target: {} }));
      expect(error).toBeUndefined();
      expect(cluster).toMatchObject({ status: 'skipped' });
      expect(cluster!.details).toContain(
        'not checked: policy/envoyextensionpolicy.yaml: spec.targetRefs[0]: the target is still to be named (TODO)',
      );
    });

    it('finds Gateways that are missing or belong to another controller', async () => {
      const others = [
        {
          apiVersion: 'gateway.networking.k8s.io/v1',
          kind: 'GatewayClass',
          metadata: { name: 'theirs' },
          spec: { controllerName: 'example.com/controller' },
        },
        {
          apiVersion: 'gateway.networking.k8s.io/v1',
          kind: 'Gateway',
          metadata: { name: 'theirs', namespace: 'default' },
          spec: {
            gatewayClassName: 'theirs',
            listeners: [{ name: 'http', protocol: 'HTTP', port: 80 }],
          },
        },
        route('at-theirs', 'theirs'),
        route('at-none', 'missing'),
      ];
      await lab.apply(others);
      const theirs = await ask(repository({ target: { name: 'at-theirs' } }));
      const none = await ask(repository({ target: { name: 'at-none' } }));
      await lab.remove(others);
      expect(theirs.error).toContain(
        'HTTPRoute default/at-theirs: its Gateway default/theirs is not Envoy Gateway’s: its GatewayClass theirs belongs to example.com/controller',
      );
      expect(none.error).toContain(
        'HTTPRoute default/at-none: its Gateway default/missing is not there',
      );
    });

    it('finds the policy that holds the target, and the one that is displaced', async () => {
      const policies = [
        policy('first'),
        policy('of-the-gateway', {
          targetRefs: [
            { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'eg' },
          ],
        }),
      ];
      await lab.apply(policies);
      const { error } = await ask(repository(named));
      await lab.remove(policies);
      expect(error).toContain(
        'HTTPRoute default/my-route has EnvoyExtensionPolicy default/first already, and the oldest one wins; put both into one policy',
      );
      expect(error).toContain(
        'note: Gateway default/eg has EnvoyExtensionPolicy default/of-the-gateway: once this one is there, it no longer runs on HTTPRoute default/my-route',
      );
    });

    it('finds the policy that selects the target', async () => {
      const labelled = route('labelled', 'eg');
      const objects = [
        {
          ...labelled,
          metadata: { ...labelled.metadata, labels: { tier: 'shop' } },
        },
        policy('selecting', {
          targetRefs: undefined,
          targetSelectors: [
            { kind: 'HTTPRoute', matchLabels: { tier: 'shop' } },
          ],
        }),
      ];
      await lab.apply(objects);
      const { error } = await ask(repository({ target: { name: 'labelled' } }));
      await lab.remove(objects);
      expect(error).toContain(
        'HTTPRoute default/labelled has EnvoyExtensionPolicy default/selecting already',
      );
    });

    it('finds a Service, a port and a ReferenceGrant that nobody brings', async () => {
      const file = 'policy/envoyextensionpolicy.yaml';
      const files = repository(named);
      const changed = (text: string) => ({
        ...files,
        [file]: files[file]!.replace(
          /- name: my-extension\n( +)port: 9002/,
          text,
        ),
      });
      const other = await ask(changed('- name: nope\n$1port: 9002'));
      expect(other.error).toContain(
        'spec.extProc[0].backendRefs[0]: Service default/nope is not there',
      );
      const port = await ask(changed('- name: backend\n$1port: 9002'));
      expect(port.error).toContain(
        'Service default/backend has no port 9002; it has 3000',
      );
      const across = changed(
        '- name: backend\n$1namespace: backstage\n$1port: 9002',
      );
      expect((await ask(across)).error).toContain(
        'the reference into namespace backstage is not granted; create a ReferenceGrant there, from EnvoyExtensionPolicy to Service',
      );
      const grant = {
        apiVersion: 'gateway.networking.k8s.io/v1beta1',
        kind: 'ReferenceGrant',
        metadata: { name: 'extensions', namespace: 'backstage' },
        spec: {
          from: [
            {
              group: 'gateway.envoyproxy.io',
              kind: 'EnvoyExtensionPolicy',
              namespace: 'default',
            },
          ],
          to: [{ group: '', kind: 'Service' }],
        },
      };
      await lab.apply([grant]);
      const granted = await ask(across);
      await lab.remove([grant]);
      expect(granted.error).toContain(
        'the reference into namespace backstage is granted',
      );
    });

    it('asks the EnvoyProxy for dynamic modules', async () => {
      const files = repository({
        ...named,
        implementation: 'lua',
        environment: 'prototype',
      });
      const file = 'policy/envoyextensionpolicy.yaml';
      files[file] = `${files[
        file
      ]!.trimEnd()}\n  dynamicModule:\n    - name: guard\n      filterName: guard\n`;
      expect((await ask(files)).error).toContain(
        'EnvoyProxy envoy-gateway-system/eg does not allow the dynamic module guard; ask the platform team to add it to spec.dynamicModules',
      );
      const proxy = (modules: object[]) =>
        lab.kubectl([
          ...['patch', 'envoyproxy', 'eg', '--namespace=envoy-gateway-system'],
          ...[
            '--type=merge',
            `--patch=${JSON.stringify({ spec: { dynamicModules: modules } })}`,
          ],
        ]);
      await proxy([
        {
          name: 'guard',
          source: { type: 'Local', local: { path: '/guard.so' } },
        },
      ]);
      const allowed = await ask(files);
      await proxy([]);
      expect(allowed.cluster!.details).toContain(
        'ok: EnvoyProxy envoy-gateway-system/eg allows the dynamic module guard',
      );
    });

    it('finds what an older release lacks', async () => {
      const files = repository({ ...named, implementation: 'lua' });
      const { error } = await ask(files, { cluster: 'older' });
      expect(error).toContain(
        'the cluster’s EnvoyExtensionPolicy has no spec.lua[0].filterContext; generate for the release that is installed, or upgrade Envoy Gateway to 1.9',
      );
      expect(error).toContain(
        'note: the cluster’s CRDs are those of Envoy Gateway 1.8; this was generated for 1.9',
      );
      // The API server's own words.
      expect(error).toContain(
        '.spec.lua[0].filterContext: field not declared in schema',
      );
    });
  });

  describe('where a cluster cannot be asked', () => {
    it.each([
      [
        'wrong-token',
        'cluster wrong-token refuses the credentials that Backstage has for it',
      ],
      ['gone', 'cluster gone cannot be reached: '],
      ['silent', 'cluster silent did not answer within 10 seconds'],
      [
        undefined,
        'Backstage has several clusters; name one as cluster: lab, older, without-rights, wrong-token, silent, gone',
      ],
    ])('skips: %s', async (cluster, reason) => {
      const answer = await ask(repository(named), { cluster });
      expect(answer.error).toBeUndefined();
      for (const check of [answer.dryRun, answer.cluster]) {
        expect(check).toEqual(
          expect.objectContaining({
            status: 'skipped',
            details: [expect.stringContaining(reason)],
          }),
        );
      }
    });

    it('skips what the account may not, and says what that is', async () => {
      const { error, dryRun, cluster } = await ask(repository(named), {
        cluster: 'without-rights',
      });
      expect(error).toBeUndefined();
      expect(dryRun).toMatchObject({ status: 'skipped' });
      expect(dryRun!.details.join('\n')).toMatch(
        /not checked: k8s\/service.yaml: Service default\/my-extension: .* cannot patch resource "services"/,
      );
      expect(cluster).toMatchObject({ status: 'skipped' });
      expect(cluster!.details.join('\n')).toMatch(
        /not checked: .*HTTPRoute default\/my-route: .* cannot get resource "httproutes"/,
      );
    });

    it('fails where the template insists, or names a cluster that is none', async () => {
      const required = await ask(repository(named), {
        cluster: 'gone',
        require: ['cluster'],
      });
      expect(required.error).toContain(
        'it is required, but: cluster gone cannot be reached',
      );
      const unknown = await ask(repository(named), { cluster: 'nope' });
      expect(unknown.error).toContain(
        'cluster: Backstage knows no cluster "nope"; choose from lab, older,',
      );
    });
  });

  describe('a deployed policy', () => {
    const check = (name: string, waitSeconds: number, rest: object = {}) =>
      backstage.check({
        name,
        namespace: 'default',
        cluster: 'lab',
        waitSeconds,
        ...rest,
      });

    it('is waited for until its Gateway accepts it', async () => {
      const late = policy('late', targeting('late-route'));
      const waiting = check('late', 30);
      await new Promise(done => setTimeout(done, 3000));
      await lab.apply([late]);
      await new Promise(done => setTimeout(done, 4000));
      await lab.apply([route('late-route', 'eg')]);
      const { error, output, log } = await waiting;
      await lab.remove([late, route('late-route', 'eg')]);
      expect(error).toBeUndefined();
      const [absent, unattached, accepted] = [
        'NotDeployed: ',
        'NotAttached: ',
        'generation 1 is accepted by Gateway default/eg',
      ].map(text => log.indexOf(text));
      expect(absent).toBeGreaterThan(0);
      expect(unattached).toBeGreaterThan(absent!);
      expect(accepted).toBeGreaterThan(unattached!);
      expect(output.text[0].content).toContain(
        '**passed**: What the gateways say about EnvoyExtensionPolicy default/late',
      );
    });

    it('needs every Gateway of its route', async () => {
      const second = {
        apiVersion: 'gateway.networking.k8s.io/v1',
        kind: 'Gateway',
        metadata: { name: 'second', namespace: 'default' },
        spec: {
          gatewayClassName: 'eg',
          listeners: [{ name: 'http', protocol: 'HTTP', port: 8889 }],
        },
      };
      const both = route('both', 'eg');
      both.spec.parentRefs.push({ name: 'second' });
      const objects = [both, policy('both', targeting('both'))];
      await lab.apply(objects);
      const alone = await check('both', 10);
      expect(alone.output.text[0].content).toContain(
        'not checked: Gateway default/second, which HTTPRoute default/both names, is not there',
      );
      await lab.apply([second]);
      const { error, output } = await check('both', 30);
      await lab.remove([...objects, second]);
      expect(error).toBeUndefined();
      expect(output.text[0].content).toContain(
        'generation 1 is accepted by Gateway default/eg and Gateway default/second',
      );
    });

    it('that is refused: says why, and what to do', async () => {
      const broken = policy('broken', {
        lua: [
          {
            type: 'Inline',
            inline: 'function envoy_on_request(h) h:nope() end',
          },
        ],
      });
      await lab.apply([broken]);
      const { error, log } = await check('broken', 5);
      await lab.remove([broken]);
      expect(error).toContain(
        'failed: What the gateways say about EnvoyExtensionPolicy default/broken:\n  - not within 5 s. NotAccepted: Every request to the affected routes is answered with 500.',
      );
      expect(error).toContain('Gateway default/eg: NotAccepted, generation 1');
      expect(error).toContain(
        'Envoy Gateway tried envoy_on_request against stand-ins',
      );
      expect(log).toContain('waiting 5 s more');
    });

    it('that nobody may read fails at once', async () => {
      const started = Date.now();
      const { error } = await check('any', 600, { cluster: 'without-rights' });
      expect(error).toContain('cannot get resource "envoyextensionpolicies"');
      expect(Date.now() - started).toBeLessThan(120_000);
    });
  });
});
