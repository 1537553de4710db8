import { implementationOf } from '../implementations';
import { bodyTransform } from './bodyTransform';
import { applyBodyOperations } from './bodyTransformOperations';
import type { BodyMode } from './types';

describe('body operations', () => {
  it.each([
    [
      'set replaces',
      '{"a":1,"b":2}',
      { action: 'set', pointer: '/a', value: 'x"y' },
      '{"a":"x\\"y","b":2}',
    ],
    [
      'set adds a member at the end',
      '{"b":{}}',
      { action: 'set', pointer: '/b/1', value: 'x' },
      '{"b":{"1":"x"}}',
    ],
    [
      'set without a parent does nothing',
      '{ "b": 1 }',
      { action: 'set', pointer: '/a/b', value: 'x' },
      '{ "b": 1 }',
    ],
    [
      'set beyond an array does nothing',
      '[ 1 ]',
      { action: 'set', pointer: '/1', value: 'x' },
      '[ 1 ]',
    ],
    [
      'set-json keeps the text of numbers',
      '{"a":1}',
      { action: 'set-json', pointer: '/a', value: '{"n":1.0, "b":[2e3]}' },
      '{"a":{"n":1.0,"b":[2e3]}}',
    ],
    [
      'remove takes a member and keeps the rest as it was',
      '{"z":1.10,"a":12345678901234567890,"2":"ü","1":null}',
      { action: 'remove', pointer: '/z' },
      '{"a":12345678901234567890,"2":"ü","1":null}',
    ],
    [
      'remove takes an element',
      '[1,2,3]',
      { action: 'remove', pointer: '/1' },
      '[1,3]',
    ],
    [
      'pointers escape slash and tilde',
      '{"a/b":{"m~n":1}}',
      { action: 'remove', pointer: '/a~1b/m~0n' },
      '{"a/b":{}}',
    ],
    [
      'members named like prototypes are members',
      '{"__proto__":{"a":1},"constructor":2}',
      { action: 'remove', pointer: '/__proto__/a' },
      '{"__proto__":{},"constructor":2}',
    ],
    [
      'rename keeps the place and takes that of another',
      '{"x":0,"a":1.0,"b":2}',
      { action: 'rename', pointer: '/a', to: 'x' },
      '{"x":1.0,"b":2}',
    ],
    [
      'rename to the same name',
      '{"a":1}',
      { action: 'rename', pointer: '/a', to: 'a' },
      '{"a":1}',
    ],
    [
      'rename of an absent member leaves the other',
      '{ "x": 0 }',
      { action: 'rename', pointer: '/a', to: 'x' },
      '{ "x": 0 }',
    ],
    [
      'rename of an element does nothing',
      '[ 1 ]',
      { action: 'rename', pointer: '/0', to: 'x' },
      '[ 1 ]',
    ],
    [
      'mask keeps the last characters',
      '{"n":"4111111111111111"}',
      { action: 'mask', pointer: '/n', keep: 4 },
      '{"n":"************1111"}',
    ],
    [
      'mask hides short values whole',
      '{"n":"123"}',
      { action: 'mask', pointer: '/n', keep: 4 },
      '{"n":"***"}',
    ],
    [
      'mask hides values as long as what is kept',
      '{"n":"1234"}',
      { action: 'mask', pointer: '/n', keep: 4 },
      '{"n":"****"}',
    ],
    [
      'mask counts code points',
      '{"n":"a😀b"}',
      { action: 'mask', pointer: '/n', keep: 1 },
      '{"n":"**b"}',
    ],
    [
      'mask hides numbers',
      '{"n":-12.50}',
      { action: 'mask', pointer: '/n', keep: 2 },
      '{"n":"****50"}',
    ],
    [
      'mask hides other values',
      '{"n":{"a":1}}',
      { action: 'mask', pointer: '/n', keep: 2 },
      '{"n":"***"}',
    ],
  ] as const)('%s', (_name, before, operation, after) => {
    expect(applyBodyOperations(before, [operation])).toBe(after);
  });
});

