import { expect, test } from 'vitest';
import { claimsFrom } from './jwt-claims.ts';

const NOW = Date.parse('2026-11-29T09:00:00.500Z');
const claims = (asked: Partial<Parameters<typeof claimsFrom>[0]>) => claimsFrom({ audience: [], issuedAt: 'now', ...asked }, NOW);
const seconds = Math.floor(NOW / 1000);

test('claims are said by the names of the standard, times as seconds, durations from now', () => {
  expect(claims({ issuer: 'https://example.org', subject: 'ada', audience: ['api'], expires: '15m', notBefore: '2026-11-29T09:00:00Z', id: '1', claims: '{"role":"admin","iss2":1}' })).toEqual({
    iss: 'https://example.org', sub: 'ada', aud: 'api', exp: seconds + 900, nbf: seconds, iat: seconds, jti: '1', role: 'admin', iss2: 1,
  });
  expect(claims({ audience: ['one', 'two'], issuedAt: 'none', expires: '2d' })).toEqual({ aud: ['one', 'two'], exp: seconds + 172_800 });
});

test.each([
  [{ expires: 'soon' }, '/expires'], [{ expires: '2020-01-01T00:00:00Z' }, '/expires'], [{ expires: '0s' }, '/expires'], [{ expires: '1h', notBefore: '2h' }, '/notBefore'], [{ notBefore: '12' }, '/notBefore'],
  [{ issuedAt: 'today' }, '/issuedAt'], [{ claims: '[1]' }, '/claims'], [{ claims: '{"a":' }, '/claims'], [{ claims: '{"iat":1}' }, '/claims'], [{ issuer: 'a', claims: '{"iss":"b"}' }, '/claims'],
] as const)('what cannot be said is refused with the field: %j', (asked, where) => {
  expect(() => claims(asked)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT', facts: expect.objectContaining({ where }) }));
});
