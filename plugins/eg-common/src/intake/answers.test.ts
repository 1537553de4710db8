import { plan } from '../plan';
import { purposes } from '../purposes';
import { recommend } from '../recommend';
import { parseAnswers } from './answers';
import { withExample } from './example';
import { InvalidAnswersError } from './problems';

const minimal = {
  name: 'mask-cards',
  owner: 'group:default/payments',
  purpose: 'header-transform',
};

/** The problems with the answers, as a person reads them. */
function problems(answers: unknown): string[] {
  try {
    parseAnswers(answers);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidAnswersError);
    return (error as InvalidAnswersError).message.split('\n').slice(1);
  }
}

describe('parseAnswers', () => {
  it('applies every default', () => {
    expect(parseAnswers(minimal)).toEqual({
      ...minimal,
      description: '',
      need: 'unspecified',
      furtherNeeds: [],
      needSettings: {},
      settings: { request: [], response: [], reroute: false },
      processing: ['requestHeaders', 'responseHeaders'],
      bodySize: 'small',
      language: 'none',
      latency: 'moderate',
      externalCalls: false,
      stateAcrossRequests: false,
      environment: 'production',
      gatewayVersion: '1.9',
      target: { kind: 'HTTPRoute', namespace: 'default' },
      implementation: 'recommended',
    });
  });

  it('knows the purpose and the phases of a concrete need', () => {
    const { purpose: _, ...unsaid } = minimal;
    expect(parseAnswers({ ...unsaid, need: 'validate-body' })).toMatchObject({
      purpose: 'other',
      processing: ['requestHeaders', 'requestBody'],
    });
    expect(problems({ ...unsaid, need: 'unspecified' })).toEqual([
      expect.stringMatching(/^- purpose: /),
    ]);
  });

  it('takes a target without HTTP only for what Envoy Gateway does there itself', () => {
    const tcp = { ...minimal, target: { kind: 'TCPRoute' } };
    expect(problems({ ...tcp, need: 'allow-by-address' })).toEqual([]);
    expect(
      problems({ ...tcp, need: 'allow-by-address', processing: [] }),
    ).toEqual([]);
    expect(problems({ ...tcp, need: 'cors' })).toEqual([
      expect.stringMatching(
        /^- target.kind: "TCPRoute" is not valid: an extension there is accepted and has no effect.* does not attach to a TCPRoute\. .*allow-by-address/,
      ),
    ]);
    expect(problems({ ...tcp, target: { kind: 'UDPRoute' } })).toHaveLength(1);
  });

  it('takes empty strings of a form for questions that were left out', () => {
    const { registry, target } = parseAnswers({
      ...minimal,
      registry: '',
      target: { name: 'checkout', sectionName: '' },
    });
    expect(registry).toBeUndefined();
    expect(target).toEqual({
      kind: 'HTTPRoute',
      name: 'checkout',
      namespace: 'default',
    });
  });

  it('keeps an empty text that is a setting', () => {
    const settings = {
      request: [{ action: 'set', pointer: '/note', value: '' }],
      response: [],
      unreadable: 'pass',
    };
    expect(
      parseAnswers({ ...minimal, purpose: 'body-transform', settings })
        .settings,
    ).toEqual(settings);
  });

  it.each([
    ['verify-signature', 'hmac', ['requestHeaders', 'requestBody']],
    ['introspect-token', 'introspection', ['requestHeaders']],
    ['api-key', 'api-key', ['requestHeaders']],
  ])('begins with what the need %s brings', (need, kind, phases) => {
    const { purpose, settings, processing } = parseAnswers({
      name: 'my-extension',
      owner: 'group:default/payments',
      need,
    });
    expect({ purpose, settings, processing }).toMatchObject({
      purpose: 'authentication',
      settings: { method: { kind } },
      processing: phases,
    });
  });

  it('keeps to the phases that were chosen', () => {
    expect(
      parseAnswers({
        ...minimal,
        purpose: 'authentication',
        need: 'verify-signature',
        processing: ['requestHeaders'],
      }).settings,
    ).toMatchObject({ method: { kind: 'api-key' } });
  });

  it.each([
    [
      { ...minimal, name: 'Mask Cards' },
      '- name: "Mask Cards" is not valid: use lower-case letters, digits and hyphens, beginning with a letter, for example mask-cards',
    ],
    [
      { owner: 'group:default/a', purpose: 'other' },
      '- name: give the extension a name, for example mask-cards',
    ],
    [
      { ...minimal, purpose: 'teleport' },
      `- purpose: "teleport" is not valid: choose one of ${purposes
        .map(({ id }) => id)
        .join(', ')}`,
    ],
    [
      { ...minimal, language: 'cobol' },
      '- language: "cobol" is not valid: choose one of none, go, rust, lua, other; none stands for no preference, other for a language that is not generated',
    ],
    [
      { ...minimal, gatewayVersion: '1.5' },
      '- gatewayVersion: "1.5" is not valid: choose one of 1.9, 1.8, 1.7, 1.6',
    ],
    [
      { ...minimal, target: { kind: 'HTTPRoute', name: 'My_Route' } },
      '- target.name: "My_Route" is not valid: use lower-case letters, digits, hyphens and dots, beginning and ending with a letter or digit, for example my-route',
    ],
    [
      { ...minimal, processing: [] },
      '- processing: [] is not valid: choose at least one of requestHeaders, responseHeaders, requestBody, responseBody',
    ],
    [
      { ...minimal, externalCalls: 'yes' },
      '- externalCalls: "yes" is not valid: use true or false',
    ],
    [
      { ...minimal, registry: 'https://ghcr.io/acme' },
      '- registry: "https://ghcr.io/acme" is not valid: use a registry host and path in lower case without a scheme and tag, for example ghcr.io/acme',
    ],
    [
      { ...minimal, repoUrl: 'https://github.com/acme/x' },
      '- repoUrl: "https://github.com/acme/x" is not valid: use the form github.com?owner=acme&repo=mask-cards',
    ],
    [
      { ...minimal, laguage: 'go' },
      '- laguage: "go" is not valid: there is no such field; remove it or correct its name',
    ],
    [
      {
        ...minimal,
        settings: { request: [{ action: 'set', name: ':path', value: '/' }] },
      },
      '- settings.request[0].name: ":path" is not valid: use letters, digits and hyphens only (Envoy Gateway rejects header names with underscores by default; pseudo-headers such as :path cannot be changed here), for example x-tenant',
    ],
    [
      {
        ...minimal,
        settings: { request: [{ action: 'set', name: 'Host', value: 'a' }] },
      },
      '- settings.request[0].name: "Host" is not valid: choose another header: Envoy routes by it and ignores changes by ExtProc; use the HTTPRoute filter URLRewrite with hostname',
    ],
    [
      {
        ...minimal,
        settings: { request: [{ action: 'delete', name: 'x-a' }] },
      },
      '- settings.request[0].action: "delete" is not valid: use one of the actions set, append, set-from, append-from, remove and rename',
    ],
    [
      {
        ...minimal,
        purpose: 'body-transform',
        settings: { request: [{ action: 'remove', pointer: 'a/b' }] },
      },
      '- settings.request[0].pointer: "a/b" is not valid: use a JSON Pointer (RFC 6901) that begins with /, with ~1 for / and ~0 for ~ in names and array indexes up to 1000, for example /payment/card/number',
    ],
    [
      {
        ...minimal,
        processing: ['requestHeaders'],
        settings: { response: [{ action: 'rename', name: 'x-a', to: 'x-b' }] },
      },
      '- processing: ["requestHeaders"] is not valid: the settings need responseHeaders; add it here, or remove the operations that need it from settings',
    ],
    ['text', '- answers: "text" is not valid: '],
  ])('names field, value and remedy: %j', (answers, message) => {
    const [first] = problems(answers);
    expect(
      message.endsWith(': ') ? first?.slice(0, message.length) : first,
    ).toBe(message);
  });

  it('reports every problem at once', () => {
    expect(
      problems({ name: 'A', owner: '!', purpose: 'none', latency: 'low' }),
    ).toHaveLength(4);
  });

  it.each([
    ['a line break', 'a\nb'],
    ['a right-to-left override', 'a\u202eb'],
    ['a zero-width space', 'a\u200bb'],
    ['a null', 'a\0b'],
    ['a byte order mark', '\ufeffa'],
    ['a next-line control', 'a\u0085b'],
    ['a lone surrogate', 'a\ud800b'],
  ])('rejects %s in text', (_, description) => {
    expect(problems({ ...minimal, description })).toHaveLength(1);
  });

  it('shortens long values in errors', () => {
    const [message] = problems({ ...minimal, name: 'X'.repeat(500) });
    expect(message!.length).toBeLessThan(300);
  });
});

