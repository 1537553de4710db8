/**
 * What API servers said about the kinds that they serve. It is the same for everybody who may ask, and changes rarely, so
 * that many looks share one answer. Objects are never kept here.
 */
export interface Discovery {
  kept(cluster: string, path: string): unknown;
  keep(cluster: string, path: string, body: unknown): void;
}

/** How long an answer is used, in milliseconds. */
const lifetime = 5 * 60_000;

/** Answers that are shared until they are old. */
export function sharedDiscovery(now: () => number = Date.now): Discovery {
  const answers = new Map<string, { body: unknown; until: number }>();
  const key = (cluster: string, path: string) => `${cluster} ${path}`;
  return {
    kept(cluster, path) {
      const answer = answers.get(key(cluster, path));
      return answer && now() < answer.until ? answer.body : undefined;
    },
    keep(cluster, path, body) {
      answers.set(key(cluster, path), { body, until: now() + lifetime });
    },
  };
}
