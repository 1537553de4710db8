import execa from 'execa';
import fs from 'fs-extra';
import { join } from 'path';

/** A file, folder or submodule of a commit. */
export interface TreeEntry {
  path: string;
  mode: string;
  type: 'blob' | 'tree' | 'commit';
  sha: string;
  /** In bytes; of files only. */
  size?: number;
}

/** There is no such repository, branch or file. */
export class NotFound extends Error {}

/** The repository is there already. */
export class AlreadyExists extends Error {}

const ownerPattern = /^[A-Za-z0-9][A-Za-z0-9-]{0,38}$/;
const namePattern = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/;
const refPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;

/**
 * Whether somebody can own repositories under this name. Only names that pass become part of a path, which is what
 * keeps every request inside the folder.
 */
export const isOwner = (owner: string) =>
  ownerPattern.test(owner) && owner.toLowerCase() !== 'api';

/** Whether a repository can have this name. */
export const isName = (name: string) =>
  namePattern.test(name) && !name.endsWith('.git');

/** Git that does the same on every machine: no settings, templates or hooks of the user. */
export const gitEnv = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  LC_ALL: 'C',
};

/** A bare repository; its content is read with Git only, never through the file system. */
export class Repository {
  constructor(
    readonly owner: string,
    readonly name: string,
    readonly folder: string,
  ) {}

  get fullName() {
    return `${this.owner}/${this.name}`;
  }

  /** @throws NotFound where Git fails, which it does for what is not in the repository. */
  private async git(...args: string[]): Promise<Buffer> {
    try {
      const { stdout } = await execa('git', args, {
        cwd: this.folder,
        env: gitEnv,
        encoding: null,
        stripFinalNewline: false,
        maxBuffer: 256 * 1024 * 1024,
      });
      return stdout as unknown as Buffer;
    } catch (error: any) {
      if (error.code === 'ENOENT') {
        throw new Error(`cannot run git: ${error.message}`);
      }
      throw new NotFound(`${this.fullName}: git ${args[0]} failed`);
    }
  }

  private async text(...args: string[]) {
    return (await this.git(...args)).toString().trim();
  }

  async branches(): Promise<string[]> {
    const list = await this.text(
      'for-each-ref',
      '--format=%(refname:lstrip=2)',
      'refs/heads',
    );
    return list.split('\n').filter(Boolean);
  }

  /** As on GitHub, the branch that was pushed first where it is not the one that new repositories start with. */
  async defaultBranch(): Promise<string> {
    const head = await this.text('symbolic-ref', '--short', 'HEAD');
    const branches = await this.branches();
    return branches.includes(head) ? head : branches[0] ?? head;
  }

  /** The hash of the commit that a branch, a tag or a hash names. */
  async commit(ref: string): Promise<string> {
    if (!refPattern.test(ref)) {
      throw new NotFound(`${this.fullName} has no ${ref}`);
    }
    return this.text('rev-parse', '--verify', '--quiet', `${ref}^{commit}`);
  }

  /** What a folder holds: folders first, or every file below it. */
  async list(
    commit: string,
    path = '',
    recursive = false,
  ): Promise<TreeEntry[]> {
    const output = await this.text(
      'ls-tree',
      '-z',
      '--long',
      '--full-tree',
      ...(recursive ? ['-r', '-t'] : []),
      `${commit}:${path}`,
    );
    const entries = output
      .split('\0')
      .filter(Boolean)
      .map((line): TreeEntry => {
        const [, mode, type, sha, size, name] = line.match(
          /^(\d+) (\w+) ([0-9a-f]+) +(\S+)\t(.*)$/s,
        )!;
        return {
          path: name!,
          mode: mode!,
          type: type as TreeEntry['type'],
          sha: sha!,
          ...(type === 'blob' ? { size: Number(size) } : {}),
        };
      });
    return entries.sort(
      (a, b) => Number(b.type === 'tree') - Number(a.type === 'tree'),
    );
  }

  /** Whether the path is a file or a folder of the commit. */
  async type(commit: string, path: string): Promise<TreeEntry['type']> {
    const type = await this.text('cat-file', '-t', `${commit}:${path}`);
    return type as TreeEntry['type'];
  }

  async read(commit: string, path: string): Promise<Buffer> {
    return this.git('cat-file', 'blob', `${commit}:${path}`);
  }

  async blob(sha: string): Promise<Buffer> {
    if (!/^[0-9a-f]{40}$/.test(sha)) {
      throw new NotFound(`${this.fullName} has no ${sha}`);
    }
    return this.git('cat-file', 'blob', sha);
  }

  /** A tar.gz of a commit, in one folder, as GitHub packs it. */
  async archive(commit: string): Promise<Buffer> {
    return this.git(
      'archive',
      '--format=tar.gz',
      `--prefix=${this.owner}-${this.name}-${commit.slice(0, 7)}/`,
      commit,
    );
  }

  async description(): Promise<string> {
    return fs.readFile(join(this.folder, 'description'), 'utf8');
  }
}

/** The repositories in a folder: `OWNER/NAME.git`. */
export class Repositories {
  constructor(readonly folder: string) {}

  private path(owner: string, name: string) {
    if (!isOwner(owner) || !isName(name)) {
      throw new NotFound(`no repository can be called ${owner}/${name}`);
    }
    return join(this.folder, owner, `${name}.git`);
  }

  async find(owner: string, name: string): Promise<Repository> {
    const folder = this.path(owner, name);
    if (!(await fs.pathExists(folder))) {
      throw new NotFound(`there is no repository ${owner}/${name}`);
    }
    return new Repository(owner, name, folder);
  }

  /** All repositories, or those of one owner. */
  async all(owner?: string): Promise<Repository[]> {
    const folders = async (path: string) =>
      (await fs.readdir(path, { withFileTypes: true }).catch(() => []))
        .filter(entry => entry.isDirectory())
        .map(entry => entry.name)
        .sort();
    const owners = (await folders(this.folder)).filter(
      name => isOwner(name) && (!owner || name === owner),
    );
    const found = await Promise.all(
      owners.map(async name =>
        (
          await folders(join(this.folder, name))
        ).map(folder => this.find(name, folder.replace(/\.git$/, ''))),
      ),
    );
    return Promise.all(found.flat());
  }

  /** Creates an empty repository, whole or not at all. */
  async create(
    owner: string,
    name: string,
    description = '',
  ): Promise<Repository> {
    const folder = this.path(owner, name);
    if (await fs.pathExists(folder)) {
      throw new AlreadyExists(`${owner}/${name} exists`);
    }
    await fs.ensureDir(join(this.folder, owner));
    const draft = await fs.mkdtemp(join(this.folder, '.new-'));
    try {
      await execa(
        'git',
        ['init', '--bare', '--initial-branch=main', '--template=', draft],
        { env: gitEnv },
      );
      await fs.writeFile(join(draft, 'description'), description);
      // Of two that create it at once, one finds the other's folder here, which is not empty.
      await fs.rename(draft, folder).catch(error => {
        throw ['ENOTEMPTY', 'EEXIST'].includes(error.code)
          ? new AlreadyExists(`${owner}/${name} exists`)
          : error;
      });
    } finally {
      await fs.remove(draft);
    }
    return new Repository(owner, name, folder);
  }
}
