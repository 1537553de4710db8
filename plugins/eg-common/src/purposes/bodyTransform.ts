import { z } from 'zod';
import { bodyTransformCases } from './bodyTransformCases';
import { hides, Operation, operation } from './bodyTransformOperations';
import { Purpose } from './types';

const operations = (direction: string) =>
  z
    .array(operation, { error: 'give a list of operations' })
    .max(50, 'use at most 50 operations')
    .default([])
    .meta({
      title: `Operations on the JSON of the ${direction}`,
      description: 'Carried out in order; each sees what the one before left.',
    });

const given = z.strictObject({
  request: operations('request'),
  response: operations('response'),
  unreadable: z
    .enum(['reject', 'pass'], { error: 'use reject or pass' })
    .optional()
    .meta({
      title: 'Bodies that cannot be read',
      description:
        'Compressed or partial ones, text that is not one JSON document in UTF-8, and JSON under another type, in directions that have operations. “reject”: such a request is answered with 415, such a response with 502. “pass”: it goes on unchanged, with everything that an operation would hide. Unless you choose, “reject” if an operation masks or removes, else “pass”.',
    }),
});

const settings = given.transform(({ unreadable, ...directions }) => ({
  ...directions,
  unreadable:
    unreadable ??
    ([...directions.request, ...directions.response].some(hides)
      ? ('reject' as const)
      : ('pass' as const)),
}));

/** What an extension of this purpose does. */
export type BodyTransformSettings = z.infer<typeof settings>;

/**
 * Sets, removes, renames and masks values in JSON bodies of requests and responses.
 *
 * @public
 */
export const bodyTransform: Purpose<BodyTransformSettings> = {
  id: 'body-transform',
  title: 'Transform JSON bodies',
  description:
    'Sets, removes, renames and masks values in JSON bodies, found by JSON Pointer, in requests and responses.',
  settings,
  defaultPhases: ['requestBody', 'responseBody'],
  example: phases => {
    const maskCards: Operation[] = [
      { action: 'mask', pointer: '/card/number', keep: 4 },
    ];
    return {
      request: phases.includes('requestBody') ? maskCards : [],
      response: phases.includes('responseBody') ? maskCards : [],
      unreadable: 'reject',
    };
  },
  asks: ['request', 'response'],
  phases: ({ request, response }) => [
    ...(request.length ? (['requestBody'] as const) : []),
    ...(response.length ? (['responseBody'] as const) : []),
  ],
  // What the upstream is asked for decides whether its responses can be read.
  impliedPhases: ({ response }) => (response.length ? ['requestHeaders'] : []),
  wholeBody: true,
  changesBody: true,
  openEnded: false,
  warnings: ({ request, response, unreadable }) => {
    const hidden = [...request, ...response].some(hides);
    return [
      ...(hidden && unreadable === 'pass'
        ? [
            {
              severity: 'security' as const,
              text: 'Unreadable bodies pass with everything that your operations would hide: compressed ones, text that is not quite JSON, JSON under another type. Set “unreadable” to “reject”, or watch the counter of what passed.',
              source:
                'RFC 9110, sections 8.3 and 8.4: whoever sends a body chooses its type and its encoding',
            },
          ]
        : []),
      ...(response.length
        ? [
            {
              severity: 'note' as const,
              text: 'Responses of this route are neither compressed nor sent in ranges: the upstream is asked for whole bodies without an encoding, which your operations can read.',
              source:
                'RFC 9110, sections 12.5.3 (accept-encoding) and 14.2 (range)',
            },
          ]
        : []),
      {
        severity: 'correctness' as const,
        text: 'Headers that describe the body (etag, digest, signatures) are not changed with it, and a receiver that checks them refuses it.',
        source: 'RFC 9110, section 8.8.3; RFC 9530: Digest Fields',
      },
    ];
  },
  cases: bodyTransformCases,
};
