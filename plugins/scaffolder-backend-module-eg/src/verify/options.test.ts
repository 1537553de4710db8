import { ConfigReader } from '@backstage/config';
import { defaultLimits } from '../programs';
import { readVerifyOptions } from './options';

const read = (verify?: object) =>
  readVerifyOptions(
    new ConfigReader(verify ? { egExtensions: { verify } } : {}),
  );

describe('options of verification', () => {
  it('are cautious where nothing is configured', () => {
    expect(read()).toEqual({
      build: 'here',
      envoy: undefined,
      timeout: 900_000,
      skeletons: [],
      programs: {
        environment: {},
        limits: defaultLimits,
        user: undefined,
        sandbox: undefined,
      },
    });
    expect(read({ sandbox: { program: 'bubblewrap' } }).programs).toMatchObject(
      { sandbox: { network: false, readable: [], writable: [] } },
    );
  });

  it('are what is configured', () => {
    expect(
      read({
        build: 'ci',
        envoy: '/bin/envoy',
        timeoutSeconds: 5,
        skeletons: ['/opt/skeletons'],
        environment: { GOPROXY: 'off' },
        user: { uid: 1, gid: 2 },
        limits: { memoryMiB: 100 },
        sandbox: {
          program: 'bubblewrap',
          network: true,
          readable: ['/opt/go'],
          writable: ['/cache'],
        },
      }),
    ).toEqual({
      build: 'ci',
      envoy: '/bin/envoy',
      timeout: 5_000,
      skeletons: ['/opt/skeletons'],
      programs: {
        environment: { GOPROXY: 'off' },
        limits: { ...defaultLimits, memoryMiB: 100 },
        user: { uid: 1, gid: 2 },
        sandbox: { network: true, readable: ['/opt/go'], writable: ['/cache'] },
      },
    });
  });

  it.each([
    [{ build: 'never' }, 'egExtensions.verify.build: "never" is not known'],
    [{ timeoutSeconds: 0 }, 'timeoutSeconds: 0 is not more than 0'],
    [{ skeletons: ['mine'] }, 'skeletons: mine is not an absolute path'],
    [{ sandbox: { program: 'docker' } }, 'sandbox.program: "docker"'],
    [{ limits: { processes: -1 } }, 'processes: -1 is not more than 0'],
    [
      { sandbox: { program: 'bubblewrap', readable: ['x'] } },
      'readable: x is not an absolute path',
    ],
  ])('%j is refused', (verify, message) => {
    expect(() => read(verify)).toThrow(message);
  });
});
