import { KubernetesAnswer } from '../kubernetes';
import { Finding, holds, note, outcomeOf, problem, unknown } from './findings';
import { appliedManifests, Manifest } from './manifests';
import { CheckDefinition } from './types';
import { withCluster } from './withCluster';

interface Cause {
  message?: string;
  field?: string;
}

/** `.spec.lua, .metadata.labels.a (kubectl)` */
function conflictsOf({ body }: KubernetesAnswer): string {
  const managers = new Map<string, string[]>();
  for (const { message = '', field = '' } of (body?.details?.causes ??
    []) as Cause[]) {
    const manager = /"([^"]+)"/.exec(message)?.[1] ?? 'another manager';
    managers.set(manager, [...(managers.get(manager) ?? []), field]);
  }
  return [...managers]
    .map(([manager, fields]) => `${fields.join(', ')} (${manager})`)
    .join('; ');
}

/** What an API server says about an object, in its words. */
function refusalOf({ status, body }: KubernetesAnswer): string {
  const causes = ((body?.details?.causes ?? []) as Cause[]).map(
    ({ field, message }) => [field, message].filter(Boolean).join(': '),
  );
  return causes.length > 0
    ? causes.join('; ')
    : body?.message ?? `the API server answers ${status}`;
}

/**
 * What an answer to a dry run says about an object.
 *
 * @param manifest - the object
 * @param answer - of the API server; undefined where the cluster does not know the kind
 */
export function judgeDryRun(
  { file, object, byHand }: Manifest,
  answer: KubernetesAnswer | undefined,
): Finding[] {
  const { kind, apiVersion, metadata: { name, namespace } = {} } = object;
  const what = `${file}: ${kind} ${namespace ?? 'default'}/${name}`;
  if (!answer) {
    return [
      problem(
        `${what}: the cluster does not know ${kind} of ${apiVersion}; install what brings it: the CRDs of the release of Envoy Gateway, or an add-on`,
      ),
    ];
  }
  const { status, body } = answer;
  const said = refusalOf(answer);
  const warnings = answer.warnings.map(w => note(`${what}: ${w}`));
  if (status === 201) {
    return [holds(`${what} would be created`), ...warnings];
  }
  if (status === 200) {
    return [holds(`${what} exists and would be changed to this`), ...warnings];
  }
  if (status === 409 && byHand) {
    return [
      note(`${what} exists, to be merged by hand: ${conflictsOf(answer)}`),
    ];
  }
  if (status === 409) {
    return [
      problem(
        `${what} exists already, and others own fields that this changes: ${conflictsOf(
          answer,
        )}. Choose another name, or, if it is an older version of this extension, take it over with kubectl apply --server-side --force-conflicts`,
      ),
    ];
  }
  if (status === 404 && body?.details?.kind === 'namespaces') {
    return [
      unknown(
        `${what}: namespace ${namespace} does not exist yet; create it before you apply: kubectl create namespace ${namespace}`,
      ),
    ];
  }
  // Quotas and admission controls answer 403 too; those are about the object.
  if (status === 403 && / cannot \S+ resource /.test(said)) {
    return [
      unknown(
        `${what}: ${said}; grant it to Backstage’s account for dry runs only (see the README of the module)`,
      ),
    ];
  }
  // The API server reports unknown fields as if it had failed itself.
  const own = status >= 500 && !/field not declared in schema/.test(said);
  return own
    ? [unknown(`${what}: the API server answers ${status}: ${said}`)]
    : [problem(`${what}: ${said}`)];
}

/** The API server of the cluster would take every object. Nothing is written. */
export const dryRunCheck: CheckDefinition = {
  id: 'dry-run',
  title: 'Dry run of every object by the cluster’s API server',
  run: context =>
    withCluster(context, 'dryRun', async cluster => {
      const manifests = await appliedManifests(context.directory);
      const findings = await Promise.all(
        manifests.map(async manifest =>
          judgeDryRun(manifest, await cluster.tryApply(manifest.object)),
        ),
      );
      return outcomeOf(findings.flat(), `cluster ${cluster.name}`);
    }),
};
