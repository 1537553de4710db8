import { z } from 'zod';
import {
  headerName,
  claimPath,
  lineOfText,
  wholeNumber,
} from '../intake/fields';
import { cases } from './rateLimitCases';
import { Purpose } from './types';

const name = (example: string) =>
  z
    .string({ error: `give it a name, for example ${example}` })
    .regex(
      /^[a-z][a-z0-9-]{0,31}$/,
      `use up to 32 lower-case letters, digits and hyphens, beginning with a letter, for example ${example}`,
    );

/** A header that says the same to the extension as to its sender. */
const sentHeader = headerName
  .refine(header => !/^x-forwarded-|^x-request-id$/.test(header), {
    error:
      'choose another header: Envoy sets it itself; addresses are the parts client-address and forwarded-for',
  })
  .meta({ title: 'Header' });

const costHeader = headerName
  .refine(header => !/^x-forwarded-|^x-request-id$|^ratelimit/.test(header), {
    error:
      'choose another header: it is set by Envoy or by this extension itself',
  })
  .meta({ title: 'Header' });

const part = z
  .discriminatedUnion(
    'from',
    [
      z.strictObject({
        from: z.literal('client-address').meta({ title: 'client address' }),
      }),
      z.strictObject({
        from: z.literal('forwarded-for').meta({ title: 'x-forwarded-for' }),
        trustedHops: wholeNumber(1, 10).default(1).meta({
          title: 'Trusted proxies before the gateway',
          description:
            'The address that the first of them saw is taken; what stands before it could be forged.',
        }),
      }),
      z.strictObject({
        from: z.literal('header').meta({ title: 'header' }),
        header: sentHeader,
      }),
      z.strictObject({
        from: z.literal('claim').meta({ title: 'verified claim' }),
        claim: claimPath,
      }),
      z.strictObject({
        from: z.literal('path').meta({ title: 'path' }),
        segments: wholeNumber(1, 10).default(1).meta({
          title: 'Segments',
          description:
            'How much of the path counts: with 2, /api/orders/7 is /api/orders.',
        }),
      }),
    ],
    {
      error:
        'use one of client-address, forwarded-for, header, claim and path as from',
    },
  )
  .meta({ title: 'Part of the key' });

const cost = z
  .discriminatedUnion(
    'from',
    [
      z.strictObject({
        from: z.literal('one').meta({ title: 'one for each request' }),
      }),
      z.strictObject({
        from: z
          .literal('request-header')
          .meta({ title: 'a header of the request' }),
        header: costHeader,
      }),
      z.strictObject({
        from: z
          .literal('response-header')
          .meta({ title: 'a header of the response' }),
        header: costHeader,
      }),
    ],
    { error: 'use one of one, request-header and response-header as from' },
  )
  .default({ from: 'one' })
  .meta({
    title: 'Cost',
    description:
      'A request costs one, unless a header says so; what the response says is charged afterwards.',
  });

const limit = z
  .strictObject({
    name: name('per-client').meta({
      title: 'Name',
      description: 'Clients see it in RateLimit-Policy.',
    }),
    quota: wholeNumber(1, 1_000_000).meta({
      title: 'Quota',
      description: 'Units that a full bucket holds: so many at once.',
    }),
    windowSeconds: wholeNumber(1, 31 * 24 * 60 * 60).meta({
      title: 'Window in seconds',
      description: 'The time in which an empty bucket fills, steadily.',
    }),
    key: z
      .array(part, { error: 'give a list of parts' })
      .max(4, 'use at most 4 parts')
      .default([{ from: 'client-address' }])
      .meta({
        title: 'A bucket for each',
        description: 'All parts together; with none, everybody shares one.',
      }),
    whenAbsent: z
      .enum(['share', 'skip'], { error: 'use share or skip' })
      .default('share')
      .meta({
        title: 'Requests that lack a part',
        description:
          'share: they share buckets among themselves; skip: the limit is not theirs.',
      }),
    cost,
  })
  .meta({ title: 'Limit' });

/**
 * Memory for one bucket in an external processor, with the longest key and the garbage of it. Measured with 500,000: 361;
 * TestAllBucketsFitTheContainer of the skeleton measures it.
 */
const bytesPerKey = 512;

const maxKeys = wholeNumber(1, 500_000)
  .default(100_000)
  .meta({
    title: 'Buckets in memory',
    description: `Beyond it, the bucket that says least is forgotten and full again; ${bytesPerKey} bytes each in ExtProc, 40 in Wasm.`,
  });

