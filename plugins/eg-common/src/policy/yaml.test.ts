import { parse } from 'yaml';
import { yamlFile } from './yaml';

describe('yamlFile', () => {
  it('writes comments above and behind fields', () => {
    expect(
      yamlFile(
        { a: { b: 1, c: [{ d: 'x' }] } },
        [
          { path: ['a', 'b'], text: 'TODO: choose.', inline: true },
          { path: ['a', 'c', 0, 'd'], text: 'Two\nlines.' },
        ],
        'Head.',
      ),
    ).toBe(
      '# Head.\n\na:\n  b: 1 # TODO: choose.\n  c:\n    - # Two\n      # lines.\n      d: x\n',
    );
  });

  it('refuses to comment on a field that does not exist', () => {
    expect(() => yamlFile({ a: 1 }, [{ path: ['b'], text: 'lost' }])).toThrow(
      'no field b',
    );
  });

  it.each([
    'yes',
    'on',
    '1_000',
    '0o7',
    '12:30:45',
    '1e3',
    'null',
    '~',
    '!!x',
    '- a',
    '# a',
    '{{',
    '&a',
    '*a',
    "'",
    '"',
    '`',
    '%',
    '@',
  ])('keeps the string %j a string for YAML 1.1 and 1.2', text => {
    const yaml = yamlFile({ text });
    expect(parse(yaml)).toEqual({ text });
    expect(parse(yaml, { version: '1.1' })).toEqual({ text });
  });
});
