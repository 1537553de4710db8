import { z } from 'zod';
import { Release, isBefore } from '../../releases';
import { envoyGatewayApi, gatewayGroup, policyKind } from '../constants';
import { backendSettings } from './backendSettings';
import {
  anything,
  bool,
  defaulted,
  duration,
  group,
  int32,
  kind,
  list,
  map,
  moduleName,
  name,
  namespace,
  object,
  oneOf,
  port,
  ruled,
  sectionName,
  Since,
  subdomain,
  text,
} from './types';

// What the API server accepts as an EnvoyExtensionPolicy, field by field and rule by rule, in every supported release.
// Source: the CRDs of Envoy Gateway; the messages of rules that span fields are the API's. test/lab holds it to them.

const routeKinds = [
  'HTTPRoute',
  'GRPCRoute',
  'UDPRoute',
  'TCPRoute',
  'TLSRoute',
];
const bodyModes = [
  'Streamed',
  'Buffered',
  'BufferedPartial',
  'FullDuplexStreamed',
];
/** Every status that Envoy names in its own enumeration from 400 on. */
const errorStatuses = [
  400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414,
  415, 416, 417, 421, 422, 423, 424, 426, 428, 429, 431, 500, 501, 502, 503,
  504, 505, 506, 507, 508, 510, 511,
];

const attributeName =
  /^(connection\.|source\.|destination\.|request\.|response\.|upstream\.|xds\.route_)[a-z_1-9]*$/;

const labelName = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;

/** The key of a label or annotation: a name, perhaps after a DNS subdomain and a slash. */
function isQualifiedName(key: string): boolean {
  const [own = '', prefix] = key.split('/').reverse();
  return (
    key.split('/').length <= 2 &&
    own.length <= 63 &&
    labelName.test(own) &&
    (prefix === undefined || (prefix.length <= 253 && subdomain.test(prefix)))
  );
}

const keysAreNames = (isName: (key: string) => boolean) => (self: object) =>
  Object.keys(self).every(isName);

const metadata = object(
  { name: text(1, 253, subdomain, 'be a DNS subdomain') },
  {
    namespace,
    labels: ruled(map, [
      ['keys must be qualified names', keysAreNames(isQualifiedName)],
      [
        'values must be empty or names of at most 63 characters',
        self =>
          Object.values<string>(self).every(
            value =>
              value === '' || (value.length <= 63 && labelName.test(value)),
          ),
      ],
    ]),
    annotations: ruled(map, [
      [
        'keys must be qualified names',
        keysAreNames(key => isQualifiedName(key.toLowerCase())),
      ],
    ]),
    ...Object.fromEntries(
      [
        'creationTimestamp',
        'deletionGracePeriodSeconds',
        'deletionTimestamp',
        'finalizers',
        'generateName',
        'generation',
        'managedFields',
        'ownerReferences',
        'resourceVersion',
        'selfLink',
        'uid',
      ].map(field => [field, anything]),
    ),
  },
);

/** What a policy can be attached to. The API has these as rules of spec; here they name the field. */
const target = (since: Since) =>
  object(
    {
      group: oneOf(gatewayGroup),
      kind: oneOf(
        'Gateway',
        ...(since('1.9') ? ['ListenerSet'] : []),
        ...routeKinds,
      ),
      name,
    },
    { sectionName },
  );

const matchExpressions = list(
  object({ key: text(), operator: text() }, { values: list(text()) }),
);
const labelSelector = { matchExpressions, matchLabels: map };

const targetSelector = (since: Since) =>
  object(
    { kind },
    {
      group: defaulted(group, gatewayGroup),
      ...labelSelector,
      ...(since('1.8') && {
        namespaces: object(
          { from: defaulted(oneOf('Same', 'All', 'Selector'), 'Same') },
          { selector: object({}, labelSelector) },
          [
            [
              'selector must be specified when from is Selector',
              self => self.from !== 'Selector' || self.selector !== undefined,
            ],
          ],
        ),
      }),
    },
    [[`group must be ${gatewayGroup}`, self => self.group === gatewayGroup]],
  );

const backendReference = (optional: Record<string, z.ZodType>) =>
  object(
    { name },
    {
      group: defaulted(group, ''),
      kind: defaulted(kind, 'Service'),
      namespace,
      port,
      ...optional,
    },
    [
      [
        'Must have port for Service reference',
        self =>
          self.group !== '' ||
          self.kind !== 'Service' ||
          self.port !== undefined,
      ],
    ],
  );

const direction = object(
  {},
  {
    attributes: list(
      text(0, Infinity, attributeName, 'be an attribute such as request.path'),
    ),
    body: oneOf(...bodyModes),
  },
);

const bodiesOf = ({ processingMode }: any) =>
  [processingMode?.request?.body, processingMode?.response?.body].filter(
    body => body !== undefined,
  );