const store = z
  .discriminatedUnion(
    'kind',
    [
      z.strictObject({
        kind: z.literal('memory').meta({
          title: 'memory',
          description: 'Each processor or proxy counts for itself.',
        }),
        maxKeys,
      }),
      z.strictObject({
        kind: z.literal('redis').meta({
          title: 'Redis',
          description: 'All processors count together; ExtProc only.',
        }),
        prefix: name('shop-limits').default('rate-limit').meta({
          title: 'Prefix of the keys',
          description: 'Tells extensions apart that use the same Redis.',
        }),
        timeoutMilliseconds: wholeNumber(1, 1000).default(50).meta({
          title: 'Time limit in milliseconds',
          description:
            'For one answer of Redis; stay well below the policy’s messageTimeout.',
        }),
        whenAway: z
          .enum(['deny', 'allow', 'local'], {
            error: 'use deny, allow or local',
          })
          .default('local')
          .meta({
            title: 'When Redis is away',
            description:
              'deny: 503; allow: everything passes; local: each processor counts for itself.',
          }),
        maxKeys,
        password: z
          .enum(['none', 'secret'], { error: 'use none or secret' })
          .default('secret')
          .meta({
            title: 'Password of Redis',
            description: 'secret: the key redis-password of the Secret.',
          }),
      }),
    ],
    { error: 'use memory or redis as kind' },
  )
  .default({ kind: 'memory', maxKeys: 100_000 })
  .meta({ title: 'Where is counted' });

const settings = z
  .strictObject({
    limits: z
      .array(limit, { error: 'give a list of limits' })
      .max(8, 'use at most 8 limits')
      .default([])
      .meta({
        title: 'Limits',
        description:
          'A request passes if all of them grant it; if not, none is charged.',
      }),
    provider: lineOfText(253).default('').meta({
      title: 'Provider of the claims',
      description:
        'The name in SecurityPolicy spec.jwt.providers[], if keys have claims.',
    }),
    store,
    clientHeaders: z
      .enum(['ratelimit', 'none'], { error: 'use ratelimit or none' })
      .default('ratelimit')
      .meta({
        title: 'What clients are told',
        description:
          'ratelimit: RateLimit-Policy and RateLimit on every answer. Retry-After is sent in any case.',
      }),
  })
  .superRefine(({ limits, provider }, context) => {
    const wrong = (path: (string | number)[], message: string) =>
      context.addIssue({ code: 'custom', path, message });
    const keyHeaders = limits.flatMap(({ key }) =>
      key.flatMap(p => (p.from === 'header' ? [p.header] : [])),
    );
    const claims = limits.some(({ key }) => key.some(p => p.from === 'claim'));
    if (claims && !provider) {
      wrong(
        ['provider'],
        'give the name of the JWT provider in the SecurityPolicy, since keys have claims',
      );
    }
    limits.forEach((one, i) => {
      if (limits.findIndex(other => other.name === one.name) !== i) {
        wrong(['limits', i, 'name'], 'give every limit a name of its own');
      }
      if (
        one.cost.from === 'request-header' &&
        keyHeaders.includes(one.cost.header)
      ) {
        wrong(
          ['limits', i, 'cost', 'header'],
          'choose another header: this one is part of a key',
        );
      }
      one.key.forEach((p, j) => {
        if (claims && p.from === 'header' && p.header === 'authorization') {
          wrong(
            ['limits', i, 'key', j, 'header'],
            'use a claim instead: the header has the same token that claims are read from',
          );
        }
      });
    });
  });

/** What a person sets. */
export type RateLimitSettings = z.infer<typeof settings>;

/** Whether any limit has such a part in its key. */
const keyed = (
  { limits }: RateLimitSettings,
  from: z.infer<typeof part>['from'],
) => limits.some(({ key }) => key.some(p => p.from === from));

const costFrom = (
  { limits }: RateLimitSettings,
  from: z.infer<typeof cost>['from'],
) => limits.some(one => one.cost.from === from);

/**
 * Limits how much each client may ask for, with token buckets.
 *
 * @public
 */
