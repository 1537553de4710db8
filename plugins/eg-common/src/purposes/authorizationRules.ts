import { z } from 'zod';
import {
  claimPath,
  claimPathOrNone,
  headerValue,
  lineOfText,
  queryName,
  wholeNumber,
} from '../intake/fields';

/** Headers that say nothing an authorization may rest on, with what does. */
const unmatchable: [RegExp, string][] = [
  [
    /^(authorization|proxy-authorization|cookie)$/,
    'it is a credential that nobody has verified here; use a condition on claims',
  ],
  [
    /^x-forwarded-|^forwarded$|^x-real-ip$/,
    'anyone can send it; for addresses use SecurityPolicy spec.authorization with clientCIDRs',
  ],
  [
    /^(host|connection|content-length|expect|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade|x-request-id|x-envoy-.*)$/,
    'Envoy sets or consumes it itself; for host names attach the policy to a route or listener',
  ],
];

const header = z
  .string({ error: 'give the name of a header, for example x-tenant' })
  .max(128, 'use at most 128 characters')
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9-]*$/,
    'use letters, digits and hyphens only, for example x-tenant',
  )
  .superRefine((name, context) => {
    const reason = unmatchable.find(([names]) =>
      names.test(name.toLowerCase()),
    )?.[1];
    if (reason) {
      context.addIssue({
        code: 'custom',
        message: `choose another header: ${reason}`,
      });
    }
  })
  .overwrite(name => name.toLowerCase())
  .meta({ title: 'Header' });

const filledLine = (max: number) =>
  lineOfText(max).min(1, `use 1 to ${max} characters`);

const list = <T extends z.ZodType>(item: T, max: number, what: string) =>
  z
    .array(item, { error: `give a list of ${what}` })
    .max(max, `use at most ${max} ${what}`);

const filledList = <T extends z.ZodType>(item: T, max: number, what: string) =>
  list(item, max, what).min(1, `give at least one of the ${what}`);

const headerCondition = z
  .discriminatedUnion(
    'is',
    [
      z.strictObject({
        is: z.literal('present').meta({ title: 'is there' }),
        name: header,
      }),
      z.strictObject({
        is: z.literal('equals').meta({ title: 'equals' }),
        name: header,
        value: headerValue.meta({ title: 'Value' }),
      }),
      z.strictObject({
        is: z.literal('one-of').meta({ title: 'is one of' }),
        name: header,
        values: filledList(headerValue, 50, 'values').meta({ title: 'Values' }),
      }),
    ],
    { error: 'use one of the conditions present, equals and one-of' },
  )
  .meta({ title: 'Condition on a header' });

const claimValue = filledLine(256);

const claimCondition = z
  .discriminatedUnion(
    'is',
    [
      z.strictObject({
        is: z.literal('present').meta({ title: 'is there' }),
        claim: claimPath,
      }),
      z.strictObject({
        is: z.literal('equals').meta({ title: 'equals' }),
        claim: claimPath,
        value: claimValue.meta({ title: 'Value' }),
      }),
      z.strictObject({
        is: z.literal('contains').meta({
          title: 'contains',
          description:
            'An element of a list, or a word of a text with blanks, such as scope.',
        }),
        claim: claimPath,
        value: claimValue.meta({ title: 'Value' }),
      }),
      z.strictObject({
        is: z.literal('one-of').meta({ title: 'is one of' }),
        claim: claimPath,
        values: filledList(claimValue, 50, 'values').meta({ title: 'Values' }),
      }),
      z.strictObject({
        is: z.literal('equals-segment').meta({
          title: 'equals a segment of the path',
          description: 'Of a claim that is a list, one element has to.',
        }),
        claim: claimPath,
        segment: wholeNumber(1, 32).meta({
          title: 'Segment',
          description: '1 is the first one: in /users/42 it is users.',
        }),
      }),
      z.strictObject({
        is: z.literal('equals-header').meta({
          title: 'equals a header',
          description: 'Of a claim that is a list, one element has to.',
        }),
        claim: claimPath,
        name: header,
      }),
      z.strictObject({
        is: z.literal('equals-query').meta({
          title: 'equals a query parameter',
          description: 'Of a claim that is a list, one element has to.',
        }),
        claim: claimPath,
        name: queryName.meta({ title: 'Parameter' }),
      }),
      z.strictObject({
        is: z.literal('equals-host').meta({
          title: 'equals the host',
          description:
            'The host name without the port. Of a claim that is a list, one element has to.',
        }),
        claim: claimPath,
      }),
    ],
    {
      error:
        'use one of the conditions present, equals, contains, one-of, equals-segment, equals-header, equals-query and equals-host',
    },
  )
  .meta({ title: 'Condition on a claim' });

