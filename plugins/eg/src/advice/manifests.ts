import {
  Answers,
  Files,
  InvalidAnswersError,
  plan,
  Problem,
  renderFiles,
} from 'backstage-plugin-eg-common';

/** Stands for the script, whose parts are in the template and not known here. */
const script =
  '-- The script comes here: the files of src/ in the repository, joined by make build.\n';

/** The Kubernetes manifests of an extension by path, or why there are none. */
export type Manifests =
  | { files: Files; problems?: undefined }
  | { files?: undefined; problems: Problem[] };

/** What will be written for a cluster, exactly as the task writes it (a Lua script apart). */
export function manifestsOf(answers: Answers): Manifests {
  try {
    const files = renderFiles(plan(answers), script);
    return {
      files: Object.fromEntries(
        Object.entries(files).filter(([path]) => /^(policy|k8s)\//.test(path)),
      ),
    };
  } catch (error) {
    if (error instanceof InvalidAnswersError) {
      return { problems: error.problems };
    }
    throw error;
  }
}