describe('settings that nobody gave', () => {
  const planned = (answers: object) => plan(parseAnswers(answers));

  it.each([
    [
      'header-transform',
      ['Operations on the request', 'Operations on the response'],
    ],
    [
      'body-transform',
      [
        'Operations on the JSON of the request',
        'Operations on the JSON of the response',
      ],
    ],
    ['authorization', ['Rules']],
    ['content-inspection', ['Requests', 'Bodies of responses']],
    ['rate-limit', ['Limits']],
  ])(
    'make no extension of %s, and the advice can be had all the same',
    (purpose, fields) => {
      const answers = { ...minimal, purpose };
      expect(recommend(parseAnswers(answers)).decision).not.toBe('native');
      const named = fields.map(title => `“${title}”`).join(' or ');
      for (const given of [answers, { ...answers, settings: {} }]) {
        expect(() => planned(given)).toThrow(
          `is not valid: nothing says what the extension is to do; fill in ${named}, for example `,
        );
      }
      expect(() => planned(withExample(answers))).not.toThrow();
    },
  );

  it('names the part for which phases were chosen', () => {
    expect(() =>
      planned({ ...minimal, processing: ['responseHeaders'] }),
    ).toThrow(
      'settings.response: [] is not valid: nothing says what the extension is to do; fill in “Operations on the request” or “Operations on the response”, for example response: [{"action":"rename",',
    );
  });

  it('are no settings that are there and look at nothing', () => {
    expect(() =>
      planned({
        ...minimal,
        purpose: 'content-inspection',
        settings: { request: { headers: ['x-a'] } },
      }),
    ).toThrow('nothing says what the extension is to do; fill in “Requests”');
    expect(() => planned({ ...minimal, settings: { reroute: true } })).toThrow(
      'nothing says what the extension is to do; fill in “Operations on the',
    );
  });

  it.each(purposes.map(({ id }) => id))(
    'change, refuse and limit nothing by themselves: %s',
    purpose => {
      const { settings } = parseAnswers({ ...minimal, purpose });
      const nothing: Record<string, object> = {
        'header-transform': { request: [], response: [], reroute: false },
        'body-transform': { request: [], response: [] },
        authorization: { rules: [] },
        'content-inspection': { patterns: [] },
        'rate-limit': { limits: [] },
        'audit-log': { requestHeaders: [], responseHeaders: [], claims: [] },
        'ai-gateway': { models: [], guard: [], budget: { tokens: 0 } },
        other: { header: { name: '', value: '' } },
        // The purpose itself refuses; without keys it refuses everybody.
        authentication: { method: { kind: 'api-key', keys: [] } },
      };
      expect(settings).toMatchObject(nothing[purpose]!);
    },
  );

  it('do nothing where Envoy Gateway does all of it', () => {
    expect(
      planned({ ...minimal, purpose: 'rate-limit', need: 'limit-requests' })
        .mechanism,
    ).toBe('native');
  });
});
