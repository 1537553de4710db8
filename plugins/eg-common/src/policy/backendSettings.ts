import { ExtensionPlan } from '../plan';

/**
 * How Envoy deals with replicas of a processor that fail, in production. What each value costs and saves is in the
 * generated docs/production.md, measured with test/faults/replicas.py.
 */
const settings = {
  retries: 2,
  // Before the processor's first answer: Envoy never repeats a stream that has been answered.
  retryOn: ['connect-failure', 'refused-stream', 'reset', 'unavailable'],
  backOff: { base: '25ms', max: '250ms' },
  /** Asks each replica's health service, which says NOT_SERVING as soon as the replica is told to stop. */
  check: { interval: '2s', timeout: '1s', unhealthy: 2, healthy: 1 },
  /** Takes a replica out after so many failures in a row, half of the replicas at most. */
  outlier: { failures: 5, interval: '1s', ejection: '10s', percent: 50 },
  /** Envoy's own limits, but for retries: they must not double the load of replicas that fail because of it. */
  limits: { connections: 1024, pending: 1024, streams: 1024, retries: 64 },
};

const isProduction = ({ environment }: ExtensionPlan) =>
  environment === 'production';

/** `spec.extProc[].backendSettings` of the policy, with no field left to a default of the API; nothing for a prototype. */
export function backendSettings(plan: ExtensionPlan): object {
  const { retries, retryOn, backOff, check, outlier, limits } = settings;
  if (!isProduction(plan)) {
    return {};
  }
  return {
    backendSettings: {
      retry: {
        numRetries: retries,
        retryOn: { triggers: retryOn },
        perRetry: {
          backOff: { baseInterval: backOff.base, maxInterval: backOff.max },
        },
      },
      healthCheck: {
        active: {
          type: 'GRPC',
          grpc: {},
          interval: check.interval,
          timeout: check.timeout,
          unhealthyThreshold: check.unhealthy,
          healthyThreshold: check.healthy,
        },
        passive: {
          consecutive5XxErrors: outlier.failures,
          consecutiveLocalOriginFailures: outlier.failures,
          interval: outlier.interval,
          baseEjectionTime: outlier.ejection,
          maxEjectionPercent: outlier.percent,
          splitExternalLocalOriginErrors: false,
        },
      },
      circuitBreaker: {
        maxConnections: limits.connections,
        maxPendingRequests: limits.pending,
        maxParallelRequests: limits.streams,
        maxParallelRetries: limits.retries,
      },
    },
  };
}

/** The same as Envoy Gateway writes it for Envoy: `cluster` is the processor's, `service` its `grpc_service`. */
export function envoyBackendSettings(
  plan: ExtensionPlan,
  duration: (gatewayApi: string) => string,
): { cluster: object; service: object } {
  const { retries, retryOn, backOff, check, outlier, limits } = settings;
  if (!isProduction(plan)) {
    return {
      cluster: { circuit_breakers: { thresholds: [{ max_retries: 1024 }] } },
      service: {},
    };
  }
  return {
    cluster: {
      health_checks: [
        {
          timeout: duration(check.timeout),
          interval: duration(check.interval),
          unhealthy_threshold: check.unhealthy,
          healthy_threshold: check.healthy,
          grpc_health_check: {},
        },
      ],
      outlier_detection: {
        consecutive_5xx: outlier.failures,
        consecutive_local_origin_failure: outlier.failures,
        interval: duration(outlier.interval),
        base_ejection_time: duration(outlier.ejection),
        max_ejection_percent: outlier.percent,
      },
      circuit_breakers: {
        thresholds: [
          {
            max_connections: limits.connections,
            max_pending_requests: limits.pending,
            max_requests: limits.streams,
            max_retries: limits.retries,
          },
        ],
      },
    },
    service: {
      retry_policy: {
        retry_on: retryOn.join(','),
        num_retries: retries,
        retry_back_off: {
          base_interval: duration(backOff.base),
          max_interval: duration(backOff.max),
        },
      },
    },
  };
}
