import { parse } from 'yaml';
import { parseAnswers } from '../intake';
import { needs } from '../needs';
import { plan, ExtensionPlan } from '../plan';
import { renderFiles } from '../policy';
import { objectKindOf, objectKinds } from './kinds';

/** The plan of each need that Envoy Gateway covers, for each kind of target that it covers it for. */
const plans: ExtensionPlan[] = needs.flatMap(({ id, purpose, native }) =>
  (native?.targets ?? []).map(kind =>
    plan(
      parseAnswers({
        name: 'shop',
        owner: 'group:default/shop',
        need: id,
        purpose,
        target: { kind, name: 'mine' },
      }),
    ),
  ),
);

const nativeObjects = () =>
  plans.flatMap(({ native }) => native?.objects ?? []).map(o => o.object);

describe('objectKinds', () => {
  it('has every kind that a native feature writes, with its group and version', () => {
    const objects = nativeObjects();
    expect(objects.length).toBeGreaterThan(100);
    const unknown = objects.filter(({ apiVersion, kind }) => {
      const entry = objectKindOf(kind);
      return `${entry?.group}/${entry?.version}` !== apiVersion;
    });
    expect(
      unknown.map(({ apiVersion, kind }) => `${apiVersion} ${kind}`),
    ).toEqual([]);
  });

  it('finds what a native feature writes by the label of its entity', () => {
    for (const { kind, metadata } of nativeObjects()) {
      expect([kind, metadata.labels]).toMatchObject([
        kind,
        { 'backstage.io/kubernetes-id': 'shop' },
      ]);
    }
  });

  it('tags the entities that have kinds of AI Gateway, which the entity page asks for only there', () => {
    for (const each of plans) {
      const kinds = (each.native?.objects ?? []).map(o => o.object.kind);
      const { metadata } = parse(renderFiles(each, '')['catalog-info.yaml']!);
      expect(metadata.annotations['backstage.io/kubernetes-id']).toBe('shop');
      expect([kinds, metadata.tags.includes('ai-gateway')]).toEqual([
        kinds,
        kinds.some(kind => objectKindOf(kind)?.addOn),
      ]);
    }
    expect(
      plans.some(({ native }) =>
        native?.objects.some(o => o.object.kind === 'AIGatewayRoute'),
      ),
    ).toBe(true);
  });

  it('names each kind and each path once', () => {
    const all = objectKinds.flatMap(({ kind, group, plural }) => [
      kind,
      `${group}/${plural}`,
    ]);
    expect(new Set(all).size).toBe(all.length);
  });
});
