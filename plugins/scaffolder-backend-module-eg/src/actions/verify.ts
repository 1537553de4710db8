import { resolveSafeChildPath } from '@backstage/backend-plugin-api';
import { createTemplateAction } from '@backstage/plugin-scaffolder-node';
import { reportMarkdown, verify, VerifyOptions } from '../verify';
import { examples } from './verify.examples';

/**
 * `eg:verify`: checks the workspace and stops the task when a check fails, so that nothing wrong is published.
 *
 * @public
 * @param options - see {@link readVerifyOptions}
 */
export function createVerifyAction(options: VerifyOptions) {
  return createTemplateAction({
    id: 'eg:verify',
    description:
      'Verifies a generated extension: complete, rendered, the policy valid, and, where an Envoy is configured, its behaviour. Fails the task when a check fails.',
    examples,
    supportsDryRun: true,
    schema: {
      input: {
        targetPath: z =>
          z
            .string()
            .optional()
            .describe('Folder in the workspace; the workspace by default.'),
        require: z =>
          z
            .array(z.string())
            .optional()
            .describe(
              'Checks that may not be skipped: tree, markers, policy, lua, behaviour.',
            ),
      },
      output: {
        report: z =>
          z.record(z.any()).describe('Every check: passed, failed or skipped.'),
        markdown: z => z.string().describe('The report as Markdown.'),
      },
    },
    async handler(ctx) {
      const report = await verify(
        resolveSafeChildPath(ctx.workspacePath, ctx.input.targetPath ?? '.'),
        options,
        {
          require: ctx.input.require,
          signal: ctx.signal,
          log: line => ctx.logger.info(line),
          ...(ctx.isDryRun
            ? { noPrograms: 'a dry run starts no programs' }
            : {}),
        },
      );
      for (const { title, status, details } of report.checks) {
        ctx.logger.info(`${status}: ${title}: ${details.join('; ')}`);
      }
      ctx.output('report', { ...report });
      ctx.output('markdown', reportMarkdown(report));
      const failed = report.checks.filter(c => c.status === 'failed');
      if (failed.length > 0) {
        throw new Error(
          `Verification failed, nothing was published.\n${failed
            .map(
              c => `${c.title}:\n${c.details.map(d => `  - ${d}`).join('\n')}`,
            )
            .join('\n')}`,
        );
      }
    },
  });
}
