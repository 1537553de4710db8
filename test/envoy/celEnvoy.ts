import execa from 'execa';
import fs from 'fs-extra';
import { createServer, request as httpsRequest } from 'https';
import { AddressInfo } from 'net';
import { tmpdir } from 'os';
import { join } from 'path';
import { request as httpRequest } from 'http';
import { createSign, generateKeyPairSync } from 'crypto';
import { envoyBinary } from './envoy';

// A real Envoy with a listener for each expression that it is asked about. Listeners come from a file, so that one that
// Envoy refuses does not stop the others.

const extensions = 'type.googleapis.com/envoy.extensions';

/** What a listener does with a request, besides asking the upstream. */
export interface ListenerParts {
  /** Routes before the one for everything else. */
  routes?: object[];
  accessLog?: object[];
  /** Headers for the upstream and for the client, as formats. */
  requestHeaders?: Record<string, string>;
  responseHeaders?: Record<string, string>;
}

/** What a client got. */
export interface Answer {
  status: number;
  headers: Record<string, string | undefined>;
}

/** A running Envoy. */
export interface CelEnvoy {
  /** Why Envoy refused listeners, by name. */
  refused: Record<string, string>;
  /** Sends a request with a token, a header `x-role` and a client certificate. */
  send(listener: string, path?: string): Promise<Answer>;
  /** What the listeners wrote to their log until now. */
  log(): Promise<string>;
  stop(): Promise<void>;
}

const base64url = (value: object) =>
  Buffer.from(JSON.stringify(value)).toString('base64url');

/** A key as JWKS, and a token that is signed with it. */
function credentials() {
  const { publicKey, privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
  });
  const key = {
    ...publicKey.export({ format: 'jwk' }),
    kid: 'k',
    alg: 'ES256',
  };
  const claims = { iss: 'issuer', sub: 'ann', roles: ['reader'], level: 3 };
  const head = `${base64url({ alg: 'ES256', kid: 'k' })}.${base64url(claims)}`;
  const signature = createSign('sha256')
    .update(head)
    .sign({ key: privateKey, dsaEncoding: 'ieee-p1363' }, 'base64url');
  return {
    jwks: JSON.stringify({ keys: [key] }),
    token: `${head}.${signature}`,
  };
}

/** A line for the one log of all listeners. */
export const writes = (format: object, filter?: object) => ({
  folderLog: format,
  ...(filter ? { filter } : {}),
});

