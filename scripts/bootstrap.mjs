// Brings what the workspace needs (Node 22 or 24, Yarn 4, the dependencies) and then runs a command with it. Runs on
// Node 18 and newer, installs nothing globally, and does nothing that is already done.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cache = join(
  process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'),
  'envoy-gateway-extensions-builder',
);
const { packageManager } = JSON.parse(
  readFileSync(join(root, 'package.json'), 'utf8'),
);
const yarnVersion = packageManager.split('@')[1];

/** What each command runs once everything is there. */
const commands = {
  install: [],
  start: ['node', 'scripts/start.mjs'],
  test: ['node', 'scripts/test.mjs'],
  matrix: ['node', 'scripts/run.mjs', 'test/matrix/main.ts'],
  lab: ['node', 'scripts/run.mjs', 'test/lab/main.ts'],
  ...Object.fromEntries(
    ['generate', 'recommend', 'verify', 'form'].map(name => [
      name,
      ['node', 'scripts/run.mjs', 'cli/src/cli.ts', name],
    ]),
  ),
};

function fail(message) {
  console.error(`error: ${message}`);
  process.exit(1);
}

function run(command, args, options = {}) {
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: ['inherit', 2, 2],
    ...options,
  });
  if (result.error) {
    fail(`cannot run ${command}: ${result.error.message}`);
  }
  return result;
}

function output(command, args) {
  const { status, stdout } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
  });
  return status === 0 ? stdout.trim() : '';
}

/** Installs an npm package into a folder of its own in the cache, whole or not at all. */
function cached(name, version, program) {
  const folder = join(cache, `${name.replace(/\W+/g, '-')}-${version}`);
  const path = join(folder, 'node_modules', program);
  if (!existsSync(path)) {
    console.error(`installing ${name} ${version} into ${cache}`);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{"private": true}');
    const { status } = run(
      'npm',
      ['install', '--no-audit', '--no-fund', '--silent', `${name}@${version}`],
      { cwd: folder },
    );
    if (status !== 0 || !existsSync(path)) {
      rmSync(folder, { recursive: true, force: true });
      fail(
        `npm could not install ${name} ${version}; check the network and npm’s registry, or install it yourself`,
      );
    }
  }
  return path;
}

/** The folder of a Node that Backstage runs on: this one, or one from the cache. */
function nodeFolder() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major === 22 || major === 24) {
    return dirname(process.execPath);
  }
  return dirname(cached('node', '24', 'node/bin/node'));
}

const [command, ...args] = process.argv.slice(2);
if (!(command in commands)) {
  fail(
    `there is no command ${command}; use one of ${Object.keys(commands).join(
      ', ',
    )}`,
  );
}

process.env.PATH = nodeFolder() + delimiter + process.env.PATH;
const startedByNpm = 'npm_lifecycle_event' in process.env;
// npm hands its own settings down, of which Yarn and other installs must not take any.
for (const name of Object.keys(process.env)) {
  if (/^npm_(config|lifecycle|package)_/.test(name)) {
    delete process.env[name];
  }
}

const yarn = output('yarn', ['--version']).startsWith('4.')
  ? ['yarn']
  : [
      'node',
      cached('@yarnpkg/cli-dist', yarnVersion, '@yarnpkg/cli-dist/bin/yarn.js'),
    ];

const stamp = join(root, 'node_modules', '.installed');
const wanted = createHash('sha256')
  .update(readFileSync(join(root, 'yarn.lock')))
  .update(output('node', ['--version']))
  .digest('hex');
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
  console.error('installing the dependencies (a few minutes the first time)');
  const { status } = run(yarn[0], [...yarn.slice(1), 'install', '--immutable']);
  if (status !== 0) {
    fail('yarn install failed; what it printed above says why');
  }
  writeFileSync(stamp, wanted);
}

/** Runs the command to its end. Signals go on to it; so does the end of npm, which tells only the shell in between. */
function become(program, programArgs) {
  const child = spawn(program, programArgs, { cwd: root, stdio: 'inherit' });
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(name, () => child.kill(name));
  }
  if (startedByNpm) {
    const parent = process.ppid;
    setInterval(
      () => process.ppid !== parent && child.kill('SIGTERM'),
      500,
    ).unref();
  }
  child.on('error', error => fail(`cannot run ${program}: ${error.message}`));
  child.on('exit', (status, signal) =>
    process.exit(status ?? (signal ? 130 : 1)),
  );
}

const [program, ...rest] = commands[command];
if (program) {
  become(program, [...rest, ...args]);
}
