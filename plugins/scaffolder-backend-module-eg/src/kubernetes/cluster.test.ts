import { fakeKubernetes } from '../__testUtils__/kubernetes';
import { chooseCluster, clusterOf } from './cluster';
import { ClusterUnavailableError } from './errors';
import { Kubernetes } from './kubernetes';

const limits = () => ({ request: 60_000, deadline: Date.now() + 60_000 });

const policy = {
  apiVersion: 'gateway.envoyproxy.io/v1alpha1',
  kind: 'EnvoyExtensionPolicy',
  metadata: { name: 'my-extension', namespace: 'shop' },
  spec: {},
};

describe('a cluster', () => {
  it('is only read from, and asked for dry runs', async () => {
    const kubernetes = fakeKubernetes([policy]);
    const cluster = clusterOf(kubernetes, 'lab', limits());
    await cluster.tryApply(policy);
    await cluster.read({
      group: 'gateway.networking.k8s.io',
      kind: 'GatewayClass',
      // A class has none, whatever is asked.
      namespace: 'shop',
      name: 'eg',
    });
    await cluster.list({
      group: 'gateway.envoyproxy.io',
      kind: 'EnvoyExtensionPolicy',
      namespace: 'shop',
    });
    expect(kubernetes.requests).toEqual([
      { method: 'GET', path: '/apis/gateway.envoyproxy.io/v1alpha1' },
      {
        method: 'PATCH',
        path: '/apis/gateway.envoyproxy.io/v1alpha1/namespaces/shop/envoyextensionpolicies/my-extension?dryRun=All&fieldManager=envoy-gateway-extensions-builder',
        body: policy,
      },
      { method: 'GET', path: '/apis/gateway.networking.k8s.io' },
      { method: 'GET', path: '/apis/gateway.networking.k8s.io/v1' },
      {
        method: 'GET',
        path: '/apis/gateway.networking.k8s.io/v1/gatewayclasses/eg',
      },
      { method: 'GET', path: '/apis/gateway.envoyproxy.io' },
      {
        method: 'GET',
        path: '/apis/gateway.envoyproxy.io/v1alpha1/namespaces/shop/envoyextensionpolicies',
      },
    ]);
  });

  it('is asked for an object once', async () => {
    const kubernetes = fakeKubernetes();
    const cluster = clusterOf(kubernetes, 'lab', limits());
    const ref = { group: '', kind: 'Service', namespace: 'shop', name: 'a' };
    await Promise.all([cluster.read(ref), cluster.read(ref)]);
    await cluster.read(ref);
    expect(kubernetes.requests.map(r => r.path)).toEqual([
      '/api/v1',
      '/api/v1/namespaces/shop/services/a',
    ]);
  });

  describe('cannot be led to other paths by names', () => {
    // What Kubernetes refuses as a segment of a path: IsValidPathSegmentName of k8s.io/apimachinery.
    const names = ['..', '.', '', '../secrets/x?dryRun=', 'a/b', '%2e%2e'];

    it.each(names)('%j', async name => {
      const kubernetes = fakeKubernetes();
      const cluster = clusterOf(kubernetes, 'lab', limits());
      const group = 'gateway.envoyproxy.io';
      const kind = 'EnvoyExtensionPolicy';
      for (const ref of [
        { group, kind, namespace: 'shop', name },
        { group, kind, namespace: name, name: 'a' },
        { group: name || '..', kind, namespace: 'shop', name: 'a' },
        { group, version: name, kind, namespace: 'shop', name: 'a' },
      ]) {
        const reading = await cluster.read(ref);
        expect(reading).toMatchObject({
          state: 'absent',
          reason: expect.stringMatching(/is no (name in Kubernetes|group)/),
        });
      }
      expect(
        await cluster.list({ group, kind, namespace: name || '..' }),
      ).toMatchObject({ state: 'absent' });
      for (const metadata of [
        { name, namespace: 'shop' },
        { name: 'a', namespace: name },
      ]) {
        expect(await cluster.tryApply({ ...policy, metadata })).toMatchObject({
          status: 422,
          body: { message: expect.stringContaining('not sent') },
        });
      }
      expect(kubernetes.requests).toEqual([]);
    });

    it('takes every name that Kubernetes takes', async () => {
      const kubernetes = fakeKubernetes();
      const cluster = clusterOf(kubernetes, 'lab', limits());
      await cluster.tryApply({
        ...policy,
        metadata: { name: 'system:a b', namespace: 'shop' },
      });
      expect(kubernetes.requests.at(-1)!.path).toMatch(
        /\/envoyextensionpolicies\/system%3Aa%20b\?dryRun=All&/,
      );
    });
  });

  it('does not try kinds that it does not know', async () => {
    const kubernetes = fakeKubernetes();
    const cluster = clusterOf(kubernetes, 'lab', limits());
    const unknown = { ...policy, kind: 'Wish' };
    expect(await cluster.tryApply(unknown)).toBeUndefined();
    expect(
      await cluster.read({ group: 'example.com', kind: 'Wish', name: 'a' }),
    ).toEqual({
      state: 'absent',
      reason: 'the cluster does not know the kind Wish of example.com',
    });
  });

  it('is not waited for twice', async () => {
    let asked = 0;
    const silent: Kubernetes = {
      clusters: async () => ['lab'],
      send: (_, __, signal) => {
        asked++;
        return new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason)),
        );
      },
    };
    const cluster = clusterOf(silent, 'lab', { ...limits(), request: 50 });
    for (const name of ['a', 'b']) {
      await expect(
        cluster.read({ group: '', kind: 'Service', name }),
      ).rejects.toThrow('cluster lab did not answer within 0.05 seconds');
    }
    expect(asked).toBe(1);
  });
});

describe('chooseCluster', () => {
  const choose = (names: string[], wanted?: string) =>
    chooseCluster(fakeKubernetes([], names), wanted, limits());

  it('takes the one that is named, or the only one', async () => {
    expect((await choose(['a', 'b'], 'b')).name).toBe('b');
    expect((await choose(['a'])).name).toBe('a');
  });

  it('finds nothing to ask where there is none, or several', async () => {
    await expect(choose([])).rejects.toThrow(
      new ClusterUnavailableError(
        'Backstage has no cluster (kubernetes.clusterLocatorMethods)',
      ),
    );
    await expect(choose(['a', 'b'])).rejects.toThrow(
      'Backstage has several clusters; name one as cluster: a, b',
    );
  });

  it('refuses a name that is none', async () => {
    await expect(choose(['a', 'b'], 'c')).rejects.toThrow(
      'cluster: Backstage knows no cluster "c"; choose from a, b',
    );
  });
});