export const rateLimit: Purpose<RateLimitSettings> = {
  id: 'rate-limit',
  title: 'Limit rates',
  description:
    'Limits how much each client may ask for, by address, header, verified claim or path, and tells clients what is left.',
  settings,
  defaultPhases: ['requestHeaders', 'responseHeaders'],
  example: () =>
    settings.parse({
      limits: [{ name: 'per-client', quota: 100, windowSeconds: 3600 }],
    }),
  asks: ['limits'],
  phases: set =>
    set.clientHeaders === 'ratelimit' || costFrom(set, 'response-header')
      ? ['requestHeaders', 'responseHeaders']
      : ['requestHeaders'],
  wholeBody: false,
  changesBody: false,
  openEnded: false,
  requires: set => {
    const redis = set.store.kind === 'redis';
    const secret =
      set.store.kind === 'redis' && set.store.password === 'secret';
    return {
      impossible: redis
        ? {
            'wasm-rust':
              'a Wasm module opens no connections of its own, and Envoy’s call-outs speak HTTP and gRPC, not the protocol of Redis',
          }
        : {},
      calls: redis,
      state: true,
      claims: keyed(set, 'claim') ? set.provider : null,
      attributes: keyed(set, 'client-address') ? ['source.address'] : [],
      services: redis
        ? [
            {
              id: 'redis',
              title: 'Redis',
              variable: 'REDIS_URL',
              placeholder: 'redis://{host}:6379/0',
              container: {
                image: 'redis:7-alpine',
                port: 6379,
                address: 'redis://127.0.0.1:6379/0',
                // As any user, who can write no file and needs none.
                command: [
                  'exec redis-server --save "" --protected-mode no',
                  ...(secret ? ['--requirepass "$REDIS_PASSWORD"'] : []),
                ].join(' '),
                ...(secret ? { secret: 'redis-password' } : {}),
              },
            },
          ]
        : [],
      secrets: secret
        ? [{ name: 'redis-password', description: 'the password of Redis' }]
        : [],
      stateBytes: set.store.maxKeys * bytesPerKey,
    };
  },
  warnings: set => [
    ...(keyed(set, 'header') || costFrom(set, 'request-header')
      ? [
          {
            severity: 'security' as const,
            text: 'A header is the client’s to choose: with another value it has another bucket, and a cost that it states itself can be too low. Let something trusted set the header, or add a limit by address or claim.',
            source:
              'OWASP API Security Top 10, API4 Unrestricted Resource Consumption',
          },
        ]
      : []),
    ...(set.limits.some(
      ({ whenAbsent, key }) =>
        whenAbsent === 'skip' && key.some(p => p.from === 'header'),
    )
      ? [
          {
            severity: 'security' as const,
            text: 'A limit is skipped where its header is absent: whoever leaves the header out is not limited by it.',
            source: 'the settings',
          },
        ]
      : []),
    ...(set.store.kind === 'redis' && set.store.whenAway === 'allow'
      ? [
          {
            severity: 'security' as const,
            text: 'While Redis is away, nothing is limited.',
            source: 'the settings',
          },
        ]
      : []),
    ...(set.store.kind === 'redis' && set.store.whenAway === 'deny'
      ? [
          {
            severity: 'outage' as const,
            text: 'While Redis is away, every request that a limit applies to is answered with 503.',
            source: 'the settings',
          },
        ]
      : []),
    ...(set.store.kind === 'redis' && set.store.timeoutMilliseconds > 150
      ? [
          {
            severity: 'outage' as const,
            text: `Redis may take ${set.store.timeoutMilliseconds} ms to answer: if the policy’s messageTimeout is not well above that (200 ms where latency has to be minimal, 500 ms by default), Envoy gives up first, and requests fail whatever is set for a Redis that is away.`,
            source: 'EnvoyExtensionPolicy API, extProc[].messageTimeout',
          },
        ]
      : []),
    ...(set.store.kind === 'memory'
      ? [
          {
            severity: 'correctness' as const,
            text: 'Each replica of the processor, or each Envoy with Wasm, counts for itself: together they grant the quota as many times as there are of them, and a restart forgets everything. Redis, or a global rate limit of Envoy Gateway, counts once.',
            source: 'Proxy-Wasm and ExtProc: state of one process',
          },
        ]
      : []),
    ...(keyed(set, 'client-address')
      ? [
          {
            severity: 'correctness' as const,
            text: 'Behind another proxy the client address is that proxy’s, and all clients share one bucket, unless ClientTrafficPolicy spec.clientIPDetection says how many hops to trust.',
            source: 'Envoy Gateway API, ClientIPDetectionSettings',
          },
        ]
      : []),
  ],
  cases,
};
