export interface Config {
  egExtensions?: {
    verify?: {
      /**
       * Where extensions are built: `here` (the default), or `ci`: eg:verify then starts no program on this machine, neither
       * Envoy nor egctl, whatever else is set.
       */
      build?: 'here' | 'ci';
      /**
       * Path of an Envoy binary. Where it is set, eg:verify builds the generated repository and runs its behaviour cases
       * in this Envoy; the backend then needs make, python3 and the toolchains of the languages that are offered.
       */
      envoy?: string;
      /**
       * Path of egctl, of the release of Envoy Gateway that runs in the clusters. Where it is set, it judges Lua scripts,
       * which it runs for that. It gets only scripts that the skeletons of this module or those of `skeletons` give.
       */
      egctl?: string;
      /**
       * How long building and running may take, in seconds. Defaults to 900.
       */
      timeoutSeconds?: number;
      /** Waiting of eg:verify until a deployed policy is accepted. */
      waiting?: {
        /** The most seconds that a task waits, whatever it asks for. Defaults to 600. */
        maxSeconds?: number;
        /**
         * How many tasks may wait at the same time; each holds a worker of the scaffolder. The next looks once, and says
         * so. Defaults to 3.
         */
        maxTasks?: number;
      };
      /**
       * Folders with skeletons of your own that may be built, beside those that this module brings. They are laid out
       * like these: common, <implementation>/base, <implementation>/purposes/<purpose>. Absolute paths.
       */
      skeletons?: string[];
      /**
       * Variables that programs get, beside the few that are known to hold no secrets; for example GOPROXY or CC.
       * Secrets that are named here reach the build, and are taken out of what it prints.
       *
       * @deepVisibility secret
       */
      environment?: { [name: string]: string };
      /**
       * Whom programs run as. Only a backend that runs as root can change that.
       */
      user?: { uid: number; gid: number };
      /**
       * What a verification may use. The defaults are generous.
       */
      limits?: {
        /** Of all processes together. Defaults to 6144. */
        memoryMiB?: number;
        /** Processes and threads. Defaults to 2048. */
        processes?: number;
        /** In the work folder. Defaults to 8192. */
        diskMiB?: number;
        /** Of one process. Defaults to 4096. */
        openFiles?: number;
        /** The largest file. Defaults to 2048. */
        fileMiB?: number;
        /** Of one process. Defaults to 1800. */
        cpuSeconds?: number;
      };
      /**
       * What programs see of this machine.
       */
      sandbox?: {
        /**
         * `none` (the default): what the backend sees. `bubblewrap`: the system's programs, their work folder and what is
         * named below. Needs the program bwrap and user namespaces; without them nothing is built and no script is run.
         */
        program?: 'none' | 'bubblewrap';
        /** Whether programs reach the network. Defaults to false: all that a build fetches has to be in caches. */
        network?: boolean;
        /** Files and folders to show, for example a toolchain outside of /usr. Absolute paths that exist. */
        readable?: string[];
        /** Folders that may be written to, for example GOMODCACHE. Absolute paths that exist. */
        writable?: string[];
      };
    };
  };
}
