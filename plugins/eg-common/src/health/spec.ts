import {
  LivePolicy,
  PolicyMechanism,
  PolicyTarget,
  PolicyTargetRef,
  PolicyTargetSelector,
} from './types';

const lists = {
  extProc: 'ExtProc',
  wasm: 'Wasm',
  lua: 'Lua',
  dynamicModule: 'DynamicModule',
} as const;

/** The mechanisms that a policy uses. */
export function mechanismsOf({ spec = {} }: LivePolicy): PolicyMechanism[] {
  return (Object.keys(lists) as (keyof typeof lists)[])
    .filter(list => (spec[list]?.length ?? 0) > 0)
    .map(list => lists[list]);
}

function selected(selector: PolicyTargetSelector): string {
  const labels = Object.entries(selector.matchLabels ?? {}).map(
    ([key, value]) => `${key}=${value}`,
  );
  const expressions = (selector.matchExpressions ?? []).map(
    ({ key, operator, values }) =>
      [key, operator, values?.join(', ')].filter(Boolean).join(' '),
  );
  const where = [...labels, ...expressions].join(', ') || 'any label';
  const from = selector.namespaces?.from ?? 'Same';
  const namespaces: Record<string, string> = {
    Same: '',
    All: ' in all namespaces',
    Selector: ' in selected namespaces',
  };
  return `every ${selector.kind ?? 'object'} with ${where}${
    namespaces[from] ?? ''
  }`;
}

/** What a policy or route is attached to. Only the parents of routes can be in another namespace. */
export function targetsOf({ metadata, spec = {} }: LivePolicy): PolicyTarget[] {
  const refs = spec.targetRefs ?? (spec.targetRef ? [spec.targetRef] : []);
  const parents = (spec.parentRefs ?? []).map(ref => ({
    ...ref,
    kind: ref.kind ?? 'Gateway',
  }));
  return [
    ...[...refs, ...parents].map(
      ({
        kind = '',
        name = '',
        sectionName,
        namespace = metadata?.namespace ?? 'default',
      }: PolicyTargetRef & { namespace?: string }) => ({
        kind,
        text: `${namespace}/${name}`,
        ...(sectionName ? { sectionName } : {}),
      }),
    ),
    ...(spec.targetSelectors ?? []).map(selector => ({
      kind: selector.kind ?? '',
      text: selected(selector),
    })),
  ];
}
