export { GatewayExtensionTab } from './GatewayExtensionTab';
