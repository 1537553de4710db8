/**
 * What one run of a program may use. All but `openFiles`, `fileMiB` and `cpuSeconds`, which hold for each process, is
 * meant for everything that the program starts, together.
 *
 * @public
 */
export interface ProgramLimits {
  memoryMiB: number;
  /** Processes and threads. */
  processes: number;
  /** In the work folder. */
  diskMiB: number;
  openFiles: number;
  /** The largest file that may be written. */
  fileMiB: number;
  cpuSeconds: number;
}

/**
 * A view of the machine that has only what a build needs.
 *
 * @public
 */
export interface SandboxOptions {
  /** Whether programs see the network of the back end; else they see a loopback interface of their own. */
  network: boolean;
  /** Files and folders, beside /usr, that programs may read. */
  readable: readonly string[];
  /** Folders, beside the work folder, that programs may write to: caches of downloads. */
  writable: readonly string[];
}

/**
 * How programs run.
 *
 * @public
 */
export interface ProgramOptions {
  /** Variables that programs get beside those that are known to hold no secrets. */
  environment: Readonly<Record<string, string>>;
  limits: ProgramLimits;
  /** Whom programs run as, where the back end may change that. */
  user?: { uid: number; gid: number };
  /** Left out, programs see what the back end sees. */
  sandbox?: SandboxOptions;
}

/** Generous for a build on one machine; a build that runs away ends long before the machine does. */
export const defaultLimits: ProgramLimits = {
  memoryMiB: 6144,
  processes: 2048,
  diskMiB: 8192,
  openFiles: 4096,
  fileMiB: 2048,
  cpuSeconds: 1800,
};

/** Where nothing is configured. */
export const defaultProgramOptions: ProgramOptions = {
  environment: {},
  limits: defaultLimits,
};
