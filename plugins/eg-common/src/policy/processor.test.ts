import { readFileSync } from 'fs';
import { join } from 'path';
import { parse } from 'yaml';
import { AnswersInput, parseAnswers } from '../intake';
import { ExtensionPlan, plan } from '../plan';
import { PurposeId } from '../purposes';
import { releases } from '../releases';
import { validatePolicy } from './lint';
import { renderFiles } from './render';

const planned = (given: Partial<AnswersInput>) =>
  plan(
    parseAnswers({
      name: 'my-extension',
      owner: 'group:default/platform',
      purpose: 'other',
      implementation: 'extproc-go',
      ...given,
    }),
  );

/** What the manifests say, in seconds and MiB. */
function manifest(given: ExtensionPlan) {
  const { spec } = parse(renderFiles(given)['k8s/deployment.yaml']!).spec
    .template;
  const [container] = spec.containers;
  const flag = (name: string) => {
    const found = container.args.find((arg: string) =>
      arg.startsWith(`-${name}=`),
    );
    return found && parseInt(found.slice(name.length + 2), 10);
  };
  const { value } = container.env.find(
    ({ name }: { name: string }) => name === 'GOMEMLIMIT',
  );
  return {
    limit: parseInt(container.resources.limits.memory, 10),
    goLimit: parseInt(value, 10),
    body: flag('max-body-bytes'),
    collected: flag('max-collected-bytes'),
    drainDelay: flag('drain-delay'),
    grace: flag('grace'),
    terminationGrace: spec.terminationGracePeriodSeconds,
  };
}

const MiB = 2 ** 20;

const rateLimit = (store: object) =>
  planned({
    purpose: 'rate-limit',
    settings: {
      limits: [
        {
          name: 'all',
          quota: 1,
          windowSeconds: 1,
          key: [{ from: 'header', header: 'x-client' }],
        },
      ],
      store,
    },
  });

describe('the memory of an external processor', () => {
  it('has room for every body that it may hold', () => {
    for (const bodySize of ['small', 'large', 'streaming'] as const) {
      for (const phase of ['requestBody', 'responseBody'] as const) {
        const m = manifest(planned({ processing: [phase], bodySize }));
        // Four bytes for one that is collected were measured, and 50 MiB with 900 streams.
        expect(m.limit - (4 * m.collected) / MiB).toBeGreaterThanOrEqual(50);
        expect(m.collected).toBeGreaterThanOrEqual(m.body);
      }
    }
  });

  it('is little where no body is sent', () => {
    const m = manifest(planned({ processing: ['requestHeaders'] }));
    expect(m).toMatchObject({ limit: 128, collected: undefined });
  });

  it('has room for every key that the settings allow', () => {
    for (const kind of ['memory', 'redis']) {
      for (const maxKeys of [1, 100_000, 500_000]) {
        const m = manifest(rateLimit({ kind, maxKeys }));
        // 500,000 keys needed 210 MiB while the table grew, in a process that needs 50.
        expect(m.limit).toBeGreaterThanOrEqual(50 + (maxKeys * 210) / 500_000);
      }
    }
    const few = manifest(rateLimit({ kind: 'memory', maxKeys: 1 }));
    expect(few.limit).toBe(128);
  });

  it('has room for all else that the settings let it remember', () => {
    const remembering = (purpose: PurposeId, settings: object) =>
      manifest(
        plan(
          parseAnswers({
            name: 'my-extension',
            owner: 'group:default/platform',
            implementation: 'extproc-go',
            purpose,
            settings,
            processing: ['requestHeaders', 'requestBody', 'responseBody'],
          } as AnswersInput),
        ),
      );
    // Filled as the unit tests of the skeletons do, in MiB.
    for (const [purpose, settings, measured] of [
      ['authentication', { method: { kind: 'hmac', remember: 1_000_000 } }, 78],
      [
        'authentication',
        { method: { kind: 'introspection', cacheEntries: 1_000_000 } },
        564,
      ],
      ['ai-gateway', { budget: { tokens: 1000, maxTenants: 100_000 } }, 35],
    ] as const) {
      const m = remembering(purpose, settings);
      expect(
        m.limit - 50 - (4 * (m.collected ?? 0)) / MiB,
      ).toBeGreaterThanOrEqual(measured);
    }
  });

  it('is what the unit tests of the skeleton leave for it', () => {
    const sizing = readFileSync(
      join(
        __dirname,
        '../../../../templates/envoy-gateway-extension/skeletons/extproc-go/base/internal/sizing/sizing.go',
      ),
      'utf8',
    );
    const of = (name: string) =>
      Number(new RegExp(`${name} += (\\d+)`).exec(sizing)![1]);
    const m = manifest(
      planned({ processing: ['requestBody'], bodySize: 'large' }),
    );
    expect(
      of('ProcessAndStreams') + (of('PerCollectedByte') * m.collected) / MiB,
    ).toBe(m.limit);
  });

  it('makes Go collect garbage before the kernel kills', () => {
    const m = manifest(rateLimit({ kind: 'memory', maxKeys: 500_000 }));
    expect(m.goLimit).toBeLessThanOrEqual(0.9 * m.limit);
    expect(m.goLimit).toBeGreaterThan(0.85 * m.limit);
  });
});

