import { expect, test } from 'vitest';
import { GENERATED, isStale } from './generate.ts';

test.each(Object.keys(GENERATED))('%s is what the contract makes of it (npm run generate)', (file) => {
  expect(isStale(file)).toBe(false);
});
