import { z } from 'zod';
import { headerName, headerValue } from '../intake/fields';
import { BehaviourCase, CaseContext, Processing, Purpose } from './types';

/** A text that is empty, or as a schema has it. */
const optional = (schema: z.ZodType<string>) =>
  z
    .string({ error: 'give a text, or leave it empty' })
    .superRefine((text, context) => {
      const issues = text === '' ? [] : schema.safeParse(text).error?.issues;
      issues?.forEach(({ message }) =>
        context.addIssue({ code: 'custom', message }),
      );
    })
    .default('');

const settings = z.strictObject({
  header: z
    .strictObject({
      name: optional(headerName)
        .overwrite(name => name.toLowerCase())
        .meta({ title: 'Header', description: 'Empty: there is no marker.' }),
      value: optional(headerValue).meta({ title: 'Value' }),
    })
    .superRefine(({ name, value }, context) => {
      if ((name === '') !== (value === '')) {
        context.addIssue({
          code: 'custom',
          path: [name === '' ? 'name' : 'value'],
          message: 'give the marker a name and a value, or leave both empty',
        });
      }
    })
    .prefault({})
    .meta({
      title: 'Marker header',
      description:
        'If there is one, it is set in every direction that is processed, and shows that the extension runs.',
    }),
});

type OtherSettings = z.infer<typeof settings>;

function cases(
  { header }: OtherSettings,
  { processing }: CaseContext,
): BehaviourCase[] {
  const marks = header.name !== '';
  // Envoy and the transport set headers, too. Where this extension sets none, only a header that nobody else sets can be
  // compared.
  const name = marks ? header.name : 'x-untouched';
  const after = (direction: Processing['request'], old: string[]) => {
    const marked = marks && direction;
    return marked || !marks || name.startsWith('x-processed-')
      ? { [name]: marked ? [header.value] : old }
      : {};
  };
  const one = (
    title: string,
    request: Partial<BehaviourCase['request']>,
    old: string[],
  ): BehaviourCase => {
    const headers = old.map(value => ({ name, value }));
    return {
      name: title,
      request: { method: 'POST', path: '/', headers, ...request },
      response: { status: 200, headers, body: '{"from": "upstream"}' },
      expect: {
        request: {
          headers: after(processing.request, old),
          body: request.body ?? '',
        },
        response: {
          status: 200,
          headers: after(processing.response, old),
          body: '{"from": "upstream"}',
        },
      },
    };
  };
  const buffered = [processing.request, processing.response].some(
    direction => direction && direction.body === 'Buffered',
  );
  return [
    one('a request without a body', { method: 'GET' }, []),
    one('a body passes unchanged', { body: '{"to": "upstream"}' }, []),
    one('a chunked body passes unchanged', { body: 'text', chunked: true }, []),
    marks
      ? one('the marker replaces what the sender gave', {}, ['forged'])
      : one('headers pass unchanged, in repeated lines too', {}, ['a', 'b']),
    ...(buffered
      ? []
      : [
          one(
            'a body of 200,000 bytes passes unchanged',
            { body: { parts: [{ repeat: '0123456789', times: 20_000 }] } },
            [],
          ),
        ]),
  ];
}

/**
 * A working pass-through with marked places for logic of one's own.
 *
 * @public
 */
export const other: Purpose<OtherSettings> = {
  id: 'other',
  title: 'Something else',
  description:
    'A working pass-through with marked places for your own logic, in every phase that you choose.',
  settings,
  defaultPhases: ['requestHeaders', 'responseHeaders'],
  example: () => ({ header: { name: 'x-processed-by', value: 'my-logic' } }),
  asks: [],
  phases: () => [],
  wholeBody: false,
  changesBody: false,
  openEnded: true,
  cases,
};
