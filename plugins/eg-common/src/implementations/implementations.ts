/**
 * How something is done: by an extension, named after the list of `EnvoyExtensionPolicy.spec` that carries it, or by
 * Envoy Gateway itself.
 *
 * @public
 */
export type Mechanism =
  | 'extproc'
  | 'wasm'
  | 'lua'
  | 'dynamic-module'
  | 'native';

/**
 * Ids of the implementations.
 *
 * @public
 */
export type ImplementationId =
  | 'extproc-go'
  | 'wasm-rust'
  | 'lua'
  | 'dynamic-module'
  | 'native';

/**
 * One way to build an extension: a mechanism in a language, with a skeleton of the same id in the template.
 * A new language is one entry here and one skeleton.
 *
 * @public
 */
export interface Implementation {
  id: ImplementationId;
  mechanism: Mechanism;
  language: string;
  /** The language's name. */
  languageTitle: string;
  /** For people: `ExtProc in Go`. */
  title: string;
  /** Whether there is a skeleton that it is generated from; without one it is advice only. */
  generated: boolean;
  /** Languages besides `language` in which the mechanism works, for advice. */
  languages: readonly string[] | 'any';
  /**
   * Which external services the code can reach. Envoy's in-process call-outs reach only clusters that Envoy already has;
   * native code could open sockets of its own beside them.
   */
  externalCalls: 'any' | 'own-sockets' | 'existing-clusters';
  /** Where state between requests can live. */
  state: 'process' | 'proxy' | 'none';
  /** The largest body that can be held to be changed: the listener's connection buffer, or the processor's memory. */
  wholeBody: 'listener-buffer' | 'processor-memory';
  /**
   * What happens to a body that is held and exceeds the connection buffer. The request is always answered with 413;
   * `reached` says whether the upstream may have seen its headers by then. The response becomes an error of this status,
   * or breaks off (null).
   */
  beyondBuffer: { reached: false | 'either'; responseStatus: number | null };
  /** Whether the headers of a message wait while its body is held, so that it can still be refused with a status. */
  holdsHeaders: boolean;
  /** Whether the end of a piece of a body can be held back while the rest goes on. */
  holdsBack: boolean;
  /** Whether a crash of the extension leaves Envoy running as if nothing had happened. */
  crashIsolation: 'process' | 'sandbox' | 'script' | 'none';
  /** Purposes that cannot be implemented, with the reason. */
  impossible: Record<string, string>;
  /** Programs that building and testing a repository needs. */
  tools: readonly string[];
  /** Files, relative to the repository, without which it is not complete. */
  files: readonly string[];
}

/** Files of every generated repository. */
const everywhere = [
  'README.md',
  'Makefile',
  'catalog-info.yaml',
  'eg-extension.yaml',
  'mkdocs.yml',
  'docs/index.md',
  'docs/purpose.md',
  'docs/production.md',
  'docs/decision.md',
  'docs/troubleshooting.md',
  '.github/workflows/ci.yml',
  '.gitignore',
  'policy/kustomization.yaml',
];

/** Files of every repository with an extension. */
const withExtension = [
  ...everywhere,
  'policy/envoyextensionpolicy.yaml',
  'k8s/kustomization.yaml',
  'local/envoy.yaml',
  'test/cases.yaml',
  'test/envoy.mk',
  'test/requirements.txt',
  'test/envoy-version',
  'test/run_cases.py',
];

/**
 * All implementations, in the order in which they are preferred when everything else is equal:
 * ExtProc first, the most flexible and the safest in production.
 *
 * @public
 */
