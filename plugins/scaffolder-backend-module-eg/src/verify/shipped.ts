import { resolvePackagePath } from '@backstage/backend-plugin-api';
import fs from 'fs-extra';
import { createTemplateRenderer } from 'nunjitsu';
import { join, relative, sep } from 'path';
import {
  ExtensionPlan,
  luaScript,
  renderFiles,
  schemasFor,
  templateValues,
} from 'backstage-plugin-eg-common';

/**
 * Files by path relative to the repository, with forward slashes.
 *
 * @public
 */
export type Tree = ReadonlyMap<string, Buffer>;

/** Where a package of this module has the skeletons, and where this repository has them. */
const packaged = [
  'skeletons',
  '../../templates/envoy-gateway-extension/skeletons',
];

/**
 * The folder of the skeletons that this module came with.
 *
 * @public
 * @throws Error when there is none
 */
export async function shippedSkeletons(): Promise<string> {
  for (const place of packaged) {
    const folder = resolvePackagePath(
      'backstage-plugin-scaffolder-backend-module-eg',
      place,
    );
    if (await fs.pathExists(join(folder, 'common'))) {
      return folder;
    }
  }
  throw new Error('the package of this module has no skeletons');
}

const extension = '.njk';
const identifiers = /^[A-Za-z0-9._/:@, -]*$/;

/** Values that hold a text as a document's format writes it, see templateValues. */
const serialized = /(Code|Yaml)$/;

/**
 * The values of the templates, for documents and for all other files. Build files are made of the latter, and the plan
 * comes from the workspace: none of them may say anything in the language of a build file.
 */
function values(plan: ExtensionPlan) {
  const documents = templateValues(plan);
  const others = Object.fromEntries(
    Object.entries(documents).filter(([name]) => !serialized.test(name)),
  );
  for (const [name, value] of Object.entries(others)) {
    if (typeof value === 'string' && !identifiers.test(value)) {
      throw new Error(`eg-extension.yaml: ${name} is not an identifier`);
    }
  }
  return { documents, others } as Record<
    'documents' | 'others',
    Record<string, string | boolean>
  >;
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await fs.readdir(folder, { withFileTypes: true });
  const nested = await Promise.all(
    entries.map(async entry => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? filesBelow(path) : [path];
    }),
  );
  return nested.flat();
}

/**
 * The repository that skeletons give for a plan: what the template writes with the same plan, byte for byte.
 *
 * @public
 * @param skeletons - their folder
 * @param plan - what is planned; an extension, nothing native
 */
export async function repositoryOf(
  skeletons: string,
  plan: ExtensionPlan,
): Promise<Tree> {
  const renderer = createTemplateRenderer({
    trimBlocks: true,
    lstripBlocks: true,
  });
  const { documents, others } = values(plan);
  const contexts = {
    documents: renderer.prepareContext({ values: documents }),
    others: renderer.prepareContext({ values: others }),
  };
  const tree = new Map<string, Buffer>();
  const layers = [
    { from: 'common' },
    { from: `${plan.implementation}/base` },
    { from: `${plan.implementation}/purposes/${plan.purpose}` },
    // What checks the policies of Envoy Gateway's own features beside the extension.
    ...(plan.native ? [{ from: 'native/checks' }] : []),
    ...schemasFor(plan).map(({ release, kind }) => ({
      from: `native/schemas/${release}/${kind}`,
      to: 'test/schemas/',
    })),
  ];
  for (const { from, to = '' } of layers as { from: string; to?: string }[]) {
    const folder = join(skeletons, from);
    for (const path of await filesBelow(folder)) {
      const name = `${to}${relative(folder, path).split(sep).join('/')}`;
      const content = await fs.readFile(path);
      if (name.endsWith(extension)) {
        const file = name.slice(0, -extension.length);
        const context = contexts[file.endsWith('.md') ? 'documents' : 'others'];
        tree.set(
          file,
          Buffer.from(renderer.render(content.toString('utf8'), context)),
        );
      } else {
        tree.set(name, content);
      }
    }
  }
  const parts = [...tree]
    .filter(([name]) => /^src\/[^/]+\.lua$/.test(name))
    .map(([name, content]) => [name.slice(4), content.toString('utf8')]);
  const script = plan.lua ? luaScript(plan, Object.fromEntries(parts)) : '';
  for (const [name, text] of Object.entries(renderFiles(plan, script))) {
    tree.set(name, Buffer.from(text));
  }
  return tree;
}

/** Folders that tools make; they are never part of what is built. */
const madeByTools =
  /^(\.git|\.venv|build|target|node_modules)(\/|$)|(^|\/)__pycache__(\/|$)/;

/** Files that a build, a test run and a workflow leave alone: for people, for Backstage, for clusters. */
function isInert(path: string, plan: ExtensionPlan): boolean {
  return (
    /^(docs|k8s)\/.*\.(md|png|svg|ya?ml)$/.test(path) ||
    /^(\.github\/)?(CHANGELOG|CODEOWNERS|CODE_OF_CONDUCT|CONTRIBUTING|LICENSE|NOTICE|SECURITY|SUPPORT)(\.(md|txt))?$/.test(
      path,
    ) ||
    /^(README\.md|mkdocs\.yml|catalog-info\.yaml|\.editorconfig|\.gitignore|eg-extension\.yaml|compose\.yaml)$/.test(
      path,
    ) ||
    // The build of a Lua extension writes the script into the policy.
    (!plan.lua && /^policy\/[^/]+\.ya?ml$/.test(path))
  );
}

async function pathsIn(directory: string, below = ''): Promise<string[]> {
  const entries = await fs.readdir(join(directory, below), {
    withFileTypes: true,
  });
  const nested = await Promise.all(
    entries.map(async entry => {
      const path = below ? `${below}/${entry.name}` : entry.name;
      if (madeByTools.test(path)) {
        return [];
      }
      return entry.isDirectory() ? pathsIn(directory, path) : [path];
    }),
  );
  return nested.flat();
}

/**
 * How a workspace differs from a repository, in files that decide what is built and run: changed, missing, added, and
 * those that are no plain files.
 *
 * @public
 * @param directory - the workspace
 * @param wanted - see {@link repositoryOf}
 * @param plan - what is planned
 * @returns a sentence for each file, sorted
 */
export async function differences(
  directory: string,
  wanted: Tree,
  plan: ExtensionPlan,
): Promise<string[]> {
  const paths = await pathsIn(directory);
  const found: string[] = [];
  for (const path of new Set([...paths, ...wanted.keys()])) {
    if (isInert(path, plan)) {
      continue;
    }
    const content = wanted.get(path);
    const there = await fs.lstat(join(directory, path)).catch(() => undefined);
    if (!content) {
      found.push(`${path} is not among the files of the skeleton`);
    } else if (!there) {
      found.push(`${path} is missing`);
    } else if (!there.isFile()) {
      found.push(`${path} is not a plain file`);
    } else if (
      there.size !== content.length ||
      !content.equals(await fs.readFile(join(directory, path)))
    ) {
      found.push(`${path} is not what the skeleton has`);
    }
  }
  return found.sort();
}
