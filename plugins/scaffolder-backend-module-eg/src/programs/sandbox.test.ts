import fs from 'fs-extra';
import { AddressInfo, createServer, Server } from 'net';
import os from 'os';
import { join } from 'path';
import { findProgram } from './find';
import { runProgram } from './run';
import { defaultLimits, SandboxOptions } from './types';
import { withWorkFolder } from './workFolder';

const bubblewrap = fs.existsSync('/usr/bin/bwrap');
if (!bubblewrap && process.env.EG_REQUIRE_ALL) {
  throw new Error('bubblewrap is not installed');
}

(bubblewrap ? describe : describe.skip)('a sandbox', () => {
  let outside: string;
  let server: Server;
  let port: number;
  let connections = 0;

  beforeAll(async () => {
    outside = await fs.mkdtemp(join(os.homedir(), '.eg-sandbox-test-'));
    await fs.writeFile(join(outside, 'credentials'), 'canary of a file');
    server = createServer(socket => {
      connections++;
      socket.end();
    }).listen(0, '127.0.0.1');
    await new Promise(done => {
      server.once('listening', done);
    });
    ({ port } = server.address() as AddressInfo);
  });
  afterAll(async () => {
    server.close();
    await fs.remove(outside);
  });

  const run = (
    script: string,
    sandbox: Partial<SandboxOptions> = {},
    limits: object = {},
  ) =>
    withWorkFolder(async folder =>
      runProgram({
        command: ['sh', '-c', script],
        cwd: folder.path,
        folder,
        timeout: 30_000,
        options: {
          environment: {},
          limits: { ...defaultLimits, ...limits },
          sandbox: { network: false, readable: [], writable: [], ...sandbox },
        },
      }),
    );
  const connect = () =>
    `/usr/bin/python3 -c 'import socket; socket.create_connection(("127.0.0.1", ${port}), 5)'`;

  it('runs programs of the system in the work folder', async () => {
    const end = await run(
      'echo "$HOME" > "$HOME/file"; cat "$HOME/file"; touch "$TMPDIR/x" && id -u; pwd',
    );
    expect(end).toMatchObject({ how: 'exited', exitCode: 0, stderr: '' });
    expect(end.stdout).toMatch(
      /eg-verify-\w+\/home\n65534\n.*eg-verify-\w+\n$/,
    );
  });

  it('shows no file of the back end, unless it is configured', async () => {
    const look = `cat ${outside}/credentials; ls -A ${os.homedir()}; ls /var /run /etc/shadow`;
    const { stdout } = await run(look);
    expect(stdout).not.toContain('canary');
    expect(stdout.trim()).toBe('');
    expect((await run(look, { readable: [outside] })).stdout).toContain(
      'canary of a file',
    );
  });

  it('lets nothing be written outside of the work folder', async () => {
    const { stdout, stderr } = await run(
      `for f in /usr/x /etc/x /x /dev/x /var/x ${outside}/x; do echo no > $f && echo "wrote $f"; done; true`,
      { readable: [outside] },
    );
    expect(stdout).toBe('');
    expect(stderr.match(/cannot create/g)).toHaveLength(6);
    await run(`echo yes > ${outside}/cache`, { writable: [outside] });
    expect(await fs.readFile(join(outside, 'cache'), 'utf8')).toBe('yes\n');
  });

  it('shows no other process, and none of its environment', async () => {
    const { stdout } = await run(
      `ls -d /proc/[0-9]* | wc -l; cat /proc/${process.pid}/environ; kill -9 ${process.pid}; kill -9 ${process.ppid}`,
    );
    expect(Number(stdout.split('\n')[0])).toBeLessThan(8);
    expect(stdout.split('\n').slice(1).join('')).toBe('');
  });

  it('has no network but a loopback of its own, unless it is configured', async () => {
    const alone = await run(
      `${connect()} && echo reached; ls /sys/class/net 2>/dev/null; cut -d: -f1 /proc/net/dev | tail -n +3`,
    );
    expect(alone.stdout.trim()).toBe('lo');
    expect(alone.stderr).toContain('Connection refused');
    expect(connections).toBe(0);
    const together = await run(`${connect()} && echo reached`, {
      network: true,
    });
    expect(together.stdout).toBe('reached\n');
    expect(connections).toBe(1);
  });

  it.each([
    [
      'processes',
      'bomb() { sleep 0.03; bomb & bomb & wait; }; bomb',
      { processes: 100 },
      /processes/,
    ],
    [
      'memory',
      `/usr/bin/python3 -c 'import time
blocks = []
for _ in range(8):
    blocks.append(b"x" * (50 << 20))
    time.sleep(0.1)'`,
      { memoryMiB: 200 },
      /memory|MemoryError/,
    ],
    [
      'disk',
      'i=0; while head -c 4000000 /dev/zero > file-$i; do i=$((i+1)); done',
      { diskMiB: 100 },
      /work folder/,
    ],
    [
      'memory in files',
      'for i in 1 2 3 4; do head -c 30000000 /dev/zero > /dev/shm/$i; done; exit 1',
      {},
      /No space left/,
    ],
  ])('ends a bomb of %s', async (_, script, limits, message) => {
    const { how, exitCode, limit, stderr } = await run(script, {}, limits);
    expect(how).not.toBe('timeout');
    expect(exitCode).not.toBe(0);
    expect(`${limit}${stderr}`).toMatch(message);
  });

  it('ends with all that is in it', async () => {
    const mark = `8${Date.now()}`;
    const { how } = await run(
      `(setsid sh -c "trap '' TERM; exec env -i sleep ${mark}" &); exit 0`,
    );
    expect(how).toBe('exited');
    const commands = await Promise.all(
      (await fs.readdir('/proc'))
        .filter(name => /^\d+$/.test(name))
        .map(pid =>
          fs.readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
        ),
    );
    expect(commands.filter(c => c.includes(mark))).toEqual([]);
  });

  it('is found on the path', async () => {
    expect(await findProgram('bwrap')).toMatch(/\/bwrap$/);
    expect(await findProgram('no-such-program')).toBeUndefined();
    expect(await findProgram('/etc/passwd')).toBeUndefined();
  });
});
