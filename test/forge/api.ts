import express, { ErrorRequestHandler, RequestHandler, Router } from 'express';
import { handle } from './handle';
import {
  AlreadyExists,
  isName,
  isOwner,
  NotFound,
  Repositories,
  Repository,
} from './repositories';

/** GitHub's error body. */
class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly errors?: object[],
  ) {
    super(message);
  }
}

/** Lets in who sends the token, in one of the two forms that GitHub knows. */
function authenticate(token: string): RequestHandler {
  return (req, _res, next) => {
    const [, given] =
      req.headers.authorization?.match(/^(?:token|bearer) (.+)$/i) ?? [];
    if (given === token) {
      next();
    } else {
      next(
        new ApiError(
          401,
          given ? 'Bad credentials' : 'Requires authentication',
        ),
      );
    }
  };
}

/** What GitHub answers to an error: of a repository, of this API, of express (a malformed request), or a defect. */
function answerTo(error: Error): Partial<ApiError> & { status: number } {
  if (error instanceof NotFound) {
    return new ApiError(404, 'Not Found');
  }
  if (error instanceof AlreadyExists) {
    return new ApiError(422, 'Repository creation failed.', [
      {
        resource: 'Repository',
        code: 'custom',
        field: 'name',
        message: 'name already exists on this account',
      },
    ]);
  }
  return { status: 500, ...error, message: error.message };
}

const onError: ErrorRequestHandler = (error, _req, res, _next) => {
  const { status, message, errors } = answerTo(error);
  res.status(status).json({
    message,
    ...(errors ? { errors } : {}),
    documentation_url: 'https://docs.github.com/rest',
    status: String(status),
  });
};

/**
 * The part of GitHub's REST API that publish:github and the catalog's URL reader use. The rest answers 404.
 *
 * @param url - the forge's own address, for links
 * @param token - who sends it may do everything; nobody else may do anything
 */
export function apiRouter(
  repositories: Repositories,
  url: string,
  token: string,
): Router {
  const account = (login: string, type: string) => ({
    login,
    type,
    html_url: `${url}/${login}`,
  });

  const view = async (repository: Repository) => {
    const { owner, name, fullName } = repository;
    const api = `${url}/api/v3/repos/${fullName}`;
    return {
      name,
      full_name: fullName,
      owner: account(owner, 'Organization'),
      private: true,
      description: await repository.description(),
      html_url: `${url}/${fullName}`,
      clone_url: `${url}/${fullName}.git`,
      url: api,
      archive_url: `${api}/{archive_format}{/ref}`,
      trees_url: `${api}/git/trees{/sha}`,
      default_branch: await repository.defaultBranch(),
    };
  };

  const of = (req: { params: Record<string, string> }) =>
    repositories.find(req.params.owner!, req.params.repo!);

  const create = (ownerOf: (params: Record<string, string>) => string) =>
    handle(async (req, res) => {
      const { name, description } = req.body;
      if (typeof name !== 'string' || !isName(name)) {
        throw new ApiError(422, 'Repository creation failed.', [
          {
            resource: 'Repository',
            code: 'custom',
            field: 'name',
            message: 'name is not one that a repository can have',
          },
        ]);
      }
      const repository = await repositories.create(
        ownerOf(req.params),
        name,
        description ? String(description) : '',
      );
      res.status(201).json(await view(repository));
    });

  const router = Router();
  router.use(authenticate(token), express.json({ limit: '1mb' }));

  router.get('/user', (_req, res) => {
    res.json(account('developer', 'User'));
  });
  // Everybody is an organization, since a user could only create repositories under the name of the token's owner.
  router.get(
    '/users/:owner',
    handle(async (req, res) => {
      if (!isOwner(req.params.owner!)) {
        throw new NotFound();
      }
      res.json(account(req.params.owner!, 'Organization'));
    }),
  );
  router.post(
    '/user/repos',
    create(() => 'developer'),
  );
  router.post(
    '/orgs/:owner/repos',
    create(({ owner }) => owner!),
  );

  router.get(
    '/repos/:owner/:repo',
    handle(async (req, res) => {
      res.json(await view(await of(req)));
    }),
  );
  // The forge protects nothing, and says so in words of GitHub that publish:github turns into a warning.
  router.put(
    '/repos/:owner/:repo/branches/:branch/protection',
    handle(async req => {
      await (await of(req)).commit(req.params.branch!);
      throw new ApiError(
        403,
        'Upgrade to GitHub Pro or make this repository public to enable this feature.',
      );
    }),
  );
  router.get(
    '/repos/:owner/:repo/commits/:ref/status',
    handle(async (req, res) => {
      const repository = await of(req);
      res.json({
        sha: await repository.commit(req.params.ref!),
        state: 'pending',
        statuses: [],
        repository: await view(repository),
      });
    }),
  );
  router.get(
    '/repos/:owner/:repo/contents/*',
    handle(async (req, res) => {
      const repository = await of(req);
      const path = req.params[0]!;
      const content = await repository.read(
        await repository.commit(
          String(req.query.ref ?? (await repository.defaultBranch())),
        ),
        path,
      );
      if (/\braw\b/.test(req.headers.accept ?? '')) {
        res.type('application/vnd.github.raw').send(content);
      } else {
        res.json({
          type: 'file',
          path,
          encoding: 'base64',
          content: content.toString('base64'),
        });
      }
    }),
  );
  router.get(
    '/repos/:owner/:repo/git/trees/:ref',
    handle(async (req, res) => {
      const repository = await of(req);
      const sha = await repository.commit(req.params.ref!);
      const entries = await repository.list(
        sha,
        '',
        req.query.recursive !== undefined,
      );
      res.json({
        sha,
        truncated: false,
        tree: entries.map(entry => ({
          ...entry,
          url: `${url}/api/v3/repos/${repository.fullName}/git/${entry.type}s/${entry.sha}`,
        })),
      });
    }),
  );
  router.get(
    '/repos/:owner/:repo/git/blobs/:sha',
    handle(async (req, res) => {
      const content = await (await of(req)).blob(req.params.sha!);
      res.json({
        sha: req.params.sha,
        size: content.length,
        encoding: 'base64',
        content: content.toString('base64'),
      });
    }),
  );
  router.get(
    '/repos/:owner/:repo/tarball/:ref',
    handle(async (req, res) => {
      const repository = await of(req);
      res
        .type('application/x-gzip')
        .send(
          await repository.archive(await repository.commit(req.params.ref!)),
        );
    }),
  );

  router.use((_req, _res, next) => next(new NotFound()));
  router.use(onError);
  return router;
}
