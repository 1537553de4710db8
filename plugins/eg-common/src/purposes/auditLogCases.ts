import {
  AuditLogSettings,
  eventOf,
  inSample,
  isManaged,
  recordOf,
} from './auditLogEvent';
import { BehaviourCase, CaseBody, CaseChunks, CaseHeader } from './types';

/** A request and its response. */
interface Exchange {
  method?: string;
  target?: string;
  headers?: CaseHeader[];
  body?: CaseBody;
  chunked?: CaseChunks;
  claims?: Record<string, unknown>;
  status?: number;
  responseHeaders?: CaseHeader[];
  /** null: none. */
  responseBody?: CaseBody | null;
  responseChunked?: CaseChunks;
}

const host = 'shop.example.com';

/** What is never to be seen in an event. */
const secret = 'never-logged';

/** Credentials that Envoy does not look at, in the form of their header. */
const credentials: Record<string, string> = {
  authorization: `Basic ${secret}`,
  cookie: `session=${secret}`,
  'set-cookie': `session=${secret}; HttpOnly`,
};

/** Two lines of headers that may repeat, else one. */
function sample(names: readonly string[]): CaseHeader[] {
  return names
    .filter(name => !isManaged(name))
    .flatMap(name => {
      const value = credentials[name];
      if (value !== undefined) {
        return [{ name, value }];
      }
      return name.startsWith('x-')
        ? [
            { name, value: 'first "quoted", with a comma' },
            { name, value: 'zweite Zeile: ü \\' },
          ]
        : [{ name, value: 'one' }];
    });
}

function length(body: CaseBody | null | undefined): number | undefined {
  return typeof body === 'string'
    ? new TextEncoder().encode(body).length
    : undefined;
}

/** Claims of all types, so that each claim of the settings is there once. */
function sampleClaims(settings: AuditLogSettings): Record<string, unknown> {
  const values = ['alice "a" ü', ['admin', 7, true, null, 'dev'], 42, false];
  const root: Record<string, any> = {};
  settings.claims.forEach(({ claim }, i) => {
    let object = root;
    for (const name of claim.slice(0, -1)) {
      if (typeof object[name] !== 'object' || Array.isArray(object[name])) {
        object[name] = {};
      }
      object = object[name];
    }
    const last = claim[claim.length - 1]!;
    const standard: Record<string, unknown> = {
      iss: 'issuer',
      sub: 'alice',
      jti: 'id',
      aud: ['first', 'second'],
    };
    // Of these, Envoy and the test decide themselves.
    if (object !== root || !['exp', 'nbf', 'iat'].includes(last)) {
      object[last] =
        (object === root ? standard[last] : undefined) ??
        values[i % values.length];
    }
  });
  return root;
}

