import { spawn } from 'child_process';
import { Router } from 'express';
import { pipeline } from 'stream';
import { handle } from './handle';
import { gitEnv, Repositories } from './repositories';

/** What a CGI program has answered: status, headers and the beginning of the body; nothing while the head is incomplete. */
export function parseCgi(
  output: Buffer,
): { status: number; headers: [string, string][]; body: Buffer } | undefined {
  const end = output.indexOf('\r\n\r\n');
  if (end < 0) {
    return undefined;
  }
  const lines = output.subarray(0, end).toString().split('\r\n');
  const all = lines
    .map(line => line.match(/^([^:\s]+):\s*(.*)$/))
    .flatMap((match): [string, string][] =>
      match ? [[match[1]!, match[2]!]] : [],
    );
  const status = all.find(([name]) => name.toLowerCase() === 'status');
  return {
    status: status ? Number.parseInt(status[1], 10) : 200,
    headers: all.filter(header => header !== status),
    body: output.subarray(end + 4),
  };
}

/** Whether this is HTTP basic authentication with the token as the password, as Git sends it to GitHub. */
function hasPassword(authorization: string | undefined, token: string) {
  const [, encoded] = authorization?.match(/^basic (.+)$/i) ?? [];
  const [, password] =
    Buffer.from(encoded ?? '', 'base64')
      .toString()
      .match(/^[^:]*:(.*)$/s) ?? [];
  return password === token;
}

/**
 * Clone, fetch and push over HTTP, by Git's own server program. Everybody may read; who has the token may push.
 */
export function smartHttpRouter(
  repositories: Repositories,
  token: string,
): Router {
  const router = Router();
  router.all(
    '/:owner/:repo.git/:service(info/refs|git-upload-pack|git-receive-pack)',
    handle(async (req, res) => {
      const { owner, repo, service } = req.params as Record<string, string>;
      const pushes =
        service === 'git-receive-pack' ||
        req.query.service === 'git-receive-pack';
      if (pushes && !hasPassword(req.headers.authorization, token)) {
        res
          .status(401)
          .set('WWW-Authenticate', 'Basic realm="GitHub"')
          .type('text/plain')
          .send('Invalid username or token.\n');
        return;
      }
      const { folder } = await repositories.find(owner!, repo!);
      // Without the housekeeping after a push, which would outlive the request.
      const git = spawn('git', ['-c', 'receive.autogc=false', 'http-backend'], {
        stdio: ['pipe', 'pipe', 'inherit'],
        env: {
          ...process.env,
          ...gitEnv,
          GIT_HTTP_EXPORT_ALL: '1',
          GIT_PROJECT_ROOT: folder,
          PATH_INFO: `/${service}`,
          QUERY_STRING: req.originalUrl.split('?')[1] ?? '',
          REQUEST_METHOD: req.method,
          CONTENT_TYPE: req.headers['content-type'] ?? '',
          HTTP_CONTENT_ENCODING: req.headers['content-encoding'] ?? '',
          GIT_PROTOCOL: String(req.headers['git-protocol'] ?? ''),
          REMOTE_ADDR: req.socket.remoteAddress ?? '',
          // Pushing is allowed to whoever has a name.
          ...(pushes ? { REMOTE_USER: 'developer' } : {}),
        },
      });
      const stop = () => git.kill();
      res.once('close', stop);
      git.once('exit', () => res.off('close', stop));
      git.once('error', error => res.destroy(error));

      pipeline(req, git.stdin, () => {
        // Git may close its input early, for example after an error that it reports in its answer.
      });
      let output = Buffer.alloc(0);
      const readHead = (chunk: Buffer) => {
        output = Buffer.concat([output, chunk]);
        const answer = parseCgi(output);
        if (answer) {
          git.stdout.off('data', readHead);
          res.status(answer.status);
          answer.headers.forEach(([name, value]) => res.setHeader(name, value));
          res.write(answer.body);
          pipeline(git.stdout, res, () => {
            // Whoever asked has gone, and Git is stopped above.
          });
        }
      };
      git.stdout.on('data', readHead);
      git.stdout.once('end', () => {
        if (!res.headersSent) {
          res.status(500).end();
        }
      });
    }),
  );
  return router;
}
