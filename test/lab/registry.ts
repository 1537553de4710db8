import fs from 'fs-extra';
import { join } from 'path';
import { Lab } from './lab';
import { until } from './until';

/** Starts an image registry without TLS at 10.99.0.4; it ends with the lab. */
export async function startRegistry(
  { folder, namespaces }: Lab,
  port: number,
): Promise<void> {
  const name = `registry-${port}`;
  const file = join(folder, `${name}.yaml`);
  const addr = `10.99.0.4:${port}`;
  await fs.writeJson(file, {
    version: '0.1',
    storage: { filesystem: { rootdirectory: join(folder, name) } },
    http: { addr },
  });
  namespaces.start(name, ['docker-registry', 'serve', file]);
  await until(`the registry listens on ${port}`, 20, () =>
    namespaces.exec(['curl', '-s', `http://${addr}/v2/`]),
  );
}
