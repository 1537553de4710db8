import { parseAnswers } from '../intake';
import { needs } from '../needs';
import { NativeContext } from '../needs/types';
import { releases } from '../releases';
import { objectKindOf, objectKinds } from './kinds';

/** Every object that a native feature writes, for each kind of target. */
function nativeObjects() {
  const answers = parseAnswers({
    name: 'shop',
    owner: 'group:default/shop',
    purpose: 'other',
  });
  return needs.flatMap(({ native }) =>
    (native?.targets ?? []).flatMap(kind => {
      const context: NativeContext = {
        name: answers.name,
        target: {
          kind,
          name: 'mine',
          namespace: 'default',
          sectionName: null,
          placeholder: true,
        },
        release: releases.at(-1)!,
        purpose: 'other',
        settings: {},
        processing: ['requestHeaders'],
        labels: { 'backstage.io/kubernetes-id': answers.name },
      };
      return native!.objects(context).map(({ object }) => object);
    }),
  );
}

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
      expect([kind, metadata.labels]).toEqual([
        kind,
        { 'backstage.io/kubernetes-id': 'shop' },
      ]);
    }
  });

  it('names each kind and each path once', () => {
    const all = objectKinds.flatMap(({ kind, group, plural }) => [
      kind,
      `${group}/${plural}`,
    ]);
    expect(new Set(all).size).toBe(all.length);
  });
});
