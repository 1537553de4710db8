import { z } from 'zod';
import { headerName, headerValue } from '../intake/fields';
import { BehaviourCase, CaseContext, Processing, Purpose } from './types';

const settings = z.strictObject({
  header: z
    .strictObject({
      name: headerName.meta({ title: 'Header' }),
      value: headerValue.meta({ title: 'Value' }),
    })
    .meta({
      title: 'Marker header',
      description:
        'Set in every direction that is processed: shows that the extension runs, and is the place to put your own logic.',
    }),
});

type OtherSettings = z.infer<typeof settings>;

function cases(
  { header }: OtherSettings,
  { processing }: CaseContext,
): BehaviourCase[] {
  // Where the extension does not run, only its own header says something: Envoy and the transport may set others.
  const after = (direction: Processing['request'], old: string[]) =>
    direction || header.name.startsWith('x-processed-')
      ? { [header.name]: direction ? [header.value] : old }
      : {};
  const one = (
    name: string,
    request: Partial<BehaviourCase['request']>,
    old: string[],
  ): BehaviourCase => {
    const headers = old.map(value => ({ name: header.name, value }));
    return {
      name,
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
    one('the marker replaces what the sender gave', {}, ['forged']),
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
  defaults: (_phases, name) => ({
    header: { name: 'x-processed-by', value: name },
  }),
  phases: () => [],
  wholeBody: false,
  changesBody: false,
  openEnded: true,
  cases,
};
