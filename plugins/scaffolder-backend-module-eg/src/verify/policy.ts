import { lintPolicy } from 'backstage-plugin-eg-common';
import { Manifest, readManifests } from './manifests';
import { CheckDefinition, outcome } from './types';

function isPolicy({ object }: Manifest): boolean {
  return object.kind === 'EnvoyExtensionPolicy';
}

/** What the policies refer to within the repository and what is not there. */
function missingReferences(manifests: Manifest[]): string[] {
  const find = (kind: string, name: string, namespace: string | undefined) =>
    manifests.find(
      ({ object: { kind: k, metadata } }) =>
        k === kind &&
        metadata?.name === name &&
        metadata?.namespace === namespace,
    );
  return manifests.filter(isPolicy).flatMap(({ file, object }) => {
    const own = object.metadata?.namespace;
    const problems: string[] = [];
    for (const extProc of object.spec?.extProc ?? []) {
      for (const ref of extProc.backendRefs ?? []) {
        const namespace = ref.namespace ?? own;
        const service = find('Service', ref.name, namespace);
        if (!service) {
          problems.push(
            `${file}: there is no Service ${namespace}/${ref.name} in k8s/; Envoy Gateway would answer 500 on the target’s routes`,
          );
        } else if (
          !service.object.spec?.ports?.some(
            (p: { port: number }) => p.port === ref.port,
          )
        ) {
          problems.push(
            `${file}: Service ${namespace}/${ref.name} has no port ${ref.port}`,
          );
        }
        const granted = manifests.some(
          ({ object: grant }) =>
            grant.kind === 'ReferenceGrant' &&
            grant.metadata?.namespace === namespace &&
            grant.spec?.from?.some(
              (f: { namespace: string }) => f.namespace === own,
            ),
        );
        if (namespace !== own && !granted) {
          problems.push(
            `${file}: the Service is in another namespace and k8s/ has no ReferenceGrant for it`,
          );
        }
      }
    }
    for (const { valueRef } of object.spec?.lua ?? []) {
      const configMap = valueRef && find('ConfigMap', valueRef.name, own);
      if (valueRef && configMap?.object.data?.lua === undefined) {
        problems.push(
          `${file}: there is no ConfigMap ${own}/${valueRef.name} with a key lua in policy/`,
        );
      }
    }
    return problems;
  });
}

/** The policies keep the rules of the EnvoyExtensionPolicy API and refer to what is there. */
export const policyCheck: CheckDefinition = {
  id: 'policy',
  title: 'The policy follows the rules of the API',
  async run({ directory, plan }) {
    let manifests: Manifest[];
    try {
      manifests = await readManifests(directory);
    } catch (error) {
      return outcome([`not valid YAML: ${error}`], '');
    }
    const policies = manifests.filter(isPolicy);
    const problems = policies.flatMap(({ file, object }) =>
      lintPolicy(object, plan.release.gateway).map(
        ({ field, message }) => `${file}: ${field}: ${message}`,
      ),
    );
    for (const { file, object } of policies) {
      if (
        object.metadata?.labels?.['backstage.io/kubernetes-id'] === undefined
      ) {
        problems.push(
          `${file}: metadata.labels: without backstage.io/kubernetes-id the entity page does not find the policy`,
        );
      }
    }
    if (policies.length === 0) {
      problems.push('policy/ has no EnvoyExtensionPolicy');
    }
    return outcome(
      [...problems, ...missingReferences(manifests)],
      `${policies.length} EnvoyExtensionPolicy, ${
        manifests.length - policies.length
      } other objects, for Envoy Gateway ${plan.release.gateway}`,
    );
  },
};
