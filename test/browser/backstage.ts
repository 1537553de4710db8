import execa from 'execa';
import fs from 'fs-extra';
import { AddressInfo, createServer } from 'net';
import { tmpdir } from 'os';
import { join } from 'path';

const root = join(__dirname, '../..');

/** What `npm start` runs, on ports and in a folder of its own. */
export interface Backstage {
  url: string;
  forgeUrl: string;
  /** Ends it with everything that it started, and removes what it left. */
  stop(): Promise<void>;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise(done => probe.once('listening', done));
  const { port } = probe.address() as AddressInfo;
  await new Promise(done => probe.close(done));
  return port;
}

/**
 * Starts Backstage and resolves once it says that it is ready.
 *
 * @param config - configuration as environment variables, `APP_CONFIG_…`
 */
export async function startBackstage(
  config: Record<string, string> = {},
): Promise<Backstage> {
  const folder = await fs.mkdtemp(join(tmpdir(), 'eg-browser-test-'));
  const ports = {
    EG_APP_PORT: String(await freePort()),
    EG_BACKEND_PORT: String(await freePort()),
    EG_FORGE_PORT: String(await freePort()),
  };
  const child = execa(process.execPath, [join(root, 'scripts/start.mjs')], {
    cwd: root,
    env: {
      ...ports,
      ...config,
      EG_FORGE_FOLDER: folder,
      GITHUB_TOKEN: '',
      // Jest’s own would make it another Backstage.
      NODE_ENV: 'development',
    },
    reject: false,
  });
  const stop = async () => {
    // It needs its time to end its children.
    child.kill('SIGTERM', { forceKillAfterTimeout: false });
    await child;
    await fs.remove(folder);
    await fs.remove(join(root, `start-${ports.EG_APP_PORT}.log`));
  };

  const ready = new Promise<void>((resolve, reject) => {
    child.stdout!.on(
      'data',
      chunk => `${chunk}`.includes('ready at') && resolve(),
    );
    child.then(({ stderr }) =>
      reject(new Error(`Backstage ended before it was ready: ${stderr}`)),
    );
  });
  await ready.catch(async error => {
    await stop();
    throw error;
  });
  return {
    url: `http://localhost:${ports.EG_APP_PORT}`,
    forgeUrl: `http://localhost:${ports.EG_FORGE_PORT}`,
    stop,
  };
}
