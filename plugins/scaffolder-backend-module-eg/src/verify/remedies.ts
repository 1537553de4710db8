import { ExtensionPlan } from 'backstage-plugin-eg-common';

/**
 * Where a report is read. A task and a dry run (of the template editor) have Backstage's configuration; the commands
 * `verify` and `generate` of the command line have none, and no cluster.
 *
 * @public
 */
export type Place = 'task' | 'dry-run' | 'verify' | 'generate';

const inRepository = 'Run make envoy-test in the repository; its CI does so.';

/** Whether the reader can change Backstage's configuration. */
const hasConfiguration = (place: Place) =>
  place === 'task' || place === 'dry-run';

/** A setting that explains a limit, in brackets; nothing for a reader who has no configuration. */
export const settingName = (place: Place, name: string): string =>
  hasConfiguration(place) ? ` (egExtensions.verify.${name})` : '';

/** Why no program is started there; nothing where programs may be. */
export function noPrograms(place: Place): string | undefined {
  switch (place) {
    case 'dry-run':
      return 'a dry run starts no programs';
    case 'generate':
      return 'generate only writes files, and starts no programs';
    default:
      return undefined;
  }
}

/**
 * What makes a check run that was skipped, as the reader of the report can do it.
 */
export const remedies = {
  /** Programs may not be started. */
  programs: (place: Place) =>
    place === 'dry-run'
      ? `Create a component with the template. ${inRepository}`
      : inRepository,

  /** No Envoy was named. */
  envoy: (place: Place) =>
    hasConfiguration(place)
      ? `Set egExtensions.verify.envoy. ${inRepository}`
      : `Name one with --envoy BINARY. ${inRepository}`,

  /** The configuration leaves building to CI. */
  ci: () => inRepository,

  /** A program is not installed. */
  program: (place: Place, name: string) =>
    `Install ${name} ${
      hasConfiguration(place) ? 'where Backstage’s back end runs' : 'here'
    }. ${inRepository}`,

  /** The sandbox does not work. */
  sandbox: () =>
    'Let the back end create user namespaces for bubblewrap, or build in CI (egExtensions.verify.build: ci).',

  /** A script of the workspace is nobody's that is trusted; only a configuration names an egctl that would run it. */
  script: () =>
    'Put the script into skeletons of your own and name them in egExtensions.verify.skeletons, or run egctl on your machine.',

  /** Envoy Gateway does it itself: there is nothing to run. */
  native: () =>
    'make test in the repository checks the objects. Try them on a route of its own.',

  /** No cluster can be asked; a person with kubectl can ask their own. */
  dryRun: (place: Place, { mechanism }: ExtensionPlan) => {
    const folders = mechanism === 'extproc' ? ['k8s', 'policy'] : ['policy'];
    return hasConfiguration(place)
      ? 'Add Backstage’s Kubernetes plugin.'
      : `In the repository, with kubectl: ${folders
          .map(folder => `kubectl apply --dry-run=server -k ${folder}`)
          .join('; ')}. It writes nothing.`;
  },

  /** As {@link remedies.dryRun}, for what the objects need of the cluster. */
  cluster: (place: Place) =>
    hasConfiguration(place)
      ? 'Add Backstage’s Kubernetes plugin.'
      : 'The template’s task in a Backstage with the Kubernetes plugin asks the cluster. Without Backstage, read the status after applying: kubectl get -k policy -o yaml.',

  /** The cluster did not answer, or not for this person. */
  unavailable: () =>
    'Mend what is said beside the check, so that Backstage’s Kubernetes plugin reaches the cluster.',

  /** The template names the check in `skip`. */
  left: () => 'Take it out of skip in the template.',

  /** A check before it failed. */
  failed: () => 'Mend what that check found.',
};

/** How files are trusted that are not what the shipped skeletons give. */
export const howToTrust = (place: Place): string =>
  hasConfiguration(place)
    ? 'skeletons of your own are trusted by egExtensions.verify.skeletons'
    : '--trust-folder builds a folder of your own as it is';
