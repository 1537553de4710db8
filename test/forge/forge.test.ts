import { UrlReaders } from '@backstage/backend-defaults/urlReader';
import { mockServices } from '@backstage/backend-test-utils';
import { ConfigReader } from '@backstage/config';
import { ScmIntegrations } from '@backstage/integration';
import { createPublishGithubAction } from '@backstage/plugin-scaffolder-backend-module-github';
import { createMockActionContext } from '@backstage/plugin-scaffolder-node-test-utils';
import execa from 'execa';
import fs from 'fs-extra';
import { request } from 'http';
import { connect } from 'net';
import { networkInterfaces, tmpdir } from 'os';
import { join } from 'path';
import { Forge, startForge } from './forge';

const token = 'the-token';

/** What a template might generate, with names and bytes that are easily spoilt on the way. */
const files: Record<string, Buffer> = {
  'README.md': Buffer.from('# Mask cards\n\n<b>bold</b> & "quoted"\n'),
  'catalog-info.yaml': Buffer.from('kind: Component\n'),
  'docs/a name with spaces & ünicode?.md': Buffer.from('no newline at the end'),
  'docs/crlf.txt': Buffer.from('one\r\ntwo\r\n'),
  'empty.txt': Buffer.alloc(0),
  'src/<script>alert(1)</script>': Buffer.from('<img src=x onerror=alert(2)>'),
  'src/wasm.bin': Buffer.from(Array.from({ length: 1024 }, (_, i) => i % 256)),
};

let home: string;
let forge: Forge;

beforeEach(async () => {
  home = await fs.mkdtemp(join(tmpdir(), 'eg-forge-test-'));
  forge = await startForge({ token, folder: join(home, 'repositories') });
});

afterEach(async () => {
  await forge.close();
  await fs.remove(home);
});

function configWith(integration: object) {
  return new ConfigReader({ integrations: { github: [integration] } });
}

/** Publishes with the stock action, as a template does. */
async function publish(repo: string, settings: { token?: string } = {}) {
  const workspacePath = join(home, `workspace-${repo}`);
  for (const [path, content] of Object.entries(files)) {
    await fs.outputFile(join(workspacePath, path), content);
  }
  await fs.outputFile(join(workspacePath, 'build.sh'), '#!/bin/sh\n', {
    mode: 0o755,
  });
  const config = configWith({ ...forge.integration, ...settings });
  const action = createPublishGithubAction({
    integrations: ScmIntegrations.fromConfig(config),
    config,
  });
  const logger = mockServices.logger.mock();
  const context = createMockActionContext({
    workspacePath,
    logger,
    input: {
      repoUrl: `${forge.integration.host}?owner=acme&repo=${repo}`,
      description: 'Masks <cards>',
    },
  });
  await action.handler(context as Parameters<typeof action.handler>[0]);
  return {
    output: Object.fromEntries(
      jest.mocked(context.output).mock.calls as [string, any][],
    ),
    warnings: jest.mocked(logger.warn).mock.calls.map(([message]) => message),
  };
}

/** Git as a person at a terminal without settings and stored passwords. */
const git = (...args: string[]) =>
  execa('git', args, {
    cwd: home,
    env: {
      GIT_TERMINAL_PROMPT: '0',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_NOSYSTEM: '1',
    },
  });

async function clone(remoteUrl: string) {
  const folder = await fs.mkdtemp(join(home, 'clone-'));
  await git('clone', '--quiet', remoteUrl, folder);
  return folder;
}

/** A request whose path reaches the server as it is written; clients tidy it up. */
function get(path: string, headers: Record<string, string> = {}) {
  return new Promise<{ status: number; body: string }>((resolve, reject) => {
    request(forge.url, { path, headers }, response => {
      const chunks: Buffer[] = [];
      response.on('data', chunk => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode!,
          body: Buffer.concat(chunks).toString(),
        }),
      );
    })
      .on('error', reject)
      .end();
  });
}

const authorized = { authorization: `token ${token}` };

