/**
 * The domain of the Envoy Gateway Extensions Builder: the interview, the recommendation, the plan, the policies and the
 * behaviour of each purpose. Pure functions, for browsers and servers.
 *
 * @packageDocumentation
 */
export * from './health';
export * from './implementations';
export * from './intake';
export * from './kinds';
export * from './needs';
export * from './plan';
export * from './policy';
export * from './purposes';
export * from './recommend';
export * from './releases';
