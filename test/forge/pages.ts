import { ErrorRequestHandler, Response, Router } from 'express';
import { handle } from './handle';
import { Html, html } from './html';
import { NotFound, Repositories, Repository } from './repositories';

const style = html`body { font: 15px/1.5 system-ui, sans-serif; max-width:
72rem; margin: 2rem auto; padding: 0 1rem } pre { overflow: auto; border: 1px
solid #ccc; padding: 1rem; font-size: 13px } li { list-style: none } ul {
padding: 0 }`;

function send(res: Response, status: number, title: string, body: Html) {
  res
    .status(status)
    // What people push is shown, never run.
    .set(
      'Content-Security-Policy',
      "default-src 'none'; style-src 'unsafe-inline'",
    )
    .type('html')
    .send(
      html`<!DOCTYPE html>
        <html lang="en">
          <meta charset="utf-8" />
          <title>${title}</title>
          <style>
            ${style}
          </style>
          ${body}
        </html> `.text,
    );
}

const encode = (path: string) =>
  path.split('/').map(encodeURIComponent).join('/');

/** Links to a repository and to each folder on the way to a path. */
function trail({ fullName }: Repository, ref: string, path: string) {
  const names = path.split('/').filter(Boolean);
  return html`<h1>
    <a href="/">Repositories</a> /
    <a href="/${fullName}">${fullName}</a>${names.map(
      (name, i) =>
        html` /
          <a
            href="/${fullName}/tree/${ref}/${encode(
              names.slice(0, i + 1).join('/'),
            )}"
            >${name}</a
          >`,
    )}
  </h1>`;
}

function list(repositories: Repository[]) {
  return html`<h1>Repositories</h1>
    <p>On this machine only. They stand in for GitHub, without a token.</p>
    <ul>
      ${repositories.map(
        ({ fullName }) => html`<li><a href="/${fullName}">${fullName}</a></li>`,
      )}
    </ul>
    ${repositories.length ? '' : html`<p>There are none yet.</p>`}`;
}

const binary = (content: Buffer) => content.includes(0);

const pre = (content: Buffer) =>
  binary(content)
    ? html`<p>Not text.</p>`
    : // A line feed after the tag is not part of the text.
      html`<pre>${content.toString()}</pre>`;

/** Pages that show the repositories, at the addresses that GitHub has them at. */
export function pagesRouter(repositories: Repositories, url: string): Router {
  const router = Router();
  const of = (params: Record<string, string>) =>
    repositories.find(params.owner!, params.repo!);

  async function folder(repository: Repository, ref: string, path: string) {
    const commit = await repository.commit(ref);
    const entries = await repository.list(commit, path);
    const { fullName } = repository;
    const top = path ? `${path}/` : '';
    return html`${trail(repository, ref, path)}
      <p>${await repository.description()}</p>
      <p>
        ${ref} at ${commit.slice(0, 7)} ·
        <code>git clone ${url}/${fullName}.git</code>
      </p>
      <ul>
        ${entries.map(
          entry => html`<li>
            <a
              href="/${fullName}/${entry.type}/${ref}/${encode(
                top + entry.path,
              )}"
              >${entry.path}${entry.type === 'tree' ? '/' : ''}</a
            >
          </li>`,
        )}
      </ul>
      ${entries.some(entry => entry.path === 'README.md')
        ? pre(await repository.read(commit, `${top}README.md`))
        : ''}`;
  }

  async function file(repository: Repository, ref: string, path: string) {
    const content = await repository.read(await repository.commit(ref), path);
    return html`${trail(repository, ref, path)}
      <p>
        <a href="/${repository.fullName}/raw/${ref}/${encode(path)}">Raw</a>,
        ${content.length} bytes
      </p>
      ${pre(content)}`;
  }

  router.get(
    '/',
    handle(async (_req, res) => {
      send(res, 200, 'Repositories', list(await repositories.all()));
    }),
  );
  router.get(
    '/:owner',
    handle(async (req, res) => {
      const { owner } = req.params as Record<string, string>;
      const found = await repositories.all(owner);
      if (!found.length) {
        throw new NotFound(`${owner} has no repositories`);
      }
      send(res, 200, owner!, list(found));
    }),
  );
  // The address that one clones leads to the page, as on GitHub.
  router.get('/:owner/:repo.git', (req, res) => {
    const { owner, repo } = req.params as Record<string, string>;
    res.redirect(`/${encodeURIComponent(owner!)}/${encodeURIComponent(repo!)}`);
  });
  router.get(
    '/:owner/:repo',
    handle(async (req, res) => {
      const repository = await of(req.params);
      const pushed = (await repository.branches()).length > 0;
      send(
        res,
        200,
        repository.fullName,
        pushed
          ? await folder(repository, await repository.defaultBranch(), '')
          : html`<h1>${repository.fullName}</h1>
              <p>Nothing has been pushed yet.</p>`,
      );
    }),
  );
  // As on GitHub, whether it is a file or a folder does not depend on the address. The catalog's link for editing leads
  // to the file: changes come by pushing.
  router.get(
    '/:owner/:repo/(tree|blob|edit)/:ref/:path(*)?',
    handle(async (req, res) => {
      const { ref, path: given = '' } = req.params as Record<string, string>;
      const path = given.replace(/^\/+|\/+$/g, '');
      const repository = await of(req.params);
      const type = await repository.type(await repository.commit(ref!), path);
      const page = type === 'tree' ? folder : file;
      send(
        res,
        200,
        `${repository.fullName}/${path}`,
        await page(repository, ref!, path),
      );
    }),
  );
  router.get(
    '/:owner/:repo/raw/:ref/:path(*)',
    handle(async (req, res) => {
      const { ref, path } = req.params as Record<string, string>;
      const repository = await of(req.params);
      const content = await repository.read(
        await repository.commit(ref!),
        path!,
      );
      res
        .set('X-Content-Type-Options', 'nosniff')
        .type(binary(content) ? 'application/octet-stream' : 'text/plain')
        .send(content);
    }),
  );

  router.use((_req, _res, next) => next(new NotFound('there is no such page')));
  return router;
}

/** Shows what went wrong as a page. */
export const errorPage: ErrorRequestHandler = (error, _req, res, next) => {
  if (res.headersSent) {
    next(error);
    return;
  }
  const status = error instanceof NotFound ? 404 : error.status ?? 500;
  send(
    res,
    status,
    String(status),
    html`<h1>${status}</h1>
      <p>${error.message}</p>`,
  );
};
