import { z } from 'zod';
import { headerName, headerValue } from '../intake/fields';
import { BehaviourCase, CaseHeader, Purpose } from './types';

const operation = z
  .discriminatedUnion(
    'action',
    [
      z.strictObject({
        action: z.literal('set').meta({ title: 'set' }),
        name: headerName.meta({ title: 'Header' }),
        value: headerValue.meta({ title: 'Value' }),
      }),
      z.strictObject({
        action: z.literal('append').meta({ title: 'append' }),
        name: headerName.meta({ title: 'Header' }),
        value: headerValue.meta({ title: 'Value' }),
      }),
      z.strictObject({
        action: z.literal('remove').meta({ title: 'remove' }),
        name: headerName.meta({ title: 'Header' }),
      }),
      z.strictObject({
        action: z.literal('rename').meta({ title: 'rename' }),
        name: headerName.meta({ title: 'Header' }),
        to: headerName.meta({ title: 'New name' }),
      }),
    ],
    {
      error: 'use one of the actions set, append, remove and rename',
    },
  )
  .meta({ title: 'Operation' });

const operations = (direction: string) =>
  z
    .array(operation, { error: 'give a list of operations' })
    .max(50, 'use at most 50 operations')
    .default([])
    .meta({
      title: `Operations on the ${direction}`,
      description: 'Carried out in order; each sees what the one before left.',
    });

const settings = z.strictObject({
  request: operations('request'),
  response: operations('response'),
});

type Operation = z.infer<typeof operation>;
type HeaderTransformSettings = z.infer<typeof settings>;

/** Headers by name, with all values in order. `undefined`: present or not, the proxy or the transport decides. */
type Headers = Map<string, string[] | undefined>;

/**
 * Headers whose value before the extension runs is not the sender's alone: Envoy, the HTTP client or the upstream
 * sets or changes them. What follows from their old value is not part of the cases.
 */
const managed = new Set([
  'accept',
  'accept-encoding',
  'date',
  'server',
  'user-agent',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-request-id',
]);

/** What the operations make of the headers: the reference for every implementation. */
export function applyHeaderOperations(
  headers: Headers,
  ops: readonly Operation[],
): Headers {
  const result: Headers = new Map(headers);
  const values = (name: string) => (result.has(name) ? result.get(name) : []);
  for (const op of ops) {
    const old = values(op.name);
    switch (op.action) {
      case 'set':
        result.set(op.name, [op.value]);
        break;
      case 'append':
        result.set(op.name, old && [...old, op.value]);
        break;
      case 'remove':
        result.set(op.name, []);
        break;
      case 'rename':
        if (!old) {
          result.set(op.to, undefined);
          result.set(op.name, op.to === op.name ? undefined : []);
        } else if (old.length > 0 && op.to !== op.name) {
          result.set(op.to, old);
          result.set(op.name, []);
        }
        break;
      default:
        throw new Error(`unknown action ${(op as { action: string }).action}`);
    }
  }
  return result;
}

function touched(ops: readonly Operation[]): string[] {
  return [
    ...new Set(
      ops.flatMap(op =>
        op.action === 'rename' ? [op.name, op.to] : [op.name],
      ),
    ),
  ];
}

/** Sample values that a sender gives a header: two lines where a header may repeat, else one. */
function sampleValues(name: string): string[] {
  return name.startsWith('x-') ? ['first-old', 'second-old'] : ['old'];
}

function sample(names: readonly string[]): CaseHeader[] {
  return names
    .filter(name => !managed.has(name))
    .flatMap(name => sampleValues(name).map(value => ({ name, value })));
}

function before(names: readonly string[], sent: boolean): Headers {
  return new Map(
    names.map(name => {
      if (managed.has(name)) {
        return [name, undefined];
      }
      return [name, sent ? sampleValues(name) : []];
    }),
  );
}

function expected(headers: Headers): Record<string, string[]> {
  return Object.fromEntries(
    [...headers].flatMap(([name, values]) => (values ? [[name, values]] : [])),
  );
}

function cases({
  request,
  response,
}: HeaderTransformSettings): BehaviourCase[] {
  const untouched = ['x-untouched-a', 'x-untouched-b'];
  const names = { request: touched(request), response: touched(response) };
  const one = (
    name: string,
    sent: boolean,
    rest: { method: string; body?: string; chunked?: boolean },
  ): BehaviourCase => {
    const headersOf = (direction: 'request' | 'response') => [
      ...(sent ? sample(names[direction]) : []),
      ...sample(untouched),
    ];
    const after = (direction: 'request' | 'response', ops: Operation[]) =>
      expected(
        applyHeaderOperations(
          new Map([
            ...before(names[direction], sent),
            ...before(untouched, true),
          ]),
          ops,
        ),
      );
    const body = rest.body === undefined ? {} : { body: rest.body };
    return {
      name,
      request: { path: '/', headers: headersOf('request'), ...rest },
      response: {
        status: 200,
        headers: headersOf('response'),
        body: 'from the upstream',
      },
      expect: {
        request: { headers: after('request', request), ...body },
        response: {
          status: 200,
          headers: after('response', response),
          body: 'from the upstream',
        },
      },
    };
  };
  return [
    one('headers that are absent', false, { method: 'GET' }),
    one('headers that are present, with repeated lines', true, {
      method: 'GET',
    }),
    one('a body passes unchanged', true, {
      method: 'POST',
      body: '{"not": "touched"}',
    }),
    one('a chunked body passes unchanged', false, {
      method: 'PUT',
      body: 'not touched',
      chunked: true,
    }),
    {
      ...one('an error of the upstream is treated alike', false, {
        method: 'GET',
      }),
      response: {
        status: 503,
        headers: sample(untouched),
        body: 'from the upstream',
      },
      expect: {
        response: {
          ...one('', false, { method: 'GET' }).expect.response,
          status: 503,
        },
      },
    },
  ];
}

/**
 * Sets, appends, removes and renames headers of requests and responses.
 *
 * @public
 */
export const headerTransform: Purpose<HeaderTransformSettings> = {
  id: 'header-transform',
  title: 'Transform headers',
  description:
    'Sets, appends, removes and renames headers of requests and responses.',
  settings,
  defaultPhases: ['requestHeaders', 'responseHeaders'],
  defaults: (phases, name) => {
    const mark: Operation[] = [
      { action: 'set', name: 'x-processed-by', value: name },
    ];
    return {
      request: phases.includes('requestHeaders') ? mark : [],
      response: phases.includes('responseHeaders') ? mark : [],
    };
  },
  phases: ({ request, response }) => [
    ...(request.length ? (['requestHeaders'] as const) : []),
    ...(response.length ? (['responseHeaders'] as const) : []),
  ],
  wholeBody: false,
  changesBody: false,
  openEnded: false,
  cases,
};
