import execa from 'execa';
import fs from 'fs-extra';
import { join } from 'path';
import { isDeepStrictEqual } from 'util';
import { parseAllDocuments } from 'yaml';
import {
  newestRelease,
  objectKindOf,
  reportsOf,
} from 'backstage-plugin-eg-common';
import { KubernetesObject } from './cluster';
import { buildExtensions } from './extensions';
import { Lab, startLab } from './lab';
import { Inside } from './namespaces';
import { gatewayVersion, Say } from './programs';
import {
  Answer,
  Situation,
  situations,
  Stage,
  usualService,
  usualSettings,
} from './situations';
import { until } from './until';

/** Where the recorded objects are kept: the fixtures of the policy’s health. */
export const fixtureFolder = join(
  __dirname,
  '../../plugins/eg-common/src/health/__fixtures__',
);

/** What was recorded of a situation. */
export interface Recording {
  policies: KubernetesObject[];
  related: KubernetesObject[];
  answer: Answer;
}

/** Makes a certificate that is its own authority, for the servers of the situations. */
async function makeCertificate(folder: string) {
  const [key, certificate] = [join(folder, 'lab.key'), join(folder, 'lab.crt')];
  await execa('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt'],
    ...['ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=lab'],
    ...['-addext', 'subjectAltName=DNS:extproc.lab,DNS:registry.lab'],
    ...['-keyout', key, '-out', certificate],
  ]);
  return { key, certificate };
}

/** Starts a registry without images; one that wants credentials has none that it accepts. */
async function startRegistry(
  { folder, namespaces }: Lab,
  port: number,
  tls: { key: string; certificate: string },
  credentials: boolean,
): Promise<void> {
  const name = `registry-${port}`;
  const file = join(folder, `${name}.yaml`);
  const passwords = join(folder, `${name}.htpasswd`);
  await fs.writeFile(passwords, '');
  await fs.writeFile(
    file,
    JSON.stringify({
      version: '0.1',
      storage: { filesystem: { rootdirectory: join(folder, name) } },
      http: { addr: `10.99.0.4:${port}`, tls },
      ...(credentials
        ? { auth: { htpasswd: { realm: 'lab', path: passwords } } }
        : {}),
    }),
  );
  namespaces.start(name, ['docker-registry', 'serve', file]);
  await until(`the registry listens on ${port}`, 20, () =>
    namespaces.exec(['curl', '-sk', `https://10.99.0.4:${port}/v2/`]),
  );
}

/** Brings what situations take for granted: a processor, a module, registries, certificates. */
export async function prepareSituations(lab: Lab, say: Say): Promise<Stage> {
  const { folder, namespaces } = lab;
  const [extproc, wasm] = ['extproc', 'wasm'].map(name => ({
    name,
    owner: 'group:default/platform',
    purpose: 'header-transform' as const,
    settings: {
      request: [{ action: 'set', name: 'x-processed-by', value: name }],
      response: [{ action: 'set', name: 'x-processed-by', value: name }],
    },
    target: { name: 'my-route' },
  }));
  say('building an external processor and a Wasm module');
  await buildExtensions(
    [
      { ...extproc!, implementation: 'extproc-go' },
      { ...wasm!, implementation: 'wasm-rust' },
    ],
    folder,
  );
  const files = join(folder, 'files');
  await fs.copy(
    join(folder, 'wasm/build/plugin.wasm'),
    join(files, 'plugin.wasm'),
  );
  await fs.writeFile(
    join(files, 'empty.wasm'),
    Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]),
  );
  await fs.writeFile(join(files, 'page.html'), '<!doctype html>\n');

  const tls = await makeCertificate(folder);
  await startRegistry(lab, 5443, tls, false);
  await startRegistry(lab, 5444, tls, true);

  let servers: Inside[] = [];
  const repository = join(folder, 'extproc');
  const serve = (port: number, more: string[] = []) =>
    namespaces.start(`extproc-${port}`, [
      join(repository, 'build/ext-proc-server'),
      ...['-config', join(repository, 'k8s/settings.json')],
      ...['-listen', `10.99.0.3:${port}`, '-metrics-listen=', ...more],
    ]);
  const processor: Stage['processor'] = {
    async start() {
      servers = [
        serve(9002),
        serve(9003, ['-tls-cert', tls.certificate, '-tls-key', tls.key]),
      ];
    },
    async stop() {
      await Promise.all(servers.map(server => server.stop()));
    },
  };
  await processor.start();

  await lab.apply([
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'other' } },
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'lab-ca', namespace: 'default' },
      data: { 'ca.crt': await fs.readFile(tls.certificate, 'utf8') },
    },
    ...usualService,
  ]);
  return { lab, processor };
}