// The pages of a whole repository, on a machine that may be busy.
describe('publish:github', () => {
  it('publishes a workspace that is cloned byte for byte', async () => {
    const { output } = await publish('mask-cards');
    expect(output).toMatchObject({
      remoteUrl: `${forge.url}/acme/mask-cards.git`,
      repoContentsUrl: `${forge.url}/acme/mask-cards/blob/main`,
    });

    const folder = await clone(output.remoteUrl);
    const { stdout } = await git('-C', folder, 'ls-files', '-z');
    expect(stdout.split('\0').filter(Boolean).sort()).toEqual(
      [...Object.keys(files), 'build.sh'].sort(),
    );
    for (const [path, content] of Object.entries(files)) {
      expect([path, await fs.readFile(join(folder, path))]).toEqual([
        path,
        content,
      ]);
    }
    // eslint-disable-next-line no-bitwise
    expect((await fs.stat(join(folder, 'build.sh'))).mode & 0o111).toBe(0o111);
    expect((await git('-C', folder, 'rev-parse', 'main')).stdout).toBe(
      output.commitHash,
    );
  });

  it('says that the branch is not protected', async () => {
    const { warnings } = await publish('mask-cards');
    expect(warnings).toEqual([
      expect.stringContaining('Branch protection was not enabled'),
    ]);
  });

  it('fails with GitHub’s error where the repository exists, and leaves it as it is', async () => {
    const { output } = await publish('mask-cards');
    await expect(publish('mask-cards')).rejects.toThrow(
      /Failed to create the Organization repository acme\/mask-cards, Repository creation failed.*name already exists on this account/,
    );
    const { stdout } = await git('ls-remote', output.remoteUrl, 'main');
    expect(stdout).toContain(output.commitHash);
  });

  it('fails with GitHub’s error where the token is wrong, and creates nothing', async () => {
    await expect(publish('mask-cards', { token: 'wrong' })).rejects.toThrow(
      'Bad credentials',
    );
    expect((await get('/acme/mask-cards')).status).toBe(404);
  });
});

describe('the API', () => {
  it('answers like GitHub', async () => {
    expect(await get('/api/v3/user', { authorization: 'token no' })).toEqual({
      status: 401,
      body: JSON.stringify({
        message: 'Bad credentials',
        documentation_url: 'https://docs.github.com/rest',
        status: '401',
      }),
    });
    expect(await get('/api/v3/user')).toMatchObject({
      status: 401,
      body: expect.stringContaining('Requires authentication'),
    });
    expect(await get('/api/v3/repos/acme/none', authorized)).toMatchObject({
      status: 404,
      body: expect.stringContaining('"message":"Not Found"'),
    });
    expect(await get('/api/v3/gists', authorized)).toMatchObject({
      status: 404,
    });
  });

  it.each(['../evil', '..', '.hidden', 'a/b', 'a.git', '', 'a\0b', 7])(
    'does not create a repository called %j',
    async name => {
      const response = await fetch(`${forge.url}/api/v3/orgs/acme/repos`, {
        method: 'POST',
        headers: { ...authorized, 'content-type': 'application/json' },
        body: JSON.stringify({ name }),
      });
      expect(response.status).toBe(422);
      expect(await fs.readdir(home)).not.toContain('evil.git');
      expect((await get('/acme')).status).toBe(404);
    },
  );

  it('lets one of two win who create the same repository at once', async () => {
    const responses = await Promise.all(
      [1, 2, 3, 4].map(() =>
        fetch(`${forge.url}/api/v3/orgs/acme/repos`, {
          method: 'POST',
          headers: { ...authorized, 'content-type': 'application/json' },
          body: '{"name": "twice"}',
        }),
      ),
    );
    expect(responses.map(response => response.status).sort()).toEqual([
      201, 422, 422, 422,
    ]);
    expect(await fs.readdir(forge.folder)).toEqual(['acme']);
  });
});