/** What is wrong with a path pattern, if anything. */
function pathProblem(match: string, path: string): string | undefined {
  if (!path.startsWith('/') || /[?#;\\%]/.test(path)) {
    return 'begin with / and write the characters themselves, without percent-encoding, and without ? # ; \\ and %, for example /orders';
  }
  const segments = path.slice(1).split('/');
  if (
    segments.some(
      (s, i) =>
        s === '.' || s === '..' || (s === '' && i < segments.length - 1),
    )
  ) {
    return 'remove empty segments, . and ..: Envoy does so before a path is matched';
  }
  if (match !== 'segments') {
    if (path.includes('*')) {
      return 'use match segments for patterns with *';
    }
    return match === 'prefix' && path !== '/' && path.endsWith('/')
      ? 'remove the / at the end: a prefix matches itself and everything below'
      : undefined;
  }
  return segments.some(
    (s, i) =>
      s.includes('*') &&
      s !== '*' &&
      !(s === '**' && i === segments.length - 1),
  )
    ? 'let * stand for one whole segment, and ** only at the end for any number of them, for example /users/*/orders/**'
    : undefined;
}

const pathPattern = z
  .strictObject({
    match: z
      .enum(['exact', 'prefix', 'segments'], {
        error: 'use one of exact, prefix and segments',
      })
      .meta({
        title: 'Match',
        description:
          'prefix ends at a segment: /a matches /a and /a/b, not /ab. segments: * is one segment, ** at the end any number.',
      }),
    path: lineOfText(512).meta({ title: 'Path' }),
  })
  .superRefine(({ match, path }, context) => {
    const message = pathProblem(match, path);
    if (message) {
      context.addIssue({ code: 'custom', path: ['path'], message });
    }
  })
  .meta({ title: 'Path' });

/** Methods that rules may name. */
export const methods = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
] as const;

const rule = z
  .strictObject({
    name: filledLine(64).meta({
      title: 'Name',
      description: 'Appears in the decision log.',
    }),
    effect: z
      .enum(['allow', 'deny'], { error: 'use allow or deny' })
      .meta({ title: 'Effect' }),
    methods: list(
      z.enum(methods, { error: `use ${methods.join(', ')}` }),
      methods.length,
      'methods',
    )
      .default([])
      .meta({ title: 'Methods', description: 'Any if empty.' }),
    paths: list(pathPattern, 50, 'paths')
      .default([])
      .meta({ title: 'Paths', description: 'One must match; any if empty.' }),
    headers: list(headerCondition, 20, 'conditions').default([]).meta({
      title: 'Headers',
      description: 'All must hold.',
    }),
    claims: list(claimCondition, 20, 'conditions').default([]).meta({
      title: 'Verified claims',
      description: 'All must hold.',
    }),
  })
  .meta({ title: 'Rule' });

