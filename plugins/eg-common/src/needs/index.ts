export { saysStaticHeaders } from './headers';
export { nativeVerdict } from './native';
export type { NativeVerdict } from './native';
export { needOf, needs, needTitle, needTopics } from './needs';
export type {
  Hybrid,
  Implications,
  Native,
  NativeContext,
  Need,
} from './types';
