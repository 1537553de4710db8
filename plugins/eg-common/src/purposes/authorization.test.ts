import { implementationOf } from '../implementations';
import { authorization } from './authorization';
import { AuthorizationRequest, decide } from './authorizationRules';
import { requirementsOf } from './purposes';

const rule = (members: object = {}) => ({
  name: 'rule',
  effect: 'allow',
  ...members,
});

const parse = (members: object) =>
  authorization.settings.parse({ provider: 'idp', ...members }) as Parameters<
    typeof decide
  >[0];

const ask = (
  rules: object[],
  request: Partial<AuthorizationRequest> = {},
  members = {},
) =>
  decide(parse({ rules, ...members }), {
    method: 'GET',
    path: '/',
    headers: [],
    ...request,
  });

describe('claims that are compared with the request', () => {
  const own = (condition: object, request: object, effect = 'allow') => {
    const rules = [rule({ effect, claims: [condition] })];
    return (
      ask([...rules, ...(effect === 'deny' ? [rule({ name: 'rest' })] : [])], {
        claims: { sub: '42', tenants: ['a', 7], site: 'Shop.example.com' },
        ...request,
      }).effect === 'allow'
    );
  };
  const segment = { is: 'equals-segment', claim: ['sub'], segment: 2 };
  const header = { is: 'equals-header', claim: ['tenants'], name: 'X-Tenant' };
  const query = { is: 'equals-query', claim: ['sub'], name: 'user' };
  const host = { is: 'equals-host', claim: ['site'] };
  const lines = (name: string, ...values: string[]) => ({
    headers: values.map(value => ({ name, value })),
  });

  it.each([
    [segment, { path: '/users/42/orders' }, true],
    [segment, { path: '/users/4%32' }, true],
    [segment, { path: '/users/43' }, false],
    [segment, { path: '/users' }, false],
    [header, lines('x-tenant', 'a'), true],
    [header, lines('x-tenant', '7', 'a'), true],
    [header, lines('x-tenant', 'a', 'b'), false],
    [header, {}, false],
    [query, { path: '/?user=42' }, true],
    [query, { path: '/?user=42&user=43' }, false],
    [query, { path: '/?user=42&%55SER=43' }, false],
    [query, { path: '/?user=42;user=43' }, false],
    [query, { path: '/?user=42&x=%' }, false],
    [host, lines('host', 'shop.EXAMPLE.com.:8443'), true],
    [host, lines('host', 'example.com'), false],
    [host, {}, false],
  ])('allows by %j with %j: %s', (condition, request, allowed) => {
    expect(own(condition, request)).toBe(allowed);
  });

  it.each([
    [header, lines('x-tenant', 'b', 'a')],
    [query, { path: '/?user=1&user=42' }],
    [query, { path: '/?user=1;user=42' }],
    [query, { path: '/?user=1&x=%' }],
  ])('denies by %j with %j', (condition, request) => {
    expect(own(condition, request, 'deny')).toBe(false);
  });

  it.each([
    [{ ...segment, segment: 0 }, /whole number from 1 to 32/],
    [{ ...header, name: 'cookie' }, /choose another header/],
    [{ ...query, name: 'a b' }, /for example tenant/],
    [{ ...host, is: 'equals-path' }, /use one of the conditions/],
  ])('refuses %j', (condition, message) => {
    const { error } = authorization.settings.safeParse({
      provider: 'idp',
      rules: [rule({ claims: [condition] })],
    });
    expect(error!.issues[0]!.message).toMatch(message);
  });
});

