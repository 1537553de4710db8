import {
  lintPolicy,
  parseAnswers,
  plan,
  renderFiles,
} from 'backstage-plugin-eg-common';
import { parse } from 'yaml';
import { egctl, smallGateway, translate, validate } from '../src/egctl';
import { describeWith } from '../src/tools';

jest.setTimeout(300_000);

const script = 'function envoy_on_request(h) end\n';

function policyOf(implementation: string, environment = 'production'): any {
  const planned = plan(
    parseAnswers({
      name: 'my-extension',
      owner: 'group:default/platform',
      purpose: 'header-transform',
      implementation,
      environment,
      target: { name: 'my-route' },
    }),
  );
  return parse(
    renderFiles(planned, script)['policy/envoyextensionpolicy.yaml']!,
  );
}

/** Changes to generated policies that break, or just keep, one rule each. */
const mutations: [string, string, (spec: any, policy: any) => void][] = [
  ['nothing', 'extproc-go', () => {}],
  ['nothing', 'wasm-rust', () => {}],
  ['nothing', 'lua', () => {}],
  ['no target', 'lua', spec => delete spec.targetRefs],
  [
    'targetRef and targetRefs',
    'lua',
    spec => {
      spec.targetRef = spec.targetRefs[0];
    },
  ],
  [
    'a target of kind Backend',
    'lua',
    spec => {
      spec.targetRefs[0].kind = 'Backend';
    },
  ],
  [
    'a target of another group',
    'lua',
    spec => {
      spec.targetRefs[0].group = 'gateway.envoyproxy.io';
    },
  ],
  [
    'a target without a name',
    'lua',
    spec => {
      spec.targetRefs[0].name = '';
    },
  ],
  [
    'ListenerSet',
    'lua',
    spec => {
      spec.targetRefs[0].kind = 'ListenerSet';
    },
  ],
  [
    'mergeType on a route',
    'lua',
    spec => {
      spec.mergeType = 'StrategicMerge';
    },
  ],
  [
    'mergeType on a Gateway',
    'lua',
    spec => {
      spec.mergeType = 'StrategicMerge';
      spec.targetRefs[0].kind = 'Gateway';
    },
  ],
  [
    'mergeType Replace',
    'lua',
    spec => {
      spec.mergeType = 'Replace';
    },
  ],
  [
    'a selector of another group',
    'lua',
    spec => {
      spec.targetSelectors = [{ group: 'x.io', kind: 'HTTPRoute' }];
    },
  ],
  [
    'namespaces from a selector without one',
    'lua',
    spec => {
      spec.targetSelectors = [
        { kind: 'HTTPRoute', namespaces: { from: 'Selector' } },
      ];
    },
  ],
  [
    'backendRef',
    'extproc-go',
    spec => {
      spec.extProc[0].backendRef = { name: 'a', port: 1 };
    },
  ],
  [
    'a backend of kind Pod',
    'extproc-go',
    spec => {
      spec.extProc[0].backendRefs[0].kind = 'Pod';
    },
  ],
  [
    'a backend of another group',
    'extproc-go',
    spec => {
      spec.extProc[0].backendRefs[0].group = 'x.io';
    },
  ],
  [
    'a Service without a port',
    'extproc-go',
    spec => delete spec.extProc[0].backendRefs[0].port,
  ],
  [
    'port 0',
    'extproc-go',
    spec => {
      spec.extProc[0].backendRefs[0].port = 0;
    },
  ],
  [
    'an unknown body mode',
    'extproc-go',
    spec => {
      spec.extProc[0].processingMode.request.body = 'Whole';
    },
  ],
  [
    'full duplex that fails open',
    'extproc-go',
    spec => {
      spec.extProc[0].processingMode.request.body = 'FullDuplexStreamed';
      spec.extProc[0].failOpen = true;
    },
  ],
  [
    'buffered that fails open',
    'extproc-go',
    spec => {
      spec.extProc[0].processingMode.request.body = 'Buffered';
      spec.extProc[0].failOpen = true;
    },
  ],
  [
    'shadow mode with buffered bodies',
    'extproc-go',
    spec => {
      spec.extProc[0].processingMode.request.body = 'Buffered';
      spec.extProc[0].shadowMode = true;
    },
  ],
  [
    'a timeout that is no Duration',
    'extproc-go',
    spec => {
      spec.extProc[0].messageTimeout = '1.5s';
    },
  ],
  [
    'Envoy’s namespaces as writable',
    'extproc-go',
    spec => {
      spec.extProc[0].metadata = {
        writableNamespaces: ['envoy.filters.http.jwt_authn'],
      };
    },
  ],
  [
    '17 processors',
    'extproc-go',
    spec => {
      spec.extProc = Array(17).fill(spec.extProc[0]);
    },
  ],
  [
    'failOpen as text',
    'wasm-rust',
    spec => {
      spec.wasm[0].failOpen = 'yes';
    },
  ],
  [
    'HTTP code without http',
    'wasm-rust',
    spec => {
      spec.wasm[0].code = { type: 'HTTP' };
    },
  ],
  [
    'HTTP code with image',
    'wasm-rust',
    spec => {
      spec.wasm[0].code.type = 'HTTP';
      spec.wasm[0].code.http = { url: 'http://a/b' };
    },
  ],
  [
    'code of an unknown type',
    'wasm-rust',
    spec => {
      spec.wasm[0].code.type = 'File';
    },
  ],
  [
    'a pull secret of kind ConfigMap',
    'wasm-rust',
    spec => {
      spec.wasm[0].code.image.pullSecretRef = { kind: 'ConfigMap', name: 'a' };
    },
  ],
  ['no code', 'wasm-rust', spec => delete spec.wasm[0].code],
  [
    'inline and valueRef',
    'lua',
    spec => {
      spec.lua[0].inline = script;
    },
  ],
  ['ValueRef without one', 'lua', spec => delete spec.lua[0].valueRef],
  [
    'a script from a Secret',
    'lua',
    spec => {
      spec.lua[0].valueRef.kind = 'Secret';
    },
  ],
  [
    'a script of an unknown type',
    'lua',
    spec => {
      spec.lua[0].type = 'File';
    },
  ],
  [
    'a name that is none',
    'lua',
    (_spec, policy) => {
      policy.metadata.name = 'My Policy';
    },
  ],
];

