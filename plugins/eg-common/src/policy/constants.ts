// Groups, versions and kinds that the policies are made of.

export const gatewayGroup = 'gateway.networking.k8s.io';
export const envoyGatewayGroup = 'gateway.envoyproxy.io';
export const aiGatewayGroup = 'aigateway.envoyproxy.io';
export const envoyGatewayApi = `${envoyGatewayGroup}/v1alpha1`;
/** The kind that carries extensions. @public */
export const policyKind = 'EnvoyExtensionPolicy';

/** The label by which Backstage's Kubernetes plugin finds the objects of an entity. */
export const kubernetesIdLabel = 'backstage.io/kubernetes-id';

/** Where Envoy keeps verified claims, each provider's under its name. Source: Envoy's jwt_authn filter; Envoy Gateway names the payload after the provider. */
export const claimsNamespace = 'envoy.filters.http.jwt_authn';
