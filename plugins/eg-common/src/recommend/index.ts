export { adviceLead, adviceMarkdown, decisionRecord } from './advice';
export { recommend } from './recommend';
export type {
  Gravity,
  OpenQuestion,
  RankedImplementation,
  Reason,
  Recommendation,
  RejectedImplementation,
  Warning,
} from './types';
export { capital } from './words';