const key = ({ kind, metadata }: KubernetesObject) =>
  `${kind} ${metadata.namespace ?? ''}/${metadata.name}`;

/** `Type=Status Reason` of every condition that somebody reports of an object. */
export const conditionsOf = (object: KubernetesObject): string[] =>
  reportsOf(object, objectKindOf(object.kind)!).flatMap(({ conditions = [] }) =>
    conditions.map(c => `${c.type}=${c.status} ${c.reason}`),
  );

/** The same object whenever and wherever it is recorded. */
export function normalised(object: KubernetesObject): KubernetesObject {
  const { managedFields, resourceVersion, uid, annotations, ...metadata } =
    object.metadata;
  const text = JSON.stringify(
    {
      ...object,
      metadata: { ...metadata, creationTimestamp: '2026-11-25T09:00:00Z' },
    },
    (name, value) =>
      name === 'lastTransitionTime' ? '2026-11-25T09:00:05Z' : value,
  );
  return JSON.parse(text);
}

/** Answers of Envoy itself, such as a 500, pass the header modifiers of a route, too. */
const marked = ({ ok, headers }: Response) =>
  ok && headers.has('x-processed-by');

/** What a request shows; a connection that is closed without an answer is one, too. */
async function answerAt(
  url: string,
  headers: Record<string, string> = {},
  works: (answer: Response) => boolean = marked,
): Promise<Answer> {
  try {
    const response = await fetch(url, {
      headers,
      signal: AbortSignal.timeout(15_000),
    });
    await response.arrayBuffer();
    return { status: response.status, processed: works(response) };
  } catch (error) {
    if ((error as Error).name === 'TimeoutError') {
      throw error;
    }
    return { status: 0, processed: false };
  }
}

function expectEqual(what: string, seen: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(seen, expected)) {
    throw new Error(
      `${what}: ${JSON.stringify(seen)}, expected ${JSON.stringify(expected)}`,
    );
  }
}

/** Brings a situation about, waits until it shows, and leaves the lab as it was. */
export async function recordSituation(
  situation: Situation,
  stage: Stage,
): Promise<Recording> {
  const { lab } = stage;
  const { name, objects, settings, related = [] } = situation;
  const usual = await fs.readFile(join(__dirname, 'gateway.yaml'), 'utf8');
  const usualKeys = parseAllDocuments(usual).map(document =>
    key(document.toJS()),
  );
  const url = situation.address
    ? `http://127.0.0.1:${await lab.namespaces.forward(situation.address)}`
    : lab.gatewayUrl;
  const read = async (wanted: string) => {
    // Only what belongs to the entity is recorded, and what else has the same name is not.
    const { kind } = objects.find(
      ({ kind: its, metadata }) =>
        metadata.name === wanted && metadata.labels && objectKindOf(its),
    )!;
    const { plural, group } = objectKindOf(kind)!;
    const found = await lab.get(`${plural}.${group}`, wanted, 'default');
    if (!found) {
      throw new Error(`${kind} ${wanted} is not there`);
    }
    return found;
  };
  const showing = async () => {
    const policy = await read(name);
    expectEqual('its conditions', conditionsOf(policy), situation.conditions);
  };
  try {
    if (settings) {
      await lab.envoyGateway.start(settings);
    }
    await situation.before?.(stage);
    await lab.apply(objects);
    if (situation.conditions.length === 0) {
      // Nothing shows, so nothing can be waited for; everything else shows sooner.
      await new Promise(done => setTimeout(done, 3000));
    }
    await until(`${name} shows in the status`, 40, showing);
    const answer = await until(`${name} shows in requests`, 40, async () => {
      const seen = await answerAt(
        url + (situation.path ?? '/'),
        situation.headers,
        situation.works,
      );
      expectEqual('the answer', seen, situation.answer);
      return seen;
    });
    await situation.after?.(stage);
    await showing();
    return {
      policies: await Promise.all(
        [name, ...(situation.alsoRecorded ?? [])].map(async policy =>
          normalised(await read(policy)),
        ),
      ),
      related: await Promise.all(
        related.map(async ref =>
          normalised(
            (await lab.get(ref.kind, ref.name, ref.namespace ?? 'default'))!,
          ),
        ),
      ),
      answer,
    };
  } finally {
    await lab.remove(
      objects.filter(object => !usualKeys.includes(key(object))),
    );
    await lab.apply(usual);
    await situation.restore?.(stage);
    if (settings) {
      await lab.envoyGateway.start(usualSettings);
    }
    await until('the lab is as it was', 40, async () => {
      expectEqual('the answer', await answerAt(lab.gatewayUrl), {
        status: 200,
        processed: false,
      });
    });
  }
}

