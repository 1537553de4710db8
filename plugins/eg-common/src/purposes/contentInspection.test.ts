import fc from 'fast-check';
import { implementationOf } from '../implementations';
import { contentInspection } from './contentInspection';
import { DetectorId, findings, hiddenIn } from './inspection';
import { parsePattern } from './pattern';
import { CaseContext } from './types';

/** What is found stands between « and ». */
const places = (marked: string) => {
  const text = marked.replace(/[«»]/g, '');
  const found = [...marked.matchAll(/«([^»]*)»/g)].map(match => match[1]);
  return { text, found };
};

describe('detectors', () => {
  // Card numbers are the test numbers that the brands publish; the JWT is that of RFC 7519.
  it.each<[DetectorId, string]>([
    ['cards', '«4111111111111111», «4012 8888-8888 1881» «378282246310005»'],
    ['cards', '4111111111111112 41111111111111111111 0.4111111111111111'],
    ['cards', 'a4111111111111111 4111111111111111b «4111111111111111» 12'],
    ['emails', '<«jane.doe+tag@mail.example.com».> jane@localhost a@b.c'],
    ['emails', `${'a'.repeat(65)}@example.com`],
    ['credentials', '«AKIAIOSFODNN7EXAMPLE» AKIAIOSFODNN7EXAMPLE1'],
    ['credentials', `«ghp_${'a'.repeat(40)}» ghp_${'a'.repeat(35)}`],
    [
      'credentials',
      '"«eyJ0eXAiOiJKV1QifQ.eyJpc3MiOiJqb2UifQ.dBjftJeZ4CVP-mB»" eyJ.eyJ',
    ],
    [
      'credentials',
      '«-----BEGIN EC PRIVATE KEY-----\nMHcC\n-----END EC PRIVATE KEY-----» a',
    ],
    ['sql-injection', "1«' or '1'=»'1 «union/**/all%20select» it's or not"],
    ['path-traversal', 'a/«../»«..%2F»b .../ «/etc/passwd» /etc/passwords'],
  ])('%s: %s', (detector, marked) => {
    const { text, found } = places(marked);
    expect(
      findings(text, detector).map(({ start, end }) => text.slice(start, end)),
    ).toEqual(found);
  });

  it('masks with lengths kept, and the last digits of cards', () => {
    const text = 'a 4111-1111 1111-1111 b@c.de';
    const found = (['cards', 'emails'] as const).flatMap(detector =>
      findings(text, detector).map(place => ({
        ...place,
        card: detector === 'cards',
      })),
    );
    const hidden = new Set(hiddenIn(text, found, 4));
    const shown = text.split('').map((c, at) => (hidden.has(at) ? '#' : c));
    expect(shown.join('')).toBe('a ####-#### ####-1111 ######');
  });
});

describe('patterns', () => {
  it.each([
    ['EMP-\\d{6}', 10, 10, 'EMP-777777'],
    ['(a|bcd)?[x-z]{2,3}', 2, 6, 'axx'],
    ['\\.\\w(?:-|)', 2, 3, '.w-'],
  ])('%s', (text, min, max, sample) => {
    expect(parsePattern(text)).toMatchObject({ min, max, sample });
  });

  it.each([
    ['a*', '* is not possible here'],
    ['a+', '+ is not possible here'],
    ['a{2,}', '{ is not possible here'],
    ['.', '. is not possible here'],
    ['^a', '^ is not possible here'],
    ['[^a]', '[^ is not possible'],
    ['[a', 'it ends too early'],
    ['(a', 'it ends too early'],
    ['a)', ') closes no group'],
    ['(?i)a', '? is not possible here'],
    ['(?=a)', '? is not possible here'],
    ['a{1,2}?', '? follows a quantifier'],
    ['a{3,2}', '{3,2} is no quantity'],
    ['\\b', '\\b is not possible'],
    ['\\s', '\\s is not possible'],
    ['\\1', '\\1 is not possible'],
    ['[z-a]', 'z-a is no range'],
    ['[\\d-z]', 'is no range'],
    ['[a&&b]', 'needs a backslash'],
    ['é', '"é" is not visible ASCII'],
  ])('%s is refused', (text, problem) => {
    expect(() => parsePattern(text)).toThrow(problem);
  });

  it('never accepts what JavaScript reads otherwise', () => {
    fc.assert(
      fc.property(
        fc
          .array(
            fc.constantFrom(
              ...'ab0-,|()[]{}?\\d\\w.^$*+:=!'.split(''),
              '{1,3}',
              '{2}',
              '[a-c]',
              '(?:',
            ),
            { maxLength: 10 },
          )
          .map(parts => parts.join('')),
        text => {
          let pattern;
          try {
            pattern = parsePattern(text);
          } catch {
            return;
          }
          const found = new RegExp(`^(?:${text})$`).exec(pattern.sample);
          expect(found).not.toBeNull();
          expect(pattern.sample.length).toBeLessThanOrEqual(pattern.max);
          expect(pattern.sample.length).toBeGreaterThanOrEqual(pattern.min);
        },
      ),
      { numRuns: 3000 },
    );
  });
});

