import {
  AnswersInput,
  ExtensionPlan,
  localEnvoy,
  parseAnswers,
  plan,
  renderFiles,
  withExample,
} from 'backstage-plugin-eg-common';
import { parse } from 'yaml';
import { egctl, smallGateway, translate } from '../src/egctl';
import { sameScript, unexplained } from '../src/extensionConfig';
import { describeWith } from '../src/tools';

const script = 'function envoy_on_request(h) h:headers():add("x", "1") end\n';

describeWith([egctl], 'the local Envoy configuration', () => {
  it.each<
    [string, Partial<AnswersInput>, ((p: ExtensionPlan) => ExtensionPlan)?]
  >([
    ['ExtProc, headers', { implementation: 'extproc-go' }],
    [
      'ExtProc, one direction',
      {
        implementation: 'extproc-go',
        settings: { response: [{ action: 'remove', name: 'x-a' }] },
        latency: 'flexible',
      },
    ],
    [
      'ExtProc, buffered bodies',
      { implementation: 'extproc-go', purpose: 'body-transform' },
    ],
    [
      'ExtProc, full duplex',
      {
        implementation: 'extproc-go',
        purpose: 'body-transform',
        bodySize: 'large',
        settings: { request: [{ action: 'remove', pointer: '/a' }] },
      },
    ],
    ['Lua, inline', { implementation: 'lua', environment: 'prototype' }],
    [
      'ExtProc, claims and attributes',
      { implementation: 'extproc-go' },
      ({ extproc, ...rest }) => ({
        ...rest,
        claims: 'my-provider',
        extproc: extproc && {
          ...extproc,
          attributes: ['source.address', 'connection.mtls'],
        },
      }),
    ],
  ])('is what Envoy Gateway programs: %s', (_, given, change = p => p) => {
    const planned = change(
      plan(
        parseAnswers(
          withExample({
            name: 'my-extension',
            owner: 'group:default/platform',
            purpose: 'header-transform',
            target: { name: 'my-route' },
            ...given,
          }),
        ),
      ),
    );
    const policy = parse(
      renderFiles(planned, script)['policy/envoyextensionpolicy.yaml']!,
    );
    const programmed = JSON.parse(
      translate([...smallGateway('my-extension'), policy], 'xds'),
    );
    expect(
      unexplained(localEnvoy(planned), programmed, sameScript(script)),
    ).toEqual([]);
  });
});

describeWith([egctl], 'a policy on a route of connections', () => {
  const metadata = (name: string) => ({ name, namespace: 'default' });
  const kinds: Record<string, object> = {
    HTTPRoute: { protocol: 'HTTP' },
    TCPRoute: { protocol: 'TCP' },
    TLSRoute: { protocol: 'TLS', tls: { mode: 'Passthrough' } },
    UDPRoute: { protocol: 'UDP' },
  };
  /** The usual objects with a route of another kind, and a policy on it. */
  const objectsWith = (kind: string) => [
    ...smallGateway().map(({ kind: usual, ...object }: any) => {
      switch (usual) {
        case 'Gateway':
          return {
            ...object,
            kind: usual,
            spec: {
              ...object.spec,
              listeners: [{ name: 'it', port: 10000, ...kinds[kind] }],
            },
          };
        case 'HTTPRoute':
          return {
            ...object,
            kind,
            spec: {
              ...object.spec,
              ...(kind === 'TLSRoute' ? { hostnames: ['a.example.com'] } : {}),
            },
          };
        default:
          return { ...object, kind: usual };
      }
    }),
    {
      apiVersion: 'gateway.envoyproxy.io/v1alpha1',
      kind: 'EnvoyExtensionPolicy',
      metadata: metadata('my-policy'),
      spec: {
        targetRefs: [
          { group: 'gateway.networking.k8s.io', kind, name: 'my-route' },
        ],
        lua: [{ type: 'Inline', inline: 'function envoy_on_request(h) end' }],
      },
    },
  ];

  it.each(Object.keys(kinds))(
    'is accepted, and programmed for HTTP only: %s',
    kind => {
      const objects = objectsWith(kind);
      const { envoyExtensionPolicies } = JSON.parse(
        translate(objects, 'gateway-api'),
      );
      expect(
        envoyExtensionPolicies[0].status.ancestors[0].conditions,
      ).toMatchObject([{ type: 'Accepted', status: 'True' }]);
      const programmed = translate(objects, 'xds');
      expect(programmed).toContain(`${kind.toLowerCase()}/default/my-route`);
      expect(programmed.includes('envoy.filters.http.lua')).toBe(
        kind === 'HTTPRoute',
      );
    },
  );
});
