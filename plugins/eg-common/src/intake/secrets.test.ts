import { lintPolicy } from '../policy';
import { purposes } from '../purposes';
import { parseAnswers } from './answers';
import { withExample } from './example';
import { describeProblem, InvalidAnswersError } from './problems';
import { looksSecret, withoutSecrets } from './secrets';
import { yamlData, yamlProblem } from './yamlProblem';
import { parseDocument } from 'yaml';

/** In the forms that services hand them out; none of them was ever valid. */
const madeByMachines = [
  `ghp_${'aB3dE5fG7hJ9kL1mN3pQ'}5rS7tU9vW1xY3z`,
  `glpat-${'x9Yz8Wv7Ut6Sr5Qp4On3'}`,
  `sk-${'proj-4f9A8d7C6b5E4f3A2b1C'}`,
  `AKIA${'IOSFODNN7EXAMPLE'}`,
  'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV',
  '-----BEGIN EC PRIVATE KEY-----',
  'f47ac10b-58cc-4372-a567-0e02b2c3d479',
  '9f86d081884c7d659a2feaa0c55ad015',
  'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  'Bearer abcdef12345',
  'https://user:pass@git.example.com/a',
];

const answers = {
  name: 'my-extension',
  owner: 'group:default/platform',
  purpose: 'header-transform',
};

function refusal(input: unknown): string {
  try {
    parseAnswers(input);
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidAnswersError);
    const { message, problems } = error as InvalidAnswersError;
    return `${message}\n${JSON.stringify(problems)}`;
  }
  throw new Error('nothing was refused');
}

/** Copies of a value, each with another one in place of one of its texts, numbers and objects. */
function* withOneReplaced(value: unknown, by: unknown): Generator<unknown> {
  yield by;
  if (typeof value === 'object' && value !== null) {
    for (const [key, entry] of Object.entries(value)) {
      for (const changed of withOneReplaced(entry, by)) {
        yield Array.isArray(value)
          ? value.map((v, i) => (String(i) === key ? changed : v))
          : { ...value, [key]: changed };
      }
    }
  }
}

describe('refusals', () => {
  it.each(madeByMachines)('never quote %s, in whatever field', secret => {
    // A line break makes it wrong where it could be right.
    const given = `${secret}\n`;
    for (const { id } of purposes) {
      const valid = {
        ...answers,
        purpose: id,
        description: '',
        registry: 'ghcr.io/acme',
        repoUrl: 'github.com?owner=acme&repo=x',
        target: { kind: 'HTTPRoute', name: 'a', namespace: 'b' },
        settings: withExample({ purpose: id }).settings,
        unknown: { deeper: ['x'] },
      };
      let tried = 0;
      for (const changed of withOneReplaced(valid, given)) {
        expect(refusal(changed)).not.toContain(secret);
        tried++;
      }
      expect(tried).toBeGreaterThan(8);
    }
  });

  it.each([
    ['a key in place of its hash', { keys: [{ identity: 'a', sha256: 'S' }] }],
    ['a key without its object', { keys: ['S'] }],
    ['a field that does not exist', { keys: [], password: 'S' }],
    ['an unknown field of a key', { keys: [{ identity: 'a', value: 'S' }] }],
    ['two equal keys', { keys: [{ sha256: 'S' }, { sha256: 'S' }] }],
    ['a wrong type', { keys: { a: 'S' } }],
  ])('never quote what a person made up: %s', (_, method) => {
    const secret = 'open sesame, please';
    const text = refusal({
      ...answers,
      purpose: 'authentication',
      settings: JSON.parse(
        JSON.stringify({ method: { kind: 'api-key', ...method } }).replace(
          /"S"/g,
          JSON.stringify(secret),
        ),
      ),
    });
    expect(text).not.toContain('sesame');
    expect(text).toContain('settings.method');
  });

  it('never quote the value of a header whose name says that it is secret', () => {
    const text = refusal({
      ...answers,
      settings: {
        request: [
          { action: 'set', name: 'authorization', value: 'open sesame\n' },
        ],
      },
    });
    expect(text).not.toContain('sesame');
  });

  it('never quote a key that was pasted as the name of a field', () => {
    const secret = madeByMachines[0]!;
    expect(refusal({ ...answers, [secret]: 'x' })).not.toContain(secret);
    expect(refusal({ ...answers, target: { [secret]: 'x' } })).not.toContain(
      secret,
    );
  });

  it('say what is wrong: length and alphabet', () => {
    const text = refusal({
      ...answers,
      purpose: 'authentication',
      settings: {
        method: {
          kind: 'api-key',
          keys: [{ identity: 'a', sha256: 'Rather-Short-1' }],
        },
      },
    });
    expect(text).toContain(
      '- settings.method.keys[0].sha256: (not shown: 14 characters: lower-case letters, capital letters, digits, other characters) is not valid: use the 64 hexadecimal digits',
    );
    expect(withoutSecrets('0aF', ['sha256'])).toBe(
      '(not shown: 3 characters: hexadecimal digits)',
    );
  });

  it('go on to quote what is no secret', () => {
    expect(
      describeProblem({ field: 'name', value: '"A B"', remedy: 'use …' }),
    ).toBe('name: "A B" is not valid: use …');
    for (const text of [
      'my-route',
      'group:default/platform-team-2',
      'https://ghcr.io/acme/mask-card-numbers',
      'github.com?owner=acme&repo=mask-cards',
      '/payment/card/number',
      'x-forwarded-client-cert',
      'registry.example.com/my-team/extension:0.1.0',
      'Zahlungen werden geprüft, Stufe 2',
      '000102030405',
      'sha256',
    ]) {
      expect(looksSecret(text)).toBe(false);
      expect(withoutSecrets({ text })).toEqual({ text });
    }
  });
});

describe('other messages', () => {
  it('of the lint do not quote secrets', () => {
    const secret = madeByMachines[2]!;
    const problems = lintPolicy(
      {
        apiVersion: 'gateway.envoyproxy.io/v1alpha1',
        kind: 'EnvoyExtensionPolicy',
        metadata: { name: 'a' },
        spec: { targetRefs: [{ group: 'x', kind: secret, name: 'a' }] },
      },
      '1.9',
    );
    expect(problems.length).toBeGreaterThan(0);
    expect(JSON.stringify(problems)).not.toContain(secret);
  });

  it.each([
    'password: open: sesame\n',
    'a: [\n  sesame\n',
    'a: 1\n sesame: 2\n',
    'key: "sesame\n',
    'a: !sesame x\n}sesame\n',
    'sesame: 1\nsesame: 2\n',
  ])('of the YAML parser do not quote the text: %j', text => {
    const errors = parseDocument(text).errors;
    expect(errors.length).toBeGreaterThan(0);
    for (const error of errors) {
      expect(yamlProblem(error)).not.toContain('sesame');
      expect(yamlProblem(error)).toMatch(/^[A-Z].* at line \d+, column \d+$/);
    }
  });

  it('of the YAML parser do not quote an alias', () => {
    expect(() => yamlData(parseDocument('key: *sesame\n'))).toThrow(
      /^Unresolved alias [^:]*$/,
    );
  });
});
