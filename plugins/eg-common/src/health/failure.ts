import { backendFacts } from './backend';
import { LiveBackend, LivePolicy } from './types';

/** What requests see of an extension that failed: it is left out, they get 500, or one of both. */
export type FailureOutcome = 'passes' | 'refused' | 'either';

type Entry = { failOpen?: boolean; [key: string]: unknown };

const lists = { ExtProc: 'extProc', Wasm: 'wasm' } as const;

/** One fault that Envoy Gateway reports: the mechanism, and what it says about it. */
interface Fault {
  mechanism: string;
  text: string;
}

/** The faults in a message: each mechanism begins with its name, each of its faults has a line. */
function faultsOf(message: string): Fault[] {
  const faults: Fault[] = [];
  for (const line of message.split('\n').filter(Boolean)) {
    const named = /^(Lua|Wasm|ExtProc|DynamicModule): /.exec(line);
    const mechanism = named?.[1] ?? faults[faults.length - 1]?.mechanism ?? '';
    faults.push({ mechanism, text: line });
  }
  return faults;
}

/** The ways in which a message of Envoy Gateway names something that an entry refers to. */
function namesIn(value: unknown, namespace: string): string[] {
  if (Array.isArray(value)) {
    return value.flatMap(item => namesIn(item, namespace));
  }
  if (typeof value === 'string') {
    // Addresses of modules and images; a short word could stand in any message.
    return /[/:]/.test(value) ? [value] : [];
  }
  if (typeof value !== 'object' || value === null) {
    return [];
  }
  const { name, namespace: own = namespace } = value as Record<string, unknown>;
  return [
    ...(typeof name === 'string'
      ? [`${own}/${name}`, `"${name}"`, `configmap ${name}`, `secret ${name}`]
      : []),
    ...Object.values(value).flatMap(inner => namesIn(inner, namespace)),
  ];
}

/** Whether the text has the name as a whole: `shop/stats` is not in `shop/stats-v2`. */
function names(text: string, name: string): boolean {
  const part = /[A-Za-z0-9._/-]/;
  for (
    let at = text.indexOf(name);
    at >= 0;
    at = text.indexOf(name, at + name.length)
  ) {
    // A full stop after it ends the sentence.
    const rest = text.slice(at + name.length).replace(/^\.(?=\s|$)/, '');
    if (!part.test(text[at - 1] ?? ' ') && !part.test(rest[0] ?? ' ')) {
      return true;
    }
  }
  return false;
}

function outcomeOf(entries: readonly Entry[]): FailureOutcome {
  if (entries.every(({ failOpen }) => failOpen === true)) {
    return 'passes';
  }
  return entries.some(({ failOpen }) => failOpen === true)
    ? 'either'
    : 'refused';
}

/** One refusal is enough for a request; it passes only where nothing refuses it. */
function together(outcomes: readonly FailureOutcome[]): FailureOutcome {
  return (
    (['refused', 'either'] as const).find(outcome =>
      outcomes.includes(outcome),
    ) ?? 'passes'
  );
}

/**
 * What requests see of a policy that is not accepted. Envoy Gateway answers 500 unless every entry that failed is
 * failOpen; entries that did not fail do not count. Lua and dynamic modules have no failOpen.
 *
 * @param message - of the conditions Accepted=False
 */
export function outcomeOfRefusal(
  { metadata, spec = {} }: LivePolicy,
  message: string,
): FailureOutcome {
  const faults = faultsOf(message);
  if (faults.length === 0) {
    return 'refused';
  }
  return together(
    faults.map(({ mechanism, text }) => {
      const list = lists[mechanism as keyof typeof lists];
      const entries: readonly Entry[] = (list && spec[list]) ?? [];
      if (entries.length === 0) {
        return 'refused';
      }
      const named = entries.filter(entry =>
        namesIn(entry, metadata?.namespace ?? 'default').some(name =>
          names(text, name),
        ),
      );
      return outcomeOf(named.length > 0 ? named : entries);
    }),
  );
}

/**
 * What requests see while external processors of an accepted policy are not ready. Only those that are not ready count;
 * where only a Deployment says so, it may be any of them.
 */
export function outcomeOfBackend(
  policy: LivePolicy,
  backend: LiveBackend,
): FailureOutcome {
  const entries = policy.spec?.extProc ?? [];
  const failing = entries.filter(entry =>
    backendFacts(
      { ...policy, spec: { ...policy.spec, extProc: [entry] } },
      { ...backend, deployments: [] },
    ).some(({ state }) => state === 'bad'),
  );
  return outcomeOf(failing.length > 0 ? failing : entries);
}
