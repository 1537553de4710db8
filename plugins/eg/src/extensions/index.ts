export { gatewayExtensionCard, gatewayExtensionTab } from './entity';
export {
  processingField,
  recommendationField,
  settingsField,
} from './formFields';
