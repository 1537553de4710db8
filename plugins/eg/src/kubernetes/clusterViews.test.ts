import { clusterErrors, clusterItem } from '../__testUtils__/cluster';
import { policyFixture } from '../__testUtils__/policies';
import { policyOverview } from './clusterViews';

describe('policyOverview', () => {
  it('puts the gravest first, over all clusters', () => {
    const { policies, problems, without } = policyOverview(
      {
        items: [
          clusterItem('a', {
            policies: [
              policyFixture('accepted-lua'),
              policyFixture('overridden'),
            ],
          }),
          clusterItem('b', {
            policies: [
              policyFixture('target-missing'),
              policyFixture('lua-disabled'),
            ],
          }),
        ],
      },
      ['a', 'b'],
    );
    expect(policies.map(p => [p.cluster, p.health.state])).toEqual([
      ['b', 'NotAccepted'],
      ['b', 'NotAttached'],
      ['a', 'Overridden'],
      ['a', 'Accepted'],
    ]);
    expect([problems, without]).toEqual([[], []]);
  });

  it('gives policies the apiVersion that lists leave out', () => {
    const { policies } = policyOverview(
      {
        items: [
          clusterItem('a', { policies: [policyFixture('accepted-lua')] }),
        ],
      },
      ['a'],
    );
    expect(policies[0]!.object).toEqual(policyFixture('accepted-lua'));
  });

  it('tells clusters without a policy from clusters that could not be asked', () => {
    const { problems, without } = policyOverview(
      {
        items: [
          clusterItem('far', { errors: [clusterErrors.unreachable] }),
          clusterItem('workload-only', { workload: true }),
        ],
      },
      ['far', 'workload-only', 'silent'],
    );
    expect(problems).toEqual([
      expect.objectContaining({ kind: 'unreachable', cluster: 'far' }),
    ]);
    expect(without).toEqual(['workload-only', 'silent']);
  });

  it('uses a cluster’s title where it has one', () => {
    const item = clusterItem('eu-1', {
      policies: [policyFixture('accepted-lua')],
    });
    item.cluster.title = 'Europe';
    expect(policyOverview({ items: [item] }, ['eu-1'])).toMatchObject({
      policies: [{ cluster: 'Europe' }],
      without: [],
    });
  });

  it('does not take a refused list of pods for a refused list of policies', () => {
    const { problems, workloads } = policyOverview(
      {
        items: [
          clusterItem('a', {
            policies: [policyFixture('accepted-extproc')],
            errors: [clusterErrors.podsForbidden],
          }),
        ],
      },
      ['a'],
    );
    expect(problems).toEqual([]);
    expect(workloads.a!.forbidden).toBe(true);
  });

  it('says in one notice which kinds a cluster does not show', () => {
    const listing = (group: string, plural: string, statusCode: number) => ({
      errorType: 'UNKNOWN_ERROR' as const,
      statusCode,
      resourcePath: `/apis/${group}/v1alpha1/${plural}`,
    });
    const { problems, policies } = policyOverview(
      {
        items: [
          clusterItem('a', {
            policies: [policyFixture('accepted-lua')],
            errors: [
              listing('gateway.envoyproxy.io', 'securitypolicies', 403),
              listing('gateway.envoyproxy.io', 'backends', 403),
              listing('aigateway.envoyproxy.io', 'aigatewayroutes', 404),
            ],
          }),
        ],
      },
      ['a'],
    );
    expect(policies).toHaveLength(1);
    expect(problems).toEqual([
      expect.objectContaining({
        kind: 'forbidden',
        kinds: 'SecurityPolicy, Backend',
        resources:
          'securitypolicies.gateway.envoyproxy.io, backends.gateway.envoyproxy.io',
      }),
      expect.objectContaining({
        kind: 'crd-missing',
        software: 'AI Gateway',
        kinds: 'AIGatewayRoute',
      }),
    ]);
  });

  it('tells objects of the same name by their kind', () => {
    const [security, traffic] = ['security-accepted', 'traffic-accepted'].map(
      name => {
        const object = policyFixture(name);
        object.metadata!.name = 'shop';
        return object;
      },
    );
    const { policies } = policyOverview(
      { items: [clusterItem('a', { policies: [security!, traffic!] })] },
      ['a'],
    );
    expect(new Set(policies.map(p => p.key)).size).toBe(2);
    expect(policies.map(p => p.object.apiVersion)).toEqual([
      'gateway.envoyproxy.io/v1alpha1',
      'gateway.envoyproxy.io/v1alpha1',
    ]);
  });
});
