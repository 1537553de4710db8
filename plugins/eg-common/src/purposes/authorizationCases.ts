import {
  AuthorizationDecision,
  AuthorizationRequest,
  AuthorizationSettings,
  bytes,
  claimOf,
  Claims,
  decide,
  methods,
  Rule,
  textOf,
} from './authorizationRules';
import { BehaviourCase, CaseBody } from './types';

interface Sent extends AuthorizationRequest {
  body?: CaseBody;
  chunked?: 'parts';
}

/** The answer to a request that is denied, and its headers. */
function refusal({ reason }: AuthorizationDecision) {
  const [status, title] =
    reason === 'claims_missing'
      ? ([401, 'Unauthorized'] as const)
      : ([403, 'Forbidden'] as const);
  return {
    status,
    headers: {
      'content-type': ['application/problem+json'],
      'www-authenticate': status === 401 ? ['Bearer'] : [],
      'x-upstream': [],
    },
    body: `{"type":"about:blank","title":"${title}","status":${status}}`,
  };
}

/** The path as the log has it. */
function loggedPath(target: string): string {
  return bytes(target.split('?', 1)[0]!)
    .replace(
      /[^\x21-\x7e]/g,
      byte =>
        `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
    )
    .slice(0, 1024);
}

/** A path that the pattern matches, percent-encoded where it must be. */
function samplePath({ match, path }: Rule['paths'][number]): string {
  const sample =
    match === 'segments'
      ? path.replace(/\*\*$/, 'a/b').replace(/\*/g, 'any')
      : path;
  return encodeURI(sample);
}

function withClaim(
  claims: unknown,
  [name, ...rest]: readonly string[],
  value: unknown,
): unknown {
  if (name === undefined) {
    return value;
  }
  const object =
    typeof claims === 'object' && claims !== null && !Array.isArray(claims)
      ? (claims as Claims)
      : {};
  return {
    ...object,
    [name]: withClaim(claimOf(object, [name]), rest, value),
  };
}

type ClaimCondition = Rule['claims'][number];

/** The value that a sample request has where a claim is compared with the request. */
const own = 'own-value';
const ownHost = 'own.example.com';

/** Completes a sample request with what the claims of a rule are compared with. */
function withOwnValues(conditions: Rule['claims'], sample: Sent): Sent {
  return conditions.reduce<Sent>((sent, condition) => {
    switch (condition.is) {
      case 'equals-segment': {
        const missing =
          condition.segment -
          sent.path.replace(/\/$/, '').split('/').length +
          1;
        return {
          ...sent,
          path:
            missing > 0
              ? `${sent.path.replace(/\/$/, '')}${`/${own}`.repeat(missing)}`
              : sent.path,
        };
      }
      case 'equals-header':
        return sent.headers.some(({ name }) => name === condition.name)
          ? sent
          : {
              ...sent,
              headers: [...sent.headers, { name: condition.name, value: own }],
            };
      case 'equals-query':
        return {
          ...sent,
          path: `${sent.path}${sent.path.includes('?') ? '&' : '?'}${
            condition.name
          }=${own}`,
        };
      case 'equals-host':
        return {
          ...sent,
          headers: [...sent.headers, { name: 'host', value: ownHost }],
        };
      default:
        return sent;
    }
  }, sample);
}

/** What the claim has to be in a sample request. */
function ownValue(condition: ClaimCondition, sent: Sent): string {
  switch (condition.is) {
    case 'equals-segment':
      return decodeURIComponent(
        sent.path.split('?', 1)[0]!.split('/')[condition.segment] ?? own,
      );
    case 'equals-header':
      return (
        sent.headers.find(({ name }) => name === condition.name)?.value ?? own
      );
    case 'equals-host':
      return ownHost;
    default:
      return own;
  }
}

/** Requests in which the place that a claim is compared with holds something else, or is hard to read. */
function otherPlaces(
  condition: ClaimCondition,
  sample: Sent,
): [string, Sent][] {
  const withHeader = (name: string, ...values: string[]): Sent => ({
    ...sample,
    headers: [
      ...sample.headers.filter(h => h.name !== name),
      ...values.map(value => ({ name, value })),
    ],
  });
  switch (condition.is) {
    case 'equals-segment': {
      const [path = '', query] = sample.path.split(/\?(.*)/s);
      const at = (change: (segment: string) => string): Sent => ({
        ...sample,
        path: [
          path
            .split('/')
            .map((s, i) => (i === condition.segment ? change(s) : s))
            .join('/'),
          ...(query ? [query] : []),
        ].join('?'),
      });
      return [
        ['another segment', at(() => 'other')],
        ['in the other case', at(segment => segment.toUpperCase())],
        [
          'a letter encoded',
          at(
            segment =>
              `%${segment.charCodeAt(0).toString(16)}${segment.slice(1)}`,
          ),
        ],
        ['only the beginning of it', at(segment => segment.slice(0, -1))],
      ];
    }
    case 'equals-header': {
      const value = ownValue(condition, sample);
      return [
        ['the header is absent', withHeader(condition.name)],
        ['another header value', withHeader(condition.name, 'other')],
        // Envoy joins lines of some well-known headers; those of x- headers stay apart.
        ...(condition.name.startsWith('x-')
          ? ([
              [
                'a second header line',
                withHeader(condition.name, value, 'other'),
              ],
              [
                'the same header line twice',
                withHeader(condition.name, value, value),
              ],
            ] as [string, Sent][])
          : []),
      ];
    }
    case 'equals-query': {
      const { name } = condition;
      const on = (query: string): Sent => ({
        ...sample,
        path: `${sample.path.split('?', 1)[0]}?${query}`,
      });
      const encoded = `%${name.charCodeAt(0).toString(16)}${name.slice(1)}`;
      return [
        ['the parameter is absent', on('x=1')],
        ['another parameter value', on(`${name}=other`)],
        ['a second parameter', on(`${name}=${own}&${name}=other`)],
        ['the same parameter twice', on(`${name}=${own}&x&${name}=${own}`)],
        ['an encoded second name', on(`${name}=${own}&${encoded}=other`)],
        [
          'a second name in the other case',
          on(`${name}=${own}&${name.toUpperCase()}=other`),
        ],
        ['an encoded value', on(`${name}=%6f${own.slice(1)}`)],
        ['a blank as plus', on(`${name}=${own}+`)],
        ['a second name as a list', on(`${name}=${own}&${name}[]=other`)],
        [
          'a second name with encoded brackets',
          on(`${name}=${own}&${name}%5Bx%5D=other`),
        ],
        [
          'a second name with blanks around it',
          on(`${name}=${own}&+${name}+=other`),
        ],
        ['a semicolon', on(`x=1;y&${name}=${own}`)],
        ['an escape that is none', on(`${name}=${own}&x=%zz`)],
        ['an empty value', on(`${name}=`)],
      ];
    }
    case 'equals-host':
      return [
        ['another host', withHeader('host', 'other.example.com')],
        ['the host in the other case', withHeader('host', 'OWN.example.COM')],
        ['the host with a port', withHeader('host', `${ownHost}:8443`)],
        [
          'the host with the dot of the root',
          withHeader('host', `${ownHost}.`),
        ],
        ['a host below', withHeader('host', `x.${ownHost}`)],
      ];
    default:
      return [];
  }
}

/** Claims that fulfil the conditions of a rule one by one. */
function sampleClaims(
  conditions: Rule['claims'],
  sent: Sent,
  form: 'words' | 'list' | 'typed',
): Claims {
  const typed = (text: string) =>
    form === 'typed' && /^(true|false|0|-?[1-9][0-9]{0,14})$/.test(text)
      ? JSON.parse(text)
      : text;
  return conditions.reduce<Claims>((claims, condition) => {
    const before = claimOf(claims, condition.claim);
    const value = (): unknown => {
      switch (condition.is) {
        case 'equals':
          return typed(condition.value);
        case 'one-of':
          return typed(condition.values[0]!);
        case 'contains':
          if (form === 'words' && !condition.value.includes(' ')) {
            return `${typeof before === 'string' ? before : 'first'} ${
              condition.value
            }`;
          }
          return [
            ...(Array.isArray(before) ? before : ['first', { no: 'text' }]),
            typed(condition.value),
          ];
        case 'present':
          return before ?? 'any';
        default:
          return form === 'list'
            ? ['first', ownValue(condition, sent)]
            : ownValue(condition, sent);
      }
    };
    return withClaim(claims, condition.claim, value()) as Claims;
  }, {});
}

/** Whether Envoy accepts a token with these claims. Source: RFC 7519, section 4.1, as jwt_verify_lib reads it. */
function isToken(claims: Claims): boolean {
  const isText = (value: unknown) => typeof value === 'string';
  return (
    ['iss', 'sub', 'jti'].every(
      name => claims[name] === undefined || isText(claims[name]),
    ) &&
    (claims.aud === undefined ||
      isText(claims.aud) ||
      (Array.isArray(claims.aud) && claims.aud.every(isText))) &&
    ['exp', 'nbf', 'iat'].every(name => claims[name] === undefined)
  );
}

/** Rules with cases of their own; more would only take longer. */
const sampledRules = 12;

/** The behaviour of the rules, as data. */
export function cases(given: AuthorizationSettings): BehaviourCase[] {
  const result: BehaviourCase[] = [];
  const add = (
    name: string,
    sent: Sent,
    /** The path that filters see, where Envoy has changed it. */
    path = sent.path,
    logged = false,
  ) => {
    const { claims, body, chunked, ...request } = sent;
    // Without a provider, nobody verifies a token.
    const verified = given.provider ? claims : undefined;
    if (claims && !(given.provider && isToken(claims))) {
      return;
    }
    const decision = decide(given, { ...request, path, claims: verified });
    const passes = given.mode === 'report-only' || decision.effect === 'allow';
    const answer = refusal(decision);
    const named = claims && textOf(claimOf(claims, given.subject));
    const event = {
      event: 'authorization',
      decision: decision.effect,
      reason: decision.reason,
      rule: decision.rule,
      method: request.method,
      path: loggedPath(path),
      ...(given.subject.length && named !== undefined
        ? { subject: named }
        : {}),
      mode: given.mode,
    };
    const silent =
      given.decisionLog === 'none' ||
      (given.decisionLog === 'denied' && decision.effect === 'allow');
    const bodyless = request.method === 'HEAD';
    const upstream = 'from the upstream';
    result.push({
      name: `${name} (${passes ? 'passes' : answer.status})`,
      ...(logged ? { alone: true } : {}),
      request: {
        ...request,
        headers: [...request.headers],
        ...(claims ? { claims } : {}),
        ...(body === undefined ? {} : { body }),
        ...(chunked ? { chunked } : {}),
      },
      response: {
        status: 200,
        headers: [{ name: 'x-upstream', value: 'yes' }],
        ...(bodyless ? {} : { body: upstream }),
      },
      expect: {
        ...(passes
          ? {
              request: { body: body ?? '' },
              response: {
                status: 200,
                headers: { 'x-upstream': ['yes'] },
                ...(bodyless ? {} : { body: upstream }),
              },
            }
          : {
              reached: false,
              response: {
                status: answer.status,
                headers: answer.headers,
                body: bodyless ? '' : answer.body,
              },
            }),
        ...(logged ? { events: silent ? [] : [event] } : {}),
      },
    });
  };

  const sampleOf = (r: Rule): Sent => {
    const sent = withOwnValues(r.claims, {
      method: r.methods[0] ?? 'GET',
      path: r.paths[0] ? samplePath(r.paths[0]) : '/any',
      headers: r.headers.map(condition => ({
        name: condition.name,
        value:
          (condition.is === 'equals' && condition.value) ||
          (condition.is === 'one-of' && condition.values[0]) ||
          'any',
      })),
    });
    return r.claims.length
      ? { ...sent, claims: sampleClaims(r.claims, sent, 'words') }
      : sent;
  };

  for (const [index, r] of given.rules.slice(0, sampledRules).entries()) {
    const title = `rule ${index + 1}`;
    const sample = sampleOf(r);
    add(`${title}: what it asks for`, sample);
    add(`${title}: the same in the log`, sample, sample.path, true);
    for (const method of methods) {
      if (r.methods.length && !r.methods.includes(method)) {
        add(`${title}: another method`, { ...sample, method });
        break;
      }
    }
    for (const [number, pattern] of r.paths.entries()) {
      const path = samplePath(pattern);
      const at = `${title}, path ${number + 1}`;
      const on = (name: string, sent: string, seen = sent) =>
        add(`${at}: ${name}`, { ...sample, path: sent }, seen);
      const below = path === '/' ? '/below' : `${path}/below`;
      on('with a query', `${path}?key=never-logged&x=/../`);
      on('a longer last segment', `${path}x`);
      on('a segment below', below);
      on('a slash at the end', `${path.replace(/\/$/, '')}/`);
      on('in the other case', path.toUpperCase());
      on('a parameter at the end', `${path};a=b`);
      on('an encoded parameter at the end', `${path}%3Ba=b`);
      on('encoded twice', `${path}%2561`);
      on('bytes that are not UTF-8', `${path}%ff`);
      on('an overlong slash', `${path}..%c0%af`);
      on('dot segments that Envoy resolves', `/x/%2e%2E${path}`, path);
      if (path !== '/') {
        on('slashes that Envoy merges', `/${path}`, path);
      }
      const letter = /[a-z]/.exec(path);
      if (letter) {
        on(
          'a letter encoded',
          `${path.slice(0, letter.index)}%${path
            .charCodeAt(letter.index)
            .toString(16)}${path.slice(letter.index + 1)}`,
        );
      }
    }
    for (const [number, condition] of r.headers.entries()) {
      const at = `${title}, header ${number + 1}`;
      const others = sample.headers.filter((_, i) => i !== number);
      add(`${at}: absent`, { ...sample, headers: others });
      add(`${at}: another value`, {
        ...sample,
        headers: [...others, { name: condition.name, value: 'other' }],
      });
      // Envoy joins lines of some well-known headers; those of x- headers stay apart.
      if (condition.name.startsWith('x-')) {
        add(`${at}: a second line`, {
          ...sample,
          headers: [
            ...sample.headers,
            { name: condition.name, value: 'other' },
          ],
        });
        add(`${at}: a list in one line`, {
          ...sample,
          headers: [
            ...others,
            {
              name: condition.name,
              value: `other, ${sample.headers[number]!.value}`,
            },
          ],
        });
        add(`${at}: the same line twice`, {
          ...sample,
          headers: [...sample.headers, sample.headers[number]!],
        });
      }
    }
    if (r.claims.length) {
      const { claims: _, ...anonymous } = sample;
      add(`${title}: no claims`, anonymous);
      add(`${title}: no claims, in the log`, anonymous, sample.path, true);
      add(`${title}: claims without any of these`, { ...sample, claims: {} });
      for (const form of ['list', 'typed'] as const) {
        add(`${title}: claims, ${form}`, {
          ...sample,
          claims: sampleClaims(r.claims, sample, form),
        });
      }
    }
    for (const [number, condition] of r.claims.entries()) {
      const values: Record<string, unknown> = {
        'another text': 'other',
        'an empty text': '',
        null: null,
        'a list': ['other', 1.5, null, ['nested']],
        'an object': { other: true },
      };
      for (const [what, value] of Object.entries(values)) {
        add(`${title}, claim ${number + 1}: ${what}`, {
          ...sample,
          claims: withClaim(sample.claims, condition.claim, value) as Claims,
        });
      }
      for (const [what, sent] of otherPlaces(condition, sample)) {
        add(`${title}, claim ${number + 1}: ${what}`, sent);
      }
      if ('value' in condition) {
        add(`${title}, claim ${number + 1}: only part of a word`, {
          ...sample,
          claims: withClaim(
            sample.claims,
            condition.claim,
            `${condition.value}x x${condition.value}`,
          ) as Claims,
        });
      }
    }
  }

  const get = { method: 'GET', headers: [] };
  add('a path that no pattern has', { ...get, path: '/a/b/c/d/e/f/g/h' });
  add(
    'a token in the query, in the log',
    { ...get, path: '/a?key=never-logged' },
    undefined,
    true,
  );
  add('an escape that is none', { ...get, path: '/a%zz' });
  add('bytes that are no UTF-8', { ...get, path: '/%ff%fe' });
  add(
    'an encoded path, in the log',
    { ...get, path: '/%C3%A9%22%3B' },
    undefined,
    true,
  );
  add('a long path', { ...get, path: `/${'long/'.repeat(1000)}` });

  // Bodies are none of its business, whatever they are.
  const first = given.rules.find(r => r.effect === 'allow');
  const post = { ...(first ? sampleOf(first) : { ...get, path: '/' }) };
  if (!first?.methods.length || first.methods.includes('POST')) {
    post.method = 'POST';
  }
  if (!['GET', 'HEAD', 'OPTIONS', 'DELETE'].includes(post.method)) {
    const large: CaseBody = {
      parts: [{ repeat: '0123456789', times: 20_000 }],
    };
    const binary: CaseBody = { parts: ['{"broken":', { base64: '//4A' }] };
    add('an empty body', { ...post, body: '' });
    add('a large body', { ...post, body: large });
    add('a body in chunks that is no text', {
      ...post,
      body: binary,
      chunked: 'parts',
    });
  }
  add('a body with a request that no rule knows', {
    ...get,
    method: 'DELETE',
    path: '/a/b/c/d/e/f/g/h',
    body: 'refused',
  });
  return result;
}
