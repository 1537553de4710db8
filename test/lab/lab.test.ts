import execa from 'execa';
import fs from 'fs-extra';
import { tmpdir } from 'os';
import { join } from 'path';
import { describeUnless } from '../src/tools';
import { Lab, startLab } from './lab';
import { lacking } from './namespaces';
import { until } from './until';

const policy = (name: string, header: string) => ({
  apiVersion: 'gateway.envoyproxy.io/v1alpha1',
  kind: 'EnvoyExtensionPolicy',
  metadata: { name, namespace: 'default' },
  spec: {
    targetRefs: [
      {
        group: 'gateway.networking.k8s.io',
        kind: 'HTTPRoute',
        name: 'my-route',
      },
    ],
    lua: [
      {
        type: 'Inline',
        inline: `function envoy_on_response(h) h:headers():add("${header}", "1") end`,
      },
    ],
  },
});

/** What the API server says about the policy's acceptance. */
async function accepted({ get }: Lab, name: string): Promise<any> {
  const found = await get('envoyextensionpolicy', name, 'default');
  return found?.status?.ancestors?.[0]?.conditions?.find(
    ({ type }: any) => type === 'Accepted',
  );
}

describeUnless(lacking(), 'the lab', () => {
  describe.each([
    ['1.9', 'Lua: Skipping Lua EnvoyExtensionPolicy as feature is disabled'],
    ['1.8', 'Lua: Skipping Lua EnvoyExtensionPolicy as feature is disabled'],
  ])('with Envoy Gateway %s', (release, disabled) => {
    let lab: Lab;

    beforeAll(async () => {
      lab = await startLab({ release, enableLua: true });
    }, 1_800_000);
    afterAll(() => lab?.down(), 30_000);

    it('has a route that answers with what it was asked', async () => {
      const response = await lab.request('/shop?item=1', {
        method: 'POST',
        body: 'hello',
      });
      expect([response.status, await response.json()]).toEqual([
        200,
        expect.objectContaining({
          method: 'POST',
          path: '/shop?item=1',
          body: 'hello',
        }),
      ]);
    });

    it('runs what a policy adds, in the Envoy that the gateway programmed', async () => {
      await lab.apply([policy('lua', 'x-lab')]);
      await until('the header is there', 20, async () => {
        const { headers } = await lab.request('/');
        expect(headers.get('x-lab')).toBe('1');
      });
      expect(await accepted(lab, 'lua')).toMatchObject({ status: 'True' });
      expect(await lab.admin('/config_dump')).toContain(
        'envoyextensionpolicy/default/lua/lua/0',
      );
    });

    it('takes other settings when it is started again', async () => {
      await lab.envoyGateway.start({ enableLua: false });
      await until('the policy is refused', 30, async () => {
        expect(await accepted(lab, 'lua')).toMatchObject({
          status: 'False',
          message: expect.stringContaining(disabled),
        });
        expect((await lab.request('/')).status).toBe(500);
      });
      await lab.remove([policy('lua', 'x-lab')]);
      await until('requests pass', 20, async () => {
        expect((await lab.request('/')).status).toBe(200);
      });
    });

    it('gives accounts only the rights that they have', async () => {
      await lab.kubectl(['create', 'serviceaccount', 'nobody']);
      const token = await lab.token('nobody');
      const list = () =>
        lab.kubectl(['get', 'eep', `--token=${token}`, '--all-namespaces']);
      await expect(list()).rejects.toThrow(
        /system:serviceaccount:default:nobody" cannot list/,
      );
    });
  });

  it('can be an API server only, and leaves nothing', async () => {
    const lab = await startLab({ apiServerOnly: true });
    const { pid } = lab.namespaces;
    expect(
      await lab.kubectl([
        'get',
        'crd',
        'listenersets.gateway.networking.k8s.io',
      ]),
    ).toMatch('listenersets');
    await lab.down();
    expect(await fs.pathExists(`/proc/${pid}`)).toBe(false);
    expect(await fs.pathExists(lab.folder)).toBe(false);
  });

  describe('npm run lab', () => {
    const root = join(__dirname, '../..');
    const folder = join(tmpdir(), `eg-lab-test-${process.pid}`);
    const lab = (...args: string[]) =>
      execa(
        process.execPath,
        ['scripts/run.mjs', 'test/lab/main.ts', ...args, '--folder', folder],
        { cwd: root, reject: false, env: { NODE_ENV: 'development' } },
      );
    const processes = async () =>
      (await execa('ps', ['-eo', 'args'])).stdout
        .split('\n')
        .filter(line => line.includes(folder));

    afterAll(async () => {
      await lab('down');
    });

    it('brings one up, once', async () => {
      const first = await lab('up');
      expect(first).toMatchObject({ exitCode: 0 });
      const [, url] = /^curl (\S+)$/m.exec(first.stdout)!;
      expect((await fetch(url!)).status).toBe(200);
      const second = await lab('up');
      expect(second.stderr).toBe(
        `error: a lab is already up in ${folder}; end it first: npm run lab -- down`,
      );
    });

    it('runs commands in it', async () => {
      const { stdout } = await execa(
        process.execPath,
        [
          ...['scripts/run.mjs', 'test/lab/main.ts', '--folder', folder],
          ...['exec', 'kubectl', 'get', 'gateway', 'eg', '-o', 'name'],
        ],
        { cwd: root, env: { NODE_ENV: 'development' } },
      );
      expect(stdout).toBe('gateway.gateway.networking.k8s.io/eg');
    });

    it('ends with what holds it, and starts again over what that left', async () => {
      const { holder } = fs.readJsonSync(join(folder, 'state.json'));
      process.kill(holder, 'SIGKILL');
      await until('all have ended', 10, async () => {
        expect(await processes()).toEqual([]);
      });
      expect((await lab('up')).exitCode).toBe(0);
    });

    it('leaves nothing', async () => {
      expect((await lab('down')).stderr).toBe('the lab has ended');
      expect(await processes()).toEqual([]);
      expect(await fs.pathExists(folder)).toBe(false);
      expect((await lab('status')).stderr).toBe(
        `error: no lab is up in ${folder}; start it: npm run lab -- up`,
      );
    });
  });
});
