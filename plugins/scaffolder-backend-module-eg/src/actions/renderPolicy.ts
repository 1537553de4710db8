import { resolveSafeChildPath } from '@backstage/backend-plugin-api';
import { InputError } from '@backstage/errors';
import { createTemplateAction } from '@backstage/plugin-scaffolder-node';
import fs from 'fs-extra';
import { dirname } from 'path';
import {
  ExtensionPlan,
  luaScript,
  parsePlan,
  renderFiles,
} from 'backstage-plugin-eg-common';
import { examples } from './renderPolicy.examples';

/** The script of a Lua extension, from the parts that the skeleton brought. */
async function readLuaScript(
  plan: ExtensionPlan,
  directory: string,
): Promise<string> {
  const src = resolveSafeChildPath(directory, 'src');
  const names = (await fs.pathExists(src)) ? await fs.readdir(src) : [];
  const parts: Record<string, string> = {};
  for (const name of names.filter(n => n.endsWith('.lua'))) {
    parts[name] = await fs.readFile(resolveSafeChildPath(src, name), 'utf8');
  }
  if (!parts['filter.lua']) {
    throw new InputError(
      'src/filter.lua is missing in the workspace: fetch the skeleton of the implementation before eg:render-policy',
    );
  }
  return luaScript(plan, parts);
}

/**
 * `eg:render-policy`: writes what follows from the plan into the workspace: policy/, k8s/, local/envoy.yaml,
 * test/cases.yaml, catalog-info.yaml, docs/decision.md and the plan itself.
 *
 * @public
 */
export function createRenderPolicyAction() {
  return createTemplateAction({
    id: 'eg:render-policy',
    description:
      'Writes the EnvoyExtensionPolicy, Kubernetes manifests, local Envoy configuration and behaviour cases of a planned extension.',
    examples,
    supportsDryRun: true,
    schema: {
      input: {
        plan: z =>
          z.record(z.unknown()).describe('The plan, from eg:recommend.'),
        targetPath: z =>
          z
            .string()
            .optional()
            .describe('Folder in the workspace; the workspace by default.'),
      },
      output: {
        files: z =>
          z
            .array(z.string())
            .describe('The files that were written, relative to targetPath.'),
      },
    },
    async handler(ctx) {
      const plan = parsePlan(JSON.parse(JSON.stringify(ctx.input.plan)));
      const directory = resolveSafeChildPath(
        ctx.workspacePath,
        ctx.input.targetPath ?? '.',
      );
      const files = renderFiles(
        plan,
        plan.lua ? await readLuaScript(plan, directory) : '',
      );
      for (const [file, text] of Object.entries(files)) {
        const path = resolveSafeChildPath(directory, file);
        await fs.ensureDir(dirname(path));
        await fs.writeFile(path, text);
      }
      ctx.logger.info(`wrote ${Object.keys(files).join(', ')}`);
      ctx.output('files', Object.keys(files));
    },
  });
}
