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
    const programmed = JSON.parse(
      translate([...smallGateway('my-extension'), policy], 'xds'),
    );
    expect(
      unexplained(localEnvoy(planned), programmed, sameScript(script)),
    ).toEqual([]);
  });
});
