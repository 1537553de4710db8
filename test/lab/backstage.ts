import execa from 'execa';
import { randomBytes } from 'crypto';
import { AddressInfo, createServer } from 'net';
import { join } from 'path';
import { until } from './until';

/** What a step gave: its output, or why it failed, and what it logged. */
export interface StepResult {
  output?: any;
  error?: string;
  log: string;
}

/** The scaffolder of a Backstage that knows clusters. */
export interface Backstage {
  /**
   * Runs one action in a dry run of the scaffolder.
   *
   * @param action - its id
   * @param input - its input
   * @param files - what is in the workspace, by path
   */
  dryRun(
    action: string,
    input: object,
    files?: Record<string, string>,
  ): Promise<StepResult>;
  /** Runs the template "Check a gateway extension" as a task, to its end. */
  check(values: object): Promise<StepResult>;
  stop(): Promise<void>;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise(done => probe.once('listening', done));
  const { port } = probe.address() as AddressInfo;
  await new Promise(done => probe.close(done));
  return port;
}

const base64 = (text: string) => Buffer.from(text).toString('base64');

/**
 * Starts a back end with the scaffolder and the Kubernetes plugin, in a process of its own.
 *
 * @param clusters - as in `kubernetes.clusterLocatorMethods[].clusters`
 */
export async function startBackstage(
  clusters: readonly object[],
): Promise<Backstage> {
  const port = await freePort();
  const token = randomBytes(16).toString('hex');
  const child = execa(
    process.execPath,
    [
      ...['scripts/run.mjs', 'test/lab/backend.ts'],
      ...[String(port), token, JSON.stringify(clusters)],
    ],
    {
      cwd: join(__dirname, '../..'),
      stdin: 'ignore',
      all: true,
      reject: false,
      // Jest’s own would make it another Backstage.
      env: { NODE_ENV: 'production' },
    },
  );
  let said = '';
  await new Promise<void>((resolve, reject) => {
    child.all!.on('data', chunk => {
      said += chunk;
      if (/^ready$/m.test(said)) {
        resolve();
      }
    });
    child.then(() => reject(new Error(`the back end ended: ${said}`)));
  });

  async function ask(path: string, body?: object): Promise<any> {
    const response = await fetch(
      `http://127.0.0.1:${port}/api/scaffolder/v2/${path}`,
      {
        method: body ? 'POST' : 'GET',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
      },
    );
    return response.json();
  }

  const logOf = (events: any[]) =>
    (events ?? []).map(({ body }) => body.message).join('\n');

  return {
    async dryRun(action, input, files = {}) {
      const answer = await ask('dry-run', {
        template: {
          apiVersion: 'scaffolder.backstage.io/v1beta3',
          kind: 'Template',
          metadata: { name: 'one-step' },
          spec: {
            type: 'test',
            steps: [
              {
                id: 'files',
                action: 'fetch:plain',
                input: { url: './files' },
              },
              { id: 'step', action, input },
            ],
            output: { step: '${{ steps.step.output }}' },
          },
        },
        values: {},
        directoryContents: Object.entries({ '.keep': '', ...files }).map(
          ([path, text]) => ({
            path: `files/${path}`,
            base64Content: base64(text),
          }),
        ),
      });
      return {
        output: answer.output?.step,
        error: (answer.errors?.[0] ?? answer.error)?.message,
        log: logOf(answer.log),
      };
    },

    async check(values) {
      const { id, ...refusal } = await ask('tasks', {
        templateRef: 'template:default/check-gateway-extension',
        values,
      });
      if (!id) {
        throw new Error(`no task: ${JSON.stringify(refusal)}`);
      }
      await until('the task has ended', 60, async () => {
        const { status } = await ask(`tasks/${id}`);
        if (!['completed', 'failed', 'cancelled'].includes(status)) {
          throw new Error(`it is ${status}`);
        }
      });
      const events: any[] = await ask(`tasks/${id}/events`);
      const end = events.find(({ type }) => type === 'completion')?.body;
      return {
        output: end?.output,
        error: end?.error?.message,
        log: logOf(events),
      };
    },

    async stop() {
      child.kill();
      await child;
    },
  };
}
