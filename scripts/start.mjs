// Runs a local Backstage with this project in it: front end, back end and, where no GitHub token is configured, a Git
// host to publish to. Everything listens on this machine only and ends with this process.
//
//   --lab  shows the policies of the lab that `npm run lab -- up` started
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ConfigSources } from '@backstage/config-loader';

const require = createRequire(import.meta.url);
const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** What is in the catalog once the files that app-config.yaml names have been read. */
const entities = [
  'template/default/envoy-gateway-extension',
  'user/default/guest',
];
/** Long enough for a slow machine. The back end does not end where it cannot start: it waits for a change. */
const secondsToReady = 120;
const secondsToStop = 8;

class StartError extends Error {}

/** Whether something can be published to GitHub. */
function hasGithubCredentials(config) {
  return (config.getOptionalConfigArray('integrations.github') ?? []).some(
    entry => entry.has('token') || entry.has('apps'),
  );
}

/** What will listen, and how to move it elsewhere. */
function listeners(config, env) {
  return [
    {
      name: 'the front end',
      port: Number(new URL(config.getString('app.baseUrl')).port),
      variable: 'EG_APP_PORT',
      setting: 'app.baseUrl',
    },
    {
      name: 'the back end',
      port: Number(new URL(config.getString('backend.baseUrl')).port),
      variable: 'EG_BACKEND_PORT',
      setting: 'backend.baseUrl and backend.listen',
    },
    ...(hasGithubCredentials(config)
      ? []
      : [
          {
            name: 'the local Git host',
            port: Number(env.EG_FORGE_PORT || 7008),
            variable: 'EG_FORGE_PORT',
          },
        ]),
  ];
}

function tryToListen(host, port) {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, host, () => server.close(resolve));
  });
}

async function checkPort({ name, port, variable, setting }) {
  // A browser may take `localhost` for either address.
  for (const host of ['127.0.0.1', '::1']) {
    await tryToListen(host, port).catch(({ code, message }) => {
      if (code === 'EADDRINUSE' || code === 'EACCES') {
        throw new StartError(
          `port ${port} for ${name} ${
            code === 'EACCES' ? 'is not allowed' : 'is in use'
          }; choose another one with ${variable}=PORT npm start${
            setting ? ` or ${setting} in app-config.local.yaml` : ''
          }${code === 'EACCES' ? '' : ', or stop what uses it'}`,
        );
      }
      if (code !== 'EADDRNOTAVAIL' && code !== 'EAFNOSUPPORT') {
        throw new StartError(`port ${port} for ${name}: ${message}`);
      }
    });
  }
}

/** The clusters of Backstage: the lab alone. */
function labClusters() {
  require('@backstage/cli/config/nodeTransform.cjs');
  const { readState, usualFolder } = require('../test/lab/state');
  const state = readState(usualFolder);
  if (!state) {
    throw new StartError(
      '--lab: no lab is up; start it with npm run lab -- up',
    );
  }
  return [{ type: 'config', clusters: [state.cluster] }];
}

/** Starts `backstage-cli package start` in a process group of its own, so that it can be ended with all its children. */
function startPackage(folder, log, env) {
  return spawn(
    process.execPath,
    [
      join(root, 'node_modules/@backstage/cli/bin/backstage-cli'),
      'package',
      'start',
    ],
    {
      cwd: join(root, folder),
      stdio: ['ignore', log, log],
      detached: true,
      env: { NODE_ENV: 'development', BROWSER: 'none', ...env },
    },
  );
}

/** Sends a signal to a group; false where nothing of it is left. */
function signal(child, name) {
  try {
    process.kill(-child.pid, name);
    return true;
  } catch {
    return false;
  }
}

async function stopGroup(child) {
  signal(child, 'SIGTERM');
  const end = Date.now() + secondsToStop * 1000;
  while (signal(child, 0)) {
    if (Date.now() > end) {
      signal(child, 'SIGKILL');
    }
    await sleep(50);
  }
}

