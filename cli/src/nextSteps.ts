import { GeneratedFile } from './scaffolder';

/** A folder as a shell takes it. */
function quoted(folder: string): string {
  return /^[A-Za-z0-9_./+@%:-]+$/.test(folder)
    ? folder
    : `'${folder.replace(/'/g, `'\\''`)}'`;
}

/**
 * What to do with a repository that was just generated, as lines for a terminal.
 *
 * @param directory - where it is
 * @param files - what it has
 */
export function nextSteps(
  directory: string,
  files: readonly GeneratedFile[],
): string {
  const has = (path: string) => files.some(file => file.path === path);
  // Only there does the owner decide; in sources, the word belongs to the skeleton.
  const open = files
    .filter(
      ({ path, content }) =>
        /^(policy|k8s)\//.test(path) && content.toString().includes('TODO'),
    )
    .map(({ path }) => path);
  return [
    'Next:',
    '',
    `  cd ${quoted(directory)}`,
    '  make test',
    ...(has('test/run_cases.py')
      ? ['  make envoy-test   # its behaviour cases in a real Envoy']
      : []),
    '',
    ...(open.length > 0
      ? [`Decide what is marked TODO in ${open.join(', ')}.`]
      : []),
    'README.md says how to deploy it, docs/decision.md why it was built like this.',
  ].join('\n');
}
