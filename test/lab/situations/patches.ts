import {
  accepted,
  networking,
  own,
  passes,
  route,
  Situation,
  stale,
  target,
  works,
} from './situation';

const type = (name: string) => `type.googleapis.com/envoy.config.${name}`;
const routes = type('route.v3.RouteConfiguration');
const listener = type('listener.v3.Listener');

const patch = (
  name: string,
  operation: object,
  { resource = 'default/eg/http', of = routes, gateway = 'eg' } = {},
) =>
  own('EnvoyPatchPolicy', name, {
    targetRef: target('Gateway', gateway),
    type: 'JSONPatch',
    jsonPatches: [{ type: of, name: resource, operation }],
  });

/** Marks every answer. */
const mark = (value = 'patch') => ({
  op: 'add',
  path: '/response_headers_to_add',
  value: [{ header: { key: 'x-processed-by', value } }],
});

const programmed = [...accepted, 'Programmed=True Programmed'];

/** What may become of an EnvoyPatchPolicy. */
export const patchSituations: Situation[] = [
  {
    name: 'patch-accepted',
    objects: [patch('patch-accepted', mark())],
    conditions: programmed,
    answer: works,
  },
  {
    // Envoy Gateway does not watch the policies then: it judges one with the next change of something else.
    name: 'patch-disabled',
    objects: [
      patch('patch-disabled', mark()),
      route('something-else', [{ name: 'eg' }], { path: '/else' }),
    ],
    settings: { enableLua: true, enableBackend: true },
    conditions: ['Accepted=False Disabled'],
    answer: passes,
  },
  {
    name: 'patch-resource-missing',
    objects: [
      patch('patch-resource-missing', mark(), {
        resource: 'default/eg/nosuch',
      }),
    ],
    conditions: [...accepted, 'Programmed=False ResourceNotFound'],
    answer: passes,
  },
  {
    name: 'patch-failed',
    objects: [patch('patch-failed', { op: 'remove', path: '/no_such_field' })],
    conditions: [...accepted, 'Programmed=False Invalid'],
    answer: passes,
  },
  {
    name: 'patch-unknown-field',
    objects: [
      patch('patch-unknown-field', {
        op: 'add',
        path: '/no_such_field',
        value: 1,
      }),
    ],
    conditions: [...accepted, 'Programmed=False Invalid'],
    answer: passes,
  },
  {
    name: 'patch-target-missing',
    objects: [patch('patch-target-missing', mark(), { gateway: 'nosuch' })],
    conditions: [],
    answer: passes,
  },
  {
    // Envoy Gateway takes the filter, Envoy refuses the listener with it and keeps the one before.
    name: 'patch-rejected',
    objects: [
      patch(
        'patch-rejected',
        {
          op: 'add',
          path: '/default_filter_chain/filters/0/typed_config/http_filters/0',
          value: {
            name: 'broken',
            typed_config: {
              '@type':
                'type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua',
              default_source_code: { inline_string: 'no Lua at all' },
            },
          },
        },
        { of: listener },
      ),
    ],
    conditions: programmed,
    answer: passes,
  },
  {
    name: 'patch-stale',
    ...stale(patch('patch-stale', mark()), [
      patch('patch-stale', mark('second')),
      patch('patch-stale', mark('third')),
    ]),
    conditions: programmed,
    answer: works,
  },
];

const proxy = (name: string, spec: object) =>
  own('EnvoyProxy', name, {
    provider: {
      type: 'Kubernetes',
      kubernetes: { envoyService: { type: 'ClusterIP' } },
    },
    ...spec,
  });

/** A Gateway with an EnvoyProxy of its own, for which no Envoy runs. */
const gatewayWith = (name: string, port: number) => ({
  apiVersion: `${networking}/v1`,
  kind: 'Gateway',
  metadata: { name: `of-${name}`, namespace: 'default' },
  spec: {
    gatewayClassName: 'eg',
    infrastructure: {
      parametersRef: {
        group: 'gateway.envoyproxy.io',
        kind: 'EnvoyProxy',
        name,
      },
    },
    listeners: [{ name: 'http', protocol: 'HTTP', port }],
  },
});

/** What may become of an EnvoyProxy. */
export const proxySituations: Situation[] = [
  {
    name: 'proxy-accepted',
    objects: [
      proxy('proxy-accepted', {
        logging: { level: { default: 'info' } },
      }),
      gatewayWith('proxy-accepted', 8894),
    ],
    conditions: accepted,
    answer: passes,
  },
  {
    name: 'proxy-invalid',
    objects: [
      proxy('proxy-invalid', {
        bootstrap: { type: 'Replace', value: 'admin: {}\n' },
      }),
      gatewayWith('proxy-invalid', 8895),
    ],
    conditions: ['Accepted=False InvalidParameters'],
    answer: passes,
  },
  {
    name: 'proxy-unused',
    objects: [proxy('proxy-unused', {})],
    conditions: [],
    answer: passes,
  },
];
