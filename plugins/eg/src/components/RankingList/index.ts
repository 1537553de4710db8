export { RankingList } from './RankingList';
