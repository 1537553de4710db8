import { Cluster, groupVersion, LiveObject, Reading } from '../../kubernetes';
import { Finding, holds, note, problem } from '../findings';
import { Manifest } from '../manifests';
import { releasesWith, specSchema, unknownFields } from './installedRelease';
import { applied, needed, Surroundings } from './surroundings';

const policyGroup = 'gateway.envoyproxy.io';
const bundleVersion = 'gateway.networking.k8s.io/bundle-version';

const crd = (cluster: Cluster, name: string): Promise<Reading<LiveObject>> =>
  cluster.read({
    group: 'apiextensions.k8s.io',
    kind: 'CustomResourceDefinition',
    name,
  });

/** `envoyextensionpolicies.gateway.envoyproxy.io`; the kinds of this group have regular plurals. */
const crdName = (kind: string) =>
  `${kind.toLowerCase().replace(/y$/, 'ie')}s.${policyGroup}`;

/** A policy has no field that the cluster lacks. */
async function fieldsOf(
  { cluster, plan }: Surroundings,
  { file, object }: Manifest,
): Promise<Finding[]> {
  const { kind = '', apiVersion = '', spec } = object;
  const { version } = groupVersion(apiVersion);
  const reading = await crd(cluster, crdName(kind));
  if (reading.state !== 'found') {
    return [
      needed(
        reading,
        `the CustomResourceDefinition of ${kind}`,
        'install Envoy Gateway with its CRDs',
      ),
    ];
  }
  const schema = specSchema(reading.value, version);
  const missing = schema
    ? unknownFields(schema, spec, 'spec')
    : [`version ${version}`];
  const fields =
    missing.length > 0
      ? problem(
          `${file}: the cluster’s ${kind} has no ${missing.join(
            ', ',
          )}; generate for the release that is installed, or upgrade Envoy Gateway to ${
            plan.release.gateway
          }`,
        )
      : holds(`${file}: the cluster’s ${kind} has every field`);
  if (!schema || kind !== 'EnvoyExtensionPolicy') {
    return [fields];
  }
  const installed = releasesWith(schema).map(r => r.version);
  return installed.includes(plan.release.gateway)
    ? [fields]
    : [
        fields,
        note(
          `the cluster’s CRDs are those of ${
            installed.length > 0
              ? `Envoy Gateway ${installed.join(' or ')}`
              : 'a release that is not known here'
          }; this was generated for ${plan.release.gateway}`,
        ),
      ];
}

async function gatewayApi({ cluster, plan }: Surroundings): Promise<Finding[]> {
  const { gateway, gatewayApi: brought } = plan.release;
  const reading = await crd(cluster, 'gateways.gateway.networking.k8s.io');
  const installed =
    reading.state === 'found'
      ? reading.value.metadata?.annotations?.[bundleVersion]?.replace(/^v/, '')
      : undefined;
  const isOlder =
    installed !== undefined &&
    installed.localeCompare(brought, 'en', { numeric: true }) < 0;
  return isOlder
    ? [
        note(
          `the cluster has Gateway API ${installed}; Envoy Gateway ${gateway} brings ${brought}`,
        ),
      ]
    : [];
}

/** The release that is installed has every field that is used. */
export async function features(surroundings: Surroundings): Promise<Finding[]> {
  const policies = applied(surroundings).filter(
    ({ object }) => groupVersion(object.apiVersion ?? '').group === policyGroup,
  );
  const findings = await Promise.all([
    ...policies.map(policy => fieldsOf(surroundings, policy)),
    gatewayApi(surroundings),
  ]);
  return findings.flat();
}