describe('decide', () => {
  it.each([
    ['exact', '/a', '/a?b', 'rule'],
    ['exact', '/a', '/a/', 'no_rule'],
    ['exact', '/é', '/%C3%a9', 'rule'],
    ['prefix', '/a', '/a/b', 'rule'],
    ['prefix', '/a', '/ab', 'no_rule'],
    ['prefix', '/', '/x', 'rule'],
    ['segments', '/u/*/o', '/u/1/o', 'rule'],
    ['segments', '/u/*', '/u/', 'no_rule'],
    ['segments', '/u/**', '/u', 'rule'],
    ['segments', '/u/**', '/u/1/2', 'rule'],
    ['prefix', '/', '/a;b', 'ambiguous_path'],
    ['prefix', '/', '/a%3bb', 'ambiguous_path'],
    ['prefix', '/', '/a%2fb', 'ambiguous_path'],
    ['prefix', '/', '/a/%2E%2e/b', 'ambiguous_path'],
    ['prefix', '/', '/a//b', 'ambiguous_path'],
    ['prefix', '/', '/a%2561', 'ambiguous_path'],
    ['prefix', '/', '/a%zz', 'ambiguous_path'],
    ['prefix', '/', '/a%00', 'ambiguous_path'],
    ['prefix', '/', '*', 'ambiguous_path'],
  ])('by path: %s %s of %s', (match, path, sent, reason) => {
    expect(ask([rule({ paths: [{ match, path }] })], { path: sent })).toEqual({
      effect: reason === 'rule' ? 'allow' : 'deny',
      reason,
      rule: reason === 'rule' ? 'rule' : '',
    });
  });

  it('lets the first rule decide that matches', () => {
    const rules = [
      rule({ name: 'a', effect: 'deny', methods: ['DELETE'] }),
      rule({ name: 'b' }),
    ];
    expect(ask(rules, { method: 'DELETE' })).toMatchObject({
      effect: 'deny',
      rule: 'a',
    });
    expect(ask(rules)).toMatchObject({ effect: 'allow', rule: 'b' });
    expect(ask([])).toMatchObject({ effect: 'deny', reason: 'no_rule' });
  });

  it.each([
    ['allow', ['1'], true],
    ['allow', ['1', '2'], false],
    ['allow', [], false],
    ['deny', ['1', '2'], true],
    ['deny', ['2'], false],
  ])(
    'by a header with lines, effect %s, %j',
    (effect, lines: string[], matches) => {
      const headers = [{ is: 'equals', name: 'X-A', value: '1' }];
      const decision = ask([rule({ effect, headers })], {
        headers: lines.map(value => ({ name: 'x-a', value })),
      });
      expect(decision.reason).toBe(matches ? 'rule' : 'no_rule');
    },
  );

  const claims = {
    sub: 'u1',
    scope: 'read write',
    level: 3,
    on: true,
    groups: ['a b', 7, null],
    realm: { roles: ['admin'] },
  };
  it.each([
    [{ is: 'present', claim: ['sub'] }, true],
    [{ is: 'present', claim: ['realm'] }, false],
    [{ is: 'present', claim: ['__proto__'] }, false],
    [{ is: 'present', claim: ['constructor', 'name'] }, false],
    [{ is: 'equals', claim: ['level'], value: '3' }, true],
    [{ is: 'equals', claim: ['on'], value: 'true' }, true],
    [{ is: 'equals', claim: ['groups'], value: 'a b' }, false],
    [{ is: 'contains', claim: ['scope'], value: 'write' }, true],
    [{ is: 'contains', claim: ['scope'], value: 'writ' }, false],
    [{ is: 'contains', claim: ['groups'], value: 'a' }, false],
    [{ is: 'contains', claim: ['groups'], value: '7' }, true],
    [{ is: 'contains', claim: ['realm', 'roles'], value: 'admin' }, true],
    [{ is: 'one-of', claim: ['groups'], values: ['7', '8'] }, true],
    [{ is: 'one-of', claim: ['scope'], values: ['read'] }, false],
  ])('by a claim: %j', (condition, matches) => {
    const decision = ask([rule({ claims: [condition] })], { claims });
    expect(decision.effect).toBe(matches ? 'allow' : 'deny');
  });

  it('asks for claims where they could help', () => {
    const needs = rule({ claims: [{ is: 'present', claim: ['sub'] }] });
    expect(ask([needs]).reason).toBe('claims_missing');
    expect(ask([needs, rule({ name: 'last', effect: 'deny' })]).reason).toBe(
      'claims_missing',
    );
    expect(ask([{ ...needs, effect: 'deny' }]).reason).toBe('no_rule');
    expect(ask([needs], { claims: {} }).reason).toBe('no_rule');
    expect(ask([needs, rule({ name: 'open' })]).effect).toBe('allow');
  });

  it('can ignore the case of ASCII letters in paths', () => {
    const rules = [rule({ paths: [{ match: 'exact', path: '/Ab' }] })];
    const path = '/%61B';
    expect(ask(rules, { path }).effect).toBe('deny');
    expect(ask(rules, { path }, { pathCase: 'ignored' }).effect).toBe('allow');
  });
});

