import fs from 'fs-extra';
import { tmpdir, userInfo } from 'os';
import { join } from 'path';

/** What is known about the lab that `npm run lab -- up` started. */
export interface LabState {
  /** The process that holds it. */
  holder: number;
  /** First process of its namespaces. */
  namespaces: number;
  release: string;
  kubeconfig: string;
  gatewayUrl: string;
  /** The cluster as an entry of Backstage’s `kubernetes.clusterLocatorMethods[].clusters`. */
  cluster: Record<string, unknown>;
}

/** Where such a lab is unless said otherwise. */
export const usualFolder = join(tmpdir(), `eg-lab-${userInfo().username}`);

const stateFile = (folder: string) => join(folder, 'state.json');

/** Whether a process runs that is a holder; process ids are used again. */
function holds(pid: number): boolean {
  try {
    return fs
      .readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      .includes('test/lab/main.ts');
  } catch {
    return false;
  }
}

/** The lab in a folder; undefined where there is none, or only what a dead one left. */
export function readState(folder: string): LabState | undefined {
  const state = fs.readJsonSync(stateFile(folder), { throws: false });
  return state && holds(state.holder) ? state : undefined;
}

/** Says that the lab is up. It has passwords in it. */
export async function writeState(
  folder: string,
  state: LabState,
): Promise<void> {
  const part = `${stateFile(folder)}.part`;
  await fs.writeJson(part, state, { spaces: 2, mode: 0o600 });
  await fs.rename(part, stateFile(folder));
}
