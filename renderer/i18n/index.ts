export * from './catalogue.ts';
export * from './text.tsx';
export * from './who.ts';
export * from './words.ts';
