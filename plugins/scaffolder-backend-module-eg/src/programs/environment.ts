import { join } from 'path';
import { looksSecret } from 'backstage-plugin-eg-common';

/** Variables of the back end that programs get as they are: places, languages and switches, nothing that admits anybody. */
const plain = [
  'PATH',
  'LANG',
  'LC_ALL',
  'TZ',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'REQUESTS_CA_BUNDLE',
  'CURL_CA_BUNDLE',
  'GOCACHE',
  'GOMODCACHE',
  'GOTOOLCHAIN',
  'GOSUMDB',
  'GONOSUMDB',
  'GOPRIVATE',
  'GONOPROXY',
  'CARGO_HOME',
  'CARGO_TARGET_DIR',
  'CARGO_NET_OFFLINE',
  'CARGO_HTTP_CAINFO',
  'RUSTUP_HOME',
  'RUSTUP_TOOLCHAIN',
  'PIP_CACHE_DIR',
  'PIP_CERT',
  'PIP_NO_INDEX',
  'PIP_DEFAULT_TIMEOUT',
  'NO_PROXY',
  'no_proxy',
];

/** Variables of the back end that hold addresses, which programs get where no address has credentials. */
const addresses = [
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'ALL_PROXY',
  'http_proxy',
  'https_proxy',
  'all_proxy',
  'GOPROXY',
  'PIP_INDEX_URL',
  'PIP_EXTRA_INDEX_URL',
  'PIP_FIND_LINKS',
  'RUSTUP_DIST_SERVER',
  'RUSTUP_UPDATE_ROOT',
];

/** Whether one of several addresses names a user, has a query, or a part that looks like a token. */
export function hasCredentials(value: string): boolean {
  return value
    .split(/[\s,|]+/)
    .some(
      address => /[@?#]/.test(address) || address.split('/').some(looksSecret),
    );
}

/** The environment of a program, and the variables that it did not get because they hold credentials. */
export interface ProgramEnvironment {
  variables: Record<string, string>;
  heldBack: string[];
}

/**
 * The whole environment of a program: what is named here, and nothing else of the back end's.
 *
 * @param backend - the environment of the back end
 * @param folders - home and temporary folder of the program
 * @param configured - variables that the configuration names, with their values
 */
export function programEnvironment(
  backend: Readonly<Record<string, string | undefined>>,
  { home, tmp }: { home: string; tmp: string },
  configured: Readonly<Record<string, string>> = {},
): ProgramEnvironment {
  const given = (names: readonly string[]) =>
    names.flatMap((name): [string, string][] =>
      backend[name] ? [[name, backend[name]]] : [],
    );
  const withAddresses = given(addresses);
  const held = withAddresses.filter(([, value]) => hasCredentials(value));
  return {
    variables: {
      LANG: 'C.UTF-8',
      // Folders of Go's module cache are read-only otherwise, and could not be removed.
      GOFLAGS: '-modcacherw -buildvcs=false',
      GOTELEMETRY: 'off',
      PIP_DISABLE_PIP_VERSION_CHECK: '1',
      // Toolchains that rustup installed are found in the home folder of the back end; nothing else of it is.
      ...(backend.HOME ? { RUSTUP_HOME: join(backend.HOME, '.rustup') } : {}),
      ...Object.fromEntries(given(plain)),
      ...Object.fromEntries(withAddresses.filter(a => !held.includes(a))),
      ...configured,
      HOME: home,
      TMPDIR: tmp,
    },
    heldBack: held.map(([name]) => name).filter(name => !(name in configured)),
  };
}

/**
 * Takes secrets of configured variables out of what a program printed: values of variables that are named like secrets,
 * and users and passwords in addresses.
 */
export function withoutConfiguredSecrets(
  text: string,
  configured: Readonly<Record<string, string>>,
): string {
  const secrets = Object.entries(configured).flatMap(([name, value]) => [
    ...(/token|secret|passw|credential|key|auth/i.test(name) ? [value] : []),
    ...[...value.matchAll(/\/\/([^/\s@]+)@/g)].flatMap(([, user = '']) => [
      user,
      ...user.split(':').slice(1),
    ]),
    ...value.split(/[\s,|/:@]+/).filter(looksSecret),
  ]);
  return secrets
    .filter(Boolean)
    .sort((a, b) => b.length - a.length)
    .reduce((shown, secret) => shown.split(secret).join('***'), text);
}
