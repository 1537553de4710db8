// What the detectors of content inspection find: the reference for every implementation. It is written with regular
// expressions and backtracking, which is fine for short samples; the implementations are linear in the text.

/** A detector that is built in. */
export type DetectorId =
  | 'cards'
  | 'emails'
  | 'credentials'
  | 'sql-injection'
  | 'path-traversal';

/** What has been found: where it begins and ends, as indexes of the text. */
export interface Finding {
  start: number;
  end: number;
}

/** How many characters from its beginning decide whether a text is a match; what follows can only prolong it. */
export const decidingLength = 1024;

function luhn(digits: string): boolean {
  const sum = [...digits]
    .reverse()
    .map((digit, i) => {
      const value = Number(digit) * (i % 2 ? 2 : 1);
      return value > 9 ? value - 9 : value;
    })
    .reduce((a, b) => a + b, 0);
  return sum % 10 === 0;
}

/** 13 to 19 digits (ISO/IEC 7812), blanks or hyphens between them, that pass the Luhn check; the longest that does. */
function cardAt(text: string, at: number): number | undefined {
  for (let more = 18; more >= 12; more--) {
    const found = matchAt(
      new RegExp(
        `(?<![0-9A-Za-z_])(?<![0-9]\\.)[2-6](?:[ -]?[0-9]){${more}}(?![0-9A-Za-z_])`,
        'y',
      ),
      text,
      at,
    );
    if (
      found !== undefined &&
      luhn(text.slice(at, found).replace(/[ -]/g, ''))
    ) {
      return found;
    }
  }
  return undefined;
}

function matchAt(
  pattern: RegExp,
  text: string,
  at: number,
): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}

const emails =
  /(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}(?![A-Za-z0-9-])/y;

/**
 * Tokens and keys by the forms that their issuers document: AWS access key ids, GitHub, GitLab, Stripe, Slack, Google,
 * npm, Anthropic and OpenAI keys; JSON Web Tokens (RFC 7519); private keys in PEM (RFC 7468).
 */
const credentials: readonly (readonly RegExp[])[] = [
  [
    /(?<![A-Za-z0-9_])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9_])/y,
    /(?<![A-Za-z0-9_])AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])/y,
  ],
  [
    /(?<![A-Za-z0-9_])(?:gh[pousr]_|npm_)[A-Za-z0-9]{36}[A-Za-z0-9_-]*/y,
    /(?<![A-Za-z0-9_])github_pat_[A-Za-z0-9_]{22}[A-Za-z0-9_-]*/y,
    /(?<![A-Za-z0-9_])(?:glpat-|sk-ant-|sk-proj-)[A-Za-z0-9_-]{20,}/y,
    /(?<![A-Za-z0-9_])[sr]k_(?:live|test)_[A-Za-z0-9]{16}[A-Za-z0-9_-]*/y,
    /(?<![A-Za-z0-9_])xox[abprs]-[A-Za-z0-9-]{10}[A-Za-z0-9_-]*/y,
  ],
  [/(?<![A-Za-z0-9_])eyJ[A-Za-z0-9_-]{10,1000}\.eyJ[A-Za-z0-9._-]*/y],
  [
    /-----BEGIN (?:(?:RSA |EC |DSA |OPENSSH |ENCRYPTED )?PRIVATE KEY|PGP PRIVATE KEY BLOCK)-----(?:(?!-----END )[A-Za-z0-9+/=\\\s:,-])*(?:-----END [A-Z ]{1,32}-----)?/y,
  ],
];

const quote = '(?:\'|"|%27|%22)';
const blank = '(?:[ \\t\\r\\n+]|%20|%09|%0a|%0d|/\\*\\*/)';
const some = `${blank}{1,8}`;
const any = `${blank}{0,8}`;
const word = '(?<![A-Za-z0-9_])';

const sqlInjection: readonly RegExp[] = [
  `${word}union${some}(?:all${some})?select(?![A-Za-z0-9_])`,
  `${quote}${any}(?:or|and)${some}${quote}?[A-Za-z0-9_]{1,16}${quote}?${any}(?:=|%3d|<|>)`,
  `${word}(?:or|and)${some}[0-9]{1,8}${any}(?:=|%3d)${any}[0-9]{1,8}`,
  `(?:;|%3b)${any}(?:drop|truncate|alter)${some}(?:table|database|schema)(?![A-Za-z0-9_])`,
  `(?:;|%3b)${any}(?:delete${some}from|insert${some}into)(?![A-Za-z0-9_])`,
  `(?:'|%27)${any}(?:;|%3b)?${any}--(?![A-Za-z0-9_-])`,
  `${word}(?:sleep|pg_sleep|benchmark)\\([0-9]{1,16}`,
  `${word}waitfor${some}delay(?![A-Za-z0-9_])`,
  `${word}into${some}(?:outfile|dumpfile)(?![A-Za-z0-9_])`,
  `${word}(?:information_schema\\.|xp_cmdshell)`,
].map(source => new RegExp(source, 'iy'));

const pathTraversal: readonly RegExp[] = [
  /(?<!\.)(?:\.|%2e|%252e)(?:\.|%2e|%252e)(?:\/|\\|%2f|%5c|%252f|%255c|;\/)/iy,
  /\/etc\/(?:passwd|shadow)(?![A-Za-z0-9_])/iy,
  /\/proc\/self\//iy,
  /\\windows\\(?:system32|win\.ini)/iy,
];

/** Where a match that begins at a place ends. */
type Search = (text: string, at: number) => number | undefined;

const firstOf =
  (patterns: readonly RegExp[]): Search =>
  (text, at) => {
    for (const pattern of patterns) {
      const end = matchAt(pattern, text, at);
      if (end !== undefined) {
        return end;
      }
    }
    return undefined;
  };

/** What one search finds hides nothing from another. */
interface Searches {
  /** Whether matches of one search can overlap. Each is found, or what stands before a card number could hide it. */
  overlap?: true;
  searches: readonly Search[];
}

const detectors: Record<DetectorId, Searches> = {
  cards: { overlap: true, searches: [cardAt] },
  emails: { overlap: true, searches: [firstOf([emails])] },
  credentials: { searches: credentials.map(firstOf) },
  'sql-injection': { searches: [firstOf(sqlInjection)] },
  'path-traversal': { searches: [firstOf(pathTraversal)] },
};

/**
 * What a detector finds in a text; each of its searches from left to right.
 *
 * @param detector - a built-in one, or a regular expression of the subset in {@link parsePattern}
 */
export function findings(
  text: string,
  detector: DetectorId | { pattern: string },
): Finding[] {
  const { overlap, searches }: Searches =
    typeof detector === 'string'
      ? detectors[detector]
      : { searches: [firstOf([new RegExp(detector.pattern, 'y')])] };
  const found: Finding[] = [];
  for (const matches of searches) {
    for (let at = 0; at < text.length; at++) {
      const end = matches(text, at);
      if (end !== undefined) {
        found.push({ start: at, end });
        at = overlap ? at : end - 1;
      }
    }
  }
  return found;
}

/**
 * The characters of a text that are masked, as indexes; some more than once.
 *
 * @param keepDigits - how many of a card number's last digits stay; its separators stay, too
 */
export function hiddenIn(
  text: string,
  found: readonly (Finding & { card: boolean })[],
  keepDigits: number,
): number[] {
  return found.flatMap(({ start, end, card }) => {
    const places = Array.from({ length: end - start }, (_, n) => start + n);
    if (!card) {
      return places;
    }
    const digits = places.filter(at => /[0-9]/.test(text[at]!));
    return digits.slice(0, Math.max(0, digits.length - keepDigits));
  });
}