/** Rules, where claims come from, and what is logged. */
export const settings = z
  .strictObject({
    rules: list(rule, 100, 'rules').default([]).meta({
      title: 'Rules',
      description:
        'The first that matches decides; what no rule matches is denied.',
    }),
    provider: lineOfText(253).default('').meta({
      title: 'Provider of the claims',
      description:
        'The name in SecurityPolicy spec.jwt.providers[], if rules look at claims.',
    }),
    pathCase: z
      .enum(['sensitive', 'ignored'], { error: 'use sensitive or ignored' })
      .default('sensitive')
      .meta({
        title: 'Case of paths',
        description:
          'ignored for upstreams to which /Admin and /admin are the same.',
      }),
    decisionLog: z
      .enum(['all', 'denied', 'none'], {
        error: 'use one of all, denied and none',
      })
      .default('all')
      .meta({
        title: 'Decision log',
        description: 'One line of JSON for each decision.',
      }),
    subject: claimPathOrNone.default([]).meta({
      title: 'Claim that names the subject in the log',
      description: 'Such as sub; nobody is named if it is empty.',
    }),
    mode: z
      .enum(['enforce', 'report-only'], { error: 'use enforce or report-only' })
      .default('enforce')
      .meta({
        title: 'Mode',
        description: 'report-only decides and logs, but lets everything pass.',
      }),
  })
  .superRefine(({ rules, provider, subject }, context) => {
    const names = rules.map(({ name }) => name);
    names.forEach((name, index) => {
      if (names.indexOf(name) !== index) {
        context.addIssue({
          code: 'custom',
          path: ['rules', index, 'name'],
          message: 'give every rule a name of its own',
        });
      }
    });
    if (
      !provider &&
      (subject.length || rules.some(({ claims }) => claims.length))
    ) {
      context.addIssue({
        code: 'custom',
        path: ['provider'],
        message:
          'name the provider in SecurityPolicy spec.jwt.providers[] that verifies the claims, for example example',
      });
    }
  });

/** See {@link settings}. */
export type AuthorizationSettings = z.infer<typeof settings>;
/** One rule. */
export type Rule = AuthorizationSettings['rules'][number];
/** What a verified token says. */
export type Claims = Record<string, unknown>;

/** What is decided about a request, as the rules see it. */
export interface AuthorizationRequest {
  method: string;
  /** As Envoy gives it to filters, with the query. */
  path: string;
  headers: readonly { name: string; value: string }[];
  /** Undefined when nobody has verified any. */
  claims?: Claims;
}

/** A decision; `rule` is empty when none matched. */
export interface AuthorizationDecision {
  effect: 'allow' | 'deny';
  reason: 'rule' | 'no_rule' | 'claims_missing' | 'ambiguous_path';
  rule: string;
}

/** Text as one character for each byte of UTF-8. */
export const bytes = (text: string) =>
  String.fromCharCode(...new TextEncoder().encode(text));

/** Whether text with one character for each byte is UTF-8. */
function isUtf8(text: string): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(
      Uint8Array.from(text, character => character.charCodeAt(0)),
    );
    return true;
  } catch {
    return false;
  }
}

const lowerAscii = (text: string) =>
  text.replace(/[A-Z]/g, letter => letter.toLowerCase());

/**
 * The segments of a path without percent-encoding, or undefined where servers disagree about what it names.
 */
function segmentsOf(target: string): string[] | undefined {
  const [path] = target.split('?', 1) as [string];
  if (!path.startsWith('/') || /%(?![0-9A-Fa-f]{2})/.test(path)) {
    return undefined;
  }
  if (/%(2f|5c)/i.test(path)) {
    return undefined;
  }
  const decoded = bytes(path).replace(/%(..)/g, (_, hex) =>
    String.fromCharCode(parseInt(hex, 16)),
  );
  // eslint-disable-next-line no-control-regex
  if (/[\x00-\x1f\x7f\\;]|%[0-9A-Fa-f]{2}/.test(decoded) || /#/.test(path)) {
    return undefined;
  }
  // Some servers read the overlong C0 AF as a slash.
  if (!isUtf8(decoded)) {
    return undefined;
  }
  const segments = decoded.slice(1).split('/');
  return segments.some(
    (s, i) => s === '.' || s === '..' || (s === '' && i < segments.length - 1),
  )
    ? undefined
    : segments;
}

