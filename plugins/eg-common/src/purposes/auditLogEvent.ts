/** What an event may say about a request, as its members are called. */
export const auditedFields = [
  'method',
  'path',
  'query',
  'host',
  'status',
  'durationMs',
  'requestBytes',
  'responseBytes',
  'requestId',
  'clientAddress',
  'userAgent',
] as const;

/** Headers whose values are never part of an event. */
export const alwaysRedacted = [
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'x-api-key',
] as const;

/** What an event says, which requests have one, and where it goes. */
export interface AuditLogSettings {
  fields: (typeof auditedFields)[number][];
  requestHeaders: string[];
  responseHeaders: string[];
  redactedHeaders: string[];
  keptQueryParameters: string[];
  claims: { name: string; claim: string[] }[];
  provider: string;
  sampling: {
    perTenThousand: number;
    header: string;
    always: 'none' | 'server-errors' | 'errors';
  };
  output: 'stdout' | 'otlp';
}

/** The most characters of one text, and the most values of one header or claim. */
const longest = 1024;
const mostValues = 8;

const redacted = '[redacted]';

/**
 * Whether the value of a header when the extension runs is not the sender's alone: Envoy, the HTTP client or the
 * transport sets or changes it. What follows from it is not part of the cases.
 */
export function isManaged(name: string): boolean {
  return /^(accept|accept-encoding|date|server|host|x-request-id|x-forwarded-.*|x-envoy-.*|content-length|content-encoding|transfer-encoding|connection|keep-alive|proxy-connection|upgrade|te|trailer|expect|via|forwarded)$/.test(
    name,
  );
}

const bytesOf = (text: string) => [...new TextEncoder().encode(text)];

/** A text of any bytes as an event has it: visible ASCII and blanks, the rest percent-encoded, of bounded length. */
export function printable(text: string): string {
  return bytesOf(text)
    .map(byte =>
      byte >= 0x20 && byte <= 0x7e
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
    )
    .join('')
    .slice(0, longest);
}

/**
 * A query without values, except those that are kept. What has no value may be one itself, as in `?token`, so it is
 * hidden as well.
 */
export function redactQuery(query: string, kept: readonly string[]): string {
  return query
    .split(/([&;])/)
    .map((part, i) => {
      if (i % 2 === 1 || part === '') {
        return part;
      }
      const [, name, value] = /^([^=]*)(.*)$/s.exec(part)!;
      if (kept.includes(name!)) {
        return part;
      }
      return /^=*$/.test(value!) ? redacted : `${name}=${redacted}`;
    })
    .join('');
}

/**
 * Whether a value is in the sample: of all values, so many of ten thousand. The sum of its bytes to a polynomial, modulo
 * a prime, is within what floating-point numbers hold exactly, so that every language comes to the same. Three rounds
 * more spread short values.
 */
export function inSample(value: string, perTenThousand: number): boolean {
  const hash = [...bytesOf(value), 0, 0, 0].reduce(
    (sum, byte) => (sum * 65_599 + byte) % 2_147_483_647,
    0,
  );
  return hash % 10_000 < perTenThousand;
}

/** What happened, as far as the behaviour follows from it. */
export interface Happened {
  method: string;
  /** With the query. */
  target: string;
  host: string;
  status: number;
  requestBytes?: number;
  responseBytes?: number;
  requestHeaders: { name: string; value: string }[];
  responseHeaders: { name: string; value: string }[];
  claims?: Record<string, unknown>;
}

function headersOf(
  settings: AuditLogSettings,
  chosen: readonly string[],
  lines: readonly { name: string; value: string }[],
): Record<string, string[]> {
  const hidden = [...alwaysRedacted, ...settings.redactedHeaders];
  return Object.fromEntries(
    chosen.flatMap(name => {
      if (isManaged(name)) {
        return [];
      }
      const values = lines
        .filter(line => line.name === name)
        .map(line => printable(line.value));
      if (values.length === 0) {
        return [];
      }
      return [
        [
          name,
          hidden.includes(name) ? [redacted] : values.slice(0, mostValues),
        ],
      ];
    }),
  );
}