describe('bodyTransform', () => {
  const settings = bodyTransform.settings.parse({
    request: [{ action: 'mask', pointer: '/card/number' }],
  });

  it('expects 413 for a request that does not fit the connection buffer', () => {
    const cases = bodyTransform.cases(settings, {
      processing: { request: { body: 'Buffered' }, response: false },
      implementation: implementationOf('extproc-go'),
    });
    expect(cases.find(c => c.name === 'a large request body')!.expect).toEqual({
      reached: false,
      response: { status: 413 },
    });
  });

  it('expects a large request to arrive where it is streamed', () => {
    const cases = bodyTransform.cases(settings, {
      processing: { request: { body: 'FullDuplexStreamed' }, response: false },
      implementation: implementationOf('extproc-go'),
    });
    expect(
      cases.find(c => c.name === 'a large request body')!.expect.request!.body,
    ).toMatchObject({ json: true });
  });

  it('refuses what cannot be read where an operation hides something, unless told otherwise', () => {
    const chosen = (given: object) =>
      bodyTransform.settings.parse(given).unreadable;
    const set = { action: 'set', pointer: '/a', value: 'x' };
    const rename = { action: 'rename', pointer: '/a', to: 'x' };
    const remove = { action: 'remove', pointer: '/a' };
    const mask = { action: 'mask', pointer: '/a' };
    expect(chosen({ request: [set, rename] })).toBe('pass');
    expect(chosen({ request: [set], response: [remove] })).toBe('reject');
    expect(chosen({ request: [mask] })).toBe('reject');
    expect(chosen({ request: [mask], unreadable: 'pass' })).toBe('pass');
    expect(chosen({ request: [set], unreadable: 'reject' })).toBe('reject');
    // What was parsed is parsed to the same again.
    const parsed = bodyTransform.settings.parse({ request: [set] });
    expect(bodyTransform.settings.parse(parsed)).toEqual(parsed);
  });

  const casesFor = (
    unreadable: 'pass' | 'reject',
    id: 'extproc-go' | 'wasm-rust',
    body: BodyMode = 'Buffered',
  ) => {
    const operations = settings.request;
    const found = bodyTransform.cases(
      { request: operations, response: operations, unreadable },
      {
        processing: { request: { body }, response: { body } },
        implementation: implementationOf(id),
      },
    );
    return (name: string) => found.find(c => c.name === name)!.expect;
  };

  it.each([
    'a gzip body',
    'a part of a body',
    'a multipart body',
    'JSON in UTF-16',
    'JSON with one byte that is not UTF-8',
    'JSON with NaN',
    'JSON lines',
    'JSON that nests beyond the limit',
    'JSON that is labelled as text',
  ])('lets nothing of %s through', name => {
    for (const id of ['extproc-go', 'wasm-rust'] as const) {
      const of = casesFor('reject', id);
      const request = of(`${name}, request`);
      expect(request.reached).not.toBe(true);
      expect([400, 415]).toContain(request.response.status);
      const { status, broken } = of(`${name}, response`).response;
      expect(broken ?? status).toBe(broken ? true : 502);
    }
    const passing = casesFor('pass', 'extproc-go');
    expect(passing(`${name}, request`).reached).toBeUndefined();
    expect(passing(`${name}, response`).response.status).toBeLessThan(400);
  });

  it('expects a response to break off where its status has gone before its body', () => {
    const name = 'JSON with NaN, response';
    const label = 'JSON that is labelled as text, response';
    const of = (...given: Parameters<typeof casesFor>) => {
      const found = casesFor(...given);
      return [name, label].map(each => found(each).response.broken ?? false);
    };
    expect(of('reject', 'extproc-go')).toEqual([false, false]);
    expect(of('reject', 'extproc-go', 'FullDuplexStreamed')).toEqual([
      false,
      'either',
    ]);
    expect(of('reject', 'wasm-rust')).toEqual([true, true]);
  });

  it('processes request headers where responses are edited, whatever is asked for', () => {
    const operations = settings.request;
    const implied = (request: typeof operations, response: typeof operations) =>
      bodyTransform.impliedPhases!({ ...settings, request, response });
    expect(implied(operations, [])).toEqual([]);
    expect(implied([], operations)).toEqual(['requestHeaders']);
  });

  it('names what passes by what hides values', () => {
    const severities = (unreadable: 'pass' | 'reject') =>
      bodyTransform.warnings!({ ...settings, unreadable }).map(w => w.severity);
    expect(severities('pass')).toEqual(['security', 'correctness']);
    expect(severities('reject')).toEqual(['correctness']);
  });
});
