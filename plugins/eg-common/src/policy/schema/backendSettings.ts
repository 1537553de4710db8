import {
  anything,
  base64,
  bool,
  byteSize,
  defaulted,
  duration,
  int32,
  int64,
  list,
  map,
  milliseconds,
  moduleName,
  object,
  oneOf,
  onlyFor,
  percent,
  port,
  ruled,
  Since,
  subdomain,
  text,
} from './types';

const noDuplicates = (key: (item: any) => unknown) => (items: any[]) =>
  new Set(items.map(key)).size === items.length;

const uint32 = int64(0, 2 ** 32 - 1);
const status = int64(100, 599);
const named = object({ name: text() });

const payload = object(
  { type: oneOf('Text', 'Binary') },
  { text: text(), binary: base64 },
  [
    onlyFor(
      'text',
      'Text',
      'If payload type is Text, text field needs to be set.',
    ),
    onlyFor(
      'binary',
      'Binary',
      'If payload type is Binary, binary field needs to be set.',
    ),
  ],
);

const healthCheckLog = object(
  {},
  {
    matches: ruled(
      list(
        oneOf('Failure', 'FailureSeriesStart', 'Success', 'HealthyTransition'),
        4,
      ),
      [
        ['must not name a value twice', noDuplicates(item => item)],
        [
          'a failure type and a success type must both be specified together',
          self =>
            self.some((e: string) => e.startsWith('Failure')) ===
            self.some((e: string) => !e.startsWith('Failure')),
        ],
      ],
    ),
    sinks: list(
      object({ type: oneOf('File') }, { file: object({ path: text(1) }) }, [
        onlyFor(
          'file',
          'File',
          'If ProxyHealthCheckLogSink type is File, file field needs to be set.',
        ),
      ]),
      1,
    ),
  },
);

const httpHealthCheck = (since: Since) =>
  object(
    { path: text(1, 1024) },
    {
      expectedResponse: payload,
      expectedStatuses: list(status),
      hostname: text(1, 253, subdomain, 'be a DNS subdomain'),
      method: since('1.9') ? text(0, 16) : text(),
      ...(since('1.8') && { retriableStatuses: list(status) }),
      ...(since('1.9') && { requestBody: payload }),
    },
    [
      [
        'The requestBody field can only be set when method is POST or PUT.',
        self =>
          self.requestBody === undefined ||
          ['POST', 'PUT'].includes(String(self.method).toUpperCase()),
      ],
    ],
  );

const activeHealthCheck = (since: Since) =>
  object(
    { type: oneOf('HTTP', 'TCP', 'GRPC') },
    {
      grpc: object({}, { service: text() }),
      http: httpHealthCheck(since),
      tcp: object({}, { receive: payload, send: payload }),
      healthyThreshold: defaulted(int32(1), 1),
      unhealthyThreshold: defaulted(int32(1), 3),
      initialJitter: duration,
      interval: defaulted(duration, '3s'),
      timeout: defaulted(duration, '1s'),
      ...(since('1.8') && { overrides: object({}, { port }) }),
      ...(since('1.9') && { healthCheckLog }),
    },
    [
      onlyFor(
        'http',
        'HTTP',
        'If Health Checker type is HTTP, http field needs to be set.',
      ),
      onlyFor(
        'tcp',
        'TCP',
        'If Health Checker type is TCP, tcp field needs to be set.',
      ),
      [
        'The grpc field can only be set if the Health Checker type is GRPC.',
        self => self.grpc === undefined || self.type === 'GRPC',
      ],
    ],
  );

const passiveHealthCheck = (since: Since) =>
  object(
    {},
    {
      baseEjectionTime: defaulted(duration, '30s'),
      consecutive5XxErrors: defaulted(int32(), 5),
      consecutiveGatewayErrors: int32(),
      consecutiveLocalOriginFailures: defaulted(int32(), 5),
      failurePercentageThreshold: percent,
      interval: defaulted(duration, '3s'),
      maxEjectionPercent: defaulted(since('1.8') ? percent : int32(), 10),
      splitExternalLocalOriginErrors: defaulted(bool, false),
      ...(since('1.8') && { alwaysEjectOneEndpoint: defaulted(bool, false) }),
    },
  );

