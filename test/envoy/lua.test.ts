import { lintLua, releases } from 'backstage-plugin-eg-common';
import { egctlOf, smallGateway, translate } from '../src/egctl';
import { describeWith } from '../src/tools';

const request = (body: string) => `function envoy_on_request(h)\n${body}\nend`;

/** Scripts of which the lint is sure, one way or the other. */
const scripts: Record<string, string> = {
  'a header': request('h:headers():add("a", "b")'),
  'claims by two indexes': request(
    'local m = h:streamInfo():dynamicMetadata():get("envoy.filters.http.jwt_authn")\nh:headers():replace("x-user", m["payload"]["sub"])',
  ),
  'a match in a concatenation': request(
    'h:headers():replace("a", "b" .. h:headers():get("cookie"):match("token=(.*)"))',
  ),
  'settings of the policy': request('local c = h:filterContext()'),
  'the number of attempts': request('local n = h:streamInfo():attemptCount()'),
  'string.dump': request('local s = string.dump(function() end)'),
  'a local named goto': request('local goto = 1'),
  'a jump': request('for i = 1, 3 do if i == 2 then goto on end ::on:: end'),
  'an entry point in a comment': '-- envoy_on_request\nlocal x = 1',
  'a second entry point in a comment':
    '-- no envoy_on_response\nfunction envoy_on_request(h) end',
  'an entry point that is assigned': 'envoy_on_request = function(h) end',
  'debug behind a test': request('local t = debug and debug.traceback()'),
  'debug without a test': request('local t = debug.traceback()'),
  'a blocked function that is only read': request('local r = require'),
  'io.open': request('local f = io.open("/tmp/a")'),
  'a route that is chosen again': request('h:clearRouteCache()'),
};

/** What the translation of Envoy Gateway says of a policy with the script: its condition Accepted. */
function accepted(source: string, program: string): boolean {
  const answer = JSON.parse(
    translate(
      [
        ...smallGateway(),
        {
          apiVersion: 'gateway.envoyproxy.io/v1alpha1',
          kind: 'EnvoyExtensionPolicy',
          metadata: { name: 'p', namespace: 'default' },
          spec: {
            targetRefs: [
              {
                group: 'gateway.networking.k8s.io',
                kind: 'HTTPRoute',
                name: 'my-route',
              },
            ],
            lua: [{ type: 'Inline', inline: source }],
          },
        },
      ],
      'gateway-api',
      program,
    ),
  );
  const conditions = answer.envoyExtensionPolicies[0].status.ancestors[0]
    .conditions as { type: string; status: string }[];
  return conditions.find(({ type }) => type === 'Accepted')!.status === 'True';
}

/** The newest release that has Lua on by default: egctl cannot be told to switch it on. */
const judges = releases.filter(r => r.luaEnabledByDefault).slice(-1);

describeWith(
  judges.map(egctlOf),
  'what the lint is sure of, Envoy Gateway’s validator says',
  () => {
    it.each(
      judges.flatMap(release =>
        Object.keys(scripts).map((name): [string, string] => [
          release.version,
          name,
        ]),
      ),
    )('%s: %s', (version, name) => {
      const release = releases.find(r => r.version === version)!;
      const problems = lintLua(scripts[name]!, version);
      expect(problems.every(({ certain }) => certain)).toBe(true);
      expect(accepted(scripts[name]!, egctlOf(release))).toBe(
        problems.length === 0,
      );
    });
  },
);