async function writeRecordings(
  recordings: Record<string, Recording>,
  whole: boolean,
): Promise<void> {
  if (whole) {
    await fs.emptyDir(fixtureFolder);
  }
  for (const { policies } of Object.values(recordings)) {
    for (const policy of policies) {
      await fs.writeJson(
        join(fixtureFolder, `${policy.metadata.name}.json`),
        policy,
        { spaces: 2 },
      );
    }
  }
  const update = async <T>(file: string, seen: Record<string, T>) => {
    const path = join(fixtureFolder, '../__observed__', file);
    const before = whole ? {} : await fs.readJson(path);
    await fs.outputJson(path, { ...before, ...seen }, { spaces: 2 });
  };
  const entries = Object.entries(recordings);
  await update(
    'answers.json',
    Object.fromEntries(entries.map(([name, { answer }]) => [name, answer])),
  );
  await update(
    'related.json',
    Object.fromEntries(
      entries
        .filter(([, { related }]) => related.length > 0)
        .map(([name, { related }]) => [name, related]),
    ),
  );
}

/**
 * Provokes every situation and writes what the API server then holds as fixtures.
 *
 * @param only - names of situations; all of them if left out
 * @throws Error that names each situation that a gateway shows otherwise than expected; then nothing is written
 */
export async function record(say: Say, only?: string[]): Promise<void> {
  const chosen = situations.filter(({ name }) => !only || only.includes(name));
  const unknown = only?.find(name => !chosen.some(s => s.name === name));
  if (unknown) {
    throw new Error(
      `--situation: there is no ${unknown}; use one of ${situations
        .map(({ name }) => name)
        .join(', ')}`,
    );
  }
  const lab = await startLab({ ...usualSettings, say });
  try {
    say(`Envoy Gateway ${gatewayVersion(newestRelease.version)} is up`);
    const stage = await prepareSituations(lab, say);
    const recordings: Record<string, Recording> = {};
    const failures: string[] = [];
    for (const situation of chosen) {
      const started = Date.now();
      const { name } = situation;
      try {
        recordings[name] = await recordSituation(situation, stage);
        const { status, processed } = recordings[name]!.answer;
        say(
          `${name}: ${
            situation.conditions.at(-1) ?? 'no condition'
          }, ${status}${processed ? ' processed' : ''}, ${(
            (Date.now() - started) /
            1000
          ).toFixed(1)} s`,
        );
      } catch (error) {
        failures.push(`${name}: ${(error as Error).message}`);
        say(`failed: ${failures.at(-1)}`);
      }
    }
    if (failures.length > 0) {
      throw new Error(`not recorded:\n${failures.join('\n')}`);
    }
    await writeRecordings(recordings, !only);
  } finally {
    await lab.down();
  }
}