const circuitBreaker = (since: Since) => {
  const limit = defaulted(uint32, 1024);
  return object(
    {},
    {
      maxConnections: limit,
      maxParallelRequests: limit,
      maxParallelRetries: limit,
      maxPendingRequests: limit,
      maxRequestsPerConnection: uint32,
      perEndpoint: object({}, { maxConnections: limit }),
      ...(since('1.8') && {
        retryBudget: object(
          {
            percent: object(
              { numerator: int32(0) },
              { denominator: defaulted(int32(1), 100) },
              [
                [
                  'numerator must be less than or equal to denominator',
                  self => self.numerator <= self.denominator,
                ],
              ],
            ),
          },
          { minRetryConcurrency: int32() },
        ),
      }),
    },
  );
};

const consistentHash = (since: Since) =>
  object(
    {
      type: oneOf(
        'SourceIP',
        'Header',
        'Headers',
        'Cookie',
        ...(since('1.7') ? ['QueryParams'] : []),
      ),
    },
    {
      cookie: object({ name: text() }, { attributes: map, ttl: duration }),
      header: named,
      headers: list(named),
      tableSize: defaulted(int64(2, 5000011), 65537),
      ...(since('1.7') && { queryParams: list(named) }),
    },
    [
      onlyFor(
        'header',
        'Header',
        'If consistent hash type is header, the header field must be set.',
      ),
      onlyFor(
        'headers',
        'Headers',
        'If consistent hash type is headers, the headers field must be set.',
      ),
      onlyFor(
        'cookie',
        'Cookie',
        'If consistent hash type is cookie, the cookie field must be set.',
      ),
      onlyFor(
        'queryParams',
        'QueryParams',
        'If consistent hash type is queryParams, the queryParams field must be set.',
      ),
    ],
  );

const backendUtilization = (since: Since) =>
  object(
    {},
    {
      blackoutPeriod: duration,
      errorUtilizationPenaltyPercent: int32(0),
      keepResponseHeaders: defaulted(bool, false),
      metricNamesForComputingUtilization: list(text()),
      weightExpirationPeriod: duration,
      weightUpdatePeriod: duration,
      ...(since('1.9') && {
        outOfBand: object(
          {},
          {
            // Neither line breaks nor NUL.
            authority: text(1, 259, /^[^\x00\n\r]*$/), // eslint-disable-line no-control-regex
            port,
            reportingPeriod: ruled(duration, [
              [
                'reportingPeriod must be greater than 0',
                self => milliseconds(self) > 0,
              ],
            ]),
          },
        ),
      }),
    },
  );

const zoneAware = (since: Since) =>
  object(
    {},
    {
      preferLocal: object(
        {},
        {
          force: object({}, { minEndpointsInZoneThreshold: int32() }),
          minEndpointsThreshold: int64(),
          percentageEnabled: percent,
        },
      ),
      ...(since('1.8') && {
        weightedZones: ruled(list(object({ weight: int32(), zone: text() })), [
          ['must not name a zone twice', noDuplicates(({ zone }) => zone)],
        ]),
      }),
    },
  );

const loadBalancer = (since: Since) => {
  const without =
    (field: string, ...types: string[]) =>
    (self: any) =>
      !types.includes(self.type) || self[field] === undefined;
  return object(
    {
      type: oneOf(
        'ConsistentHash',
        'LeastRequest',
        'Random',
        'RoundRobin',
        ...(since('1.8') ? ['BackendUtilization', 'DynamicModule'] : []),
      ),
    },
    {
      consistentHash: consistentHash(since),
      endpointOverride: object({
        extractFrom: list(object({}, { header: text() }), 10, 1),
      }),
      slowStart: object({ window: duration }),
      zoneAware: zoneAware(since),
      ...(since('1.8') && {
        backendUtilization: backendUtilization(since),
        dynamicModule: object(
          { lbPolicyName: text(1, 253), name: moduleName },
          { config: anything },
        ),
      }),
    },
    [
      onlyFor(
        'consistentHash',
        'ConsistentHash',
        'If LoadBalancer type is consistentHash, consistentHash field needs to be set.',
      ),
      onlyFor(
        'backendUtilization',
        'BackendUtilization',
        'If LoadBalancer type is BackendUtilization, backendUtilization field needs to be set.',
      ),
      onlyFor(
        'dynamicModule',
        'DynamicModule',
        'If LoadBalancer type is DynamicModule, dynamicModule field needs to be set.',
      ),
      [
        'SlowStart is not supported for Random, ConsistentHash and DynamicModule load balancers.',
        without('slowStart', 'Random', 'ConsistentHash', 'DynamicModule'),
      ],
      since('1.8')
        ? [
            'PreferLocal zone-aware routing is not supported for ConsistentHash and BackendUtilization load balancers.',
            self =>
              !['ConsistentHash', 'BackendUtilization'].includes(self.type) ||
              self.zoneAware?.preferLocal === undefined,
          ]
        : [
            'ZoneAware is not supported for ConsistentHash load balancers.',
            without('zoneAware', 'ConsistentHash'),
          ],
      [
        'ZoneAware routing is not supported for DynamicModule load balancers.',
        without('zoneAware', 'DynamicModule'),
      ],
      [
        'ZoneAware PreferLocal and WeightedZones cannot be specified together.',
        self =>
          self.zoneAware?.preferLocal === undefined ||
          self.zoneAware.weightedZones === undefined,
      ],
      [
        'EndpointOverride is not supported for DynamicModule load balancers.',
        without('endpointOverride', 'DynamicModule'),
      ],
    ],
  );
};