/** What our lint finds beyond the API's validation: what only the controller refuses or ignores. */
const beyondValidation = [
  /is deprecated/,
  /no backendRefs/,
  /has no extension/,
  /has no effect/,
];

describeWith([egctl], 'the lint of policies', () => {
  it.each(mutations)(
    'agrees with Envoy Gateway’s validation: %s (%s)',
    (_, implementation, mutate) => {
      const policy = policyOf(implementation);
      mutate(policy.spec, policy);
      const ours = lintPolicy(policy, '1.9').filter(
        ({ message }) => !beyondValidation.some(r => r.test(message)),
      );
      const theirs = validate([policy]);
      expect({ accepted: ours.length === 0, ours, theirs }).toEqual({
        accepted: theirs === '',
        ours,
        theirs,
      });
    },
  );

  it.each([
    ['ExtProc', policyOf('extproc-go')],
    ['Lua', policyOf('lua', 'prototype')],
  ])('what is generated is accepted by the translator: %s', (_, policy) => {
    const status = JSON.parse(
      translate([...smallGateway('my-extension'), policy], 'gateway-api'),
    );
    const conditions = status.envoyExtensionPolicies.flatMap((p: any) =>
      p.status.ancestors.flatMap((a: any) =>
        a.conditions.map((c: any) => `${c.type}=${c.status} ${c.reason}`),
      ),
    );
    expect(conditions).toEqual(['Accepted=True Accepted']);
  });
});
