import {
  AnswersInput,
  implementationOf,
  luaScript,
  parseAnswers,
  plan,
  renderFiles,
} from 'backstage-plugin-eg-common';
import fs from 'fs-extra';
import { join } from 'path';
import { describeUnless } from '../src/tools';
import { Backstage, startBackstage } from './backstage';
import { Lab, startLab } from './lab';
import { lacking } from './namespaces';

const account = join(__dirname, '../../examples/kubernetes/backstage.yaml');

/** A complete repository, with stand-ins for the files that skeletons bring. */
function repository(given: Partial<AnswersInput> = {}): Record<string, string> {
  const planned = plan(
    parseAnswers({
      name: 'my-extension',
      owner: 'group:default/platform',
      purpose: 'header-transform',
      target: { name: 'my-route' },
      ...given,
    }),
  );
  const skeleton = implementationOf(planned.implementation).files.map(file => [
    file,
    'from the skeleton\n',
  ]);
  const script = luaScript(planned, {
    'filter.lua': 'function envoy_on_request(h) end\n',
  });
  return {
    ...Object.fromEntries(skeleton),
    ...renderFiles(planned, script),
  };
}

const policy = (name: string, spec: object = {}) => ({
  apiVersion: 'gateway.envoyproxy.io/v1alpha1',
  kind: 'EnvoyExtensionPolicy',
  metadata: { name, namespace: 'default' },
  spec: {
    targetRefs: [
      {
        group: 'gateway.networking.k8s.io',
        kind: 'HTTPRoute',
        name: 'my-route',
      },
    ],
    lua: [{ type: 'Inline', inline: 'function envoy_on_request(h) end' }],
    ...spec,
  },
});

describeUnless(lacking(), 'eg:verify with a real cluster', () => {
  let lab: Lab;
  let backstage: Backstage;

  beforeAll(async () => {
    lab = await startLab({ enableLua: true });
    await lab.kubectl(['create', 'namespace', 'backstage']);
    await lab.apply(await fs.readFile(account, 'utf8'));
    backstage = await startBackstage([
      {
        name: 'lab',
        url: lab.url,
        caData: lab.caData,
        authProvider: 'serviceAccount',
        serviceAccountToken: await lab.token('backstage', 'backstage'),
        skipMetricsLookup: true,
      },
    ]);
  }, 1_800_000);
  afterAll(async () => {
    await backstage?.stop();
    await lab?.down();
  }, 60_000);

  it('runs', async () => {
    const show = (x: any) => console.log(JSON.stringify(x, null, 1));
    show(await backstage.dryRun('eg:verify', {}, repository()));
    show(
      await backstage.dryRun(
        'eg:verify',
        {},
        repository({ implementation: 'lua' }),
      ),
    );
    show(
      await backstage.dryRun(
        'eg:verify',
        {},
        repository({ target: { name: 'nope' }, namespace: 'other' }),
      ),
    );
    await lab.apply([policy('first')]);
    show(await backstage.check({ name: 'first', waitSeconds: 20 }));
  }, 120_000);
});
