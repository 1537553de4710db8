import { describeRef, GatewayParent, isEnvoyGateway } from '../../kubernetes';
import { Finding, holds, note, problem } from '../findings';
import { judgeSection } from './sections';
import { Attached, attached, needed, Surroundings } from './surroundings';

/** What a Gateway of a target lacks. */
function judgeParent(target: Attached, parent: GatewayParent): Finding[] {
  const { ancestor, sectionName, named, gateway, gatewayClass } = parent;
  const what = `${describeRef(target.ref)}: its ${describeRef(ancestor)}`;
  if (named.state !== 'found' || gateway?.reading.state !== 'found') {
    return [
      needed(
        gateway?.reading ?? named,
        gateway && gateway.ref !== ancestor
          ? `${what}: ${describeRef(gateway.ref)}`
          : what,
        'without a Gateway the policy has no effect',
      ),
    ];
  }
  const className = gateway.reading.value.spec?.gatewayClassName;
  if (gatewayClass?.state !== 'found') {
    return [
      needed(
        gatewayClass!,
        `${what}: GatewayClass ${className}`,
        'create it, or name one of Envoy Gateway’s in the Gateway',
      ),
    ];
  }
  if (!isEnvoyGateway(gatewayClass)) {
    return [
      problem(
        `${what} is not Envoy Gateway’s: its GatewayClass ${className} belongs to ${gatewayClass.value.spec?.controllerName}; attach the target to a Gateway of Envoy Gateway`,
      ),
    ];
  }
  const waiting = (gateway.reading.value.status?.conditions ?? []).filter(
    (c: any) =>
      ['Accepted', 'Programmed'].includes(c.type) && c.status === 'False',
  );
  return [
    holds(`${what} is Envoy Gateway’s`),
    ...(sectionName
      ? [
          judgeSection(
            `${describeRef(target.ref)}.parentRefs`,
            sectionName,
            ancestor,
            named.value,
          ),
        ]
      : []),
    ...waiting.map((c: any) =>
      note(`${what} is not ${c.type} (${c.reason}): ${c.message}`),
    ),
  ];
}

/** What is wrong with one Gateway stops nobody where another one runs the policy. */
function judgeParents(target: Attached): Finding[] {
  if (target.parents.length === 0) {
    return [
      problem(
        `${describeRef(
          target.ref,
        )} belongs to no Gateway: none of its parentRefs names one; without one the policy has no effect`,
      ),
    ];
  }
  const judged = target.parents.map(parent => judgeParent(target, parent));
  const isProblem = ({ result }: Finding) => result === 'problem';
  return judged.some(findings => !findings.some(isProblem))
    ? judged.flat().map(f => (isProblem(f) ? note(f.text) : f))
    : judged.flat();
}

/** Targets belong to Gateways of Envoy Gateway. */
export async function gateways(surroundings: Surroundings): Promise<Finding[]> {
  return (await attached(surroundings)).flatMap(judgeParents);
}