describe('the catalog’s URL reader', () => {
  const reader = () =>
    UrlReaders.default({
      logger: mockServices.logger.mock(),
      config: configWith(forge.integration),
    });

  it.each(['blob', 'tree'])('reads a file at its %s address', async kind => {
    await publish('mask-cards');
    const response = await reader().readUrl(
      `${forge.url}/acme/mask-cards/${kind}/main/catalog-info.yaml`,
    );
    expect((await response.buffer()).toString()).toBe('kind: Component\n');

    await expect(
      reader().readUrl(
        `${forge.url}/acme/mask-cards/${kind}/main/catalog-info.yaml`,
        { etag: response.etag },
      ),
    ).rejects.toMatchObject({ name: 'NotModifiedError' });
  });

  it('says what is not there', async () => {
    await publish('mask-cards');
    for (const path of ['blob/main/none.yaml', 'blob/none/README.md']) {
      await expect(
        reader().readUrl(`${forge.url}/acme/mask-cards/${path}`),
      ).rejects.toMatchObject({ name: 'NotFoundError' });
    }
  });

  it('reads a tree and searches it', async () => {
    await publish('mask-cards');
    const tree = await reader().readTree(
      `${forge.url}/acme/mask-cards/tree/main`,
    );
    const read = await Promise.all(
      (
        await tree.files()
      ).map(async ({ path, content }) => [path, await content()]),
    );
    expect(Object.fromEntries(read)).toMatchObject(files);

    const found = await reader().search(
      `${forge.url}/acme/mask-cards/blob/main/**/*.yaml`,
    );
    expect(found.files.map(({ url }) => url)).toEqual([
      `${forge.url}/acme/mask-cards/blob/main/catalog-info.yaml`,
    ]);
    expect((await found.files[0]!.content()).toString()).toBe(
      'kind: Component\n',
    );
  });
});

describe('pushing', () => {
  async function push(userInfo: string) {
    const { output } = await publish('mask-cards');
    const folder = await clone(output.remoteUrl);
    await git(
      '-C',
      folder,
      '-c',
      'user.name=a',
      '-c',
      'user.email=a@example.com',
      'commit',
      '--allow-empty',
      '-m',
      'second',
    );
    const remote = output.remoteUrl.replace('://', `://${userInfo}`);
    const result = await git('-C', folder, 'push', remote, 'main').catch(
      error => error,
    );
    const { stdout } = await git('ls-remote', output.remoteUrl, 'main');
    return {
      pushed: !stdout.includes(output.commitHash),
      stderr: result.stderr as string,
    };
  }

  it('needs the token', async () => {
    expect(await push(`x-access-token:${token}@`)).toMatchObject({
      pushed: true,
    });
  });

  it('is refused to a wrong one', async () => {
    expect(await push('x-access-token:wrong@')).toMatchObject({
      pushed: false,
      stderr: expect.stringContaining('Authentication failed'),
    });
  });

  it('is refused without one', async () => {
    expect(await push('')).toMatchObject({
      pushed: false,
      stderr: expect.stringContaining('could not read Username'),
    });
  });
});

describe('the pages', () => {
  it('lead from the list to every file', async () => {
    await publish('mask-cards');
    const seen = new Set<string>();
    let pending = ['/'];
    while (pending.length) {
      const path = pending.pop()!;
      seen.add(path);
      const { status, body } = await get(path);
      expect([path, status]).toEqual([path, 200]);
      const links = [...body.matchAll(/href="([^"]*)"/g)].map(m => m[1]!);
      pending = [...pending, ...links].filter(link => !seen.has(link));
    }
    const raw = [...seen].map(decodeURIComponent);
    for (const path of Object.keys(files)) {
      expect(raw).toContain(`/acme/mask-cards/raw/main/${path}`);
    }
  });

  it('escape names, descriptions and contents', async () => {
    await publish('mask-cards');
    const pages = await Promise.all(
      [
        '/acme/mask-cards',
        '/acme/mask-cards/tree/main/src',
        `/acme/mask-cards/blob/main/src/${encodeURIComponent(
          '<script>alert(1)</script>',
        )}`,
      ].map(path => get(path)),
    );
    const text = pages.map(({ body }) => body).join();
    expect(text).toContain('Masks &lt;cards&gt;');
    expect(text).toContain('&lt;b&gt;bold&lt;/b&gt; &amp; &quot;quoted&quot;');
    expect(text).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(text).toContain('&lt;img src=x onerror=alert(2)&gt;');
    expect(text).not.toMatch(/<script|<img|<b>/);
  });

  it('are found at the addresses that the task and the catalog link to', async () => {
    await publish('mask-cards');
    for (const path of [
      '/acme/mask-cards.git',
      '/acme/mask-cards/blob/main',
      '/acme/mask-cards/tree/main/',
      '/acme/mask-cards/tree/main/catalog-info.yaml',
      '/acme/mask-cards/edit/main/catalog-info.yaml',
    ]) {
      const response = await fetch(forge.url + path);
      expect([path, response.status]).toEqual([path, 200]);
      expect(await response.text()).toContain('acme/mask-cards');
    }
  });
});

