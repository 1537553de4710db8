/** What the versions of the plan have in common. */
export const planGroup = 'envoy-gateway-extensions-builder';

/** The version that is written. */
export const planVersion = 'envoy-gateway-extensions-builder/v1alpha2';
