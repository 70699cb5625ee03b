import { parseJson } from '../formats/json.ts';
import { malformedAt } from '../formats/malformed.ts';
import type { Claims } from './jws.ts';

/** What a JWT shall say, from what a person asks for (RFC 7519 §4.1). */

interface ClaimsAsked {
  readonly issuer?: string | undefined;
  readonly subject?: string | undefined;
  readonly audience: readonly string[];
  readonly expires?: string | undefined;
  readonly notBefore?: string | undefined;
  /** A time, `now` or `none`. */
  readonly issuedAt: string;
  readonly id?: string | undefined;
  /** A JSON object. */
  readonly claims?: string | undefined;
}

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** @param now milliseconds since 1970. @returns the claims in the standard's order, further ones behind. @throws INVALID_INPUT with the field for what is no time, no object, given twice, or over before it begins */
export function claimsFrom(asked: ClaimsAsked, now: number): Claims {
  const { issuer, subject, audience, expires, notBefore, issuedAt, id } = asked;
  const [only, ...others] = audience;
  const exp = expires === undefined ? undefined : timeOf(expires, now, '/expires');
  const nbf = notBefore === undefined ? undefined : timeOf(notBefore, now, '/notBefore');
  const iat = issuedAt === 'none' ? undefined : issuedAt === 'now' ? Math.floor(now / 1000) : timeOf(issuedAt, now, '/issuedAt');
  if (exp !== undefined && exp <= now / 1000) throw malformedAt('/expires', 'The token would have ended before it was made.', 'Give a later time, or how long from now: 15m, 12h, 30d.');
  if (exp !== undefined && nbf !== undefined && nbf >= exp) throw malformedAt('/notBefore', 'The token would begin when it has ended.', 'Let it begin earlier, or end later.');
  const own = Object.fromEntries(Object.entries({ iss: issuer, sub: subject, aud: others.length > 0 ? audience : only, exp, nbf, iat, jti: id }).filter(([, value]) => value !== undefined));
  const more = further(asked.claims);
  const [twice] = Object.keys(more).filter((name) => Object.hasOwn(own, name));
  if (twice !== undefined) throw malformedAt('/claims', `“${twice}” is given twice.`, twice === 'iat' ? 'Leave it out of the further claims, or give --issued-at none.' : 'Leave one of them out.');
  return { ...own, ...more };
}

function further(text: string | undefined): Claims {
  if (text === undefined || text.trim() === '') return {};
  let value: unknown;
  try {
    value = parseJson(Buffer.from(text));
  } catch {
    value = undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformedAt('/claims', 'The further claims are no JSON object.', 'Write them as {"name":"value"}.');
  return value as Claims;
}

/** @returns seconds since 1970 (NumericDate). */
function timeOf(text: string, now: number, where: string): number {
  const [, amount, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const time = amount === undefined ? (/^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN) : now + Number(amount) * SECONDS[unit as keyof typeof SECONDS] * 1000;
  if (!Number.isFinite(time)) throw malformedAt(where, `“${text}” is no time.`, 'Use 15m, 12h, 30d, or a time such as 2027-01-31T00:00:00Z.');
  return Math.floor(time / 1000);
}
