export { RecommendationField } from './RecommendationField';
