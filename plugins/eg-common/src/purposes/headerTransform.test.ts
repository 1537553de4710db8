import { implementationOf } from '../implementations';
import { applyHeaderOperations, headerTransform } from './headerTransform';

describe('header operations', () => {
  it.each([
    ['set adds', {}, { action: 'set', name: 'a', value: '1' }, { a: ['1'] }],
    [
      'set replaces all lines',
      { a: ['x', 'y'] },
      { action: 'set', name: 'a', value: '1' },
      { a: ['1'] },
    ],
    [
      'append adds behind',
      { a: ['x', 'y'] },
      { action: 'append', name: 'a', value: '1' },
      { a: ['x', 'y', '1'] },
    ],
    [
      'append adds the first',
      {},
      { action: 'append', name: 'a', value: '1' },
      { a: ['1'] },
    ],
    [
      'remove takes all lines',
      { a: ['x', 'y'] },
      { action: 'remove', name: 'a' },
      { a: [] },
    ],
    [
      'rename moves all lines over what was there',
      { a: ['x', 'y'], b: ['z'] },
      { action: 'rename', name: 'a', to: 'b' },
      { a: [], b: ['x', 'y'] },
    ],
    [
      'rename of an absent header does nothing',
      { b: ['z'] },
      { action: 'rename', name: 'a', to: 'b' },
      { b: ['z'] },
    ],
  ] as const)('%s', (_name, before, operation, after) => {
    const headers = new Map<string, string[] | undefined>(
      Object.entries<readonly string[]>(before).map(([k, v]) => [k, [...v]]),
    );
    expect(
      Object.fromEntries(applyHeaderOperations(headers, [operation])),
    ).toEqual(after);
  });

  it('lets each operation see what the one before left', () => {
    expect(
      applyHeaderOperations(new Map(), [
        { action: 'set', name: 'a', value: '1' },
        { action: 'append', name: 'a', value: '2' },
        { action: 'rename', name: 'a', to: 'b' },
      ]),
    ).toEqual(
      new Map([
        ['a', []],
        ['b', ['1', '2']],
      ]),
    );
  });
});

describe('headerTransform', () => {
  const settings = headerTransform.settings.parse({
    request: [{ action: 'append', name: 'X-Forwarded-For', value: '1' }],
    response: [{ action: 'remove', name: 'server' }],
  });

  it('writes names in lower case', () => {
    expect(settings.request[0]).toMatchObject({ name: 'x-forwarded-for' });
  });

  it('expects nothing of a header whose old value is not the sender’s alone', () => {
    const [first] = headerTransform.cases(settings, {
      processing: { request: { body: false }, response: { body: false } },
      implementation: implementationOf('extproc-go'),
    });
    expect(first!.expect.request!.headers).not.toHaveProperty(
      'x-forwarded-for',
    );
    expect(first!.expect.response.headers).toHaveProperty('server', []);
  });
});
