import {
  AnswersInput,
  ExtensionPlan,
  localEnvoy,
  parseAnswers,
  plan,
  renderFiles,
} from 'backstage-plugin-eg-common';
import { parse } from 'yaml';
import { egctl, smallGateway, translate } from '../src/egctl';
import { describeWith } from '../src/tools';

jest.setTimeout(60_000);

/** Protobuf JSON has names in camel case and leaves defaults out; durations may have more digits. */
function normalised(value: any): any {
  if (Array.isArray(value)) {
    return value.map(normalised);
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, v]) => v !== false && v !== 'NONE')
        .map(([k, v]) => [
          k.includes('.') || k.startsWith('@')
            ? k
            : k.replace(/_([a-z])/g, (_, c) => c.toUpperCase()),
          normalised(v),
        ]),
    );
  }
  return typeof value === 'string' && /^[0-9.]+s$/.test(value)
    ? `${parseFloat(value)}s`
    : value;
}

/** Every object in a configuration that satisfies a condition. */
function find(value: any, matches: (object: any) => boolean): any[] {
  if (typeof value !== 'object' || value === null) {
    return [];
  }
  return [
    ...(matches(value) ? [value] : []),
    ...Object.values(value).flatMap(v => find(v, matches)),
  ];
}

/** Filters that stand before the extension and are not its own. */
const before = (filter: any) => filter.name === 'envoy.filters.http.jwt_authn';

const connectionManager = (config: any) =>
  find(
    config,
    v => v.httpFilters?.length > 1 && /^http-/.test(v.statPrefix ?? ''),
  )[0];

/** What a configuration says about the extension: its filter, what enables it, and the listener around it. */
function extensionOf(config: any) {
  const manager = connectionManager(config);
  const [filter, router] = manager.httpFilters.filter((f: any) => !before(f));
  const { '@type': _type, ...options } = manager;
  const [listener] = find(config, v => v.perConnectionBufferLimitBytes);
  const [cluster] = find(
    config,
    v =>
      v.typedExtensionProtocolOptions !== undefined &&
      filter.name.endsWith(v.name),
  );
  return {
    filter,
    router,
    perRoute: find(config, v => v.typedPerFilterConfig?.[filter.name]).map(
      v => v.typedPerFilterConfig[filter.name],
    ),
    bufferLimit: listener.perConnectionBufferLimitBytes,
    options: Object.fromEntries(
      [
        'useRemoteAddress',
        'normalizePath',
        'mergeSlashes',
        'pathWithEscapedSlashesAction',
        'serverHeaderTransformation',
        'commonHttpProtocolOptions',
      ].map(name => [name, options[name]]),
    ),
    processorSpeaksHttp2:
      cluster &&
      find(cluster, v => v.http2ProtocolOptions !== undefined).length > 0,
  };
}

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
        parseAnswers({
          name: 'my-extension',
          owner: 'group:default/platform',
          purpose: 'header-transform',
          target: { name: 'my-route' },
          ...given,
        }),
      ),
    );
    const policy = parse(
      renderFiles(planned, script)['policy/envoyextensionpolicy.yaml']!,
    );
    const programmed = normalised(
      JSON.parse(translate([...smallGateway('my-extension'), policy], 'xds')),
    );
    const local = normalised(localEnvoy(planned));
    const expected = extensionOf(programmed);
    const actual = extensionOf(local);
    // The script is a file locally and text when programmed; both come from the same source.
    const code = actual.filter.typedConfig.defaultSourceCode;
    if (code) {
      actual.filter.typedConfig.defaultSourceCode = { inlineString: script };
    }
    expect(actual).toEqual(expected);
  });
});