describe('contentInspection', () => {
  const problemsOf = (settings: unknown) =>
    contentInspection.settings
      .safeParse(settings)
      .error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
      .join('\n') ?? '';

  it.each([
    [{ request: { sqlInjection: 'mask' } }, 'an attack cannot be masked'],
    [{ request: { headers: ['host'] } }, 'choose another header'],
    [{ request: { headers: ['x-a', 'X-A'] } }, 'name each header once'],
    [{ contentTypes: ['*/*'] }, 'use at most one *'],
    [{ unreadable: 'refuse' }, 'use one of reject and pass'],
    [{ keepDigits: 5 }, 'use a whole number from 0 to 4'],
    [{ maskWith: '**' }, 'use one of *, x, X, # and 1'],
    [
      { patterns: [{ name: 'a', pattern: 'a{200}b{57}' }] },
      'its matches can have 257 characters',
    ],
    [{ patterns: [{ name: 'a', pattern: 'a?' }] }, 'it matches the empty text'],
    [
      {
        patterns: [
          { name: 'a', pattern: 'a' },
          { name: 'a', pattern: 'b' },
        ],
      },
      'give each pattern a name of its own',
    ],
  ])('refuses %j', (settings, problem) => {
    expect(problemsOf(settings)).toContain(problem);
  });

  it('says what passes without a look, what changes for clients and what Lua costs', () => {
    const warnings = (settings: unknown) =>
      contentInspection.warnings!(contentInspection.settings.parse(settings))
        .map(({ text }) => text)
        .join('\n');
    expect(warnings({ unreadable: 'pass' })).toContain(
      'content_inspection_unreadable_total',
    );
    expect(warnings({})).not.toContain('cannot be read pass');
    expect(warnings({ response: { cards: 'mask' } })).toContain(
      'downloads do not resume',
    );
    expect(warnings({})).toContain('5 ms of an Envoy worker');
  });

  it('shows in its example only what the chosen phases can carry out', () => {
    const all = [
      'requestHeaders',
      'responseHeaders',
      'requestBody',
      'responseBody',
    ] as const;
    fc.assert(
      fc.property(fc.subarray([...all]), phases => {
        const settings = contentInspection.example(phases);
        expect(phases).toEqual(
          expect.arrayContaining(contentInspection.phases(settings)),
        );
      }),
    );
  });

  const contextOf = (
    id: string,
    body: 'Buffered' | 'FullDuplexStreamed',
  ): CaseContext => ({
    processing: { request: { body }, response: { body } },
    implementation: implementationOf(id),
  });

  it('says which implementations cannot do it', () => {
    const impossible = (settings: unknown) =>
      Object.keys(
        contentInspection.requires!(contentInspection.settings.parse(settings))
          .impossible!,
      );
    expect(impossible({ request: { cards: 'block' } })).toEqual([]);
    expect(
      impossible({
        patterns: [{ name: 'a', pattern: 'abc', request: 'mask' }],
      }),
    ).toEqual(['lua']);
    expect(impossible({ response: { cards: 'block' } })).toEqual(['wasm-rust']);
  });

  it('expects a large body to pass only where it need not be held', () => {
    const settings = contentInspection.settings.parse({
      request: { cards: 'mask' },
    });
    const large = (context: CaseContext) =>
      contentInspection
        .cases(settings, context)
        .find(({ name }) => name === 'request: a large body')!.expect.response
        .status;
    expect(large(contextOf('extproc-go', 'Buffered'))).toBe(413);
    expect(large(contextOf('extproc-go', 'FullDuplexStreamed'))).toBe(200);
    expect(large(contextOf('wasm-rust', 'Buffered'))).toBe(200);
    expect(large(contextOf('lua', 'Buffered'))).toBe(413);
  });
});
