import express from 'express';
import fs from 'fs-extra';
import { createServer } from 'http';
import { AddressInfo } from 'net';
import { tmpdir } from 'os';
import { join } from 'path';
import { apiRouter } from './api';
import { errorPage, pagesRouter } from './pages';
import { Repositories } from './repositories';
import { smartHttpRouter } from './smartHttp';

/** How to run a forge. */
export interface ForgeOptions {
  /** Who has it may create repositories, push, and use the API. */
  token: string;
  /** A free one where it is left out. */
  port?: number;
  /** Where the repositories are kept; where it is left out, a temporary folder that is removed at the end. */
  folder?: string;
}

/** A Git host on this machine. */
export interface Forge {
  /** For people and for Git. */
  url: string;
  folder: string;
  /** An element of `integrations.github`. */
  integration: { host: string; apiBaseUrl: string; token: string };
  close(): Promise<void>;
}

/**
 * Starts a Git host that speaks the part of GitHub's API that publish:github and the catalog use, reachable from this
 * machine only. It shows its repositories in the browser.
 */
export async function startForge(options: ForgeOptions): Promise<Forge> {
  const { token, port = 0 } = options;
  const app = express();
  const server = createServer(app);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const host = `localhost:${(server.address() as AddressInfo).port}`;
  const url = `http://${host}`;
  const folder =
    options.folder ?? (await fs.mkdtemp(join(tmpdir(), 'eg-forge-')));
  const repositories = new Repositories(folder);

  app.disable('x-powered-by');
  app.use((req, res, next) => {
    // A page of another site that has its name resolve to this machine gets nothing.
    if (['localhost', '127.0.0.1'].includes(req.hostname)) {
      next();
    } else {
      res.sendStatus(403);
    }
  });
  app.use('/api/v3', apiRouter(repositories, url, token));
  app.use(smartHttpRouter(repositories, token));
  app.use(pagesRouter(repositories, url));
  app.use(errorPage);

  return {
    url,
    folder,
    integration: { host, apiBaseUrl: `${url}/api/v3`, token },
    async close() {
      const closed = new Promise(resolve => server.close(resolve));
      server.closeAllConnections();
      await closed;
      if (!options.folder) {
        await fs.remove(folder);
      }
    },
  };
}
