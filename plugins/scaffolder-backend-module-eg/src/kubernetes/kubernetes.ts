import {
  AuthService,
  BackstageCredentials,
  DiscoveryService,
} from '@backstage/backend-plugin-api';
import { ClusterUnavailableError } from './errors';

/** A request to an API server. */
export interface KubernetesRequest {
  method: 'GET' | 'PATCH';
  /** Path and query. */
  path: string;
  /** What is applied. */
  body?: object;
}

/** What an API server answered. */
export interface KubernetesAnswer {
  status: number;
  /** The object, list or Status; text where it is none. */
  body: any;
  /** The API server's warnings, for example about fields that are deprecated. */
  warnings: string[];
}

/** The clusters that a Backstage knows. */
export interface Kubernetes {
  /** Names of all clusters. */
  clusters(signal: AbortSignal): Promise<string[]>;
  /**
   * Asks an API server.
   *
   * @throws ClusterUnavailableError when it does not answer, or not to us
   */
  send(
    cluster: string,
    request: KubernetesRequest,
    signal: AbortSignal,
  ): Promise<KubernetesAnswer>;
}

/** What is needed to ask Backstage's Kubernetes plugin. */
export interface KubernetesServices {
  auth: AuthService;
  discovery: DiscoveryService;
}

/** What API servers, and what is before them, answer while they are overloaded or start. */
const busy = [429, 502, 503, 504];

/** The texts of `Warning: 299 - "text", 299 - "text"`. */
export function warningsOf(header: string | null): string[] {
  return [...(header ?? '').matchAll(/\d{3} \S+ "((?:[^"\\]|\\.)*)"/g)].map(
    ([, text]) => text!.replace(/\\(.)/g, '$1'),
  );
}

function parsed(text: string): any {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/**
 * Clusters through the proxy of Backstage's Kubernetes plugin: its configuration, its credentials, its permissions. No
 * secret of a cluster is seen here.
 *
 * @param services - how the plugin is found and talked to
 * @param credentials - on whose behalf; with the permission framework, they need kubernetes.clusters.read and
 * kubernetes.proxy
 */
export function kubernetesOfBackstage(
  { auth, discovery }: KubernetesServices,
  credentials: BackstageCredentials,
): Kubernetes {
  async function ask(path: string, init: RequestInit): Promise<Response> {
    const { token } = await auth.getPluginRequestToken({
      onBehalfOf: credentials,
      targetPluginId: 'kubernetes',
    });
    const headers = new Headers(init.headers);
    if (token) {
      headers.set('authorization', `Bearer ${token}`);
    }
    const url = `${await discovery.getBaseUrl('kubernetes')}${path}`;
    return fetch(url, { ...init, headers });
  }

  return {
    async clusters(signal) {
      const response = await ask('/clusters', { signal });
      if (response.status === 404) {
        throw new ClusterUnavailableError(
          'this Backstage has no Kubernetes plugin; add @backstage/plugin-kubernetes-backend and configure a cluster',
        );
      }
      const body = parsed(await response.text());
      if (!response.ok) {
        throw new ClusterUnavailableError(
          response.status === 403
            ? 'Backstage does not let you list its clusters (permission kubernetes.clusters.read)'
            : `Backstage’s Kubernetes plugin answers ${response.status}: ${
                body?.error?.message ?? 'it does not say why'
              }`,
        );
      }
      return body.items.map(({ name }: { name: string }) => name);
    },

    async send(cluster, { method, path, body }, signal) {
      const response = await ask(`/proxy${path}`, {
        method,
        signal,
        headers: {
          'backstage-kubernetes-cluster': cluster,
          accept: 'application/json',
          // JSON is YAML.
          ...(body ? { 'content-type': 'application/apply-patch+yaml' } : {}),
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
      const answer = parsed(await response.text());
      // API servers answer with a Status; an error is Backstage's own.
      if (answer?.error) {
        throw new ClusterUnavailableError(
          response.status === 403
            ? `Backstage does not let you use cluster ${cluster} (permission kubernetes.proxy)`
            : `cluster ${cluster} cannot be reached: ${answer.error.message}`,
          response.status >= 500,
        );
      }
      if (busy.includes(response.status)) {
        throw new ClusterUnavailableError(
          `cluster ${cluster} is busy: it answers ${response.status}`,
          true,
        );
      }
      if (response.status === 401) {
        throw new ClusterUnavailableError(
          `cluster ${cluster} refuses the credentials that Backstage has for it`,
        );
      }
      return {
        status: response.status,
        body: answer,
        warnings: warningsOf(response.headers.get('warning')),
      };
    },
  };
}
