import { expect, test } from 'vitest';
import { strengthOf } from './strength.ts';

test('a common password is the weakest, random words are strong', async () => {
  expect(await strengthOf('password1')).toBe(0);
  expect(await strengthOf('qwertzuiop')).toBeLessThan(2);
  expect(await strengthOf('correct horse battery staple 42')).toBe(4);
});
