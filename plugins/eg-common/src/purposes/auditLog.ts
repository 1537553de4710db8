import { z } from 'zod';
import { claimPath, lineOfText, wholeNumber } from '../intake/fields';
import {
  auditedFields,
  alwaysRedacted,
  AuditLogSettings,
} from './auditLogEvent';
import { cases } from './auditLogCases';
import { Purpose } from './types';

const list = <T extends z.ZodType>(item: T, max: number, what: string) =>
  z
    .array(item, { error: `give a list of ${what}` })
    .max(max, `use at most ${max} ${what}`)
    .default([]);

/** A header that is read, so any that Envoy shows. */
const header = z
  .string({ error: 'give the name of a header, for example x-tenant' })
  .max(128, 'use at most 128 characters')
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9-]*$/,
    'use letters, digits and hyphens only, for example x-tenant',
  )
  .overwrite(name => name.toLowerCase())
  .meta({ title: 'Header' });

/** Items that differ in what `of` says of them. */
const distinctList = <T extends z.ZodType>(
  item: T,
  max: number,
  what: string,
  of: (item: z.output<T>) => unknown = same => same,
) =>
  list(item, max, what).refine(
    items => new Set(items.map(of)).size === items.length,
    { error: `name each of the ${what} once` },
  );

const claim = z
  .strictObject({
    name: z
      .string({ error: 'give the claim a name in the event' })
      .regex(
        /^[A-Za-z][A-Za-z0-9_-]{0,63}$/,
        'use 1 to 64 letters, digits, _ and -, beginning with a letter, for example subject',
      )
      .meta({ title: 'Name in the event' }),
    claim: claimPath,
  })
  .meta({ title: 'Claim' });

const settings: z.ZodType<AuditLogSettings> = z
  .strictObject({
    fields: distinctList(
      z.enum(auditedFields, { error: `use ${auditedFields.join(', ')}` }),
      auditedFields.length,
      'fields',
    )
      .default([...auditedFields])
      .meta({
        title: 'Fields',
        description:
          'What an event says, besides its time, its outcome and what is chosen below.',
      }),
    requestHeaders: distinctList(header, 20, 'headers').meta({
      title: 'Headers of the request',
      description: `Their values are part of the event, except those of ${alwaysRedacted.join(
        ', ',
      )}, of which it says only that they are there.`,
    }),
    responseHeaders: distinctList(header, 20, 'headers').meta({
      title: 'Headers of the response',
    }),
    redactedHeaders: distinctList(header, 20, 'headers').meta({
      title: 'Further headers whose values are hidden',
    }),
    keptQueryParameters: distinctList(
      z
        .string({ error: 'give the name of a query parameter' })
        .regex(
          /^[A-Za-z0-9_.~%+[\]-]{1,64}$/,
          'use 1 to 64 letters, digits and _ . ~ % + [ ] -, as in the URL, for example page',
        )
        .meta({ title: 'Parameter' }),
      50,
      'parameters',
    ).meta({
      title: 'Query parameters whose values are shown',
      description: 'Of all others the event has the name only.',
    }),
    claims: distinctList(claim, 20, 'claims', item => item.name).meta({
      title: 'Verified claims',
    }),
    provider: lineOfText(253).default('').meta({
      title: 'Provider of the claims',
      description:
        'The name in SecurityPolicy spec.jwt.providers[], if there are claims.',
    }),
    sampling: z
      .strictObject({
        perTenThousand: wholeNumber(0, 10_000).default(10_000).meta({
          title: 'Events for 10,000 requests',
          description: '10000: each request has one; 100: one in a hundred.',
        }),
        header: z
          .string({ error: 'give the name of a header, or nothing at all' })
          .max(128, 'use at most 128 characters')
          .regex(
            /^([A-Za-z0-9][A-Za-z0-9-]*)?$/,
            'use letters, digits and hyphens only, for example x-request-id, or nothing at all',
          )
          .overwrite(name => name.toLowerCase())
          .default('x-request-id')
          .meta({
            title: 'Header that decides',
            description:
              'Requests with the same value have all an event, or none. Empty: chance decides.',
          }),
        always: z
          .enum(['none', 'server-errors', 'errors'], {
            error: 'use one of none, server-errors and errors',
          })
          .default('errors')
          .meta({
            title: 'Always have an event',
            description:
              'errors: status 400 and above, and requests that got no response; server-errors: 500 and above, and no response.',
          }),
      })
      .prefault({})
      .meta({ title: 'Sampling' }),
    output: z
      .enum(['stdout', 'otlp'], { error: 'use stdout or otlp' })
      .default('stdout')
      .meta({
        title: 'Output',
        description:
          'stdout: lines of JSON, with Wasm and Lua in Envoy’s log; otlp: OpenTelemetry logs, with ExtProc only.',
      }),
  })
  .superRefine(({ claims, provider }, context) => {
    if (claims.length && !provider) {
      context.addIssue({
        code: 'custom',
        path: ['provider'],
        message:
          'name the provider in SecurityPolicy spec.jwt.providers[] whose claims are logged',
      });
    }
  });

