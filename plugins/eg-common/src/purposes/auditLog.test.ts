import { implementationOf } from '../implementations';
import { auditLog } from './auditLog';
import {
  AuditLogSettings,
  eventOf,
  inSample,
  printable,
  recordOf,
  redactQuery,
} from './auditLogEvent';
import { requirementsOf } from './purposes';

const settingsOf = (given: object) =>
  auditLog.settings.parse(given) as AuditLogSettings;

const problemsOf = (given: object) =>
  (auditLog.settings.safeParse(given).error?.issues ?? []).map(
    ({ path, message }) => `${path.join('.')}: ${message}`,
  );

const casesOf = (given: object) =>
  auditLog.cases(settingsOf(given), {
    processing: { request: { body: false }, response: { body: false } },
    implementation: implementationOf('extproc-go'),
  });

describe('what an event has', () => {
  it.each([
    ['', ''],
    ['a=1', 'a=[redacted]'],
    ['page=2&token=x;page=3', 'page=2&token=[redacted];page=3'],
    ['PAGE=2&p%61ge=2', 'PAGE=[redacted]&p%61ge=[redacted]'],
    ['t0ken&dG9rZW4=&dG9rZW4==', '[redacted]&[redacted]&[redacted]'],
    ['page&page=', 'page&page='],
    ['=x&a=b=c', '=[redacted]&a=[redacted]'],
    ['&&a=1&;', '&&a=[redacted]&;'],
  ])('of the query %j is %j', (query, expected) => {
    expect(redactQuery(query, ['page'])).toBe(expected);
  });

  it('of a text is visible ASCII, and no more than 1024 characters', () => {
    expect(printable('a "b" ü\n~')).toBe('a "b" %C3%BC%0A~');
    expect(printable('x'.repeat(2000))).toHaveLength(1024);
  });

  it('of headers are no credentials, whatever is chosen', () => {
    const names = ['authorization', 'cookie', 'x-api-key', 'x-own', 'x-many'];
    const event = eventOf(
      settingsOf({
        fields: [],
        requestHeaders: [...names, 'x-absent'],
        redactedHeaders: ['x-own'],
      }),
      {
        method: 'GET',
        target: '/',
        host: 'a',
        status: 200,
        requestHeaders: [
          ...names.map(name => ({ name, value: 'secret' })),
          ...Array.from({ length: 9 }, (_, i) => ({
            name: 'x-many',
            value: `${i}`,
          })),
        ],
        responseHeaders: [],
      },
    );
    expect(event).toEqual({
      event: 'request',
      outcome: 'answered',
      requestHeaders: {
        authorization: ['[redacted]'],
        cookie: ['[redacted]'],
        'x-api-key': ['[redacted]'],
        'x-own': ['[redacted]'],
        'x-many': ['secret', '0', '1', '2', '3', '4', '5', '6'],
      },
    });
  });

  it('is the same as an OpenTelemetry record, under other names', () => {
    expect(
      recordOf({
        event: 'request',
        outcome: 'answered',
        method: 'GET',
        status: 200,
        requestHeaders: { 'x-a': ['1'] },
        claims: { subject: ['alice'] },
      }),
    ).toEqual({
      event: 'request',
      'audit.outcome': 'answered',
      'http.request.method': 'GET',
      'http.response.status_code': 200,
      'http.request.header.x-a': ['1'],
      'audit.claim.subject': ['alice'],
    });
  });
});

describe('sampling', () => {
  // The numbers that the same sum gives in Python.
  it.each([
    ['', 0],
    ['a', 1308],
    ['caller-0', 3375],
    ['ü', 9959],
    ['0b8f2f44-5b0b-4b1e-9d0a-6f7c5a1d2e3f', 4825],
  ])('takes %j from %d of ten thousand on', (value, number) => {
    expect(inSample(value, number)).toBe(false);
    expect(inSample(value, number + 1)).toBe(true);
  });

  it.each([
    [200, 0, 'errors', false],
    [400, 0, 'errors', true],
    [499, 0, 'server-errors', false],
    [500, 0, 'server-errors', true],
    [500, 0, 'none', false],
    [200, 10_000, 'none', true],
  ] as const)(
    'status %d with %d and always %s: %s',
    (status, perTenThousand, always, expected) => {
      const event = eventOf(
        settingsOf({ sampling: { perTenThousand, always } }),
        {
          method: 'GET',
          target: '/',
          host: 'a',
          status,
          requestHeaders: [],
          responseHeaders: [],
        },
      );
      expect(event !== null).toBe(expected);
    },
  );

  it('is compared where the header that decides is the client’s own', () => {
    const sampling = { perTenThousand: 3000, always: 'errors' };
    const names = (header: string) =>
      casesOf({ sampling: { ...sampling, header } })
        .filter(c => c.expect.events)
        .map(c => c.name);
    expect(names('x-caller')).toEqual(
      expect.arrayContaining([
        'caller-1 is in the sample',
        'caller-0 is not in the sample',
        'an error for caller-0, which is not in the sample',
      ]),
    );
    expect(names('x-request-id')).toEqual([
      'the event of an error of the client',
      'the event of an error of the upstream',
    ]);
  });
});

