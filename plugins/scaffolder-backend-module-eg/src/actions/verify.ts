import {
  LifecycleService,
  resolveSafeChildPath,
} from '@backstage/backend-plugin-api';
import { InputError } from '@backstage/errors';
import { createTemplateAction } from '@backstage/plugin-scaffolder-node';
import {
  chooseCluster,
  clusterOf,
  kubernetesOfBackstage,
  KubernetesServices,
  sharedDiscovery,
} from '../kubernetes';
import {
  checks,
  Report,
  reportMarkdown,
  reportSummary,
  skippedRemedies,
  verify,
  verifyDeployed,
  VerifyOptions,
  WaitingRoom,
  waitingRoom,
} from '../verify';
import { policyName } from './policyName';
import { examples } from './verify.examples';

/** Milliseconds that the API server of a cluster may take for one answer, and for all of a verification. */
const clusterTimeouts = { request: 10_000, total: 60_000 };

/** Seconds that a deployed policy may take, where the template does not say. */
const defaultWait = 120;

function failures({ checks: all }: Report): string {
  return all
    .filter(({ status }) => status === 'failed')
    .map(
      ({ title, details }) =>
        `failed: ${title}:\n${details.map(d => `  - ${d}`).join('\n')}`,
    )
    .join('\n');
}

/**
 * `eg:verify`: checks the workspace and stops the task when a check fails, so that nothing wrong is published; or waits
 * until a deployed policy is accepted.
 *
 * @public
 * @param options - see {@link readVerifyOptions}
 * @param services - how Backstage’s Kubernetes plugin is asked; left out, no cluster is
 * @param room - where tasks wait for policies
 * @param lifecycle - tells when the back end ends, so that what verification has started ends before
 */
export function createVerifyAction(
  options: VerifyOptions,
  services?: KubernetesServices,
  room: WaitingRoom = waitingRoom(),
  lifecycle?: Pick<LifecycleService, 'addShutdownHook'>,
) {
  const discovery = sharedDiscovery();
  const shutdown = new AbortController();
  const running = new Set<Promise<unknown>>();
  lifecycle?.addShutdownHook(async () => {
    shutdown.abort(new Error('the back end is shutting down'));
    await Promise.allSettled(running);
  });
  return createTemplateAction({
    id: 'eg:verify',
    description:
      'Verifies a generated extension: complete, rendered, the policy valid, and, where there is a cluster or an Envoy, what they say to it. With policy, waits until a deployed object (EnvoyExtensionPolicy, SecurityPolicy, HTTPRoute, …) is accepted. Fails the task when a check fails. Writes nothing to a cluster.',
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
              `Checks that may not be skipped: ${checks
                .map(c => c.id)
                .join(', ')}.`,
            ),
        skip: z =>
          z
            .array(z.string())
            .optional()
            .describe(
              'Checks to leave out, for example cluster where what the extension is for does not exist yet.',
            ),
        cluster: z =>
          z
            .string()
            .optional()
            .describe(
              'Name of the cluster to ask, as Backstage’s Kubernetes plugin knows it; may be left out where there is only one.',
            ),
        policy: z =>
          z
            .object({
              kind: z.string().optional(),
              namespace: z.string().optional(),
              name: z.string(),
            })
            .optional()
            .describe(
              'A deployed policy, route or other object that has a status, which is checked instead of the workspace. Its kind is EnvoyExtensionPolicy and its namespace default unless given.',
            ),
        waitSeconds: z =>
          z
            .number()
            .min(0)
            .max(3600)
            .optional()
            .describe(
              `How long the deployed policy may take until it is accepted; ${defaultWait} by default, 0 looks once. The configuration sets the most (egExtensions.verify.waiting).`,
            ),
      },
      output: {
        report: z =>
          z.record(z.any()).describe('Every check: passed, failed or skipped.'),
        summary: z =>
          z
            .string()
            .describe(
              'How many checks passed, failed and were skipped, in one line.',
            ),
        markdown: z => z.string().describe('The report as Markdown.'),
      },
    },
    async handler(ctx) {
      const { targetPath, require, skip, policy, waitSeconds } = ctx.input;
      // Of the task and of the back end. What has been aborted before stays so.
      const signal = AbortSignal.any(
        [ctx.signal, shutdown.signal].filter(s => s !== undefined),
      );
      let chosen: string | undefined;
      const connect =
        services &&
        (async (end: number = Infinity) => {
          const { request, total } = clusterTimeouts;
          const kubernetes = kubernetesOfBackstage(
            services,
            await ctx.getInitiatorCredentials(),
          );
          const limits = {
            request,
            // Who looks only once has to get an answer, too.
            deadline: Math.min(
              Date.now() + total,
              Math.max(end, Date.now() + request),
            ),
            signal,
          };
          // Which clusters there are is asked once in a task.
          const cluster =
            chosen === undefined
              ? await chooseCluster(
                  kubernetes,
                  // Forms give an empty text for what was left out.
                  ctx.input.cluster || undefined,
                  limits,
                  discovery,
                )
              : clusterOf(kubernetes, chosen, limits, discovery);
          chosen = cluster.name;
          return cluster;
        });
      const log = (line: string) => ctx.logger.info(line);
      const toItsEnd = async <T>(work: Promise<T>): Promise<T> => {
        running.add(work);
        try {
          return await work;
        } finally {
          running.delete(work);
        }
      };
      const finish = (report: Report, consequence: string) => {
        const summary = reportSummary(report);
        ctx.output('summary', summary);
        ctx.output('report', { ...report });
        ctx.output('markdown', reportMarkdown(report));
        if (!report.passed) {
          throw new Error(`${consequence} ${summary}.\n${failures(report)}`);
        }
      };

      if (policy) {
        if (!connect) {
          throw new InputError(
            'policy: no cluster can be asked from here; leave it out to verify the workspace',
          );
        }
        if (require || skip || targetPath) {
          throw new InputError(
            'policy: a deployed policy is checked, not the workspace; leave out targetPath, require and skip, or policy',
          );
        }
        const report = await toItsEnd(
          verifyDeployed(
            connect,
            {
              ...policyName(policy),
              timeout: ctx.isDryRun ? 0 : (waitSeconds ?? defaultWait) * 1000,
            },
            { log, signal },
            room,
          ),
        );
        finish(report, 'The policy is not accepted.');
        return;
      }

      // All checks ask the same cluster, and see the same of it.
      let cluster: ReturnType<typeof chooseCluster> | undefined;
      const report = await toItsEnd(
        verify(
          resolveSafeChildPath(ctx.workspacePath, targetPath ?? '.'),
          {
            ...options,
            place: options.place ?? (ctx.isDryRun ? 'dry-run' : 'task'),
          },
          {
            require,
            skip,
            signal,
            log,
            ...(connect ? { cluster: () => (cluster ??= connect()) } : {}),
          },
        ),
      );
      log(reportSummary(report));
      for (const { title, status, details } of report.checks) {
        log(`${status}: ${title}: ${details.join('; ')}`);
      }
      const remedies = skippedRemedies(report);
      if (remedies.length > 0) {
        log(`what would make the skipped checks run: ${remedies.join(' ')}`);
      }
      finish(report, 'Verification failed, nothing was published.');
    },
  });
}
