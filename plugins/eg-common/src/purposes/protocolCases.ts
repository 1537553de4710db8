import { BehaviourCase, CaseBody } from './types';

/**
 * What a gateway carries every day beside plain requests, as cases. Every extension has one of each, or a reason.
 *
 * @public
 */
export type Protocol =
  | 'websocket'
  | 'server-sent events'
  | 'gRPC'
  | 'trailers'
  | '100-continue'
  | 'HEAD'
  | 'range';

type Request = BehaviourCase['request'];

/** An exchange that goes through a gateway without an extension as it is expected here. */
type Exchange = Omit<BehaviourCase, 'name'>;

const messages: CaseBody = {
  parts: [
    'hello',
    { repeat: '0123456789', times: 5000 },
    { base64: '/wD+gA==' },
    'bye',
  ],
};

/** A message of gRPC: not compressed, its length, and a protobuf field. */
const grpcMessage: CaseBody = { parts: [{ base64: 'AAAAAAIIBw==' }] };

/** A JSON text in which no pointer leads anywhere and nothing is to be found. */
const json = '"text"';

const type = (value: string) => [{ name: 'content-type', value }];
const events: CaseBody = {
  parts: ['data: one\n\n', 'data: two\n\n', 'data: three\n\n'],
};

const exchanges: Record<Protocol, Exchange> = {
  websocket: {
    request: {
      method: 'GET',
      path: '/chat',
      protocol: 'websocket',
      headers: [],
      body: messages,
    },
    response: { status: 101, headers: [] },
    expect: {
      request: { body: messages },
      response: { status: 101, body: messages },
    },
  },
  'server-sent events': {
    request: {
      method: 'GET',
      path: '/events',
      headers: [{ name: 'accept', value: 'text/event-stream' }],
    },
    response: {
      status: 200,
      headers: type('text/event-stream'),
      body: events,
      chunked: 'acknowledged',
    },
    expect: { response: { status: 200, body: events } },
  },
  gRPC: {
    request: {
      method: 'POST',
      path: '/orders.Orders/Get',
      protocol: 'http2',
      headers: [...type('application/grpc'), { name: 'te', value: 'trailers' }],
      body: grpcMessage,
    },
    response: {
      status: 200,
      headers: type('application/grpc'),
      body: grpcMessage,
      trailers: [{ name: 'grpc-status', value: '0' }],
    },
    expect: {
      request: { body: grpcMessage, headers: { te: ['trailers'] } },
      response: {
        status: 200,
        body: grpcMessage,
        trailers: { 'grpc-status': ['0'] },
      },
    },
  },
  trailers: {
    request: {
      method: 'POST',
      path: '/documents',
      protocol: 'http2',
      headers: type('application/json'),
      body: json,
      trailers: [{ name: 'x-checksum', value: 'abc' }],
    },
    response: {
      status: 200,
      headers: type('application/json'),
      body: json,
      trailers: [{ name: 'x-checksum', value: 'def' }],
    },
    expect: {
      request: { body: json, trailers: { 'x-checksum': ['abc'] } },
      response: {
        status: 200,
        body: json,
        trailers: { 'x-checksum': ['def'] },
      },
    },
  },
  '100-continue': {
    request: {
      method: 'POST',
      path: '/documents',
      headers: [
        ...type('application/json'),
        { name: 'expect', value: '100-continue' },
      ],
      body: json,
    },
    response: { status: 201, headers: [] },
    expect: { request: { body: json }, response: { status: 201 } },
  },
  HEAD: {
    request: { method: 'HEAD', path: '/documents/7', headers: [] },
    response: { status: 200, headers: type('application/json'), body: json },
    expect: {
      response: {
        status: 200,
        // The length that GET would have, or none (RFC 9110, section 8.6).
        headersMatch: { 'content-length': `(${json.length})?` },
        body: '',
      },
    },
  },
  range: {
    request: {
      method: 'GET',
      path: '/files/7',
      headers: [{ name: 'range', value: 'bytes=0-3' }],
    },
    response: {
      status: 206,
      headers: [
        ...type('application/octet-stream'),
        { name: 'content-range', value: 'bytes 0-3/10' },
      ],
      body: '0123',
    },
    expect: {
      response: {
        status: 206,
        headers: { 'content-range': ['bytes 0-3/10'] },
        body: '0123',
      },
    },
  },
};