const retry = object(
  {},
  {
    numAttemptsPerPriority: int32(),
    numRetries: defaulted(int32(0), 2),
    perRetry: object(
      {},
      {
        backOff: object({}, { baseInterval: duration, maxInterval: duration }),
        timeout: duration,
      },
    ),
    retryOn: object(
      {},
      {
        httpStatusCodes: list(status),
        triggers: list(
          oneOf(
            '5xx',
            'gateway-error',
            'reset',
            'reset-before-request',
            'connect-failure',
            'retriable-4xx',
            'refused-stream',
            'retriable-status-codes',
            'cancelled',
            'deadline-exceeded',
            'internal',
            'resource-exhausted',
            'unavailable',
          ),
        ),
      },
    ),
  },
);

const http2 = (since: Since) =>
  object(
    {},
    {
      initialConnectionWindowSize: byteSize,
      initialStreamWindowSize: byteSize,
      maxConcurrentStreams: int32(1),
      onInvalidMessage: text(),
      ...(since('1.8') && {
        connectionKeepalive: object(
          {},
          {
            idleInterval: duration,
            interval: duration,
            intervalJitter: percent,
            timeout: duration,
          },
          [
            [
              'timeout must be less than interval',
              ({ timeout, interval }) =>
                timeout === undefined ||
                interval === undefined ||
                milliseconds(timeout) < milliseconds(interval),
            ],
          ],
        ),
      }),
    },
  );

/** How Envoy connects to an external processor. */
export const backendSettings = (since: Since) =>
  object(
    {},
    {
      circuitBreaker: circuitBreaker(since),
      connection: object(
        {},
        {
          bufferLimit: byteSize,
          preconnect: object(
            {},
            {
              perEndpointPercent: int32(100, 300),
              predictivePercent: int32(100),
            },
          ),
          socketBufferLimit: byteSize,
        },
      ),
      dns: object(
        {},
        {
          dnsRefreshRate: duration,
          lookupFamily: oneOf(
            'IPv4',
            'IPv6',
            'IPv4Preferred',
            'IPv6Preferred',
            'IPv4AndIPv6',
          ),
          respectDnsTtl: bool,
        },
      ),
      healthCheck: object(
        {},
        {
          active: activeHealthCheck(since),
          panicThreshold: percent,
          passive: passiveHealthCheck(since),
        },
      ),
      http2: http2(since),
      loadBalancer: loadBalancer(since),
      proxyProtocol: object({ version: oneOf('V1', 'V2') }),
      retry,
      tcpKeepalive: object(
        {},
        { idleTime: duration, interval: duration, probes: int32() },
      ),
      timeout: object(
        {},
        {
          http: object(
            {},
            {
              connectionIdleTimeout: duration,
              maxConnectionDuration: duration,
              maxStreamDuration: duration,
              requestTimeout: duration,
              ...(since('1.8') && { streamIdleTimeout: duration }),
            },
          ),
          tcp: object({}, { connectTimeout: duration }),
        },
      ),
    },
    [
      [
        'predictivePercent in preconnect policy only works with RoundRobin or Random load balancers',
        self =>
          self.connection?.preconnect?.predictivePercent === undefined ||
          ['Random', 'RoundRobin'].includes(self.loadBalancer?.type),
      ],
    ],
  );