function claimTexts(
  claims: Record<string, unknown>,
  path: readonly string[],
): string[] {
  const value = path.reduce<unknown>(
    (object, name) =>
      typeof object === 'object' && object !== null && !Array.isArray(object)
        ? (object as Record<string, unknown>)[name]
        : undefined,
    claims,
  );
  return (Array.isArray(value) ? value : [value])
    .filter(item => ['string', 'number', 'boolean'].includes(typeof item))
    .map(item => printable(String(item)))
    .slice(0, mostValues);
}

/**
 * The event of a request that was answered: the reference for every implementation. Members that depend on time or
 * chance are left out.
 *
 * @returns null if the request has none; undefined if that depends on what Envoy makes up
 */
export function eventOf(
  settings: AuditLogSettings,
  happened: Happened,
): Record<string, unknown> | null | undefined {
  const { perTenThousand, header, always } = settings.sampling;
  const least = { none: Infinity, 'server-errors': 500, errors: 400 }[always];
  if (happened.status < least && perTenThousand < 10_000) {
    if (perTenThousand === 0) {
      return null;
    }
    if (header === '' || isManaged(header)) {
      return undefined;
    }
    const line = happened.requestHeaders.find(({ name }) => name === header);
    if (!inSample(line?.value ?? '', perTenThousand)) {
      return null;
    }
  }
  const [, path, query] = /^([^?]*)(?:\?(.*))?$/s.exec(happened.target)!;
  const userAgent = happened.requestHeaders.find(
    ({ name }) => name === 'user-agent',
  )?.value;
  const known: Record<string, unknown> = {
    method: happened.method,
    path: printable(path!),
    query:
      query === undefined
        ? undefined
        : printable(redactQuery(query, settings.keptQueryParameters)),
    host: printable(happened.host),
    status: happened.status,
    requestBytes: happened.requestBytes,
    responseBytes: happened.responseBytes,
    clientAddress: '127.0.0.1',
    userAgent: userAgent === undefined ? undefined : printable(userAgent),
  };
  const members = (object: Record<string, unknown>) =>
    Object.keys(object).length ? object : undefined;
  const { claims = {} } = happened;
  return Object.fromEntries(
    Object.entries({
      event: 'request',
      outcome: 'answered',
      ...Object.fromEntries(settings.fields.map(name => [name, known[name]])),
      requestHeaders: members(
        headersOf(settings, settings.requestHeaders, happened.requestHeaders),
      ),
      responseHeaders: members(
        headersOf(settings, settings.responseHeaders, happened.responseHeaders),
      ),
      claims: members(
        Object.fromEntries(
          settings.claims
            .map(
              ({ name, claim }) => [name, claimTexts(claims, claim)] as const,
            )
            .filter(([, texts]) => texts.length > 0),
        ),
      ),
    }).filter(([, value]) => value !== undefined),
  );
}

/**
 * Attributes of an OpenTelemetry log record, by the member of the event. Source: OpenTelemetry semantic conventions for
 * HTTP; what they do not know keeps the name of this purpose.
 */
const attributeNames: Record<string, string> = {
  method: 'http.request.method',
  path: 'url.path',
  query: 'url.query',
  host: 'audit.host',
  status: 'http.response.status_code',
  durationMs: 'audit.duration_ms',
  requestBytes: 'http.request.body.size',
  responseBytes: 'http.response.body.size',
  requestId: 'audit.request_id',
  clientAddress: 'client.address',
  userAgent: 'user_agent.original',
  outcome: 'audit.outcome',
};

/** The same event as an OpenTelemetry log record. */
export function recordOf(
  event: Record<string, unknown>,
): Record<string, unknown> {
  const nested = (member: string, prefix: string) =>
    Object.fromEntries(
      Object.entries((event[member] ?? {}) as object).map(([name, value]) => [
        `${prefix}.${name}`,
        value,
      ]),
    );
  return {
    event: event.event,
    ...Object.fromEntries(
      Object.entries(attributeNames)
        .filter(([member]) => member in event)
        .map(([member, attribute]) => [attribute, event[member]]),
    ),
    ...nested('requestHeaders', 'http.request.header'),
    ...nested('responseHeaders', 'http.response.header'),
    ...nested('claims', 'audit.claim'),
  };
}
