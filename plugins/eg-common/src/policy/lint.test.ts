import { releases } from '../releases';
import { lintPolicy, validatePolicy } from './lint';

// What the API server accepts is tested against a real one in test/lab; here is how it is said.

const policy = (spec: object = {}) => ({
  apiVersion: 'gateway.envoyproxy.io/v1alpha1',
  kind: 'EnvoyExtensionPolicy',
  metadata: { name: 'my-policy' },
  spec: {
    targetRefs: [
      {
        group: 'gateway.networking.k8s.io',
        kind: 'HTTPRoute',
        name: 'my-route',
      },
    ],
    ...spec,
  },
});
const backendRefs = [{ name: 'my-service', port: 9002 }];
const target = (kind: string) => ({
  targetRefs: [{ ...policy().spec.targetRefs[0], kind }],
});

describe('lintPolicy', () => {
  it.each<[string, object, string]>([
    ['a missing field', { wasm: [{}] }, 'spec.wasm[0].code: is required'],
    [
      'an unknown field',
      { extProc: [{ backendRefs, failopen: true }] },
      'spec.extProc[0].failopen: is no field of the API',
    ],
    [
      'a value of another type',
      { extProc: [{ backendRefs, failOpen: 'yes' }] },
      'spec.extProc[0].failOpen: must be boolean, not "yes"',
    ],
    [
      'a value that is none of the known ones',
      {
        extProc: [{ backendRefs, processingMode: { request: { body: 'A' } } }],
      },
      'spec.extProc[0].processingMode.request.body: must be one of Streamed, Buffered, BufferedPartial, FullDuplexStreamed, not "A"',
    ],
    [
      'a number beyond the bounds',
      { extProc: [{ backendRefs: [{ name: 'a', port: 0 }] }] },
      'spec.extProc[0].backendRefs[0].port: must be at least 1, not 0',
    ],
    [
      'a text of another form',
      { extProc: [{ backendRefs, messageTimeout: '1.5s' }] },
      'spec.extProc[0].messageTimeout: must be a Gateway API Duration such as 500ms or 1m30s',
    ],
    [
      'too many entries',
      { extProc: Array(17).fill({ backendRefs }) },
      'spec.extProc: must be at most 16 entries',
    ],
    [
      'a size that is none',
      {
        extProc: [
          { backendRefs, backendSettings: { connection: { bufferLimit: {} } } },
        ],
      },
      'spec.extProc[0].backendSettings.connection.bufferLimit: must be a whole number or text, not {}',
    ],
    [
      'what the controller refuses',
      { extProc: [{}] },
      'spec.extProc[0]: no backendRefs found for external service',
    ],
    [
      'what the controller ignores',
      { ...target('TCPRoute'), extProc: [{ backendRefs }] },
      'spec.targetRefs[0].kind: a policy on UDPRoute, TCPRoute, TLSRoute is accepted and has no effect',
    ],
  ])('says what is wrong: %s', (_, spec, message) => {
    expect(
      lintPolicy(policy(spec), '1.9').map(p => `${p.field}: ${p.message}`),
    ).toEqual([message]);
  });

  it('says since which release there is what this one lacks', () => {
    const newer = policy({
      ...target('ListenerSet'),
      extProc: [{ backendRefs, shadowMode: true }],
    });
    expect(validatePolicy(newer, '1.9')).toEqual([]);
    expect(validatePolicy(newer, '1.8')).toEqual([
      {
        field: 'spec.extProc[0].shadowMode',
        message: 'exists since Envoy Gateway 1.9, not in 1.8',
      },
      {
        field: 'spec.targetRefs[0].kind',
        message: expect.stringMatching(
          /^must be one of Gateway, HTTPRoute, .*; this exists since Envoy Gateway 1.9, not in 1.8$/,
        ),
      },
    ]);
  });

  it.each([null, 7, [], {}, { kind: 'Service' }])('refuses %j', object => {
    for (const { version } of releases) {
      expect(lintPolicy(object, version)).not.toEqual([]);
      expect(validatePolicy(object, version)).not.toEqual([]);
    }
  });
});
