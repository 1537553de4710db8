import { hasCredentials, programEnvironment } from './environment';

const folders = { home: '/w/home', tmp: '/w/tmp' };

describe('the environment of programs', () => {
  it('has nothing of the back end but what is named', () => {
    const { variables } = programEnvironment(
      {
        PATH: '/usr/bin',
        HOME: '/home/node',
        GOMODCACHE: '/cache/go',
        POSTGRES_PASSWORD: 'a',
        K8S_TOKEN: 'b',
        AUTH_GITHUB_CLIENT_SECRET: 'c',
        MAKEFLAGS: '--eval=x',
        LD_PRELOAD: 'x.so',
        PYTHONPATH: '/x',
        NODE_OPTIONS: '--require=x',
        GOFLAGS: '-toolexec=x',
        RUSTC_WRAPPER: 'x',
        BASH_ENV: '/x',
      },
      folders,
    );
    expect(variables).toEqual({
      PATH: '/usr/bin',
      HOME: '/w/home',
      TMPDIR: '/w/tmp',
      LANG: 'C.UTF-8',
      GOFLAGS: '-modcacherw -buildvcs=false',
      GOTELEMETRY: 'off',
      GOMODCACHE: '/cache/go',
      PIP_DISABLE_PIP_VERSION_CHECK: '1',
      RUSTUP_HOME: '/home/node/.rustup',
    });
  });

  it.each([
    ['HTTPS_PROXY', 'http://proxy.example.com:3128', false],
    ['HTTPS_PROXY', 'http://me:pass@proxy.example.com:3128', true],
    ['https_proxy', 'me:pass@proxy.example.com:3128', true],
    ['GOPROXY', 'https://goproxy.example.com,direct', false],
    ['GOPROXY', 'https://x.example.com|https://u@y.example.com', true],
    ['PIP_INDEX_URL', 'https://example.com/simple?token=a', true],
    [
      'PIP_EXTRA_INDEX_URL',
      'https://example.com/4f9A8d7C6b5E4f3A2b1C/simple',
      true,
    ],
    ['PIP_FIND_LINKS', '/opt/wheels', false],
  ])('has %s=%s only without credentials', (name, value, held) => {
    expect(hasCredentials(value)).toBe(held);
    const { variables, heldBack } = programEnvironment(
      { [name]: value },
      folders,
    );
    expect(variables[name]).toBe(held ? undefined : value);
    expect(heldBack).toEqual(held ? [name] : []);
  });

  it('takes from the configuration what is named there, but never another home', () => {
    const { variables, heldBack } = programEnvironment(
      { HTTPS_PROXY: 'http://me:pass@proxy.example.com' },
      folders,
      { HTTPS_PROXY: 'http://proxy.example.com', CC: 'clang', HOME: '/root' },
    );
    expect(heldBack).toEqual([]);
    expect(variables).toMatchObject({
      HTTPS_PROXY: 'http://proxy.example.com',
      CC: 'clang',
      HOME: '/w/home',
    });
  });
});
