import { KubernetesObject } from '../cluster';
import { GatewaySettings } from '../envoyGateway';
import type { Lab } from '../lab';

/** What is there for every situation: see {@link prepareSituations}. */
export interface Stage {
  lab: Lab;
  /** Starts and stops the external processor at 10.99.0.3:9002, and with TLS at 9003. */
  processor: { start(): Promise<void>; stop(): Promise<void> };
}

/** What a request through the gateway shows. */
export interface Answer {
  /** 0 where the connection was closed without an answer. */
  status: number;
  /** Whether what the situation is about has worked on the request. */
  processed: boolean;
}

/**
 * Something that can be so in a cluster: how to bring it about, and what is then to be seen. The conditions and answers
 * are those that were seen; `npm run lab -- record` fails where a gateway shows others.
 */
export interface Situation {
  /** The policy, route or other object of `objectKinds` that it is about, and the name of the fixture. */
  name: string;
  /** Other such objects that are recorded with it. */
  alsoRecorded?: string[];
  /** What has to be there beside the usual; applied in this order, with the recorded objects among them. */
  objects: KubernetesObject[];
  /** `Type=Status Reason` of each condition of each ancestor, in order. */
  conditions: string[];
  /** What a request to the affected route shows. */
  answer: Answer;
  /** Headers of the request. */
  headers?: Record<string, string>;
  /** Whether an answer shows that it works; by its 2xx and its header x-processed-by unless said otherwise. */
  works?(answer: Response): boolean;
  /** Settings of Envoy Gateway, if not the usual. */
  settings?: GatewaySettings;
  /** Objects that are recorded beside the policies: what is known of the back end. */
  related?: { kind: string; name: string; namespace?: string }[];
  /** Where requests go; the Gateway default/eg unless said otherwise. */
  address?: string;
  /** The path of the request, where the usual route does not have the policy. */
  path?: string;
  /** Before the objects are applied. */
  before?(stage: Stage): Promise<void>;
  /** After the objects are applied. */
  after?(stage: Stage): Promise<void>;
  /** When it has been recorded. */
  restore?(stage: Stage): Promise<void>;
}

export const networking = 'gateway.networking.k8s.io';

/** What Envoy Gateway is configured with, where a situation does not say otherwise. */
export const usualSettings: GatewaySettings = {
  enableLua: true,
  enableBackend: true,
  enableEnvoyPatchPolicy: true,
};

/** The label by which Backstage finds an entity’s objects. */
export const labels = {
  'app.kubernetes.io/name': 'my-extension',
  'backstage.io/kubernetes-id': 'my-extension',
};

/** A reference to what a policy is attached to. */
export const target = (kind: string, name: string, sectionName?: string) => ({
  group: networking,
  kind,
  name,
  ...(sectionName ? { sectionName } : {}),
});

const usualTarget = { targetRefs: [target('HTTPRoute', 'my-route')] };

/** An object of Envoy Gateway’s API with the label of the entity. */
export const own = (
  kind: string,
  name: string,
  spec: object,
): KubernetesObject => ({
  apiVersion: 'gateway.envoyproxy.io/v1alpha1',
  kind,
  metadata: { name, namespace: 'default', labels },
  spec,
});

/** A policy on the usual route, unless its spec says otherwise. */
export const policy = (
  name: string,
  spec: object,
  kind = 'EnvoyExtensionPolicy',
): KubernetesObject =>
  own(kind, name, {
    ...('targetRef' in spec || 'targetSelectors' in spec ? {} : usualTarget),
    ...spec,
  });

/** A policy that Envoy Gateway has not judged since it was changed twice. */
export const stale = (
  first: KubernetesObject,
  changes: [KubernetesObject, KubernetesObject],
): Pick<Situation, 'objects' | 'after' | 'restore'> => ({
  objects: [first],
  async after({ lab }) {
    await lab.envoyGateway.stop();
    for (const change of changes) {
      await lab.apply([change]);
    }
  },
  restore: ({ lab }) => lab.envoyGateway.start(usualSettings),
});

/** An object in namespace default unless said otherwise. */
export const object = (
  apiVersion: string,
  kind: string,
  name: string,
  content: object,
  namespace: string | undefined = 'default',
): KubernetesObject => ({
  apiVersion,
  kind,
  metadata: { name, namespace },
  ...content,
});

/** A Service whose endpoint nobody listens on, so that it counts as ready and answers nothing. */
export const deadService = (name: string): KubernetesObject[] => [
  object('v1', 'Service', name, {
    spec: { ports: [{ name: 'http', port: 80 }] },
  }),
  object('discovery.k8s.io/v1', 'EndpointSlice', `${name}-1`, {
    metadata: {
      name: `${name}-1`,
      namespace: 'default',
      labels: { 'kubernetes.io/service-name': name },
    },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 9, protocol: 'TCP' }],
    endpoints: [{ addresses: ['10.99.0.4'], conditions: { ready: true } }],
  }),
];

/** A script that marks the response. */
export const lua = [
  {
    type: 'Inline',
    inline:
      'function envoy_on_response(h) h:headers():add("x-processed-by", "lua") end',
  },
];

/** A Gateway with listeners of its own, for which no Envoy runs. */
export const gateway = (
  name: string,
  listeners: object[],
  gatewayClassName = 'eg',
) =>
  object(`${networking}/v1`, 'Gateway', name, {
    spec: { gatewayClassName, listeners },
  });

/** A route to the usual back end. */
export const route = (
  name: string,
  parentRefs: object[],
  { kind = 'HTTPRoute', path = '' } = {},
) =>
  object(
    kind === 'TCPRoute' ? `${networking}/v1alpha2` : `${networking}/v1`,
    kind,
    name,
    {
      spec: {
        parentRefs,
        rules: [
          {
            backendRefs: [{ name: 'backend', port: 3000 }],
            ...(path
              ? { matches: [{ path: { type: 'PathPrefix', value: path } }] }
              : {}),
          },
        ],
      },
    },
  );

export const accepted = ['Accepted=True Accepted'];
export const refused = ['Accepted=False Invalid'];
/** Answers. */
export const passes = { status: 200, processed: false };
export const works = { status: 200, processed: true };
export const fails = { status: 500, processed: false };
export const unavailable = { status: 503, processed: false };
export const conflicted = ['Accepted=False Conflicted'];
