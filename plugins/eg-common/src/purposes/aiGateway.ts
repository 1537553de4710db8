import { z } from 'zod';
import {
  headerName,
  claimPath,
  lineOfText,
  wholeNumber,
} from '../intake/fields';
import { cases } from './aiGatewayCases';
import { parsePattern, patternHelp } from './pattern';
import { Purpose } from './types';

const modelHelp =
  'use up to 128 letters, digits and . _ : / @ -, beginning with a letter or digit, for example gpt-4o-mini';

const modelName = z
  .string({ error: modelHelp })
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}$/, modelHelp);

const model = z
  .strictObject({
    name: modelName.meta({ title: 'Name that clients use' }),
    upstream: modelName.or(z.literal('')).default('').meta({
      title: 'Name that the provider uses',
      description: 'Empty: the same.',
    }),
  })
  .meta({ title: 'Model' });

const tenant = z
  .discriminatedUnion(
    'from',
    [
      z.strictObject({
        from: z.literal('all').meta({ title: 'all requests together' }),
      }),
      z.strictObject({
        from: z.literal('header').meta({ title: 'header' }),
        header: headerName
          .refine(
            name =>
              !/^x-forwarded-|^x-request-id$|^content-|^accept/.test(name),
            {
              error:
                'choose another header: it is set by Envoy, or says something else',
            },
          )
          .meta({ title: 'Header' }),
      }),
      z.strictObject({
        from: z.literal('claim').meta({ title: 'verified claim' }),
        provider: lineOfText(253).min(1, 'name the provider').meta({
          title: 'Provider',
          description: 'The name in SecurityPolicy spec.jwt.providers[].',
        }),
        claim: claimPath,
      }),
    ],
    { error: 'use one of all, header and claim as from' },
  )
  .meta({
    title: 'Tenant',
    description:
      'Whose budget a request uses. Requests that say none share one.',
  });

const budget = z
  .strictObject({
    tokens: wholeNumber(0, 1_000_000_000).default(0).meta({
      title: 'Tokens',
      description: 'For each tenant in a window; 0: only counted.',
    }),
    windowSeconds: wholeNumber(1, 31 * 24 * 60 * 60)
      .default(3600)
      .meta({
        title: 'Window in seconds',
        description: 'It begins with the first call of a tenant.',
      }),
    maxTenants: wholeNumber(1, 100_000).default(10_000).meta({
      title: 'Tenants in memory',
      description: 'Beyond it, a tenant is forgotten and begins anew.',
    }),
    reserve: wholeNumber(0, 1_000_000).default(1000).meta({
      title: 'Tokens that a call reserves',
      description:
        'Until it is known what it has used, so that calls at once cannot use the same rest of a budget; 0: nothing.',
    }),
    withoutUsage: wholeNumber(0, 1_000_000).default(500).meta({
      title: 'Least tokens of an answer that does not say them',
      description:
        'Charged where an answer breaks off or has no usage, unless the texts that went by come to more.',
    }),
  })
  .prefault({})
  .meta({ title: 'Budget' });

function patternProblem(text: string): string | undefined {
  try {
    const { min, max } = parsePattern(text);
    return min > 0 && max <= 512
      ? undefined
      : 'a match has to have at least 1 character and at most 512';
  } catch (error) {
    return `${(error as Error).message}; ${patternHelp}`;
  }
}

const guard = z
  .strictObject({
    name: z
      .string({ error: 'give the pattern a name' })
      .regex(
        /^[a-z][a-z0-9-]{0,31}$/,
        'use up to 32 lower-case letters, digits and hyphens, beginning with a letter, for example ignore-instructions',
      )
      .meta({ title: 'Name' }),
    pattern: lineOfText(256)
      .superRefine((text, context) => {
        const problem = patternProblem(text);
        if (problem) {
          context.addIssue({ code: 'custom', message: problem });
        }
      })
      .meta({
        title: 'Pattern',
        description:
          'A regular expression that is looked for in every text of a request; upper and lower case are the same.',
      }),
  })
  .meta({ title: 'Pattern' });

const unique = (list: { name: string }[]) =>
  new Set(list.map(({ name }) => name)).size === list.length;

