import {
  ExtensionPlan,
  lintNative,
  lintPolicy,
} from 'backstage-plugin-eg-common';
import { Manifest, readManifests } from './manifests';
import { CheckDefinition, Outcome, outcome } from './types';

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

/** What a native policy's objects refer to within policy/ and what is not there. */
function missingFilters(manifests: Manifest[]): string[] {
  const filters = manifests
    .filter(({ object }) => object.kind === 'HTTPRouteFilter')
    .map(({ object }) => object.metadata?.name);
  return manifests.flatMap(({ file, object }) =>
    ((object.spec?.rules ?? []) as any[])
      .flatMap(rule => rule?.filters ?? [])
      .filter(
        ({ extensionRef }) =>
          extensionRef?.kind === 'HTTPRouteFilter' &&
          !filters.includes(extensionRef.name),
      )
      .map(
        ({ extensionRef }) =>
          `${file}: there is no HTTPRouteFilter ${extensionRef.name} in policy/; the rule would answer 500`,
      ),
  );
}

/** Where Envoy Gateway does it itself: the objects that were planned are there, and have what their kinds ask for. */
function nativeProblems(
  { native }: ExtensionPlan,
  manifests: Manifest[],
): string[] {
  const objects = manifests.filter(
    ({ object }) => object.kind !== 'Kustomization',
  );
  const missing = (native?.objects ?? [])
    .filter(
      ({ object }) =>
        !objects.some(
          m =>
            m.object.kind === object.kind &&
            m.object.metadata?.name === object.metadata.name,
        ),
    )
    .map(
      ({ object }) =>
        `policy/ has no ${object.kind} ${object.metadata.name}, which the plan has`,
    );
  const broken = objects.flatMap(({ file, object }) =>
    lintNative(object).map(
      ({ field, message }) => `${file}: ${field}: ${message}`,
    ),
  );
  return [...missing, ...broken, ...missingFilters(objects)];
}

/** Where Envoy Gateway does all of it. */
function checkNative(plan: ExtensionPlan, manifests: Manifest[]): Outcome {
  return outcome(
    nativeProblems(plan, manifests),
    `${manifests
      .filter(({ object }) => object.kind !== 'Kustomization')
      .map(({ object }) => object.kind)
      .join(', ')}, for Envoy Gateway ${
      plan.release.gateway
    }; kinds, versions, targets and references, not every field`,
  );
}

/** The policies keep the rules of the EnvoyExtensionPolicy API and refer to what is there. */
export const policyCheck: CheckDefinition = {
  id: 'policy',
  title: 'Policies against the rules of their API',
  async run({ directory, plan }) {
    let manifests: Manifest[];
    try {
      manifests = await readManifests(directory);
    } catch (error) {
      return outcome([`not valid YAML: ${error}`], '');
    }
    if (plan.mechanism === 'native') {
      return checkNative(plan, manifests);
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
      [
        ...problems,
        ...missingReferences(manifests),
        ...(plan.native ? nativeProblems(plan, manifests) : []),
      ],
      `${policies.length} EnvoyExtensionPolicy, ${
        manifests.length - policies.length
      } other objects, for Envoy Gateway ${plan.release.gateway}`,
    );
  },
};
