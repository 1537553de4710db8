import execa, { ExecaChildProcess } from 'execa';
import fs from 'fs-extra';
import { AddressInfo, connect, createServer, Server, Socket } from 'net';
import { join } from 'path';
import { hasProgram } from '../src/tools';
import { Hopeless, until } from './until';

/** A process inside of the lab. */
export interface Inside {
  /** Where its output goes. */
  log: string;
  /** Whether it still runs. */
  running(): boolean;
  /** Ends it, and resolves when it has ended. */
  stop(): Promise<void>;
}

/** Network, mount and PID namespaces of a lab's own. */
export interface Namespaces {
  /** Process id of their first process, for `nsenter`. */
  pid: number;
  /** Runs a command in there to its end. */
  exec(
    command: readonly string[],
    options?: execa.Options,
  ): ExecaChildProcess<string>;
  /** Starts a process in there; its log is `NAME.log` in the lab's folder. */
  start(
    name: string,
    command: readonly string[],
    env?: Record<string, string>,
  ): Inside;
  /**
   * Makes an address of the lab's network reachable from outside.
   *
   * @param address - for example `127.0.0.1:6443`
   * @returns the port on this machine’s 127.0.0.1
   */
  forward(address: string): Promise<number>;
  /** Ends everything in there. */
  end(): Promise<void>;
}

/** What a lab needs of the machine beside the programs that it builds. */
export const neededPrograms = [
  'curl',
  'go',
  'ip',
  'make',
  'nsenter',
  'pivot_root',
  'python3',
  'setpriv',
  'unshare',
];

/** What a lab needs and this machine lacks; empty where a lab can run. */
export function lacking(): string[] {
  return [
    ...(process.platform === 'linux' ? [] : ['Linux']),
    ...(process.getuid?.() === 0 ? [] : ['root, for namespaces of its own']),
    ...neededPrograms.filter(program => !hasProgram(program)),
  ];
}

/** @throws Error that says what is missing and where to get it */
export function checkMachine(): void {
  const missing = lacking();
  if (missing.length > 0) {
    throw new Error(
      `the lab needs ${missing.join(
        ', ',
      )}: run it on Linux with sudo, with Go from go.dev, and apt-get install curl iproute2 make python3 python3-venv util-linux`,
    );
  }
}

const names = [
  'localhost',
  ...['', '.envoy-gateway-system', '.envoy-gateway-system.svc.cluster.local']
    .map(suffix => `envoy-gateway${suffix}`)
    // Envoy's bootstrap asks for the name with its final dot.
    .flatMap(name => (name.includes('cluster') ? [name, `${name}.`] : [name])),
];

const hosts = `127.0.0.1 ${names.join(' ')}
10.99.0.2 backend.lab
10.99.0.3 extproc.lab
10.99.0.4 files.lab registry.lab
`;

/** The signal that ends a process for which there is nothing to tidy. */
const kill = (child: ExecaChildProcess) => child.kill('SIGKILL');

/**
 * Makes the namespaces. They end with this process, whatever ends it: their first process reads from a pipe that
 * closes then.
 *
 * @param folder - for logs, sockets and what is mounted
 */
export async function makeNamespaces(folder: string): Promise<Namespaces> {
  await fs.ensureDir(join(folder, 'certs'));
  await fs.ensureDir(join(folder, 'files'));
  await fs.writeFile(join(folder, 'hosts'), hosts);

  const output = fs.openSync(join(folder, 'namespaces.log'), 'w');
  const unshare = execa(
    'unshare',
    [
      ...['--net', '--mount', '--pid', '--fork', '--mount-proc'],
      '--kill-child',
      ...['sh', join(__dirname, 'namespace.sh'), folder],
    ],
    {
      // A terminal’s Ctrl-C is for the lab, which then ends this in its order.
      detached: true,
      stdio: ['pipe', output, output],
      reject: false,
    },
  );
  fs.closeSync(output);
  // It need not keep this process alive; that it ends with it is the pipe's doing.
  unshare.stdin!.on('error', () => {});

  await until('the namespaces are prepared', 10, async () => {
    if (unshare.exitCode !== null) {
      throw new Hopeless(
        `unshare ended: ${await fs.readFile(
          join(folder, 'namespaces.log'),
          'utf8',
        )}`,
      );
    }
    await fs.access(join(folder, 'prepared'));
  });
  const children = await fs.readFile(
    `/proc/${unshare.pid}/task/${unshare.pid}/children`,
    'utf8',
  );
  const pid = Number(children.trim());
  const enter = (command: readonly string[]) => [
    ...['-t', String(pid), '--net', '--mount', '--pid', `--wd=${folder}`],
    '--',
    ...command,
  ];

  const processes: ExecaChildProcess[] = [];
  const start: Namespaces['start'] = (name, command, env = {}) => {
    const log = join(folder, `${name}.log`);
    const file = fs.openSync(log, 'a');
    // nsenter waits for the command; setpriv ends the command with it.
    const child = execa(
      'nsenter',
      enter(['setpriv', '--pdeathsig', 'KILL', '--', ...command]),
      {
        detached: true,
        stdio: ['ignore', file, file],
        env,
        reject: false,
      },
    );
    fs.closeSync(file);
    processes.push(child);
    return {
      log,
      running: () => child.exitCode === null && !child.killed,
      async stop() {
        kill(child);
        await child;
      },
    };
  };
  const exec: Namespaces['exec'] = ([...command], options) =>
    execa('nsenter', enter(command), options);

  start('inside', [process.execPath, join(__dirname, 'inside.mjs'), folder]);
  const bridge = join(folder, 'bridge.sock');
  await until('the bridge into the lab is there', 10, () => fs.access(bridge));

  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  return {
    pid,
    exec,
    start,
    async forward(address) {
      const server = createServer(client => {
        const inside = connect(bridge);
        inside.write(`${address}\n`);
        client.pipe(inside).pipe(client);
        for (const [one, other] of [
          [client, inside],
          [inside, client],
        ] as const) {
          sockets.add(one);
          one.on('error', () => other.destroy());
          one.on('close', () => {
            sockets.delete(one);
            other.destroy();
          });
        }
      });
      servers.push(server);
      await new Promise<void>((done, fail) => {
        server.once('error', fail);
        server.listen(0, '127.0.0.1', done);
      });
      return (server.address() as AddressInfo).port;
    },
    async end() {
      servers.forEach(server => server.close());
      sockets.forEach(socket => socket.destroy());
      unshare.stdin!.end();
      await unshare;
      await Promise.all(processes);
    },
  };
}
