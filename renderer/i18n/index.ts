export * from './catalogue.ts';
export * from './text.tsx';
export * from './words.ts';