/**
 * All of them.
 *
 * @public
 */
export const protocols = Object.keys(exchanges) as Protocol[];

const has = (
  headers: readonly { name: string; value: string }[],
  name: string,
  value?: string,
) =>
  headers.some(
    h => h.name === name && (value === undefined || h.value === value),
  );

/**
 * What a case is an example of, by what is in it.
 *
 * @public
 */
export function protocolsOf({ request, response }: BehaviourCase): Protocol[] {
  const found: Record<Protocol, boolean> = {
    websocket: request.protocol === 'websocket',
    'server-sent events':
      Boolean(response.chunked) &&
      has(response.headers, 'content-type', 'text/event-stream'),
    gRPC:
      request.protocol === 'http2' &&
      has(request.headers, 'content-type', 'application/grpc'),
    trailers: Boolean(request.trailers?.length && response.trailers?.length),
    '100-continue': has(request.headers, 'expect', '100-continue'),
    HEAD: request.method === 'HEAD',
    range: has(request.headers, 'range') && response.status === 206,
  };
  return protocols.filter(protocol => found[protocol]);
}

/** What a purpose promises for the protocols. */
export interface ProtocolPromise {
  /** A request with what the extension asks of those that it lets pass, such as a key. */
  admitted?: (request: Request) => Request;
  /** The status with which the extension answers itself; undefined if it lets the request pass. */
  refused?: (request: Request, protocol: Protocol) => number | undefined;
  /** The status that takes the place of the upstream's response; undefined if that goes to the client. */
  replaced?: (
    response: BehaviourCase['response'],
    protocol: Protocol,
  ) => number | undefined;
  /** Events are held until the last has come; say why where it is set. */
  holdsEvents?: boolean;
}

/**
 * How gRPC says an HTTP status; Envoy answers clients of gRPC so. Source: doc/http-grpc-status-mapping.md of
 * github.com/grpc/grpc.
 */
const grpcStatuses: Record<number, string> = {
  400: '13',
  401: '16',
  403: '7',
  404: '12',
  429: '14',
  502: '14',
  503: '14',
  504: '14',
};

/** What a client sees of a refusal. */
export function refusedWith(
  status: number,
  request: Request,
): BehaviourCase['expect'] {
  return {
    reached: false,
    response: has(request.headers, 'content-type', 'application/grpc')
      ? {
          status: 200,
          headers: { 'grpc-status': [grpcStatuses[status] ?? '2'] },
        }
      : { status },
  };
}

/** A case for each protocol: the exchange goes by as without the extension, or is refused. */
export function protocolCases({
  admitted = request => request,
  refused = () => undefined,
  replaced = () => undefined,
  holdsEvents,
}: ProtocolPromise = {}): BehaviourCase[] {
  return protocols.map(protocol => {
    const { expect, ...exchange } = exchanges[protocol];
    const request = admitted(exchange.request);
    const response: BehaviourCase['response'] =
      exchange.response.chunked && holdsEvents
        ? { ...exchange.response, chunked: 'parts' }
        : exchange.response;
    const status = refused(request, protocol);
    const other = replaced(response, protocol);
    const outcome = (): BehaviourCase['expect'] => {
      if (status !== undefined) {
        return refusedWith(status, request);
      }
      return other === undefined ? expect : { response: { status: other } };
    };
    return {
      name: `${protocol}: ${status ?? other ?? 'passes'}`,
      request,
      response,
      expect: outcome(),
    };
  });
}