const noExporter = (what: string) =>
  `${what} has no connections of its own to reach a collector; choose output stdout, which writes to Envoy’s log, or ExtProc`;

/**
 * Writes one structured event for each request.
 *
 * @public
 */
export const auditLog: Purpose<AuditLogSettings> = {
  id: 'audit-log',
  title: 'Log requests for audits',
  description:
    'Writes one structured event for each request, or for a sample of them, without credentials and query values.',
  settings,
  defaultPhases: ['requestHeaders', 'responseHeaders'],
  example: () => settings.parse({ requestHeaders: ['user-agent'] }),
  asks: [],
  phases: () => ['requestHeaders', 'responseHeaders'],
  wholeBody: false,
  changesBody: false,
  openEnded: false,
  requires: ({ output, fields, claims, provider }) => ({
    ...(output === 'otlp'
      ? {
          impossible: {
            'wasm-rust': noExporter('a Wasm module'),
            lua: noExporter('a Lua script'),
          },
          // Nothing waits for the collector, so this is no call in the sense of `calls`.
          services: [
            {
              id: 'otel',
              title: 'OpenTelemetry Collector',
              variable: 'OTEL_EXPORTER_OTLP_ENDPOINT',
              placeholder: 'http://{host}:4318',
              container: {
                image: 'otel/opentelemetry-collector:0.165.0',
                port: 4318,
                address: 'http://127.0.0.1:4318',
              },
            },
          ],
        }
      : {}),
    claims: claims.length ? provider : null,
    attributes: fields.includes('clientAddress') ? ['source.address'] : [],
  }),
  warnings: ({ output, sampling, fields, claims }) => [
    ...(sampling.perTenThousand < 10_000 && sampling.header !== 'x-request-id'
      ? [
          {
            severity: 'security' as const,
            text: sampling.header
              ? `Clients choose the value of ${sampling.header}, and with it whether their requests are logged. x-request-id is Envoy’s own unless ClientTrafficPolicy says otherwise.`
              : 'Chance decides which requests are logged: the calls that belong together are not logged together.',
            source: 'the settings',
          },
        ]
      : []),
    ...(fields.includes('path')
      ? [
          {
            severity: 'security' as const,
            text: 'The path is logged as it is: identifiers and one-time tokens in it are personal data or credentials. Only query values and headers are redacted.',
            source: 'OWASP Logging Cheat Sheet, data to exclude',
          },
        ]
      : []),
    ...(output === 'stdout'
      ? [
          {
            severity: 'operation' as const,
            text: 'With Wasm and Lua, the events are part of Envoy’s own log at level info, which Envoy Gateway does not show by default: set EnvoyProxy spec.logging.level to info for wasm or lua. Envoy writes its log while the request waits.',
            source: 'Envoy Gateway API, ProxyLogComponent',
          },
        ]
      : [
          {
            severity: 'operation' as const,
            text: 'Events wait in a bounded queue while the collector is away; what does not fit is lost, and counted in audit_events_total.',
            source: 'the generated code',
          },
        ]),
    ...(claims.length
      ? [
          {
            severity: 'correctness' as const,
            text: `Claims are logged only where a SecurityPolicy with the JWT provider of the settings covers the same routes.`,
            source: 'Envoy Gateway documentation, JWT authentication',
          },
        ]
      : []),
    {
      severity: 'note' as const,
      text: 'The access log of Envoy covers a whole Gateway without code: EnvoyProxy spec.telemetry.accessLog, with files, OpenTelemetry and CEL filters. It does not redact query values, and its format is one for all routes.',
      source: 'Envoy Gateway documentation, proxy access logs',
    },
  ],
  cases,
};