describe('nobody leaves the folder', () => {
  const service = 'info/refs?service=git-upload-pack';
  const attempts = [
    '/../secret',
    '/%2e%2e/secret',
    '/..%2fsecret/x',
    '/acme/..%2f..%2fsecret',
    '/acme%2f..%2f../secret',
    '/..%2felsewhere/secret',
    '/acme/..%5c..%5csecret',
    `/%2e%2e/secret.git/${service}`,
    `/../secret.git/${service}`,
    `/..%2felsewhere/secret.git/${service}`,
    `/acme/..%2f..%2fsecret.git/${service}`,
    `/acme/mask-cards.git/%2e%2e/%2e%2e/%2e%2e/secret.git/${service}`,
    '/acme/mask-cards.git/HEAD',
    '/acme/mask-cards.git/config',
    '/acme/mask-cards.git/objects/info/packs',
    '/acme/mask-cards/raw/main/../../../../../../etc/passwd',
    '/acme/mask-cards/raw/main/..%2f..%2f..%2fconfig',
    '/acme/mask-cards/raw/main/%2fetc%2fpasswd',
    '/acme/mask-cards/raw/main/README.md%00',
    '/acme/mask-cards/raw/--output=x/README.md',
    '/acme/mask-cards/tree/main%3aREADME.md',
    '/acme/mask-cards/tree/main~0',
    '/api/v3/repos/..%2felsewhere/secret',
    '/api/v3/repos/acme/..%2f..%2fsecret',
    '/api/v3/repos/%2e%2e/secret/contents/README.md',
    '/api/v3/repos/acme/mask-cards/contents/..%2f..%2fconfig',
    '/api/v3/repos/acme/mask-cards/contents/README.md?ref=--help',
    '/api/v3/repos/acme/mask-cards/git/blobs/main:README.md',
    '/api/v3/repos/acme/mask-cards/tarball/--remote=..%2f..%2f..%2fsecret.git',
  ];

  it('whatever the path', async () => {
    await publish('mask-cards');
    // What a traversal would reach: repositories beside the forge’s folder.
    const published = join(forge.folder, 'acme/mask-cards.git');
    await fs.copy(published, join(home, 'secret.git'));
    await fs.copy(published, join(home, 'elsewhere/secret.git'));
    for (const path of attempts) {
      const { status, body } = await get(path, authorized);
      expect([path, status]).toEqual([path, 404]);
      expect(body).not.toMatch(/root:|repositoryformatversion|refs\/heads/);
    }
  });
});

describe('who reaches it', () => {
  it('is this machine only', async () => {
    const { port } = new URL(forge.url);
    const accepts = (host: string) =>
      new Promise(resolve => {
        const socket = connect({ host, port: Number(port) });
        socket.on('connect', () => resolve(true));
        socket.on('error', () => resolve(false));
        socket.on('close', () => socket.destroy());
      });
    expect(await accepts('127.0.0.1')).toBe(true);
    const outside = Object.values(networkInterfaces())
      .flatMap(addresses => addresses ?? [])
      .filter(({ internal, family }) => !internal && family === 'IPv4');
    for (const { address } of outside) {
      expect([address, await accepts(address)]).toEqual([address, false]);
    }
  });

  it('is no page whose name was made to resolve to this machine', async () => {
    expect(await get('/', { host: 'evil.example' })).toMatchObject({
      status: 403,
    });
  });
});

it('tells Git that there is no such repository', async () => {
  await expect(clone(`${forge.url}/acme/none.git`)).rejects.toThrow(
    /repository '.*none.git\/' not found/,
  );
});

it('removes its temporary folder at the end, and keeps a given one', async () => {
  const temporary = await startForge({ token });
  expect(await fs.pathExists(temporary.folder)).toBe(true);
  await temporary.close();
  expect(await fs.pathExists(temporary.folder)).toBe(false);

  await publish('mask-cards');
  await forge.close();
  forge = await startForge({ token, folder: forge.folder });
  expect((await get('/acme/mask-cards')).status).toBe(200);
});