async function answers(url, options) {
  const response = await fetch(url, {
    ...options,
    signal: AbortSignal.timeout(10_000),
  });
  if (!response.ok) {
    throw new Error(`${url} answers ${response.status}`);
  }
  return response;
}

/** Resolves once a guest can sign in and finds the template, and the front end has been built. */
async function isReady(app, backend) {
  const signIn = await answers(`${backend}/api/auth/guest/refresh`, {
    method: 'POST',
  });
  const { token } = (await signIn.json()).backstageIdentity;
  for (const entity of entities) {
    await answers(`${backend}/api/catalog/entities/by-name/${entity}`, {
      headers: { authorization: `Bearer ${token}` },
    });
  }
  await answers(app);
}

/** Tries until it works; the last failure says what is missing. */
async function until(attempt, seconds) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > end) {
        throw new Error(
          `Backstage is not ready after ${seconds} seconds: ${error.message}`,
        );
      }
      await sleep(300);
    }
  }
}

const tail = file =>
  readFileSync(file, 'utf8').trimEnd().split('\n').slice(-30).join('\n');

/** Closes what has been started, last first. */
const closers = [];
let ending = false;

async function end(code, message) {
  if (ending) {
    return;
  }
  ending = true;
  if (message) {
    console.error(message);
  }
  await Promise.allSettled(closers.reverse().map(close => close()));
  process.exit(code);
}

async function main() {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(name, () => end(0));
  }

  let options;
  try {
    options = parseArgs({ options: { lab: { type: 'boolean' } } }).values;
  } catch (error) {
    throw new StartError(error.message);
  }
  const env = { ...process.env };
  if (options.lab) {
    env.APP_CONFIG_kubernetes_clusterLocatorMethods = JSON.stringify(
      labClusters(),
    );
  }
  if (!env.GITHUB_TOKEN?.trim()) {
    delete env.GITHUB_TOKEN;
  }
  const config = await ConfigSources.toConfig(
    ConfigSources.default({
      rootDir: root,
      argv: [],
      env,
      substitutionFunc: async name => env[name],
    }),
  ).catch(error => {
    throw new StartError(
      `cannot read app-config.yaml or app-config.local.yaml: ${error.message.trim()}`,
    );
  });
  const listening = listeners(config, env);
  for (const listener of listening) {
    await checkPort(listener);
  }

  const forgePort = listening[2]?.port;
  let target = 'GitHub';
  if (forgePort) {
    require('@backstage/cli/config/nodeTransform.cjs');
    const { startForge } = require('../test/forge');
    const forge = await startForge({
      port: forgePort,
      token: randomBytes(16).toString('hex'),
      folder: env.EG_FORGE_FOLDER,
    });
    closers.push(forge.close);
    target = `the Git host ${forge.url}`;
    env.APP_CONFIG_integrations_github = JSON.stringify([forge.integration]);
  }

  const logFile = join(root, `start-${listening[0].port}.log`);
  const log = createWriteStream(logFile);
  await once(log, 'open');
  console.log(`starting Backstage; its log is ${basename(logFile)}`);
  const started = {
    'the back end': 'plugins/scaffolder-backend-module-eg',
    'the front end': 'plugins/eg',
  };
  for (const [name, folder] of Object.entries(started)) {
    const child = startPackage(folder, log, env);
    closers.push(() => stopGroup(child));
    child.once('exit', () =>
      end(1, `${tail(logFile)}\nerror: ${name} ended; the log above says why`),
    );
  }

  const app = config.getString('app.baseUrl');
  const backend = config.getString('backend.baseUrl');
  await until(() => isReady(app, backend), secondsToReady).catch(error => {
    throw new StartError(`${error.message}\n${tail(logFile)}`);
  });
  if (!ending) {
    console.log(
      `Backstage is ready at ${app}/create and publishes to ${target}; Ctrl-C ends it`,
    );
  }
}

main().catch(error =>
  end(1, error instanceof StartError ? `error: ${error.message}` : error.stack),
);
