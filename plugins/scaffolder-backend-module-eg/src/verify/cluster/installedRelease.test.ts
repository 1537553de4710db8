import { releasesWith, unknownFields } from './installedRelease';

const object = (properties: object) => ({ type: 'object', properties });
const list = (items: object) => ({ type: 'array', items });
const text = { type: 'string' };

describe('unknownFields', () => {
  const schema = object({
    name: text,
    lua: list(
      object({
        inline: text,
        filterContext: {
          type: 'object',
          'x-kubernetes-preserve-unknown-fields': true,
        },
      }),
    ),
    labels: { type: 'object', additionalProperties: text },
  });

  it('finds what the schema lacks, in lists too', () => {
    expect(
      unknownFields(
        schema,
        { name: 'a', mergeType: 'b', lua: [{ inline: '' }, { valueRef: {} }] },
        'spec',
      ),
    ).toEqual(['spec.mergeType', 'spec.lua[1].valueRef']);
  });

  it('takes everything where the schema does', () => {
    expect(
      unknownFields(
        schema,
        { lua: [{ filterContext: { any: { thing: 1 } } }], labels: { a: 'b' } },
        'spec',
      ),
    ).toEqual([]);
  });
});

// Which release brought which field: the release notes of github.com/envoyproxy/gateway.
describe('releasesWith', () => {
  const of16 = {
    lua: list(object({ inline: text })),
    extProc: list(object({ failOpen: text })),
    targetSelectors: list(object({ kind: text })),
  };
  const of18 = {
    ...of16,
    dynamicModule: list(object({ name: text })),
    targetSelectors: list(object({ kind: text, namespaces: object({}) })),
  };
  const of19 = {
    ...of18,
    mergeType: text,
    lua: list(object({ inline: text, filterContext: object({}) })),
    extProc: list(object({ failOpen: text, shadowMode: text })),
  };

  it.each([
    [of16, ['1.6', '1.7']],
    [of18, ['1.8']],
    [of19, ['1.9']],
    [{ ...of16, mergeType: text }, []],
  ])('knows a release by its fields (%#)', (properties, versions) => {
    expect(releasesWith(object(properties)).map(r => r.version)).toEqual(
      versions,
    );
  });
});
