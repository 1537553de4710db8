import { implementationOf } from '../implementations';
import { applyBodyOperations, bodyTransform } from './bodyTransform';

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

  const encodedCases = (encoded: 'pass' | 'reject') =>
    bodyTransform
      .cases(
        { ...settings, encoded },
        {
          processing: { request: { body: 'Buffered' }, response: false },
          implementation: implementationOf('extproc-go'),
        },
      )
      .filter(c => c.name.startsWith('a gzip'))
      .map(c => c.expect.response.status);

  it('refuses encoded bodies only where told to, and only where it has something to do', () => {
    expect(encodedCases('pass')).toEqual([200, 200, 200]);
    expect(encodedCases('reject')).toEqual([415, 200, 200]);
  });

  it('warns of encoded bodies that pass by what hides values', () => {
    const severities = (encoded: 'pass' | 'reject') =>
      bodyTransform.warnings!({ ...settings, encoded }).map(w => w.severity);
    expect(severities('pass')).toEqual(['security', 'correctness']);
    expect(severities('reject')).toEqual(['correctness']);
  });
});
