import { readingsOf, writings } from './contentReadings';

const texts = (source: string) => readingsOf(source).map(({ text }) => text);

describe('readingsOf', () => {
  it.each([
    ['%34%31', '41'],
    ['a+b%2Bc', 'a b+c'],
    ['%2534', '4'],
    ['%25%33%34', '4'],
    ['%252525252534', '4'],
    ['%u0034', '4'],
    ['%c0%ae%c0%af', './'],
    ['%e0%80%ae', '.'],
    ['%25c0%25ae', '.'],
    ['\u00c0\u00ae', '.'],
    ['\\u0034\\/\\x41\\n', '4/A\n'],
    ['\\ud83d\\ude00', '\u00ff\u00ff'],
    ['%5Cu0034', '4'],
    ['4\x001\0', '41'],
    ['\x004\x001', '41'],
    ['4\0\0\x001\0\0\0', '41'],
    ['\0\0\x004\0\0\x001', '41'],
    ['\xfe\xff\0\\\0u\x000\x000\x003\x004', '\u00ff\u00ff4'],
    ['x4\x001\0', '\u00ff41'],
  ])('%j can be read as %j', (source, text) => {
    expect(texts(source)).toContain(text);
  });

  it.each(['plain', '100 %', '%zz', '\\q', 'caf\u00e9'])(
    '%j has one reading',
    source => {
      expect(texts(source)).toEqual([source]);
    },
  );

  it('knows where each character is written', () => {
    const reading = readingsOf('a%34\\u0034').find(r => r.text === 'a44');
    expect(reading?.starts).toEqual([0, 1, 4, 10]);
  });
});

describe('writings', () => {
  it('are as RFC 3986, RFC 8259 and Unicode have them', () => {
    expect(writings.percent('4/')).toBe('%34%2f');
    expect(writings.percentTwice('4/')).toBe('%2534%252f');
    expect(writings.json('4/')).toBe('\\u0034\\u002f');
    expect(writings.littleEndian('4/')).toBe('4\0/\0');
    expect(writings.bigEndian('4/')).toBe('\x004\0/');
    expect(decodeURIComponent(writings.percent('4/'))).toBe('4/');
    expect(JSON.parse(`"${writings.json('4/')}"`)).toBe('4/');
  });

  it('can all be read', () => {
    for (const write of Object.values(writings)) {
      const written = write("' OR '1'='1");
      expect(texts(written)).toContain("' OR '1'='1");
    }
  });
});
