export { adviceMarkdown } from './advice';
export { recommend } from './recommend';
export type {
  RankedImplementation,
  Reason,
  Recommendation,
  RejectedImplementation,
  Warning,
} from './types';
