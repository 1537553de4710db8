// What policies refer to, so that Envoy Gateway can resolve it: made up where the policies do not bring it themselves.

import type { Release } from 'backstage-plugin-eg-common';

type KubernetesObject = Record<string, any>;

const group = 'gateway.networking.k8s.io';

const routeKinds = [
  'HTTPRoute',
  'GRPCRoute',
  'TCPRoute',
  'TLSRoute',
  'UDPRoute',
];

/** Listeners for every protocol that a route can have. */
const gatewayIn = (namespace: string): KubernetesObject => ({
  apiVersion: `${group}/v1`,
  kind: 'Gateway',
  metadata: { name: 'my-gateway', namespace },
  spec: {
    gatewayClassName: 'eg',
    listeners: [
      { name: 'http', protocol: 'HTTP', port: 10000 },
      { name: 'tcp', protocol: 'TCP', port: 10001 },
      { name: 'udp', protocol: 'UDP', port: 10002 },
      {
        name: 'tls',
        protocol: 'TLS',
        port: 10003,
        tls: { mode: 'Passthrough' },
      },
    ],
  },
});

/** In which version each release reads the routes of connections. Source: internal/gatewayapi/resource/load.go of each. */
const olderVersions: Record<string, Record<string, string>> = {
  '1.6': { TCPRoute: 'v1alpha2', UDPRoute: 'v1alpha2', TLSRoute: 'v1alpha3' },
  '1.7': { TCPRoute: 'v1alpha2', UDPRoute: 'v1alpha2', TLSRoute: 'v1alpha3' },
  '1.8': { TCPRoute: 'v1alpha2', UDPRoute: 'v1alpha2' },
};

function routeOf(
  kind: string,
  namespace: string,
  { version }: Release,
): KubernetesObject {
  const section: Record<string, string> = {
    TCPRoute: 'tcp',
    UDPRoute: 'udp',
    TLSRoute: 'tls',
  };
  return {
    apiVersion: `${group}/${olderVersions[version]?.[kind] ?? 'v1'}`,
    kind,
    metadata: { name: 'my-route', namespace },
    spec: {
      parentRefs: [
        { name: 'my-gateway', sectionName: section[kind] ?? 'http' },
      ],
      ...(kind === 'TLSRoute' ? { hostnames: ['www.example.com'] } : {}),
      rules: [{ backendRefs: [{ name: 'my-service', port: 8080 }] }],
    },
  };
}

/** A certificate that is valid in form; nobody verifies with it. */
const certificate = `-----BEGIN CERTIFICATE-----
MIIBejCCASGgAwIBAgIUOmhCFVZqSqPvxqUWx4xoZMV2bMIwCgYIKoZIzj0EAwIw
EzERMA8GA1UEAwwIY2xpZW50czAwHhcNMjUwMTAxMDAwMDAwWhcNNDUwMTAxMDAw
-----END CERTIFICATE-----
`;

const secretData = {
  'client-secret': 'secret',
  '.htpasswd': 'user:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n',
  credential: 'secret',
  client: 'key',
  'ca.crt': certificate,
};

function referent(
  { kind, name, port }: Reference,
  namespace: string,
): KubernetesObject {
  const metadata = { name, namespace };
  if (kind === 'Service') {
    return {
      apiVersion: 'v1',
      kind,
      metadata,
      spec: {
        clusterIP: '10.1.1.1',
        ports: ['TCP', 'UDP'].map(protocol => ({
          name: protocol.toLowerCase(),
          port: port ?? 8080,
          protocol,
        })),
      },
    };
  }
  const data =
    name === 'my-api-keys' ? { client: secretData.client } : secretData;
  return kind === 'Secret'
    ? {
        apiVersion: 'v1',
        kind,
        metadata,
        data: Object.fromEntries(
          Object.entries(data).map(([key, value]) => [
            key,
            Buffer.from(value).toString('base64'),
          ]),
        ),
      }
    : { apiVersion: 'v1', kind, metadata, data: {} };
}

interface Reference {
  kind: string;
  name: string;
  port?: number;
}

/** References to objects that the policies do not contain. */
function references(value: any): Reference[] {
  if (typeof value !== 'object' || value === null) {
    return [];
  }
  const own = Object.entries(value).flatMap(([key, v]: [string, any]) => {
    if (/^backendRefs?$/.test(key)) {
      return [v]
        .flat()
        .filter(ref => (ref.kind ?? 'Service') === 'Service')
        .map(ref => ({ kind: 'Service', name: ref.name, port: ref.port }));
    }
    return /^(credentialRefs|users|clientSecret|valueRef|caCertificateRefs)$/.test(
      key,
    )
      ? [v].flat().map(ref => ({ kind: ref.kind ?? 'Secret', name: ref.name }))
      : [];
  });
  return [...own, ...Object.values(value).flatMap(references)];
}

/** The class that every Gateway of {@link withReferents} has. */
export const gatewayClass: KubernetesObject = {
  apiVersion: `${group}/v1`,
  kind: 'GatewayClass',
  metadata: { name: 'eg' },
  spec: { controllerName: 'gateway.envoyproxy.io/gatewayclass-controller' },
};

/**
 * Policies with a Gateway, their target, and everything that they refer to.
 *
 * @param policies - policies of one namespace
 * @param release - for which they are written
 */
export function withReferents(
  policies: readonly KubernetesObject[],
  release: Release,
): KubernetesObject[] {
  const { namespace } = policies[0]!.metadata;
  const target = policies
    .flatMap(p => p.spec?.targetRefs ?? [])
    .find(ref => routeKinds.includes(ref.kind))?.kind;
  const objects = [
    ...policies,
    ...(policies.some(p => routeKinds.includes(p.kind))
      ? []
      : [routeOf(target ?? 'HTTPRoute', namespace, release)]),
  ];
  const needed = new Map(
    objects
      .flatMap(references)
      .map(ref => [`${ref.kind}/${ref.name}`, ref] as const),
  );
  return [
    gatewayIn(namespace),
    ...objects,
    ...[...needed.values()].map(ref => referent(ref, namespace)),
  ];
}
