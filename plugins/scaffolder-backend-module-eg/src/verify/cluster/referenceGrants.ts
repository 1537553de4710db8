import { groupVersion, LiveObject } from '../../kubernetes';
import { Finding, holds, problem, unknown } from '../findings';
import { BackendReference, backendReferencesOf } from './references';
import { applied, place, Surroundings } from './surroundings';

/** Whether a ReferenceGrant lets a reference through. */
function grants(
  { manifest, ref }: BackendReference,
  grant: LiveObject,
): boolean {
  const { apiVersion = '', kind, metadata } = manifest.object;
  const from = (grant.spec?.from ?? []) as any[];
  const to = (grant.spec?.to ?? []) as any[];
  return (
    from.some(
      f =>
        f.group === groupVersion(apiVersion).group &&
        f.kind === kind &&
        f.namespace === (metadata?.namespace ?? 'default'),
    ) &&
    to.some(
      t =>
        (t.group ?? '') === ref.group &&
        t.kind === ref.kind &&
        (t.name === undefined || t.name === ref.name),
    )
  );
}

/** References into other namespaces are granted. */
export async function referenceGrants(
  surroundings: Surroundings,
): Promise<Finding[]> {
  const across = backendReferencesOf(applied(surroundings)).filter(
    r =>
      r.ref.namespace !== (r.manifest.object.metadata?.namespace ?? 'default'),
  );
  return Promise.all(
    across.map(async reference => {
      const { namespace } = reference.ref;
      const what = `${place(
        reference,
      )}: the reference into namespace ${namespace}`;
      const kind = 'ReferenceGrant';
      const brought = surroundings.manifests
        .map(({ object }) => object)
        .filter(o => o.kind === kind && o.metadata?.namespace === namespace);
      if (brought.some(grant => grants(reference, grant))) {
        return holds(`${what} is granted by the repository`);
      }
      const there = await surroundings.cluster.list({
        group: 'gateway.networking.k8s.io',
        kind,
        namespace,
      });
      if (there.state !== 'found') {
        return unknown(`${what}: ${there.reason}`);
      }
      return there.value.some(grant => grants(reference, grant))
        ? holds(`${what} is granted`)
        : problem(
            `${what} is not granted; create a ReferenceGrant there, from ${reference.manifest.object.kind} to ${reference.ref.kind}`,
          );
    }),
  );
}
