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
});
