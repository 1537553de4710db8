export interface Config {
  egExtensions?: {
    verify?: {
      /**
       * Path of an Envoy binary. Where it is set, eg:verify builds the generated repository and runs its behaviour cases
       * in this Envoy; the backend then needs make, python3 and the toolchains of the languages that are offered.
       */
      envoy?: string;
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
    };
  };
}
