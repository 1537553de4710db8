import { ExtensionPlan } from 'backstage-plugin-eg-common';
import { LiveObject, ObjectRef } from '../../kubernetes';
import { Manifest } from '../manifests';

/** A reference of a generated object to another object. */
export interface Reference {
  manifest: Manifest;
  /** Where in the object it is. */
  path: (string | number)[];
  ref: ObjectRef;
}

/** What a policy is attached to. */
export interface Target extends Reference {
  sectionName?: string;
}

/** A Service or Backend that traffic or messages are led to. */
export interface BackendReference extends Reference {
  port?: number;
}

const namespaceOf = ({ metadata }: LiveObject) =>
  metadata?.namespace ?? 'default';

/** The names that policies target. */
export function targetsOf(manifests: readonly Manifest[]): Target[] {
  return manifests.flatMap(manifest => {
    const { object } = manifest;
    const one = object.spec?.targetRef;
    const refs = one
      ? [{ ref: one, path: ['spec', 'targetRef'] }]
      : ((object.spec?.targetRefs ?? []) as any[]).map((ref, i) => ({
          ref,
          path: ['spec', 'targetRefs', i],
        }));
    return refs.map(({ ref, path }) => ({
      manifest,
      path,
      ref: {
        group: ref.group ?? '',
        kind: ref.kind,
        namespace: namespaceOf(object),
        name: ref.name,
      },
      sectionName: ref.sectionName,
    }));
  });
}

/** Every entry of a `backendRefs`, wherever it is in an object. */
export function backendReferencesOf(
  manifests: readonly Manifest[],
): BackendReference[] {
  return manifests.flatMap(manifest => {
    const found: BackendReference[] = [];
    const walk = (value: unknown, path: (string | number)[]) => {
      if (typeof value !== 'object' || value === null) {
        return;
      }
      if (path.at(-2) === 'backendRefs') {
        const {
          group = '',
          kind = 'Service',
          namespace = namespaceOf(manifest.object),
          name,
          port,
        } = value as any;
        found.push({
          manifest,
          path,
          port,
          ref: { group, kind, namespace, name },
        });
      }
      for (const [key, inner] of Object.entries(value)) {
        walk(inner, [...path, Array.isArray(value) ? Number(key) : key]);
      }
    };
    walk(manifest.object.spec, ['spec']);
    return found;
  });
}

/** Whether the owner still has to decide what is at a place: the plan has a TODO there. */
export function isUndecided(
  { target, native }: ExtensionPlan,
  { manifest: { object }, path }: Reference,
): boolean {
  if (target.placeholder && /^targetRefs?$/.test(String(path[1]))) {
    return true;
  }
  const planned = native?.objects.find(
    o =>
      o.object.kind === object.kind &&
      o.object.metadata.name === object.metadata?.name,
  );
  return Boolean(
    planned?.comments.some(
      ({ path: at, text }) =>
        text.startsWith('TODO') &&
        at.slice(0, path.length).every((part, i) => part === path[i]),
    ),
  );
}