const settings = z.strictObject({
  basePath: z
    .string({ error: 'give the path of the API, for example /v1' })
    .max(256, 'use at most 256 characters')
    .regex(
      /^(\/[A-Za-z0-9_-][A-Za-z0-9._~-]*)*$/,
      'use segments of letters, digits and . _ ~ -, each after a slash, for example /v1',
    )
    .default('/v1')
    .meta({
      title: 'Path of the API',
      description:
        'What stands before /chat/completions, /completions, /embeddings and /responses.',
    }),
  otherPaths: z
    .enum(['deny', 'pass'], { error: 'use deny or pass' })
    .default('deny')
    .meta({
      title: 'Other requests',
      description:
        'deny: anything but a POST to one of these paths gets 404; pass: it goes on unread.',
    }),
  models: z
    .array(model, { error: 'give a list of models' })
    .max(100, 'use at most 100 models')
    .refine(unique, { error: 'give each model a name of its own' })
    .default([])
    .meta({
      title: 'Allowed models',
      description: 'With none, every model is allowed.',
    }),
  tenant: tenant.default({ from: 'header', header: 'x-tenant' }),
  budget,
  streamUsage: z
    .enum(['ask', 'as-sent'], { error: 'use ask or as-sent' })
    .default('ask')
    .meta({
      title: 'Usage of streams',
      description:
        'ask: streamed completions are asked for their usage (stream_options.include_usage), which clients that did not ask do not see; as-sent: counted only where clients ask.',
    }),
  clientHeaders: z
    .enum(['none', 'usage'], { error: 'use none or usage' })
    .default('none')
    .meta({
      title: 'What clients are told',
      description:
        'usage: x-llm-model, and on answers that do not stream x-llm-prompt-tokens, x-llm-completion-tokens and x-llm-total-tokens; such answers are held until they are complete. ExtProc only.',
    }),
  guard: z
    .array(guard, { error: 'give a list of patterns' })
    .max(20, 'use at most 20 patterns')
    .refine(unique, { error: 'give each pattern a name of its own' })
    .default([])
    .meta({
      title: 'Prompt guard',
      description: 'A request with a match is answered with 400.',
    }),
});

/** What a person sets. */
export type AiGatewaySettings = z.infer<typeof settings>;

/**
 * Memory for one tenant in an external processor, with the longest name. Measured with 100,000: 367;
 * TestAllTenantsFitTheContainer of the skeleton measures it.
 */
const bytesPerTenant = 512;

/**
 * Stands before an OpenAI-compatible API: which models, how many tokens, what not to ask.
 *
 * @public
 */
export const aiGateway: Purpose<AiGatewaySettings> = {
  id: 'ai-gateway',
  title: 'Govern access to language models',
  description:
    'For OpenAI-compatible APIs: allows and renames models, counts tokens, also of streams, holds tenants to a budget and refuses prompts by pattern.',
  settings,
  defaultPhases: ['requestBody', 'responseBody'],
  example: () =>
    settings.parse({
      models: [
        { name: 'gpt-4o-mini' },
        { name: 'small', upstream: 'gpt-4o-mini' },
      ],
      guard: [
        {
          name: 'ignore-instructions',
          pattern: 'ignore (all |the )?(previous|prior) instructions',
        },
      ],
    }),
  // Without any of its settings it counts tokens.
  asks: [],
  phases: () => ['requestBody', 'responseBody'],
  wholeBody: true,
  streams: true,
  changesBody: true,
  openEnded: false,
  requires: ({ tenant: whose, clientHeaders, budget: limit }) => ({
    state: true,
    stateBytes: limit.tokens > 0 ? limit.maxTenants * bytesPerTenant : 0,
    claims: whose.from === 'claim' ? whose.provider : null,
    impossible:
      clientHeaders === 'usage'
        ? {
            'wasm-rust':
              'headers are to tell the tokens of a response, and Envoy has sent its headers by the time a Wasm filter sees the body; set clientHeaders to none',
          }
        : {},
  }),
  warnings: set => [
    ...(set.tenant.from === 'header' && set.budget.tokens > 0
      ? [
          {
            severity: 'security' as const,
            text: 'The header that names the tenant is the client’s to choose: with another value it has another budget. Let something trusted set it, or use a verified claim.',
            source:
              'OWASP API Security Top 10, API4 Unrestricted Resource Consumption',
          },
        ]
      : []),
    ...(set.otherPaths === 'pass'
      ? [
          {
            severity: 'security' as const,
            text: 'Other paths and their WebSockets pass unread: their tokens are neither counted nor limited, no pattern is looked for in them, and a model that is not allowed can be used through them. OpenAI’s Realtime API (a WebSocket at /realtime) is one of them.',
            source: 'OpenAI API reference, Realtime',
          },
        ]
      : []),
    ...(set.guard.length > 0
      ? [
          {
            severity: 'security' as const,
            text: 'A prompt guard of patterns stops what it names, and not the same in other words; it is no replacement for rights that the model does not have.',
            source: 'OWASP Top 10 for LLM Applications, LLM01 Prompt Injection',
          },
        ]
      : []),
    ...(set.budget.tokens > 0
      ? [
          {
            severity: 'correctness' as const,
            text: `Tokens are known after the answer: ${
              set.budget.reserve > 0
                ? 'until then a call holds the tokens that it reserves, and the last one admitted can exceed the budget'
                : 'calls at once can exceed a budget, because none reserves tokens'
            }. An answer that breaks off or does not say its usage is charged by an estimate. Each replica of the processor, or each Envoy with Wasm, counts for itself, and a restart forgets everything.`,
            source: 'OpenAI API reference, usage',
          },
        ]
      : []),
  ],
  cases,
};
