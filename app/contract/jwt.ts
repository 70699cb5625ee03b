import { z } from 'zod';
import { SignatureAlgorithm } from './algorithms.ts';
import { boundedBytes } from './bytes.ts';
import { operation } from './operation.ts';
import { KeyReference, Timestamp } from './records.ts';

/** Tokens of claims: `files.jwt`. */

/** A time (RFC 3339), or how long from now: 90s, 15m, 12h, 30d. */
const When = z.string().min(1).max(40);
/** StringOrURI (RFC 7519 §2). */
const Name = z.string().min(1).max(2000);

export const jwt = operation({
  id: 'files.jwt',
  summary: 'Make a JSON Web Token of claims (RFC 7519), signed with any key that JWS knows',
  effect: 'use',
  permission: 'files:use',
  capability: 'sign',
  unhurried: true,
  http: { method: 'POST', path: '/v1/files/jwt', status: 200 },
  cli: {
    out: 'token', secretOut: true, files: { certificate: 'certificate' },
    examples: [`keywright files jwt --key "Release signing" --issuer https://example.org --subject ada --audience api --expires 15m --claims '{"role":"admin"}'`],
  },
  input: z.strictObject({
    key: KeyReference,
    algorithm: SignatureAlgorithm.optional(),
    /** iss */
    issuer: Name.optional(),
    /** sub */
    subject: Name.optional(),
    /** aud: one as text, several as a list. */
    audience: z.array(Name).max(100).default([]),
    /** exp */
    expires: When.optional(),
    /** nbf */
    notBefore: When.optional(),
    /** iat: a time, `now` (the default), or `none`. */
    issuedAt: z.string().min(1).max(40).default('now'),
    /** jti */
    id: Name.optional(),
    /** Further claims: a JSON object as text. None of them may be given twice. */
    claims: z.string().max(256 * 1024).optional(),
    /** typ: `JWT` by default, `at+jwt` for access tokens of OAuth (RFC 9068). */
    type: z.string().min(1).max(255).default('JWT'),
    /** The key’s certificate with its chain, to be put in (x5c). */
    certificate: boundedBytes(1024 * 1024).optional(),
  }),
  output: z.strictObject({
    /** Compact: three parts of base64url with dots between (RFC 7515 §7.1). */
    token: z.string(),
    /** What it says, as JSON. */
    claims: z.record(z.string(), z.unknown()),
    expiresAt: Timestamp.nullable(),
    algorithm: SignatureAlgorithm,
    key: z.string(),
    version: z.int(),
  }),
  errors: ['NOT_FOUND', 'INVALID_INPUT', 'CAPABILITY_MISSING', 'PERMISSION_DENIED', 'PIN_REQUIRED', 'PIN_INCORRECT', 'TOUCH_TIMEOUT', 'TOKEN_REMOVED', 'BACKEND_UNAVAILABLE', 'CANCELLED'],
});
