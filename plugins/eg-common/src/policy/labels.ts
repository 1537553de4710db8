import { kubernetesIdLabel } from './constants';

/** Labels of every object of the extension with the given name. */
export function labelsFor(name: string): Record<string, string> {
  return {
    'app.kubernetes.io/name': name,
    [kubernetesIdLabel]: name,
  };
}