describe('authorization', () => {
  it.each([
    ['a path', { paths: [{ match: 'exact', path: 'a' }] }, 'begin with /'],
    ['%', { paths: [{ match: 'exact', path: '/%61' }] }, 'percent-encoding'],
    ['dots', { paths: [{ match: 'exact', path: '/../a' }] }, 'remove empty'],
    ['*', { paths: [{ match: 'prefix', path: '/*' }] }, 'use match segments'],
    ['an end', { paths: [{ match: 'prefix', path: '/a/' }] }, 'remove the /'],
    ['part', { paths: [{ match: 'segments', path: '/a*' }] }, 'let * stand'],
    ['**', { paths: [{ match: 'segments', path: '/**/a' }] }, 'let * stand'],
    ['a method', { methods: ['TRACE'] }, 'use GET'],
    [
      'a credential',
      { headers: [{ is: 'equals', name: 'Cookie', value: 'x' }] },
      'use a condition on claims',
    ],
    [
      'an address',
      { headers: [{ is: 'present', name: 'x-forwarded-for' }] },
      'anyone can send it',
    ],
    ['time', { claims: [{ is: 'present', claim: ['exp'] }] }, 'times of a'],
    ['no values', { claims: [{ is: 'one-of', claim: ['a'], values: [] }] }, ''],
  ])('refuses %s', (_, members, message) => {
    const result = authorization.settings.safeParse({
      provider: 'idp',
      rules: [rule(members)],
    });
    expect(result.error?.issues.map(i => i.message).join()).toContain(
      message || 'give at least one',
    );
  });

  it('refuses claims without a provider, and two rules of one name', () => {
    const claims = [{ is: 'present', claim: ['sub'] }];
    const issues = (given: object) =>
      authorization.settings
        .safeParse(given)
        .error?.issues.map(i => i.path.join('.'));
    expect(issues({ rules: [rule({ claims })] })).toEqual(['provider']);
    expect(issues({ subject: ['sub'] })).toEqual(['provider']);
    expect(issues({ rules: [rule(), rule()] })).toEqual(['rules.1.name']);
  });

  it('asks for the claims of its provider only', () => {
    expect(requirementsOf(authorization, parse({})).claims).toBe('idp');
    expect(
      requirementsOf(authorization, parse({ provider: '' })).claims,
    ).toBeNull();
  });

  it('has cases for each answer, and in the log no queries', () => {
    const settings = parse({
      subject: ['sub'],
      rules: [
        rule({
          paths: [{ match: 'prefix', path: '/a' }],
          claims: [{ is: 'contains', claim: ['scope'], value: 'read' }],
        }),
      ],
    });
    const cases = authorization.cases(settings, {
      processing: { request: { body: false }, response: false },
      implementation: implementationOf('lua'),
    });
    const statuses = cases.map(c => c.expect.response.status);
    expect(new Set(statuses)).toEqual(new Set([200, 401, 403]));
    const events = cases.flatMap(c => c.expect.events ?? []);
    expect(events.length).toBeGreaterThan(2);
    expect(JSON.stringify(events)).not.toContain('never-logged');
  });

  it('warns of what does not protect', () => {
    const texts = (members: object) =>
      authorization.warnings!(parse(members))
        .map(w => w.text)
        .join('\n');
    expect(texts({ mode: 'report-only' })).toContain('nothing is refused');
    expect(texts({})).toContain('JWT provider of the settings');
    const headers = [{ is: 'present', name: 'x-a' }];
    expect(texts({ rules: [rule({ headers })] })).toContain('header alone');
    const quiet = { provider: '', decisionLog: 'none', rules: [rule()] };
    expect(texts(quiet)).toBe('');
  });
});
