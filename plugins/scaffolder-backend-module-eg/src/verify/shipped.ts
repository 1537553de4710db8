import {
  resolvePackagePath,
  resolveSafeChildPath,
} from '@backstage/backend-plugin-api';
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
import { madeByBuilds } from './files';

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
    // Some names of folders come from the plan.
    const folder = resolveSafeChildPath(skeletons, from);
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
  for (const [name, text] of Object.entries(
    renderFiles(plan, scriptOf(tree, plan)),
  )) {
    tree.set(name, Buffer.from(text));
  }
  return tree;
}

/**
 * The Lua script that the policy of a repository carries; '' where the extension is no Lua.
 *
 * @param repository - see {@link repositoryOf}
 * @param plan - what is planned
 */
export function scriptOf(repository: Tree, plan: ExtensionPlan): string {
  const parts = [...repository]
    .filter(([name]) => /^src\/[^/]+\.lua$/.test(name))
    .map(([name, content]) => [name.slice(4), content.toString('utf8')]);
  return plan.lua ? luaScript(plan, Object.fromEntries(parts)) : '';
}

/**
 * The repositories that trusted skeletons give for a plan. Only these may be run: anybody can have written a workspace.
 *
 * @param plan - what is planned; an extension, nothing native
 * @param own - folders of skeletons that are trusted beside the shipped ones
 * @returns for each folder, the shipped one first, the repository or why there is none
 */
export async function* trustedRepositories(
  plan: ExtensionPlan,
  own: readonly string[] = [],
): AsyncGenerator<Tree | Error> {
  for (const skeletons of [await shippedSkeletons(), ...own]) {
    yield await repositoryOf(skeletons, plan).catch((error: Error) => error);
  }
}

/** Files that no build, no test and no workflow runs: for people, for Backstage, for clusters. */
function isInert(path: string, plan: ExtensionPlan): boolean {
  return (
    /^(docs|k8s)\/.*\.(md|png|svg|ya?ml)$/.test(path) ||
    /^(\.github\/)?(CHANGELOG|CODEOWNERS|CODE_OF_CONDUCT|CONTRIBUTING|LICENSE|NOTICE|SECURITY|SUPPORT)(\.(md|txt))?$/.test(
      path,
    ) ||
    /^(README\.md|mkdocs\.yml|catalog-info\.yaml|\.editorconfig|eg-extension\.yaml)$/.test(
      path,
    ) ||
    // The build of a Lua extension writes the script into the policy.
    (!plan.lua && /^policy\/[^/]+\.ya?ml$/.test(path))
  );
}

/** What is in a workspace, by path: whether it is a plain file. */
type Entries = Map<string, boolean>;

/** A folder of tools is named as a whole: it has thousands of files, and none is part of a repository. */
async function entriesIn(
  directory: string,
  wanted: Tree,
  below = '',
): Promise<Entries> {
  const found: Entries = new Map();
  const isWanted = (folder: string) =>
    [...wanted.keys()].some(path => path.startsWith(`${folder}/`));
  for (const entry of await fs.readdir(join(directory, below), {
    withFileTypes: true,
  })) {
    const path = `${below}${entry.name}`;
    const whole =
      below === '' && madeByBuilds.includes(path) && !isWanted(path);
    if (entry.isDirectory() && !whole) {
      for (const [inner, plain] of await entriesIn(
        directory,
        wanted,
        `${path}/`,
      )) {
        found.set(inner, plain);
      }
    } else {
      found.set(path, entry.isFile() || entry.isDirectory());
    }
  }
  return found;
}

/**
 * How a workspace differs from a repository, in files that decide what is built, run and published: changed, missing,
 * added, and those that are no plain files. It looks at every file, also at those that Git or a build would leave out:
 * a makefile that finds a `.venv` uses it.
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
  const entries = await entriesIn(directory, wanted);
  const found: string[] = [];
  for (const path of new Set([...entries.keys(), ...wanted.keys()])) {
    const content = wanted.get(path);
    const isPlain = entries.get(path);
    if (isPlain === false) {
      found.push(`${path} is not a plain file`);
    } else if (isInert(path, plan)) {
      continue;
    } else if (!content) {
      found.push(`${path} is not among the files of the skeleton`);
    } else if (!isPlain) {
      found.push(`${path} is missing`);
    } else if (!content.equals(await fs.readFile(join(directory, path)))) {
      found.push(`${path} is not what the skeleton has`);
    }
  }
  return found.sort();
}
