export { AnswerProblems } from './AnswerProblems';
