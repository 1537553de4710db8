import fs from 'fs-extra';
import { Agent, request } from 'https';
import { Cluster, KubernetesObject } from './cluster';

/** Says what the API server has against creating an object; empty when it would be created. */
export type Judge = (object: unknown) => Promise<string>;

/** How many requests are made at once. */
const concurrency = 16;

/**
 * A judge that asks an API server for a dry run, as strict as kubectl is: schema, rules and unknown fields. Nothing is
 * written.
 */
export async function judgeOf(cluster: Cluster): Promise<Judge> {
  const { users } = await fs.readJson(cluster.kubeconfig);
  const agent = new Agent({
    ca: Buffer.from(cluster.caData, 'base64'),
    keepAlive: true,
    maxSockets: concurrency,
  });
  const ask = (
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ code: number; answer: any }> =>
    new Promise((resolve, reject) => {
      const sent = request(
        `${cluster.url}${path}`,
        {
          method,
          agent,
          headers: {
            authorization: `Bearer ${users[0].user.token}`,
            'content-type': 'application/json',
          },
        },
        response => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', part => {
            text += part;
          });
          response.on('end', () => {
            // What is not there is answered with plain text.
            const json = /json/.test(response.headers['content-type'] ?? '');
            resolve({
              code: response.statusCode!,
              answer: json ? JSON.parse(text) : { message: text },
            });
          });
        },
      );
      sent.on('error', (error: NodeJS.ErrnoException) =>
        // The API server closes a connection that was idle, while this process was busy with something else.
        sent.reusedSocket && error.code === 'ECONNRESET'
          ? resolve(ask(method, path, body))
          : reject(error),
      );
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });

  const known = new Map<string, Promise<any[]>>();
  /** The collection in which objects of a kind are created. */
  async function collectionOf(object: KubernetesObject) {
    const { apiVersion, kind, metadata } = object;
    const group = `/${apiVersion.includes('/') ? 'apis' : 'api'}/${apiVersion}`;
    if (!known.has(group)) {
      known.set(
        group,
        ask('GET', group).then(({ answer }) => answer.resources ?? []),
      );
    }
    const resource = (await known.get(group)!).find(
      r => r.kind === kind && !r.name.includes('/'),
    );
    return (
      resource &&
      `${group}${
        resource.namespaced
          ? `/namespaces/${metadata?.namespace ?? 'default'}`
          : ''
      }/${resource.name}`
    );
  }

  return async object => {
    const collection = await collectionOf(object as KubernetesObject);
    if (!collection) {
      return `there is no ${(object as KubernetesObject).kind}`;
    }
    const { code, answer } = await ask(
      'POST',
      `${collection}?dryRun=All&fieldValidation=Strict`,
      object,
    );
    return code === 201 ? '' : answer.message ?? `it answered ${code}`;
  };
}

/** The verdicts on many objects, in their order. */
export async function judgeAll(
  judge: Judge,
  objects: readonly unknown[],
): Promise<string[]> {
  const verdicts: string[] = [];
  for (let i = 0; i < objects.length; i += concurrency) {
    verdicts.push(
      ...(await Promise.all(objects.slice(i, i + concurrency).map(judge))),
    );
  }
  return verdicts;
}