const extProc = (since: Since) =>
  object(
    {},
    {
      backendRef: backendReference({}),
      backendRefs: list(
        backendReference({
          fallback: bool,
          ...(since('1.7') && { weight: defaulted(int32(0, 1_000_000), 1) }),
        }),
        16,
      ),
      backendSettings: backendSettings(since),
      failOpen: defaulted(bool, false),
      messageTimeout: duration,
      metadata: object(
        {},
        {
          accessibleNamespaces: list(text()),
          writableNamespaces: ruled(list(text(), 8), [
            [
              'writableNamespaces cannot contain well-known Envoy HTTP filter namespaces',
              self =>
                !self.some((n: string) => n.startsWith('envoy.filters.http')),
            ],
          ]),
        },
      ),
      processingMode: object(
        {},
        { allowModeOverride: bool, request: direction, response: direction },
      ),
      ...(since('1.9') && {
        shadowMode: bool,
        statusOnError: int32().refine(value => errorStatuses.includes(value), {
          error: `must be one of ${errorStatuses.join(', ')}`,
        }),
      }),
    },
    [
      [
        'BackendRefs must be used, backendRef is not supported.',
        self => self.backendRef === undefined,
      ],
      [
        'BackendRefs only supports Service, ServiceImport, and Backend kind.',
        self =>
          (self.backendRefs ?? []).every((ref: any) =>
            ['Service', 'ServiceImport', 'Backend'].includes(ref.kind),
          ),
      ],
      [
        'BackendRefs only supports Core, multicluster.x-k8s.io, and gateway.envoyproxy.io groups.',
        self =>
          (self.backendRefs ?? []).every((ref: any) =>
            ['', 'multicluster.x-k8s.io', 'gateway.envoyproxy.io'].includes(
              ref.group,
            ),
          ),
      ],
      [
        'If FullDuplexStreamed body processing mode is used, FailOpen must be false.',
        self =>
          !self.failOpen || !bodiesOf(self).includes('FullDuplexStreamed'),
      ],
      [
        'If shadowMode is enabled, body processing mode must be Streamed or unset.',
        self =>
          !self.shadowMode || bodiesOf(self).every(body => body === 'Streamed'),
      ],
    ],
  );

const lua = (since: Since) =>
  object(
    { type: defaulted(oneOf('Inline', 'ValueRef'), 'Inline') },
    {
      inline: text(),
      valueRef: object({ group, kind, name }, {}, [
        [
          'Only a reference to an object of kind ConfigMap belonging to default v1 API group is supported.',
          self => self.kind === 'ConfigMap' && ['', 'v1'].includes(self.group),
        ],
      ]),
      ...(since('1.9') && { filterContext: anything }),
    },
    [
      [
        'Exactly one of inline or valueRef must be set with correct type.',
        self =>
          (self.type === 'Inline') === (self.inline !== undefined) &&
          (self.type === 'ValueRef') === (self.valueRef !== undefined),
      ],
    ],
  );

const secretReference = {
  group: defaulted(group, ''),
  kind: defaulted(kind, 'Secret'),
  namespace,
};

const tls = object({ caCertificateRef: object({ name }, secretReference) });

const wasm = object(
  {
    code: object(
      { type: oneOf('HTTP', 'Image') },
      {
        // The API has a pattern for the address that every text matches.
        http: object({ url: text() }, { sha256: text(), tls }),
        image: object(
          { url: text() },
          {
            pullSecretRef: object({ name }, secretReference, [
              ['only support Secret kind.', self => self.kind === 'Secret'],
            ]),
            sha256: text(),
            tls,
          },
        ),
        pullPolicy: oneOf('IfNotPresent', 'Always'),
      },
      [
        [
          'If type is HTTP, http field needs to be set.',
          self => (self.type === 'HTTP') === (self.http !== undefined),
        ],
        [
          'If type is Image, image field needs to be set.',
          self => (self.type === 'Image') === (self.image !== undefined),
        ],
      ],
    ),
  },
  {
    config: anything,
    env: object({}, { hostKeys: list(text()) }),
    failOpen: defaulted(bool, false),
    name: text(),
    rootID: text(),
  },
);

const dynamicModule = object(
  { name: moduleName },
  {
    config: anything,
    filterName: text(0, 253),
    terminalFilter: defaulted(bool, false),
  },
);

function spec(since: Since) {
  const targetsOf = (self: any) => [
    ...(self.targetRef ? [self.targetRef] : []),
    ...(self.targetRefs ?? []),
  ];
  return object(
    {},
    {
      extProc: list(extProc(since), 16),
      lua: list(lua(since), 16),
      targetRef: target(since),
      targetRefs: list(target(since)),
      targetSelectors: list(targetSelector(since)),
      wasm: list(wasm, 16),
      ...(since('1.8') && { dynamicModule: list(dynamicModule, 16) }),
      ...(since('1.9') && {
        mergeType: text().refine(value => value !== 'Replace', {
          error: `Replace is not a valid MergeType for ${policyKind}`,
        }),
      }),
    },
    [
      [
        'either targetRef or targetRefs must be used',
        self =>
          (self.targetRef !== undefined) !== (self.targetRefs !== undefined) ||
          (self.targetSelectors ?? []).length > 0,
      ],
      [
        'mergeType can only be used with xRoute targets',
        self =>
          self.mergeType === undefined ||
          [...targetsOf(self), ...(self.targetSelectors ?? [])].every(
            ({ kind: k }) => routeKinds.includes(k),
          ),
      ],
    ],
  );
}

/** What the API server of a release accepts as an EnvoyExtensionPolicy. */
export function policySchema(release: Release): z.ZodType {
  const since: Since = version => !isBefore(release.version, version);
  return object(
    {
      apiVersion: z.literal(envoyGatewayApi),
      kind: z.literal(policyKind),
      metadata,
      spec: spec(since),
    },
    // Written by the controller; on creation the API server drops it.
    { status: anything },
  );
}
