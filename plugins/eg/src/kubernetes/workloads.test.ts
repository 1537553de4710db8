import deployment from '../__fixtures__/deployment.json';
import pods from '../__fixtures__/pods.json';
import { deploymentReadiness, Pod, podReadiness } from './workloads';

describe('deploymentReadiness', () => {
  it('counts ready replicas', () => {
    expect(deploymentReadiness(deployment)).toEqual({
      name: 'default/my-extension',
      ready: 1,
      wanted: 2,
      isReady: false,
    });
  });

  it('takes an absent count for none', () => {
    const { readyReplicas, ...status } = deployment.status;
    expect(deploymentReadiness({ ...deployment, status })).toMatchObject({
      ready: 0,
      isReady: false,
    });
  });

  it('does not call a Deployment ready that was scaled to zero', () => {
    expect(
      deploymentReadiness({ spec: { replicas: 0 }, status: {} }).isReady,
    ).toBe(false);
  });
});

describe('podReadiness', () => {
  it('says what a container waits for', () => {
    expect((pods as Pod[]).map(podReadiness)).toEqual([
      expect.objectContaining({ phase: 'Running', restarts: 0, isReady: true }),
      expect.objectContaining({
        phase: 'CrashLoopBackOff',
        restarts: 5,
        isReady: false,
      }),
    ]);
  });

  it('gives the phase of a pod without containers yet', () => {
    expect(podReadiness({ status: { phase: 'Pending' } })).toMatchObject({
      phase: 'Pending',
      isReady: false,
    });
  });
});
