import { mockCredentials, mockServices } from '@backstage/backend-test-utils';
import { createServer, IncomingMessage, Server } from 'http';
import { AddressInfo } from 'net';
import { kubernetesOfBackstage, warningsOf } from './kubernetes';

/** What the Kubernetes plugin answers, by path. */
type Answers = Record<
  string,
  [status: number, body: unknown, headers?: object]
>;

describe('clusters through Backstage', () => {
  let server: Server;
  let asked: IncomingMessage[];
  afterEach(() => new Promise(done => server.close(done)));

  async function start(answers: Answers) {
    asked = [];
    server = createServer((req, res) => {
      asked.push(req);
      const [status, body, headers = {}] = answers[req.url!] ?? [404, ''];
      res
        .writeHead(status, headers as Record<string, string>)
        .end(typeof body === 'string' ? body : JSON.stringify(body));
    }).listen(0, '127.0.0.1');
    await new Promise(done => server.once('listening', done));
    const { port } = server.address() as AddressInfo;
    return kubernetesOfBackstage(
      {
        auth: mockServices.auth(),
        discovery: mockServices.discovery.mock({
          getBaseUrl: async plugin => `http://127.0.0.1:${port}/${plugin}`,
        }),
      },
      mockCredentials.user('user:default/ann'),
    );
  }
  const signal = new AbortController().signal;
  const get = { method: 'GET', path: '/api/v1' } as const;

  it('asks the proxy on behalf of the user, and reads warnings', async () => {
    const kubernetes = await start({
      '/kubernetes/proxy/api/v1': [
        200,
        { kind: 'APIResourceList' },
        { warning: '299 - "old \\"field\\"", 299 - "would violate"' },
      ],
    });
    expect(await kubernetes.send('lab', get, signal)).toEqual({
      status: 200,
      body: { kind: 'APIResourceList' },
      warnings: ['old "field"', 'would violate'],
    });
    const { headers } = asked[0]!;
    expect(headers['backstage-kubernetes-cluster']).toBe('lab');
    expect(headers.authorization).toContain(
      '"obo":"user:default/ann","target":"kubernetes"',
    );
  });

  it('hands on what the API server answers', async () => {
    const status = { kind: 'Status', message: 'cannot get', code: 403 };
    const kubernetes = await start({
      '/kubernetes/proxy/api/v1': [403, status],
    });
    expect(await kubernetes.send('lab', get, signal)).toMatchObject({
      status: 403,
      body: status,
    });
  });

  it.each<[string, number, unknown, string, boolean]>([
    [
      'the permission framework',
      403,
      { error: { name: 'NotAllowedError', message: 'Unauthorized' } },
      'Backstage does not let you use cluster lab (permission kubernetes.proxy)',
      false,
    ],
    [
      'the proxy',
      500,
      { error: { message: 'Cluster lab request error; ECONNREFUSED' } },
      'cluster lab cannot be reached: Cluster lab request error; ECONNREFUSED',
      true,
    ],
    [
      'the API server about the credentials',
      401,
      { kind: 'Status', message: 'Unauthorized' },
      'cluster lab refuses the credentials that Backstage has for it',
      false,
    ],
    [
      'an API server that starts',
      503,
      'starting',
      'cluster lab is busy: it answers 503',
      true,
    ],
  ])(
    'tells apart what %s says',
    async (_, status, body, message, transient) => {
      const kubernetes = await start({
        '/kubernetes/proxy/api/v1': [status, body],
      });
      await expect(kubernetes.send('lab', get, signal)).rejects.toMatchObject({
        name: 'ClusterUnavailableError',
        message,
        transient,
      });
    },
  );

  it('lists the clusters, or says why it cannot', async () => {
    const kubernetes = await start({
      '/kubernetes/clusters': [200, { items: [{ name: 'a' }, { name: 'b' }] }],
    });
    expect(await kubernetes.clusters(signal)).toEqual(['a', 'b']);
  });

  it.each([
    [404, 'this Backstage has no Kubernetes plugin; add @backstage/'],
    [403, 'Backstage does not let you list its clusters (permission kube'],
    [500, 'Backstage’s Kubernetes plugin answers 500: broken'],
  ])('says why it cannot list clusters: %s', async (status, message) => {
    const kubernetes = await start({
      '/kubernetes/clusters': [status, { error: { message: 'broken' } }],
    });
    await expect(kubernetes.clusters(signal)).rejects.toThrow(message);
  });
});

describe('warningsOf', () => {
  it('reads none from none', () => {
    expect(warningsOf(null)).toEqual([]);
  });
});
