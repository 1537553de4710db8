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
    };
  };
}
