import { describeRef, GatewayParent, ObjectRef } from '../../kubernetes';
import { Finding, holds, problem } from '../findings';
import { attached, needed, Surroundings } from './surroundings';

/** The EnvoyProxy that a Gateway names, or its class for it. */
function envoyProxyOf({
  gateway,
  gatewayClass,
}: GatewayParent): ObjectRef | undefined {
  if (gateway?.reading.state !== 'found' || gatewayClass?.state !== 'found') {
    return undefined;
  }
  const ofGateway = gateway.reading.value.spec?.infrastructure?.parametersRef;
  const ofClass = gatewayClass.value.spec?.parametersRef;
  const ref = ofGateway
    ? { ...ofGateway, namespace: gateway.ref.namespace }
    : ofClass;
  return ref && { ...ref, group: 'gateway.envoyproxy.io', kind: 'EnvoyProxy' };
}

/** The EnvoyProxy of each Gateway has the dynamic modules that policies name. */
export async function dynamicModules(
  surroundings: Surroundings,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const target of await attached(surroundings)) {
    const wanted = (target.manifest.object.spec?.dynamicModule ?? []) as {
      name: string;
    }[];
    for (const parent of wanted.length > 0 ? target.parents : []) {
      const ref = envoyProxyOf(parent);
      const reading = ref && (await surroundings.cluster.read(ref));
      const where = ref
        ? describeRef(ref)
        : `${describeRef(parent.ancestor)}, which names no EnvoyProxy,`;
      if (reading && reading.state !== 'found') {
        findings.push(
          needed(reading, where, 'the Gateway and its class refer to it'),
        );
        continue;
      }
      const allowed = (reading?.value.spec?.dynamicModules ?? []) as {
        name: string;
      }[];
      findings.push(
        ...wanted.map(({ name }) =>
          allowed.some(m => m.name === name)
            ? holds(`${where} allows the dynamic module ${name}`)
            : problem(
                `${where} does not allow the dynamic module ${name}; ask the platform team to add it to spec.dynamicModules`,
              ),
        ),
      );
    }
  }
  return findings;
}