/** The behaviour, as data: traffic passes unchanged, and events say what went by. */
export function cases(settings: AuditLogSettings): BehaviourCase[] {
  const { sampling, provider } = settings;
  const verifies = settings.claims.length > 0 && provider !== '';
  const chosen = {
    // Where tokens are verified, only the runner's are let through.
    request: settings.requestHeaders.filter(
      name =>
        name !== sampling.header && !(verifies && name === 'authorization'),
    ),
    response: settings.responseHeaders,
  };

  const one = (
    name: string,
    {
      method = 'GET',
      target = '/',
      headers = [],
      body,
      chunked,
      claims,
      status = 200,
      responseHeaders = [],
      responseBody = 'from the upstream',
      responseChunked,
    }: Exchange,
    /** Sent alone, to compare its event. */
    alone = true,
  ): BehaviourCase => {
    const sent = [{ name: 'host', value: host }, ...headers];
    const event = eventOf(settings, {
      method,
      target,
      host,
      status,
      requestBytes: chunked ? undefined : length(body),
      responseBytes:
        responseChunked || method === 'HEAD' ? undefined : length(responseBody),
      requestHeaders: claims
        ? [...sent, { name: 'authorization', value: 'Bearer' }]
        : sent,
      responseHeaders,
      claims,
    });
    const written =
      event && settings.output === 'otlp' ? recordOf(event) : event;
    return {
      name,
      ...(alone && event !== undefined ? { alone: true } : {}),
      request: {
        method,
        path: target,
        headers: sent,
        ...(body === undefined ? {} : { body }),
        ...(chunked ? { chunked } : {}),
        ...(claims ? { claims } : {}),
      },
      response: {
        status,
        headers: responseHeaders,
        ...(responseBody === null ? {} : { body: responseBody }),
        ...(responseChunked ? { chunked: responseChunked } : {}),
      },
      expect: {
        request: {
          headers: linesOf(headers),
          ...(body === undefined ? {} : { body }),
        },
        response: {
          status,
          headers: linesOf(responseHeaders),
          body: method === 'HEAD' ? '' : responseBody ?? '',
        },
        ...(alone && event !== undefined
          ? { events: written ? [written] : [] }
          : {}),
      },
    };
  };

  const all: Exchange = {
    headers: sample(chosen.request),
    responseHeaders: sample(chosen.response),
  };
  const large: CaseBody = { parts: [{ repeat: '0123456789', times: 20_000 }] };
  const noText: CaseBody = { parts: ['{"broken":', { base64: '//4A' }] };
  const chunks = {
    method: 'POST',
    body: noText,
    chunked: 'parts' as const,
    responseBody: noText,
    responseChunked: 'parts' as const,
  };
  const kept = settings.keptQueryParameters[0] ?? 'page';

  return [
    // Many at once, to see that nothing holds them back or mixes them.
    one('a request passes as it is', all, false),
    one(
      'bodies pass as they are',
      { ...all, method: 'POST', body: '{"to": "upstream"}' },
      false,
    ),
    one('bodies in chunks that are no text pass as they are', chunks, false),
    one(
      'large bodies pass as they come',
      { method: 'PUT', body: large, responseBody: large },
      false,
    ),

    one('the event of a request with everything that is chosen', {
      ...all,
      method: 'POST',
      target: `/orders/17?${kept}=2&token=${secret}&${kept}=&a=1;b=2&=&${secret}`,
      headers: [
        ...all.headers!,
        { name: 'user-agent', value: 'shop/1.0 "beta"' },
      ],
      body: 'zwölf Bäume',
    }),
    one('the event of a request with nothing of it', {
      status: 204,
      responseBody: null,
    }),
    one('the event of bytes that are no UTF-8', {
      target: '/a%FF%22b?%FE=%FF&%22',
      headers: [{ name: 'user-agent', value: 'Überwachung' }],
    }),
    one('the event of long texts', {
      target: `/${'long/'.repeat(600)}?${'a=1&'.repeat(600)}`,
      headers: [{ name: 'user-agent', value: 'ü'.repeat(1000) }],
    }),
    one('the event of more values than there is place for', {
      headers: [...chosen.request]
        .filter(name => name.startsWith('x-') && !isManaged(name))
        .flatMap(name =>
          Array.from({ length: 12 }, (_, i) => ({ name, value: `${i}` })),
        ),
    }),
    one('the event of a request without a body, and of none in the answer', {
      method: 'HEAD',
      responseBody: null,
    }),
    one('the event of bodies in chunks', chunks),
    one('the event of an empty body', { method: 'POST', body: '' }),
    one('the event of an error of the client', { status: 404 }),
    one('the event of an error of the upstream', { ...all, status: 503 }),

    ...(sampling.perTenThousand < 10_000 &&
    sampling.header !== '' &&
    !isManaged(sampling.header)
      ? samplingCases(settings, one)
      : []),

    ...(verifies
      ? [
          one('the event of verified claims', {
            ...all,
            claims: sampleClaims(settings),
          }),
          one('the event of a token without these claims', { claims: {} }),
          refusedBefore(settings),
        ]
      : []),
  ];
}

function samplingCases(
  { sampling }: AuditLogSettings,
  one: (name: string, exchange: Exchange) => BehaviourCase,
): BehaviourCase[] {
  const values = Array.from({ length: 100 }, (_, i) => `caller-${i}`);
  const first = (wanted: boolean) =>
    values
      .filter(value => inSample(value, sampling.perTenThousand) === wanted)
      .slice(0, 3);
  const with_ = (value: string): Exchange => ({
    headers: [{ name: sampling.header, value }],
  });
  return [
    ...first(true).map(value => one(`${value} is in the sample`, with_(value))),
    ...first(false).flatMap(value => [
      one(`${value} is not in the sample`, with_(value)),
      one(`an error for ${value}, which is not in the sample`, {
        ...with_(value),
        status: 500,
      }),
    ]),
  ];
}

/** What a filter before this one answers comes by on its way back only. */
function refusedBefore(settings: AuditLogSettings): BehaviourCase {
  const { sampling, fields, output } = settings;
  const certain =
    sampling.perTenThousand === 10_000 || sampling.always === 'errors';
  const event = {
    event: 'request',
    outcome: 'answered',
    ...(fields.includes('status') ? { status: 401 } : {}),
  };
  return {
    name: 'the event of a token that Envoy refuses',
    ...(certain ? { alone: true } : {}),
    request: {
      method: 'GET',
      path: '/',
      headers: [{ name: 'authorization', value: `Bearer ${secret}` }],
    },
    response: { status: 200, headers: [] },
    expect: {
      reached: false,
      response: { status: 401 },
      ...(certain
        ? { events: [output === 'otlp' ? recordOf(event) : event] }
        : {}),
    },
  };
}

function linesOf(headers: readonly CaseHeader[]): Record<string, string[]> {
  const result: Record<string, string[]> = {};
  for (const { name, value } of headers) {
    (result[name] ??= []).push(value);
  }
  return result;
}
