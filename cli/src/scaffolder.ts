import { createBackend } from '@backstage/backend-defaults';
import { mockServices } from '@backstage/backend-test-utils';
import { catalogServiceMock } from '@backstage/plugin-catalog-node/testUtils';
import scaffolderPlugin from '@backstage/plugin-scaffolder-backend';
import githubModule from '@backstage/plugin-scaffolder-backend-module-github';
import { createEgModule } from 'backstage-plugin-scaffolder-backend-module-eg';
import fs from 'fs-extra';
import { AddressInfo, createServer } from 'net';
import { join, relative } from 'path';
import { parse } from 'yaml';

/** Folder of the template that is generated from. */
export const templateFolder = join(
  __dirname,
  '../../templates/envoy-gateway-extension',
);

/** A generated file. */
export interface GeneratedFile {
  path: string;
  content: Buffer;
  executable: boolean;
}

/** What a run of the template gave. */
export interface Generated {
  files: GeneratedFile[];
  /** The template's output: `text` and `links`. */
  output: Record<string, any>;
  log: string[];
}

/** A template step or the template itself failed. */
export class GenerationError extends Error {
  constructor(message: string, readonly log: string[]) {
    super(message);
  }
}

interface TemplateFile {
  path: string;
  base64Content: string;
}

async function readFolder(
  folder: string,
  top = folder,
): Promise<TemplateFile[]> {
  const entries = await fs.readdir(folder, { withFileTypes: true });
  const nested = await Promise.all(
    entries.map(async (entry): Promise<TemplateFile[]> => {
      const path = join(folder, entry.name);
      return entry.isDirectory()
        ? readFolder(path, top)
        : [
            {
              path: relative(top, path),
              base64Content: (await fs.readFile(path)).toString('base64'),
            },
          ];
    }),
  );
  return nested.flat();
}

/** The form's last page asks where to publish, which a dry run does not. */
function withoutPublishing(template: any): any {
  return {
    ...template,
    spec: {
      ...template.spec,
      parameters: template.spec.parameters.map(
        ({ required, ...page }: { required?: string[] }) => ({
          ...page,
          required: required?.filter(name => name !== 'repoUrl'),
        }),
      ),
    },
  };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise(done => probe.once('listening', done));
  const { port } = probe.address() as AddressInfo;
  await new Promise(done => probe.close(done));
  return port;
}

/** A scaffolder back end in this process. */
export interface Scaffolder {
  /** Runs the template without its steps that publish. */
  generate(answers: object): Promise<Generated>;
  stop(): Promise<void>;
}

/**
 * Starts the real scaffolder back end with the actions of this project, on a free port of the loopback interface.
 *
 * @param folder - the template's folder
 * @param file - the template's file in it
 */
export async function startScaffolder(
  folder: string = templateFolder,
  file: string = 'template.yaml',
): Promise<Scaffolder> {
  const template = withoutPublishing(
    parse(await fs.readFile(join(folder, file), 'utf8')),
  );
  const directoryContents = await readFolder(folder);
  const port = await freePort();
  const backend = createBackend();
  backend.add(scaffolderPlugin);
  // For publish:github, which a dry run only checks for.
  backend.add(githubModule);
  backend.add(createEgModule('generate'));
  backend.add(catalogServiceMock.factory());
  backend.add(mockServices.rootLogger.factory({ level: 'none' }));
  backend.add(
    mockServices.rootConfig.factory({
      data: {
        backend: {
          baseUrl: `http://127.0.0.1:${port}`,
          listen: { host: '127.0.0.1', port },
          database: { client: 'better-sqlite3', connection: ':memory:' },
          auth: { dangerouslyDisableDefaultAuthPolicy: true },
        },
      },
    }),
  );
  await backend.start();
  return {
    async generate(answers) {
      const response = await fetch(
        `http://127.0.0.1:${port}/api/scaffolder/v2/dry-run`,
        {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({
            template,
            values: answers,
            directoryContents,
          }),
        },
      );
      const body: any = await response.json();
      const log = (body.log ?? []).map((entry: any) => entry.body.message);
      if (!response.ok) {
        const errors = body.errors ?? [body.error];
        throw new GenerationError(
          errors
            .map((e: any) => e.stack?.replace(/^instance\.?/, '') ?? e.message)
            .join('\n'),
          log,
        );
      }
      return {
        log,
        output: body.output,
        files: body.directoryContents.map((generated: any) => ({
          path: generated.path,
          content: Buffer.from(generated.base64Content, 'base64'),
          executable: Boolean(generated.executable),
        })),
      };
    },
    stop: () => backend.stop(),
  };
}
