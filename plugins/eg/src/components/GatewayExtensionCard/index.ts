export { GatewayExtensionCard } from './GatewayExtensionCard';