function matchesPath(
  { match, path }: Rule['paths'][number],
  segments: readonly string[],
  ignoreCase: boolean,
): boolean {
  const fold = (text: string) => (ignoreCase ? lowerAscii(text) : text);
  const wanted = fold(bytes(path)).slice(1).split('/');
  const open =
    match === 'prefix' || (match === 'segments' && wanted.at(-1) === '**');
  if (open && (match === 'segments' || path === '/')) {
    wanted.pop();
  }
  return (
    (open
      ? segments.length >= wanted.length
      : segments.length === wanted.length) &&
    wanted.every((w, i) =>
      match === 'segments' && w === '*'
        ? segments[i] !== ''
        : w === fold(segments[i]!),
    )
  );
}

/** The elements of a line that is a list with commas. */
const elements = ({ value }: { value: string }) =>
  value.split(',').map(element => ({ value: element.trim() }));

function matchesHeader(
  condition: Rule['headers'][number],
  { headers }: AuthorizationRequest,
  effect: Rule['effect'],
): boolean {
  const lines = headers.filter(({ name }) => name === condition.name);
  if (condition.is === 'present') {
    return lines.length > 0;
  }
  const values =
    condition.is === 'equals' ? [condition.value] : condition.values;
  const holds = ({ value }: { value: string }) => values.includes(value);
  // A second line never widens what is allowed, and never evades what is denied. Nor does a list in one line, which
  // means the same (RFC 9110, 5.3).
  return effect === 'allow'
    ? lines.length > 0 && lines.every(holds)
    : [...lines, ...lines.flatMap(elements)].some(holds);
}

/** The value of a claim; undefined where there is none. */
export function claimOf(claims: Claims, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, name) =>
      typeof value === 'object' &&
      value !== null &&
      !Array.isArray(value) &&
      Object.prototype.hasOwnProperty.call(value, name)
        ? (value as Claims)[name]
        : undefined,
    claims,
  );
}

/** What a text, a truth value or a number is compared by. */
export function textOf(value: unknown): string | undefined {
  return ['string', 'boolean', 'number'].includes(typeof value)
    ? String(value)
    : undefined;
}

type ClaimCondition = Rule['claims'][number];

