export { SettingsField } from './SettingsField';