export const implementations: readonly Implementation[] = [
  {
    id: 'extproc-go',
    mechanism: 'extproc',
    language: 'go',
    languageTitle: 'Go',
    generated: true,
    languages: 'any',
    title: 'ExtProc in Go',
    externalCalls: 'any',
    state: 'process',
    wholeBody: 'processor-memory',
    beyondBuffer: { reached: false, responseStatus: 500 },
    holdsHeaders: true,
    holdsBack: true,
    crashIsolation: 'process',
    impossible: {},
    tools: ['make', 'go', 'python3'],
    files: [
      ...withExtension,
      'main.go',
      'go.mod',
      'go.sum',
      'Dockerfile',
      'k8s/deployment.yaml',
      'k8s/service.yaml',
      'k8s/serviceaccount.yaml',
      'k8s/settings.json',
    ],
  },
  {
    id: 'wasm-rust',
    mechanism: 'wasm',
    language: 'rust',
    languageTitle: 'Rust',
    generated: true,
    languages: ['go', 'other'],
    title: 'Wasm in Rust',
    externalCalls: 'existing-clusters',
    state: 'proxy',
    wholeBody: 'listener-buffer',
    beyondBuffer: { reached: 'either', responseStatus: null },
    holdsHeaders: false,
    holdsBack: true,
    crashIsolation: 'sandbox',
    impossible: {},
    tools: ['make', 'cargo', 'python3'],
    files: [
      ...withExtension,
      'Cargo.toml',
      'Cargo.lock',
      'src/lib.rs',
      'src/extension.rs',
      'Dockerfile',
    ],
  },
  {
    id: 'lua',
    mechanism: 'lua',
    language: 'lua',
    languageTitle: 'Lua',
    generated: true,
    languages: [],
    title: 'Lua',
    externalCalls: 'existing-clusters',
    state: 'none',
    wholeBody: 'listener-buffer',
    beyondBuffer: { reached: 'either', responseStatus: null },
    holdsHeaders: true,
    holdsBack: false,
    crashIsolation: 'script',
    impossible: {
      'body-transform':
        'Envoy’s Lua has no JSON library, and Envoy Gateway’s validator blocks require',
      'rate-limit':
        'each of Envoy’s worker threads runs the script for itself, and they share no state: each would count on its own, and grant the quota again',
      authentication:
        'Envoy’s Lua offers neither SHA-256 nor HMAC nor Secrets, so that keys would stand in the policy in plain text',
      'ai-gateway':
        'Envoy’s Lua has no JSON library and no regular expressions, and its worker threads share no state in which tokens could be counted',
    },
    tools: ['make', 'python3'],
    files: [
      ...withExtension,
      'src/checks.lua',
      'src/claims.lua',
      'src/filter.lua',
      'src/handlers.lua',
    ],
  },
];

/**
 * A module that Envoy loads into its own process. It takes part in the advice; there is no skeleton for it.
 *
 * @public
 */
export const dynamicModule: Implementation = {
  id: 'dynamic-module',
  mechanism: 'dynamic-module',
  language: 'rust',
  languageTitle: 'Rust',
  generated: false,
  languages: ['go', 'other'],
  title: 'a dynamic module',
  externalCalls: 'own-sockets',
  state: 'proxy',
  wholeBody: 'listener-buffer',
  beyondBuffer: { reached: 'either', responseStatus: null },
  holdsHeaders: true,
  holdsBack: true,
  crashIsolation: 'none',
  impossible: {},
  tools: [],
  files: [],
};

/**
 * No extension at all: policies and filters of Envoy Gateway and the Gateway API.
 *
 * @public
 */
export const native: Implementation = {
  id: 'native',
  mechanism: 'native',
  language: 'yaml',
  languageTitle: 'YAML',
  generated: true,
  languages: 'any',
  title: 'Envoy Gateway itself',
  externalCalls: 'any',
  state: 'process',
  wholeBody: 'processor-memory',
  beyondBuffer: { reached: false, responseStatus: 500 },
  holdsHeaders: true,
  holdsBack: true,
  crashIsolation: 'process',
  impossible: {},
  tools: ['make', 'python3'],
  files: [
    ...everywhere,
    'test/check_policy.py',
    'test/egctl-version',
    'test/policy.mk',
    'test/requirements-policy.txt',
  ],
};

/**
 * The implementation with the given id.
 *
 * @public
 * @throws Error when there is none
 */
export function implementationOf(id: string): Implementation {
  const all = [...implementations, native, dynamicModule];
  const found = all.find(i => i.id === id);
  if (!found) {
    throw new Error(
      `implementation: "${id}" does not exist; choose one of ${all
        .map(i => i.id)
        .join(', ')}`,
    );
  }
  return found;
}