/** Waits until a condition holds: there is no other sign of it. */
async function until<T>(what: string, ask: () => Promise<T | undefined>) {
  const end = Date.now() + 120_000;
  for (;;) {
    const found = await ask().catch(() => undefined);
    if (found !== undefined) {
      return found;
    }
    if (Date.now() > end) {
      throw new Error(`${what} did not happen within two minutes`);
    }
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

/**
 * Starts an Envoy with listeners that are reached with TLS and ask an upstream with TLS. Claims of a token are in the
 * dynamic metadata, under the provider `people`, as Envoy Gateway has them.
 *
 * @param version - for example `1.39.3`
 * @param listeners - by name
 */
export async function startCelEnvoy(
  version: string,
  listeners: Record<string, ListenerParts>,
): Promise<CelEnvoy> {
  const binary = await envoyBinary(version);
  const folder = await fs.mkdtemp(join(tmpdir(), 'eg-cel-'));
  const path = (name: string) => join(folder, name);
  await execa('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2'],
    ...[
      '-subj',
      '/CN=cel',
      '-keyout',
      path('key.pem'),
      '-out',
      path('crt.pem'),
    ],
    ...['-addext', 'subjectAltName=DNS:cel.test,URI:spiffe://cel.test/a'],
  ]);
  const [key, cert] = await Promise.all(
    ['key.pem', 'crt.pem'].map(name => fs.readFile(path(name))),
  );
  const upstream = createServer(
    { key, cert, requestCert: true, rejectUnauthorized: false },
    (asked, answer) => {
      // What the upstream was asked comes back, to be seen.
      answer.setHeader('x-asked', String(asked.headers['x-value'] ?? ''));
      answer.setHeader('grpc-status', '0');
      answer.end();
    },
  );
  await new Promise<void>(resolve => upstream.listen(0, '127.0.0.1', resolve));
  const { port } = upstream.address() as AddressInfo;
  const { jwks, token } = credentials();

  const certificate = {
    certificateChain: { filename: path('crt.pem') },
    privateKey: { filename: path('key.pem') },
  };
  const tls = {
    tlsCertificates: [certificate],
    validationContext: { trustedCa: { filename: path('crt.pem') } },
  };
  const transport = (side: string, context: object) => ({
    name: 'envoy.transport_sockets.tls',
    typedConfig: {
      '@type': `${extensions}.transport_sockets.tls.v3.${side}TlsContext`,
      ...context,
    },
  });
  const filter = (name: string, type: string, config: object = {}) => ({
    name: `envoy.filters.http.${name}`,
    typedConfig: {
      '@type': `${extensions}.filters.http.${name}.v3.${type}`,
      ...config,
    },
  });
  const added = (headers: Record<string, string> = {}) =>
    Object.entries(headers).map(([name, value]) => ({
      header: { key: name, value },
      keepEmptyValue: true,
    }));
  const listener = (
    name: string,
    {
      routes = [],
      accessLog = [],
      requestHeaders,
      responseHeaders,
    }: ListenerParts,
  ) => ({
    '@type': 'type.googleapis.com/envoy.config.listener.v3.Listener',
    name,
    address: { socketAddress: { address: '127.0.0.1', portValue: 0 } },
    listenerFilters: [
      {
        name: 'tls',
        typedConfig: {
          '@type': `${extensions}.filters.listener.tls_inspector.v3.TlsInspector`,
        },
      },
    ],
    filterChains: [
      {
        name: 'chain',
        transportSocket: transport('Downstream', { commonTlsContext: tls }),
        filters: [
          {
            name: 'http',
            typedConfig: {
              '@type': `${extensions}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
              statPrefix: 'http',
              accessLog: accessLog.map(({ folderLog, ...rest }: any) => ({
                name: 'envoy.access_loggers.file',
                typedConfig: {
                  '@type': `${extensions}.access_loggers.file.v3.FileAccessLog`,
                  path: path('log'),
                  logFormat: folderLog,
                },
                ...rest,
              })),
              httpFilters: [
                filter('jwt_authn', 'JwtAuthentication', {
                  providers: {
                    people: {
                      issuer: 'issuer',
                      payloadInMetadata: 'people',
                      localJwks: { inlineString: jwks },
                    },
                  },
                  rules: [
                    {
                      match: { prefix: '/' },
                      requires: { providerName: 'people' },
                    },
                  ],
                }),
                filter('rbac', 'RBAC'),
                filter('router', 'Router'),
              ],
              routeConfig: {
                virtualHosts: [
                  {
                    name: 'all',
                    domains: ['*'],
                    requestHeadersToAdd: added(requestHeaders),
                    responseHeadersToAdd: added(responseHeaders),
                    routes: [
                      ...routes,
                      {
                        name: 'my-route',
                        match: { prefix: '/' },
                        route: { cluster: 'upstream' },
                      },
                    ],
                  },
                ],
              },
            },
          },
        ],
      },
    ],
  });
  await fs.writeJson(path('lds.json'), {
    versionInfo: '1',
    resources: Object.entries(listeners).map(([name, parts]) =>
      listener(name, parts),
    ),
  });
  await fs.writeJson(path('envoy.json'), {
    node: { id: 'node', cluster: 'cluster' },
    admin: { address: { pipe: { path: path('admin') } } },
    staticResources: {
      clusters: [
        {
          name: 'upstream',
          transportSocket: transport('Upstream', { commonTlsContext: tls }),
          loadAssignment: {
            clusterName: 'upstream',
            endpoints: [
              {
                locality: { region: 'here' },
                lbEndpoints: [
                  {
                    endpoint: {
                      address: {
                        socketAddress: {
                          address: '127.0.0.1',
                          portValue: port,
                        },
                      },
                    },
                  },
                ],
              },
            ],
          },
        },
      ],
    },
    dynamicResources: {
      ldsConfig: { pathConfigSource: { path: path('lds.json') } },
    },
  });
  const envoy = execa(
    binary,
    [
      ...['-c', path('envoy.json'), '--use-dynamic-base-id'],
      ...['--concurrency', '1', '-l', 'error'],
      ...['--file-flush-interval-msec', '50'],
    ],
    { reject: false, all: true },
  );
  const stop = async () => {
    envoy.kill('SIGKILL');
    await envoy;
    upstream.closeAllConnections();
    await new Promise(resolve => upstream.close(resolve));
    await fs.remove(folder);
  };

  const admin = (url: string) =>
    new Promise<any>((resolve, reject) =>
      httpRequest(
        { socketPath: path('admin'), path: url, agent: false },
        answer => {
          let text = '';
          answer.setEncoding('utf8');
          answer.on('data', data => (text += data));
          answer.on('end', () =>
            answer.statusCode === 200 ? resolve(text) : reject(new Error(text)),
          );
        },
      )
        .on('error', reject)
        .end(),
    );
  try {
    await until('a start of Envoy', () => admin('/ready'));
    const dump = JSON.parse(await admin('/config_dump'));
    const refused = Object.fromEntries(
      dump.configs
        .flatMap((c: any) => c.dynamic_listeners ?? [])
        .filter((l: any) => l.error_state)
        .map((l: any) => [l.name, l.error_state.details]),
    );
    const { listener_statuses } = JSON.parse(
      await admin('/listeners?format=json'),
    );
    const ports: Record<string, number> = Object.fromEntries(
      listener_statuses.map((l: any) => [
        l.name,
        l.local_address.socket_address.port_value,
      ]),
    );
    return {
      refused,
      stop,
      send: (name, url = '/shop/1?q=Blue') =>
        new Promise((resolve, reject) =>
          httpsRequest(
            {
              host: '127.0.0.1',
              port: ports[name],
              path: url,
              agent: false,
              key,
              cert,
              servername: 'cel.test',
              rejectUnauthorized: false,
              headers: {
                authorization: `Bearer ${token}`,
                referer: 'https://cel.test/',
                'user-agent': 'test',
                'x-role': 'reader',
              },
            },
            answer => {
              answer.resume();
              answer.on('end', () =>
                resolve({
                  status: answer.statusCode!,
                  headers: answer.headers as Answer['headers'],
                }),
              );
            },
          )
            .on('error', reject)
            .end(),
        ),
      log: () => fs.readFile(path('log'), 'utf8').catch(() => ''),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Sends a request to every listener that Envoy took, and gives the lines of the log up to the last request's. */
export async function logOfAll(
  envoy: CelEnvoy,
  names: readonly string[],
  last: string,
): Promise<string[]> {
  for (const name of [...names.filter(n => !envoy.refused[n]), last]) {
    await envoy.send(name);
  }
  return until('the last line of the log', async () => {
    const lines = (await envoy.log()).split('\n');
    return lines.includes(last) ? lines : undefined;
  });
}
