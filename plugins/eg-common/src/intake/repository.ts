/** Where a repository is: on which host, in what (a user, group, project, …), and its name. */
export interface RepositoryPlace {
  host: string;
  /** From the outermost to the innermost, with slashes between. */
  owner: string;
  name: string;
}

/** What a repository can be in, the outermost first: parameters of Backstage's RepoUrlPicker. */
const owners = ['organization', 'workspace', 'owner', 'project'] as const;
const parameters: readonly string[] = [...owners, 'repo'];

/** One name, or several with slashes between: any script, blanks inside, no character that a forge refuses in names. */
const nameOnForge =
  /^[^\s/\\:*?"<>|;#$%{},+=[\]`\p{C}\p{Z}]+([/ ][^\s/\\:*?"<>|;#$%{},+=[\]`\p{C}\p{Z}]+)*$/u;

function parametersOf(repoUrl: string): {
  host: string;
  given: URLSearchParams;
} {
  const url = new URL(`https://${repoUrl}`);
  return { host: url.host, given: url.searchParams };
}

/**
 * What to do about a repository that RepoUrlPicker could not have written, or that lacks what its host needs; undefined
 * where it is fine. Which parameters a forge needs, its publish action knows.
 *
 * @param repoUrl - `HOST?owner=…&repo=…`, percent-encoded as forms are
 */
export function repositoryRemedy(repoUrl: string): string | undefined {
  let place: ReturnType<typeof parametersOf>;
  try {
    place = parametersOf(repoUrl);
  } catch {
    return 'use the form github.com?owner=acme&repo=mask-cards';
  }
  const { host, given } = place;
  const unknown = [...given.keys()].find(key => !parameters.includes(key));
  if (unknown !== undefined) {
    return `leave out ${JSON.stringify(unknown)}; use ${parameters.join(', ')}`;
  }
  const twice = parameters.find(key => given.getAll(key).length > 1);
  if (twice) {
    return `give ${twice} once`;
  }
  const wrong = [...given].find(
    ([, value]) => value.length > 200 || !nameOnForge.test(value),
  );
  if (wrong) {
    return `correct ${wrong[0]}: use a name of at most 200 characters as ${host} takes it, groups with slashes between them`;
  }
  if (!given.has('repo')) {
    return 'name the repository: repo=mask-cards';
  }
  return host === 'github.com' && !given.has('owner')
    ? 'name the owner: owner=acme'
    : undefined;
}

/**
 * Reads what RepoUrlPicker writes, as Backstage's publish actions do.
 *
 * @param repoUrl - without anything that {@link repositoryRemedy} finds
 */
export function repositoryPlace(repoUrl: string): RepositoryPlace {
  const { host, given } = parametersOf(repoUrl);
  return {
    host,
    owner: owners.flatMap(key => given.get(key) ?? []).join('/'),
    name: given.get('repo')!,
  };
}