describe('the end of an external processor', () => {
  it('comes after Envoy has heard of it and open streams have ended', () => {
    const m = manifest(planned({}));
    // Envoy takes a changed cluster up to 15 s later.
    expect(m.drainDelay).toBeGreaterThan(15);
    expect(m.terminationGrace).toBeGreaterThan(m.drainDelay + m.grace);
  });
});

describe('backendSettings', () => {
  const policyOf = (given: ExtensionPlan) =>
    parse(renderFiles(given)['policy/envoyextensionpolicy.yaml']!);
  const envoyOf = (given: ExtensionPlan) =>
    parse(renderFiles(given)['local/envoy.yaml']!);

  it('retries, checks and ejects replicas in production, in every release', () => {
    for (const { version } of releases) {
      const policy = policyOf(
        planned({ environment: 'production', gatewayVersion: version as any }),
      );
      expect(Object.keys(policy.spec.extProc[0].backendSettings)).toEqual([
        'retry',
        'healthCheck',
        'circuitBreaker',
      ]);
      expect(validatePolicy(policy, version)).toEqual([]);
    }
  });

  it('is the same for the local Envoy', () => {
    const given = planned({ environment: 'production' });
    const { retry, healthCheck, circuitBreaker } =
      policyOf(given).spec.extProc[0].backendSettings;
    const envoy = envoyOf(given).static_resources;
    const cluster = envoy.clusters.find(({ name }: { name: string }) =>
      name.startsWith('envoyextensionpolicy/'),
    );
    const filter = JSON.parse(
      JSON.stringify(envoy.listeners),
    )[0].filter_chains[0].filters[0].typed_config.http_filters.find(
      ({ name }: { name: string }) => name.includes('ext_proc'),
    );
    const { retry_policy: policy } = filter.typed_config.grpc_service;
    expect(policy.num_retries).toBe(retry.numRetries);
    expect(policy.retry_on.split(',')).toEqual(retry.retryOn.triggers);
    expect(cluster.health_checks).toEqual([
      expect.objectContaining({
        interval: healthCheck.active.interval,
        timeout: healthCheck.active.timeout,
        unhealthy_threshold: healthCheck.active.unhealthyThreshold,
        grpc_health_check: {},
      }),
    ]);
    expect(cluster.outlier_detection).toMatchObject({
      consecutive_5xx: healthCheck.passive.consecutive5XxErrors,
      max_ejection_percent: healthCheck.passive.maxEjectionPercent,
    });
    expect(cluster.circuit_breakers.thresholds).toEqual([
      {
        max_connections: circuitBreaker.maxConnections,
        max_pending_requests: circuitBreaker.maxPendingRequests,
        max_requests: circuitBreaker.maxParallelRequests,
        max_retries: circuitBreaker.maxParallelRetries,
      },
    ]);
  });

  it('is left out of a prototype, which has one replica', () => {
    const given = planned({ environment: 'prototype' });
    expect(policyOf(given).spec.extProc[0]).not.toHaveProperty(
      'backendSettings',
    );
    expect(JSON.stringify(envoyOf(given))).not.toContain('retry_policy');
  });
});
