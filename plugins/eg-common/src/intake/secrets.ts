// Refusals quote what was given, and end up in logs. What may be a secret is described instead.

/** Words in the name of a field, header or variable whose value may be a secret. */
const secretWords = new Set([
  'apikey',
  'apikeys',
  'auth',
  'authorization',
  'bearer',
  'cookie',
  'credential',
  'credentials',
  'hash',
  'hmac',
  'key',
  'keys',
  'passphrase',
  'passwd',
  'password',
  'passwords',
  'pin',
  'private',
  'secret',
  'secrets',
  'sha256',
  'signature',
  'token',
  'tokens',
]);

/** Fields of such a name hold secrets however deep below them. */
const collections = /^(api-?keys|keys|secrets|credentials|passwords)$/i;

function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/);
}

/**
 * Whether a field, header or variable of this name may hold a secret.
 *
 * @public
 */
export function isSecretName(name: string): boolean {
  return wordsOf(name).some(word => secretWords.has(word));
}

/** How credentials of well-known services begin; private keys; JWTs. */
const beginsLikeSecret =
  /^(gh[opsur]_|github_pat_|glpat-|gldt-|xox[a-z]-|xapp-|sk[-_]|[rp]k_(live|test)_|AKIA|ASIA|AIza|ya29\.|hf_|npm_|pypi-|dop_v1_|SG\.|eyJ[\w-]{6,}\.).{8,}/;
const secretText =
  /-----BEGIN |[a-z][\w+.-]*:\/\/[^/\s]*@|\b(bearer|basic|apikey|token)\s+[\w+/=.~-]{8,}/i;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Whether a word without white space looks made by a generator of random numbers. */
function looksRandom(word: string): boolean {
  const has = (pattern: RegExp) => (word.match(pattern) ?? []).length;
  const mixed =
    /^[\w+/=.~-]{20,}$/.test(word) &&
    has(/[a-z]/g) > 1 &&
    has(/[A-Z]/g) > 1 &&
    has(/[0-9]/g) > 0;
  const run = word.match(/[a-z0-9]{24,}|[A-Z0-9]{24,}/);
  return (
    mixed ||
    uuid.test(word) ||
    (run !== null &&
      (run[0].match(/[0-9]/g) ?? []).length > 3 &&
      (run[0].match(/[a-z]/gi) ?? []).length > 1)
  );
}

/**
 * Whether a text looks like a key, token or password that a machine made, or has one in it. It cannot know them all: a
 * password that a person made up looks like any text.
 *
 * @public
 */
export function looksSecret(text: string): boolean {
  return (
    secretText.test(text) ||
    text
      .split(/[\s"'`,;:?&<>()[\]{}]+/)
      .flatMap(word => [word, ...word.split(/[/=]/)])
      .some(word => beginsLikeSecret.test(word) || looksRandom(word))
  );
}

/** Length and alphabet of a text, by which its owner can find out what is wrong with it. */
function described(text: string): string {
  const alphabets: [RegExp, string][] = [
    [/[a-z]/, 'lower-case letters'],
    [/[A-Z]/, 'capital letters'],
    [/[0-9]/, 'digits'],
    [/\s/, 'white space'],
    [/[^a-zA-Z0-9\s]/, 'other characters'],
  ];
  const found = /^[0-9a-f]+$/i.test(text)
    ? ['hexadecimal digits']
    : alphabets.filter(([of]) => of.test(text)).map(([, name]) => name);
  const length = `${text.length} character${text.length === 1 ? '' : 's'}`;
  return found.length
    ? `(not shown: ${length}: ${found.join(', ')})`
    : '(an empty text)';
}

/**
 * A value to be shown: every text in it that may be a secret, by the name of its field or by how it looks, is replaced
 * by a description of its length and alphabet.
 *
 * @public
 * @param value - JSON data
 * @param field - names of the fields that lead to it, from the outside in
 */
export function withoutSecrets(
  value: unknown,
  field: readonly PropertyKey[] = [],
): unknown {
  const names = field.filter(key => typeof key === 'string');
  if (typeof value === 'string' || typeof value === 'number') {
    const secret =
      isSecretName(names[names.length - 1] ?? '') ||
      names.some(name => collections.test(name)) ||
      looksSecret(String(value));
    return secret ? described(String(value)) : value;
  }
  if (Array.isArray(value)) {
    return value.map((entry, i) => withoutSecrets(entry, [...field, i]));
  }
  if (typeof value === 'object' && value !== null) {
    const { name, header } = value as { name?: unknown; header?: unknown };
    // The value of a header, cookie or variable is as secret as its name says.
    const nameOfValue = [name, header].find(
      n => typeof n === 'string' && isSecretName(n),
    );
    return Object.fromEntries(
      Object.entries(value).map(([key, entry]) => [
        looksSecret(key) ? described(key) : key,
        withoutSecrets(
          entry,
          key === 'value' && nameOfValue
            ? [...field, key, nameOfValue as string]
            : [...field, key],
        ),
      ]),
    );
  }
  return value;
}
