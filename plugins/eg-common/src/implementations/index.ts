export * from './implementations';
