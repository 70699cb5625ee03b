import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { generate } from './generate.ts';

test('what the window knows of the contract is as the contract is now', () => {
  expect(readFileSync(new URL('./operations.generated.ts', import.meta.url), 'utf8')).toBe(generate());
});