describe('auditLog', () => {
  it('works without any answer, and asks for little', () => {
    const settings = auditLog.settings.parse({});
    expect(requirementsOf(auditLog, settings)).toEqual({
      impossible: {},
      calls: false,
      state: false,
      claims: null,
      attributes: ['source.address'],
      services: [],
      secrets: [],
      stateBytes: 0,
    });
  });

  it('sends OpenTelemetry logs from an external processor only', () => {
    const { impossible, services } = requirementsOf(
      auditLog,
      settingsOf({ output: 'otlp' }),
    );
    expect(Object.keys(impossible)).toEqual(['wasm-rust', 'lua']);
    expect(services.map(s => s.variable)).toEqual([
      'OTEL_EXPORTER_OTLP_ENDPOINT',
    ]);
  });

  it('asks for the claims that are logged', () => {
    const claims = [{ name: 'subject', claim: ['sub'] }];
    const of = (given: object) =>
      requirementsOf(auditLog, settingsOf(given)).claims;
    expect(of({ provider: 'idp', claims })).toBe('idp');
    expect(of({ provider: 'idp' })).toBeNull();
    expect(
      casesOf({ provider: 'idp', claims }).find(
        c => c.name === 'the event of verified claims',
      )!.expect.events,
    ).toMatchObject([{ claims: { subject: ['alice'] } }]);
  });

  it.each([
    [{ fields: ['body'] }, 'fields.0: use method, path, query'],
    [{ fields: ['path', 'path'] }, 'fields: name each of the fields once'],
    [{ requestHeaders: ['x_a'] }, 'requestHeaders.0: use letters, digits'],
    [
      { responseHeaders: ['x-a', 'X-A'] },
      'responseHeaders: name each of the headers once',
    ],
    [
      { keptQueryParameters: ['a=b'] },
      'keptQueryParameters.0: use 1 to 64 letters',
    ],
    [
      { claims: [{ name: 'who', claim: ['sub'] }] },
      'provider: name the provider',
    ],
    [
      { provider: 'p', claims: [{ name: 'who', claim: [] }] },
      'claims.0.claim: give the name of the claim',
    ],
    [
      { sampling: { perTenThousand: 10_001 } },
      'sampling.perTenThousand: use a whole number from 0 to 10000',
    ],
    [
      { sampling: { header: ':path' } },
      'sampling.header: use letters, digits and hyphens only',
    ],
    [{ sampling: { always: 'yes' } }, 'sampling.always: use one of none'],
    [{ output: 'file' }, 'output: use stdout or otlp'],
  ])('refuses %j', (given, expected) => {
    expect(problemsOf(given).join('\n')).toContain(expected);
  });

  it('never expects what is to be hidden', () => {
    const expected = JSON.stringify(
      casesOf({
        requestHeaders: ['authorization', 'cookie', 'x-api-key'],
        responseHeaders: ['set-cookie'],
      }).map(c => c.expect.events),
    );
    expect(expected).toContain('[redacted]');
    expect(expected).not.toContain('never-logged');
  });

  it.each([
    [{}, 'operation'],
    [{ output: 'otlp' }, 'audit_events_total'],
    [
      { sampling: { perTenThousand: 1, header: 'x-a' } },
      'Clients choose the value of x-a',
    ],
    [{ sampling: { perTenThousand: 1, header: '' } }, 'Chance decides'],
  ])('warns of %j', (given, text) => {
    expect(JSON.stringify(auditLog.warnings!(settingsOf(given)))).toContain(
      text,
    );
  });
});
