import { withExample } from 'backstage-plugin-eg-common';
import execa, { ExecaChildProcess } from 'execa';
import fs from 'fs-extra';
import { AddressInfo, createServer } from 'net';
import { tmpdir } from 'os';
import { join } from 'path';

const root = join(__dirname, '../..');

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise(done => probe.once('listening', done));
  const { port } = probe.address() as AddressInfo;
  await new Promise(done => probe.close(done));
  return port;
}

/** Finds the processes of one start again, however they were started and whatever became of their parents. */
const mark = `eg-start-test-${process.pid}`;

/** The command lines of the processes that carry the mark, where the system shows them. */
async function markedProcesses(): Promise<string[]> {
  const pids = (await fs.readdir('/proc').catch(() => [])).filter(name =>
    /^\d+$/.test(name),
  );
  const read = (pid: string, file: string) =>
    fs.readFile(join('/proc', pid, file), 'utf8').catch(() => '');
  const found = await Promise.all(
    pids.map(async pid =>
      (await read(pid, 'environ')).includes(`EG_MARK=${mark}`)
        ? [(await read(pid, 'cmdline')).replace(/\0/g, ' ')]
        : [],
    ),
  );
  return found.flat();
}

let env: Record<string, string>;
let folder: string;
let backstage: ExecaChildProcess;

function start() {
  return execa(process.execPath, [join(root, 'scripts/start.mjs')], {
    cwd: root,
    env,
    reject: false,
  });
}

/** What it has printed, once it is ready or has ended. */
function printed(child: ExecaChildProcess) {
  return new Promise<string>(resolve => {
    let text = '';
    child.stdout!.on('data', chunk => {
      text += chunk;
      if (text.includes('ready at')) {
        resolve(text);
      }
    });
    child.once('exit', () => resolve(text));
  });
}

beforeAll(async () => {
  folder = await fs.mkdtemp(join(tmpdir(), 'eg-start-test-'));
  env = {
    EG_APP_PORT: String(await freePort()),
    EG_BACKEND_PORT: String(await freePort()),
    EG_FORGE_PORT: String(await freePort()),
    EG_FORGE_FOLDER: folder,
    EG_MARK: mark,
    GITHUB_TOKEN: '',
    // Jest’s own would make it another Backstage.
    NODE_ENV: 'development',
  };
  backstage = start();
});

afterAll(async () => {
  backstage.kill('SIGTERM');
  await backstage;
  await fs.remove(folder);
  await fs.remove(join(root, `start-${env.EG_APP_PORT}.log`));
});

/** Calls the back end as the guest. */
async function api(path: string, body?: object): Promise<any> {
  const url = `http://localhost:${env.EG_BACKEND_PORT}/api`;
  const signIn = await fetch(`${url}/auth/guest/refresh`, { method: 'POST' });
  const { backstageIdentity } = (await signIn.json()) as any;
  const response = await fetch(`${url}/${path}`, {
    method: body ? 'POST' : 'GET',
    body: body && JSON.stringify(body),
    headers: {
      authorization: `Bearer ${backstageIdentity.token}`,
      'content-type': 'application/json',
    },
  });
  return response.json();
}

// The steps of one story, in this order.
describe('npm start', () => {
  it('says in one line where Backstage is, once it is ready', async () => {
    const lines = (await printed(backstage)).trim().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[1]).toBe(
      `Backstage is ready at http://localhost:${env.EG_APP_PORT}/create and publishes to the Git host http://localhost:${env.EG_FORGE_PORT}; Ctrl-C ends it`,
    );
    const page = await fetch(`http://localhost:${env.EG_APP_PORT}/create`);
    expect(await page.text()).toContain('Envoy Gateway Extensions');
  });

  it('offers the template, with the local Git host to publish to', async () => {
    const template = await api(
      'catalog/entities/by-name/template/default/envoy-gateway-extension',
    );
    const { repoUrl } = template.spec.parameters.at(-1).properties;
    expect(repoUrl['ui:options'].allowedHosts).toEqual([
      `localhost:${env.EG_FORGE_PORT}`,
    ]);
    for (const owner of ['group/default/platform', 'group/default/payments']) {
      expect(await api(`catalog/entities/by-name/${owner}`)).toMatchObject({
        kind: 'Group',
      });
    }
  });

  it('runs the template to the end: published, and in the catalog', async () => {
    const { id } = await api('scaffolder/v2/tasks', {
      templateRef: 'template:default/envoy-gateway-extension',
      values: withExample({
        name: 'tag-requests',
        owner: 'group:default/payments',
        purpose: 'header-transform',
        language: 'lua',
        repoUrl: `localhost:${env.EG_FORGE_PORT}?owner=payments&repo=tag-requests`,
      }),
    });
    let task;
    do {
      await new Promise(done => setTimeout(done, 200));
      task = await api(`scaffolder/v2/tasks/${id}`);
    } while (['open', 'processing'].includes(task.status));
    const events = await api(`scaffolder/v2/tasks/${id}/events`);
    expect([task.status, events.at(-1).body]).toEqual([
      'completed',
      expect.objectContaining({
        output: expect.objectContaining({
          links: [
            expect.objectContaining({
              url: `http://localhost:${env.EG_FORGE_PORT}/payments/tag-requests.git`,
            }),
            expect.objectContaining({
              entityRef: 'component:default/tag-requests',
            }),
            expect.objectContaining({
              url: '/catalog/default/component/tag-requests/gateway-extension',
            }),
          ],
        }),
      }),
    ]);
    expect(await fs.readdir(folder)).toEqual(['payments']);

    let entity;
    do {
      await new Promise(done => setTimeout(done, 200));
      entity = await api(
        'catalog/entities/by-name/component/default/tag-requests',
      );
    } while (!entity.metadata);
    expect(entity.spec.owner).toBe('group:default/payments');
  });

  it.each([
    ['EG_APP_PORT', 'the front end'],
    ['EG_BACKEND_PORT', 'the back end'],
    ['EG_FORGE_PORT', 'the local Git host'],
  ])(
    'ends with a line that names the port where that of %s is in use',
    async (variable, name) => {
      const others = {
        EG_APP_PORT: String(await freePort()),
        EG_BACKEND_PORT: String(await freePort()),
        EG_FORGE_PORT: String(await freePort()),
      };
      const second = await execa(
        process.execPath,
        [join(root, 'scripts/start.mjs')],
        {
          cwd: root,
          env: { ...env, ...others, [variable]: env[variable]! },
          reject: false,
        },
      );
      expect(second.exitCode).toBe(1);
      expect(second.stdout).toBe('');
      expect(second.stderr.split('\n')).toEqual([
        expect.stringContaining(
          `error: port ${env[variable]} for ${name} is in use; choose another one with ${variable}=PORT npm start`,
        ),
      ]);
    },
  );

  it('ends everything that it started when it is told to', async () => {
    // The script, the front end, and the back end with what restarts it.
    const expected = process.platform === 'linux' ? 4 : 0;
    expect((await markedProcesses()).length).toBeGreaterThanOrEqual(expected);
    backstage.kill('SIGINT');
    const { exitCode } = await backstage;
    expect(exitCode).toBe(0);
    expect(await markedProcesses()).toEqual([]);
    for (const port of [
      env.EG_APP_PORT,
      env.EG_BACKEND_PORT,
      env.EG_FORGE_PORT,
    ]) {
      await expect(fetch(`http://127.0.0.1:${port}`)).rejects.toThrow();
    }
  });
});
