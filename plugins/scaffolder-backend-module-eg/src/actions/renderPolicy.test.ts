import { createMockDirectory } from '@backstage/backend-test-utils';
import { createMockActionContext } from '@backstage/plugin-scaffolder-node-test-utils';
import {
  AnswersInput,
  parseAnswers,
  plan,
  withExample,
} from 'backstage-plugin-eg-common';
import fs from 'fs-extra';
import { join } from 'path';
import yaml from 'yaml';
import { createRecommendAction } from './recommend';
import { createRenderPolicyAction } from './renderPolicy';
import { examples } from './renderPolicy.examples';

const action = createRenderPolicyAction();
const workspace = createMockDirectory();

const planned = (given: Partial<AnswersInput>) =>
  plan(
    parseAnswers(
      withExample({
        name: 'my-extension',
        owner: 'group:default/platform',
        purpose: 'header-transform',
        ...given,
      }),
    ),
  );

async function run(input: { plan: any; targetPath?: string }) {
  const context = createMockActionContext({
    input,
    workspacePath: workspace.path,
  });
  await action.handler(context);
  return Object.fromEntries(
    jest.mocked(context.output).mock.calls as [string, any][],
  );
}

const read = (file: string) => fs.readFile(join(workspace.path, file), 'utf8');

describe('eg:render-policy', () => {
  beforeEach(() => workspace.clear());

  it('carries out its example', async () => {
    const [recommend, render] = yaml.parse(examples[0]!.example).steps;
    expect(render.action).toBe(action.id);
    const context = createMockActionContext({ input: recommend.input });
    await createRecommendAction().handler(context);
    const [, advised] = jest
      .mocked(context.output)
      .mock.calls.find(([name]) => name === 'plan') as [string, any];
    const { files } = await run({ plan: advised });
    for (const file of files) {
      expect(await read(file)).not.toBe('');
    }
    expect(yaml.parse(await read('policy/envoyextensionpolicy.yaml')))
      .toMatchInlineSnapshot(`
      {
        "apiVersion": "gateway.envoyproxy.io/v1alpha1",
        "kind": "EnvoyExtensionPolicy",
        "metadata": {
          "labels": {
            "app.kubernetes.io/name": "mask-card-numbers",
            "backstage.io/kubernetes-id": "mask-card-numbers",
          },
          "name": "mask-card-numbers",
          "namespace": "default",
        },
        "spec": {
          "extProc": [
            {
              "backendRefs": [
                {
                  "name": "mask-card-numbers",
                  "port": 9002,
                },
              ],
              "backendSettings": {
                "circuitBreaker": {
                  "maxConnections": 1024,
                  "maxParallelRequests": 1024,
                  "maxParallelRetries": 64,
                  "maxPendingRequests": 1024,
                },
                "healthCheck": {
                  "active": {
                    "grpc": {},
                    "healthyThreshold": 1,
                    "interval": "2s",
                    "timeout": "1s",
                    "type": "GRPC",
                    "unhealthyThreshold": 2,
                  },
                  "passive": {
                    "baseEjectionTime": "10s",
                    "consecutive5XxErrors": 5,
                    "consecutiveLocalOriginFailures": 5,
                    "interval": "1s",
                    "maxEjectionPercent": 50,
                    "splitExternalLocalOriginErrors": false,
                  },
                },
                "retry": {
                  "numRetries": 2,
                  "perRetry": {
                    "backOff": {
                      "baseInterval": "25ms",
                      "maxInterval": "250ms",
                    },
                  },
                  "retryOn": {
                    "triggers": [
                      "connect-failure",
                      "refused-stream",
                      "reset",
                      "unavailable",
                    ],
                  },
                },
              },
              "failOpen": false,
              "messageTimeout": "500ms",
              "processingMode": {
                "allowModeOverride": true,
                "request": {
                  "body": "Buffered",
                },
                "response": {
                  "body": "Buffered",
                },
              },
            },
          ],
          "targetRefs": [
            {
              "group": "gateway.networking.k8s.io",
              "kind": "HTTPRoute",
              "name": "my-route",
            },
          ],
        },
      }
    `);
  });

  it('writes a Lua script inline for a prototype', async () => {
    workspace.setContent({
      src: { 'filter.lua': '-- logic\n', 'handlers.lua': '-- entry\n' },
    });
    await run({
      plan: planned({ implementation: 'lua', environment: 'prototype' }),
    });
    const { spec } = yaml.parse(await read('policy/envoyextensionpolicy.yaml'));
    expect(spec.lua).toEqual([
      {
        type: 'Inline',
        inline: '-- logic\n-- entry\n',
        filterContext: planned({}).settings,
      },
    ]);
  });

  it('writes a Lua script into a ConfigMap for production', async () => {
    workspace.setContent({
      src: { 'filter.lua': '-- logic\n', 'checks.lua': '-- checks\n' },
    });
    const { files } = await run({ plan: planned({ implementation: 'lua' }) });
    expect(files).toContain('policy/lua-configmap.yaml');
    const { spec } = yaml.parse(await read('policy/envoyextensionpolicy.yaml'));
    const configMap = yaml.parse(await read('policy/lua-configmap.yaml'));
    expect(spec.lua[0].valueRef).toEqual({
      group: '',
      kind: 'ConfigMap',
      name: configMap.metadata.name,
    });
    expect(configMap.data).toEqual({ lua: '-- checks\n-- logic\n' });
  });

  it('puts the settings into the script where a release has no filterContext', async () => {
    workspace.setContent({ src: { 'filter.lua': '-- logic\n' } });
    await run({
      plan: planned({
        implementation: 'lua',
        environment: 'prototype',
        gatewayVersion: '1.8',
        settings: { request: [{ action: 'remove', name: 'x-a' }] },
      }),
    });
    const { spec } = yaml.parse(await read('policy/envoyextensionpolicy.yaml'));
    expect(spec.lua[0]).not.toHaveProperty('filterContext');
    expect(spec.lua[0].inline).toContain('["action"] = "remove"');
    expect(spec.lua[0].inline).toBe(
      `${await read('src/settings.lua')}-- logic\n`,
    );
  });

  it('says what is missing when the skeleton has not been fetched', async () => {
    await expect(
      run({ plan: planned({ implementation: 'lua' }) }),
    ).rejects.toThrow('src/filter.lua is missing in the workspace');
    expect(await fs.readdir(workspace.path)).toEqual([]);
  });

  it('writes into a folder of the workspace and not outside of it', async () => {
    await run({ plan: planned({}), targetPath: 'sub' });
    expect(await read('sub/policy/kustomization.yaml')).not.toBe('');
    await expect(
      run({ plan: planned({}), targetPath: '../outside' }),
    ).rejects.toThrow();
  });

  it('rejects a plan that is none', async () => {
    await expect(run({ plan: { name: 'x' } })).rejects.toThrow(
      'plan.apiVersion',
    );
  });
});
