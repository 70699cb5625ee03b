export * from './catalogue.ts';
export * from './deeds.ts';
export * from './fault-place.ts';
export type { Telling } from './reasons.ts';
export { saidFinding } from './sentences.ts';
export * from './text.tsx';
export * from './who.ts';
export * from './words.ts';