/** Percent-decodes as forms are decoded, to bytes; undefined where an escape is none. */
function formDecoded(text: string): string | undefined {
  return /%(?![0-9A-Fa-f]{2})/.test(text)
    ? undefined
    : bytes(text)
        .replace(/\+/g, ' ')
        .replace(/%(..)/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
}

/**
 * What names have in common that some server takes for one: names without regard to case, `tenant[]` and `tenant[x]`
 * (PHP, Rails and qs put them in the place of `tenant`), names with blanks around them, names that end at a zero byte,
 * and a dot or a blank for an underscore (PHP, variables from external sources).
 */
const parameterName = (name: string) =>
  lowerAscii(name.replace(/(?<=.)[[\0].*/s, '').trim()).replace(/[. ]/g, '_');

/**
 * The values of a query parameter under every name that some server takes for it, or undefined where servers disagree
 * about the query: about escapes that are none, and about `;`, which some take for `&`.
 */
function queryValues(target: string, name: string): string[] | undefined {
  const [, query = ''] = target.split(/\?(.*)/s);
  const pairs = query
    .split('&')
    .map(pair => pair.split(/=(.*)/s))
    .map(([key, value = '']) => [formDecoded(key!), formDecoded(value)]);
  return query.includes(';') || pairs.flat().includes(undefined)
    ? undefined
    : pairs
        .filter(([key]) => parameterName(key!) === parameterName(name))
        .map(([, value]) => value!);
}

/** The host without its port and without the dot of the root, in lower case. */
function hostOf({ headers }: AuthorizationRequest): string {
  const host = headers.find(({ name }) => name === 'host')?.value ?? '';
  return lowerAscii(host.replace(/:[0-9]*$/, '').replace(/\.$/, ''));
}

/**
 * What a claim is compared with: the values that the request has in this place. Undefined where the request is
 * ambiguous.
 */
function valuesOfRequest(
  condition: ClaimCondition,
  request: AuthorizationRequest,
  segments: readonly string[],
): string[] | undefined {
  switch (condition.is) {
    case 'equals-segment':
      return segments.slice(condition.segment - 1, condition.segment);
    case 'equals-header':
      return request.headers
        .filter(({ name }) => name === condition.name)
        .map(({ value }) => bytes(value));
    case 'equals-query':
      return queryValues(request.path, condition.name);
    default:
      return [hostOf(request)];
  }
}

function matchesClaim(
  condition: ClaimCondition,
  claims: Claims,
  request: AuthorizationRequest,
  inRule: { allows: boolean; segments: readonly string[]; ignoreCase: boolean },
): boolean {
  const value = claimOf(claims, condition.claim);
  const scalar = textOf(value);
  const texts = (Array.isArray(value) ? value : [value])
    .map(textOf)
    .filter(text => text !== undefined);
  switch (condition.is) {
    case 'equals-segment':
    case 'equals-header':
    case 'equals-query':
    case 'equals-host': {
      const found = valuesOfRequest(condition, request, inRule.segments);
      const folds =
        condition.is === 'equals-host' ||
        (condition.is === 'equals-segment' && inRule.ignoreCase);
      const fold = (text: string) => (folds ? lowerAscii(text) : text);
      const holds = (text: string) =>
        text !== '' && texts.some(t => fold(bytes(t)) === fold(text));
      // A second value never widens what is allowed, and never evades what is denied.
      if (!found) {
        return !inRule.allows;
      }
      if (inRule.allows) {
        return found.length > 0 && found.every(holds);
      }
      const members =
        condition.is === 'equals-header'
          ? found.flatMap(line => elements({ value: line })).map(e => e.value)
          : [];
      return [...found, ...members].some(holds);
    }
    case 'present':
      return texts.length > 0;
    case 'equals':
      return scalar === condition.value;
    case 'contains':
      return (scalar?.split(' ') ?? texts).includes(condition.value);
    case 'one-of':
      return texts.some(text => condition.values.includes(text));
    default:
      throw new Error(`unknown condition ${(condition as { is: string }).is}`);
  }
}

/**
 * What the rules decide: the reference for every implementation.
 */
export function decide(
  { rules, pathCase }: AuthorizationSettings,
  request: AuthorizationRequest,
): AuthorizationDecision {
  const segments = segmentsOf(request.path);
  if (!segments) {
    return { effect: 'deny', reason: 'ambiguous_path', rule: '' };
  }
  let missed = false;
  const found = rules.find(({ effect, claims, ...rest }) => {
    const matches =
      (!rest.methods.length ||
        (rest.methods as string[]).includes(request.method)) &&
      (!rest.paths.length ||
        rest.paths.some(p =>
          matchesPath(p, segments, pathCase === 'ignored'),
        )) &&
      rest.headers.every(h => matchesHeader(h, request, effect));
    if (matches && claims.length && !request.claims) {
      missed ||= effect === 'allow';
      return false;
    }
    return (
      matches &&
      claims.every(c =>
        matchesClaim(c, request.claims!, request, {
          allows: effect === 'allow',
          segments,
          ignoreCase: pathCase === 'ignored',
        }),
      )
    );
  });
  if (found?.effect === 'allow') {
    return { effect: 'allow', reason: 'rule', rule: found.name };
  }
  // Whoever shows claims may yet be allowed.
  if (missed) {
    return { effect: 'deny', reason: 'claims_missing', rule: '' };
  }
  return found
    ? { effect: 'deny', reason: 'rule', rule: found.name }
    : { effect: 'deny', reason: 'no_rule', rule: '' };
}
