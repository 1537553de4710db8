import { createTemplateAction } from '@backstage/plugin-scaffolder-node';
import {
  adviceMarkdown,
  parseAnswers,
  plan,
  schemasFor,
  templateValues,
} from 'backstage-plugin-eg-common';
import { examples } from './recommend.examples';

/**
 * `eg:recommend`: answers of the interview become advice and a plan. Pure: reads and writes nothing.
 *
 * @public
 */
export function createRecommendAction() {
  return createTemplateAction({
    id: 'eg:recommend',
    description:
      'Recommends how to build an Envoy Gateway extension, and plans it in every detail.',
    examples,
    supportsDryRun: true,
    schema: {
      input: {
        answers: z =>
          z
            .record(z.unknown())
            .describe(
              'Answers of the interview: name, owner, purpose or need and, where the defaults do not fit, furtherNeeds, needSettings (by need: what the policies of Envoy Gateway say), settings, processing, bodySize, language, latency, externalCalls, stateAcrossRequests, environment, gatewayVersion, target, namespace, registry, repoUrl, implementation.',
            ),
      },
      output: {
        implementation: z =>
          z
            .string()
            .describe(
              'What is built, for example extproc-go; native where Envoy Gateway does it itself.',
            ),
        mechanism: z => z.string().describe('extproc, wasm, lua or native.'),
        language: z => z.string().describe('The language of the source.'),
        purpose: z => z.string().describe('What the extension is for.'),
        advice: z => z.string().describe('The advice as Markdown.'),
        recommendation: z =>
          z
            .record(z.any())
            .describe(
              'The advice as data: decision, ranking, rejected, warnings, native, left, hybrid, confidence, questions, contradictions.',
            ),
        plan: z =>
          z.record(z.any()).describe('The plan, for eg:render-policy.'),
        schemas: z =>
          z
            .array(z.object({ release: z.string(), kind: z.string() }))
            .describe(
              'Schemas that the checks of what Envoy Gateway does itself need: release and kind, in lower case. Empty where it does nothing.',
            ),
        values: z =>
          z.record(z.any()).describe('Values for the skeletons’ templates.'),
      },
    },
    async handler(ctx) {
      // Inputs arrive frozen and without prototypes; the domain is given plain data.
      const answers = parseAnswers(
        JSON.parse(JSON.stringify(ctx.input.answers)),
      );
      const planned = plan(answers);
      const { recommendation } = planned;
      const advice = adviceMarkdown(recommendation);
      ctx.logger.info(
        `${planned.implementation} for ${
          planned.mechanism === 'native'
            ? planned.native!.needs.map(({ need }) => need).join(', ')
            : planned.purpose
        }; ${recommendation.confidence.level} confidence; warnings: ${
          recommendation.warnings.map(w => w.id).join(', ') || 'none'
        }`,
      );
      ctx.output('implementation', planned.implementation);
      ctx.output('mechanism', planned.mechanism);
      ctx.output('language', planned.language);
      ctx.output('purpose', planned.purpose);
      ctx.output('advice', advice);
      ctx.output('recommendation', { ...recommendation });
      ctx.output('plan', { ...planned });
      ctx.output('schemas', schemasFor(planned));
      ctx.output('values', templateValues(planned));
    },
  });
}
