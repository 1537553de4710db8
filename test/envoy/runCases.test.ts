import { BehaviourCase } from 'backstage-plugin-eg-common';
import { templateFolder } from 'eg-cli';
import execa from 'execa';
import fs from 'fs-extra';
import { createServer } from 'net';
import os from 'os';
import { join } from 'path';
import { stringify } from 'yaml';
import { describeWith } from '../src/tools';
import { sharedVenv } from './envoy';

// The program that runs cases, without a gateway: its client speaks with its own upstream.

const skeleton = join(templateFolder, 'skeletons/common');

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise(resolve => server.close(resolve));
  return port;
}

async function run(cases: unknown[]) {
  const folder = await fs.mkdtemp(join(os.tmpdir(), 'eg-run-cases-'));
  try {
    const address = `127.0.0.1:${await freePort()}`;
    await fs.writeFile(join(folder, 'cases.yaml'), stringify({ cases }));
    const { exitCode, stdout, stderr } = await execa(
      join(sharedVenv, 'bin/python'),
      [
        ...['-B', join(skeleton, 'test/run_cases.py'), '--json'],
        ...['--gateway', `http://${address}`, '--upstream', address],
        ...['--cases', join(folder, 'cases.yaml')],
      ],
      { reject: false },
    );
    return { exitCode, report: stdout && JSON.parse(stdout), stderr };
  } finally {
    await fs.remove(folder);
  }
}

const messages = {
  parts: ['hello', { repeat: 'ab', times: 50_000 }, { base64: '/wD+' }],
};

/** A case of each protocol, as it goes without an extension. */
const plain: BehaviourCase[] = [
  {
    name: 'a WebSocket',
    request: {
      method: 'GET',
      path: '/chat',
      protocol: 'websocket',
      headers: [],
      body: messages,
    },
    response: { status: 101, headers: [] },
    expect: {
      request: { headers: { upgrade: ['WebSocket'] }, body: messages },
      response: { status: 101, body: messages },
    },
  },
  {
    name: 'HTTP/2 with trailers',
    request: {
      method: 'POST',
      path: '/a.B/C',
      protocol: 'http2',
      headers: [{ name: 'te', value: 'trailers' }],
      body: messages,
      chunked: 'parts',
      trailers: [{ name: 'x-sum', value: '1' }],
    },
    response: {
      status: 200,
      headers: [],
      body: messages,
      chunked: 'acknowledged',
      trailers: [{ name: 'grpc-status', value: '0' }],
    },
    expect: {
      request: { body: messages, trailers: { 'x-sum': ['1'] } },
      response: {
        status: 200,
        body: messages,
        trailers: { 'grpc-status': ['0'] },
      },
    },
  },
  {
    name: 'HTTP/2, trailers only',
    request: { method: 'GET', path: '/', protocol: 'http2', headers: [] },
    response: {
      status: 200,
      headers: [],
      trailers: [{ name: 'grpc-status', value: '5' }],
    },
    expect: {
      response: { status: 200, body: '', trailers: { 'grpc-status': ['5'] } },
    },
  },
  {
    name: 'a body after 100 Continue',
    request: {
      method: 'POST',
      path: '/',
      headers: [{ name: 'expect', value: '100-continue' }],
      body: 'body',
    },
    response: { status: 201, headers: [] },
    expect: { request: { body: 'body' }, response: { status: 201 } },
  },
];

function wrong(name: string, change: (c: any) => void): BehaviourCase {
  const copy = JSON.parse(JSON.stringify(plain.find(c => c.name === name)));
  change(copy);
  return copy;
}

describeWith(['make', 'python3'], 'test/run_cases.py', () => {
  beforeAll(async () => {
    // The same environment as of the generated repositories.
    const folder = await fs.mkdtemp(join(os.tmpdir(), 'eg-run-cases-'));
    await fs.copy(skeleton, folder);
    await fs.writeFile(
      join(folder, 'Makefile'),
      'include test/envoy.mk\ninstalled: venv\n\t@$(call pip-install,test/requirements.txt)\n',
    );
    await execa('make', ['installed', `VENV=${sharedVenv}`], { cwd: folder });
    await fs.remove(folder);
  });

  it('speaks each protocol', async () => {
    const { exitCode, report } = await run(plain);
    expect(report.cases).toEqual(
      plain.map(({ name }) => ({ name, status: 'passed', message: '' })),
    );
    expect(exitCode).toBe(0);
  });

  it.each<[string, BehaviourCase, RegExp]>([
    [
      'a message that did not come back',
      wrong('a WebSocket', c => {
        c.expect.response.body = 'hello';
      }),
      /response body: expected b'hello' \(5 bytes\), got b'hello/,
    ],
    [
      'a WebSocket that was accepted',
      wrong('a WebSocket', c => {
        c.expect.response = { status: 403 };
        c.expect.reached = false;
        delete c.expect.request;
      }),
      /response status: expected 403, got 101; upstream: expected 0 request\(s\), got 1/,
    ],
    [
      'a trailer of the request',
      wrong('HTTP/2 with trailers', c => {
        c.expect.request.trailers['x-sum'] = ['2'];
      }),
      /request trailer x-sum: expected \['2'\], got \['1'\]/,
    ],
    [
      'a trailer of the response',
      wrong('HTTP/2, trailers only', c => {
        c.expect.response.trailers['grpc-status'] = [];
      }),
      /response trailer grpc-status: expected \[\], got \['5'\]/,
    ],
  ])('notices %s', async (_, given, message) => {
    const { exitCode, report } = await run([given]);
    expect(report.cases[0].message).toMatch(message);
    expect(exitCode).toBe(1);
  });

  it.each<[string, BehaviourCase, RegExp]>([
    [
      'trailers in HTTP/1.1',
      wrong('HTTP/2 with trailers', c => {
        delete c.request.protocol;
      }),
      /trailers, which need request.protocol: http2/,
    ],
    [
      'an unknown protocol',
      wrong('a WebSocket', c => {
        c.request.protocol = 'http3';
      }),
      /must be http1, http2 or websocket, not 'http3'/,
    ],
    [
      'a WebSocket with an answer of its own',
      wrong('a WebSocket', c => {
        c.response.body = 'x';
      }),
      /the upstream sends each back/,
    ],
  ])('refuses a case with %s', async (_, given, message) => {
    const { exitCode, stderr } = await run([given]);
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(2);
  });
});
