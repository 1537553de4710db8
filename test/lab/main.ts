import execa from 'execa';
import fs from 'fs-extra';
import { join, resolve } from 'path';
import { parseArgs } from 'util';
import { newestRelease, releaseOf } from 'backstage-plugin-eg-common';
import { startLab } from './lab';
import { checkMachine } from './namespaces';
import { kubectlProgram, labPrograms } from './programs';
import { writeSchemas } from '../schemas/schemas';
import { record } from './record';
import { LabState, readState, usualFolder, writeState } from './state';
import { until } from './until';

const usage = `usage: npm run lab -- COMMAND [--folder DIR]

  up [--gateway-version 1.9|1.8|…] [--disable-lua]
                        a real API server, Envoy Gateway and Envoy on this machine
  down                  ends it, and removes what it left
  status                what runs, and what it says about policies
  exec COMMAND…         runs a command inside of it, with kubectl set up
  record [--situation NAME]…
                        provokes every situation anew and writes the fixtures of
                        plugins/eg-common/src/health
  schemas               writes the schemas that repositories check native policies with,
                        from the CRDs of every release
  build                 only builds the programs that are not in the cache yet
`;

const say = (line: string) => process.stderr.write(`${line}\n`);

class UsageError extends Error {}

interface Options {
  folder: string;
  release: string;
  enableLua: boolean;
}

function running(folder: string): LabState {
  const state = readState(folder);
  if (!state) {
    throw new UsageError(
      `no lab is up in ${folder}; start it: npm run lab -- up`,
    );
  }
  return state;
}

/** Holds a lab until it is told to end; what `up` starts in the background. */
async function hold({ folder, release, enableLua }: Options): Promise<void> {
  const lab = await startLab({ release, folder, enableLua, say });
  // What Backstage is given: an account that may read everything, and nothing else.
  await lab.apply([
    {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'backstage', namespace: 'default' },
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'backstage' },
      rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['get', 'list'] }],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'backstage' },
      roleRef: {
        apiGroup: 'rbac.authorization.k8s.io',
        kind: 'ClusterRole',
        name: 'backstage',
      },
      subjects: [
        { kind: 'ServiceAccount', name: 'backstage', namespace: 'default' },
      ],
    },
  ]);
  await writeState(folder, {
    holder: process.pid,
    namespaces: lab.namespaces.pid,
    release,
    kubeconfig: lab.kubeconfig,
    gatewayUrl: lab.gatewayUrl,
    cluster: {
      name: 'lab',
      url: lab.url,
      caData: lab.caData,
      authProvider: 'serviceAccount',
      serviceAccountToken: await lab.token('backstage'),
      skipMetricsLookup: true,
    },
  });
  await new Promise<void>(done => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.once(name, () => done());
    }
  });
  await lab.down();
}

async function up(options: Options): Promise<void> {
  const { folder, release, enableLua } = options;
  if (readState(folder)) {
    throw new UsageError(
      `a lab is already up in ${folder}; end it first: npm run lab -- down`,
    );
  }
  checkMachine();
  await labPrograms(release, say);
  const started = Date.now();
  // What a lab left that could not end in its order.
  await fs.remove(folder);
  await fs.ensureDir(folder);
  const log = join(folder, 'holder.log');
  const output = fs.openSync(log, 'w');
  const holder = execa(
    process.execPath,
    [
      ...['scripts/run.mjs', 'test/lab/main.ts', 'hold', '--folder', folder],
      ...['--gateway-version', release],
      ...(enableLua ? [] : ['--disable-lua']),
    ],
    {
      cwd: join(__dirname, '../..'),
      detached: true,
      stdio: ['ignore', output, output],
      reject: false,
    },
  );
  fs.closeSync(output);
  const state = await until('the lab is up', 180, async () => {
    if (holder.exitCode !== null) {
      return undefined;
    }
    const found = readState(folder);
    if (!found) {
      throw new Error(`see ${log}`);
    }
    return found;
  });
  if (!state) {
    const said = await fs.readFile(log, 'utf8').catch(() => '');
    await fs.remove(folder);
    throw new UsageError(`the lab did not start: ${said.trim()}`);
  }
  holder.unref();
  process.stdout.write(
    `Envoy Gateway ${release} is up after ${(
      (Date.now() - started) /
      1000
    ).toFixed(1)} s\nexport KUBECONFIG=${state.kubeconfig}\ncurl ${
      state.gatewayUrl
    }/\n`,
  );
}

async function down({ folder }: Options): Promise<void> {
  const state = readState(folder);
  if (state) {
    process.kill(state.holder, 'SIGTERM');
    await until('the lab has ended', 30, async () => {
      if (
        readState(folder) ||
        (await fs.pathExists(`/proc/${state.namespaces}`))
      ) {
        throw new Error(`process ${state.holder} still runs`);
      }
    });
  }
  await fs.remove(folder);
  say(state ? 'the lab has ended' : `no lab was up in ${folder}`);
}

async function status({ folder }: Options): Promise<void> {
  const { cluster, holder, ...state } = running(folder);
  process.stdout.write(`${JSON.stringify(state, null, 2)}\n`);
  await execa(
    await kubectlProgram(say),
    ['get', 'gateways,httproutes,envoyextensionpolicies', '--all-namespaces'],
    { env: { KUBECONFIG: state.kubeconfig }, stdio: 'inherit', reject: false },
  );
}

async function exec(
  { folder }: Options,
  command: readonly string[],
): Promise<number> {
  if (command.length === 0) {
    throw new UsageError(`exec: no command given\n${usage}`);
  }
  const { namespaces } = running(folder);
  const bin = join(folder, 'bin');
  await fs.ensureSymlink(await kubectlProgram(say), join(bin, 'kubectl'));
  const { exitCode } = await execa(
    'nsenter',
    [
      ...['-t', String(namespaces), '--net', '--mount', '--pid'],
      ...[`--wd=${process.env.INIT_CWD ?? process.cwd()}`, '--', ...command],
    ],
    {
      env: {
        KUBECONFIG: join(folder, 'kubeconfig-inside'),
        PATH: `${bin}:${process.env.PATH}`,
      },
      stdio: 'inherit',
      reject: false,
    },
  );
  return exitCode;
}

async function main(): Promise<number> {
  const args = process.argv.slice(2);
  // What follows `exec` is a command with options of its own.
  const at = args.indexOf('exec');
  const command = at >= 0 ? args.splice(at + 1) : [];
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      folder: { type: 'string' },
      'gateway-version': { type: 'string' },
      'disable-lua': { type: 'boolean' },
      situation: { type: 'string', multiple: true },
    },
  });
  const options: Options = {
    folder: values.folder
      ? resolve(process.env.INIT_CWD ?? process.cwd(), values.folder)
      : usualFolder,
    release: releaseOf(values['gateway-version'] ?? newestRelease.version)
      .version,
    enableLua: !values['disable-lua'],
  };
  switch (positionals[0]) {
    case 'up':
      await up(options);
      return 0;
    case 'hold':
      await hold(options);
      return 0;
    case 'down':
      await down(options);
      return 0;
    case 'status':
      await status(options);
      return 0;
    case 'exec':
      return exec(options, command);
    case 'record':
      await record(say, values.situation);
      return 0;
    case 'schemas':
      await writeSchemas(say);
      return 0;
    case 'build':
      await labPrograms(options.release, say);
      return 0;
    default:
      process.stderr.write(usage);
      return 2;
  }
}

main().then(
  code => process.exit(code),
  error => {
    process.stderr.write(
      `error: ${error instanceof UsageError ? error.message : error.stack}\n`,
    );
    process.exit(1);
  },
);
