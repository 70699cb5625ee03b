import { z } from 'zod';
import { SignatureAlgorithm } from './algorithms.ts';
import { boundedBytes, Bytes } from './bytes.ts';
import { CertificateRecord, CertificateReference, Revocation, RevocationReason } from './certificates.ts';
import { Url } from './certificate-making.ts';
import { operation } from './operation.ts';
import { FileIn, Timestamp } from './records.ts';

/** Revocation: by lists (RFC 5280 §5) and by OCSP (RFC 6960). The answer is good, revoked or unknown, and unknown is never good. */

const MAX_LIST = 16 * 1024 * 1024;
const SIGN_ERRORS = ['NOT_FOUND', 'INVALID_INPUT', 'CAPABILITY_MISSING', 'BACKEND_UNAVAILABLE', 'PIN_REQUIRED', 'PIN_INCORRECT', 'PIN_BLOCKED', 'TOUCH_TIMEOUT', 'TOKEN_REMOVED', 'CANCELLED'] as const;

export const CrlRecord = z.strictObject({
  /** Hex SHA-256 of the list. */
  id: z.string(), issuer: z.string(), number: z.string().nullable(), /** Number of the list that a delta is over. */ baseNumber: z.string().nullable(),
  thisUpdate: Timestamp, nextUpdate: Timestamp.nullable(), entries: z.int(), origin: z.enum(['made', 'imported', 'fetched']),
  /** Whether a certificate held here verifies its signature; null when its issuer is not held. */
  verified: z.boolean().nullable(),
  current: z.boolean(),
});
export type CrlRecord = z.output<typeof CrlRecord>;

export const revoke = operation({
  id: 'certificates.revoke', summary: 'Revoke a certificate that an authority held here has issued', effect: 'write', permission: 'certificates:write',
  http: { method: 'POST', path: '/v1/certificates/{certificate}/revoke', status: 200 },
  cli: { arguments: ['certificate'], shown: ['serial', 'authority', 'state', 'at', 'reason'], examples: ['keywright certificates revoke example.org --reason key-compromise'] },
  input: z.strictObject({
    /** The certificate; with `serial`, its authority. */
    certificate: CertificateReference,
    /** Hex: a certificate of the authority that is not held here. */
    serial: z.string().regex(/^[0-9a-fA-F: ]{1,80}$/, 'hexadecimal digits').optional(),
    /** `remove-from-crl` takes a certificate off hold. */
    reason: RevocationReason.default('unspecified'),
    /** Since when. Default: now. */
    at: Timestamp.optional(),
  }),
  output: z.strictObject({ serial: z.string(), authority: z.string(), state: z.enum(['revoked', 'on-hold', 'not-revoked']), at: Timestamp.nullable(), reason: RevocationReason.nullable(), certificate: CertificateRecord.nullable() }),
  errors: ['NOT_FOUND', 'INVALID_INPUT', 'CAPABILITY_MISSING', 'CONFLICT'],
});

export const createCrl = operation({
  id: 'certificates.crl.create', summary: 'Make and sign a revocation list of an authority', effect: 'write', permission: 'certificates:use', unhurried: true,
  http: { method: 'POST', path: '/v1/certificates/{certificate}/crls', status: 201 },
  cli: { arguments: ['certificate'], out: 'content', examples: ['keywright certificates crl create "Example CA 1" --days 7 --out ca1.crl'] },
  input: z.strictObject({
    /** The authority. */
    certificate: CertificateReference,
    /** Until the next one comes, in days. */
    days: z.int().min(1).max(3650).default(7),
    /** What changed since the last full list, alone (RFC 5280 §5.2.4). */
    delta: z.boolean().default(false),
    /** Of a full list: where the deltas over it will be (freshest CRL, RFC 5280 §5.2.6). */
    deltaUrl: z.array(Url).max(10).default([]),
    format: z.enum(['pem', 'der']).default('pem'),
    algorithm: SignatureAlgorithm.optional(),
  }),
  output: z.strictObject({ crl: CrlRecord, content: Bytes, fileName: z.string() }), errors: [...SIGN_ERRORS, 'CONFLICT'],
});

export const importCrl = operation({
  id: 'certificates.crl.import', summary: 'Import revocation lists', effect: 'write', permission: 'certificates:write', unhurried: true,
  http: { method: 'POST', path: '/v1/certificates/crls/import', status: 201 },
  cli: { arguments: ['file?'], without: ['from'], files: { file: 'content', in: 'content' }, table: { rows: 'crls', columns: ['issuer', 'number', 'thisUpdate', 'nextUpdate', 'entries', 'verified', 'id'] }, examples: ['keywright certificates crl import ca1.crl', 'keywright certificates crl import --fetch example.org'] },
  input: z.strictObject({
    content: boundedBytes(MAX_LIST).optional(), from: FileIn.optional(),
    /** Instead of a file: a certificate whose distribution points are asked; the setting `certificates.fetch` must allow it. */
    fetch: CertificateReference.optional(),
  }),
  output: z.strictObject({
    crls: z.array(CrlRecord),
    /** Certificates held here that they say are revoked. */
    revoked: z.array(CertificateRecord),
  }),
  errors: ['INVALID_INPUT', 'CAPABILITY_MISSING', 'NOT_FOUND', 'PERMISSION_DENIED', 'BACKEND_UNAVAILABLE', 'TIMEOUT'],
});

export const showCrl = operation({
  id: 'certificates.crl.show', summary: 'Show revocation lists that are held here', effect: 'read', permission: 'certificates:read', quiet: true,
  http: { method: 'GET', path: '/v1/certificates/crls', status: 200 },
  cli: { arguments: ['crl?'], out: 'content', table: { rows: 'crls', columns: ['issuer', 'number', 'thisUpdate', 'nextUpdate', 'entries', 'verified', 'id'] } },
  input: z.strictObject({
    /** A list's id or its beginning, or the certificate of its authority; all lists without it. */
    crl: z.string().trim().min(1).max(1024).optional(),
    /** Give one list as a file. */
    format: z.enum(['none', 'pem', 'der']).default('none'),
  }),
  output: z.strictObject({
    crls: z.array(CrlRecord.extend({
      /** Of the list: number, identifiers, scope, in words. */
      extensions: z.array(z.strictObject({ name: z.string(), critical: z.boolean(), lines: z.array(z.string()) })), problems: z.array(z.string()),
      /** The first thousand. */
      revoked: z.array(z.strictObject({ serial: z.string(), at: Timestamp, reason: z.string(), certificate: z.string().nullable() })),
    })),
    content: Bytes.optional(),
  }),
  errors: ['NOT_FOUND', 'INVALID_INPUT'],
});

export const checkOcsp = operation({
  id: 'certificates.ocsp.check', summary: 'Ask whether a certificate is revoked: by a response that is given, or by its responder', effect: 'read', permission: 'certificates:read', unhurried: true, check: 'good',
  http: { method: 'POST', path: '/v1/certificates/ocsp/check', status: 200 },
  cli: { arguments: ['certificate?'], fileOr: { certificate: 'content' }, shown: ['good', 'verdict', 'thisUpdate', 'nextUpdate', 'responder', 'nonce'], examples: ['keywright certificates ocsp check example.org --response stapled.der'] },
  input: z.strictObject({
    certificate: CertificateReference.optional(), /** Instead of one that is held here. */ content: boundedBytes(MAX_LIST).optional(),
    /** The issuer’s certificate, PEM or DER. Default: the one that is held here. */
    issuer: boundedBytes(MAX_LIST).optional(),
    /** A response that is there already (stapled), DER. Without it the responder is asked; the setting `certificates.fetch` must allow it. */
    response: boundedBytes(1024 * 1024).optional(),
    /** Another responder than the certificate names. */
    url: z.string().max(2048).optional(),
    /** Send a random number that the answer must repeat. */
    nonce: z.boolean().default(true),
    at: Timestamp.optional(),
  }),
  output: z.strictObject({
    /** False also for unknown. */
    good: z.boolean(), revocation: Revocation, verdict: z.string(), thisUpdate: Timestamp.nullable(), nextUpdate: Timestamp.nullable(), responder: z.string().nullable(), nonce: z.enum(['fits', 'missing', 'not-sent']), response: Bytes,
  }),
  errors: ['NOT_FOUND', 'INVALID_INPUT', 'CAPABILITY_MISSING', 'PERMISSION_DENIED', 'BACKEND_UNAVAILABLE', 'TIMEOUT'],
});

export const respondOcsp = operation({
  id: 'certificates.ocsp.respond', summary: 'Answer an OCSP request for an authority that is held here', effect: 'use', permission: 'certificates:use', unhurried: true,
  http: { method: 'POST', path: '/v1/certificates/{certificate}/ocsp/respond', status: 200 },
  cli: { arguments: ['certificate'], files: { in: 'request' }, out: 'response', examples: ['keywright certificates ocsp respond "Example CA 1" --in request.der --out response.der'] },
  input: z.strictObject({
    /** The authority. */
    certificate: CertificateReference,
    /** OCSPRequest, DER. */
    request: boundedBytes(64 * 1024),
    /** A certificate of the profile `ocsp` that the authority issued, whose key is held here. Default: the authority signs itself. */
    responder: CertificateReference.optional(),
    /** So long the answer holds. */
    hours: z.int().min(1).max(240).default(24),
  }),
  output: z.strictObject({ /** OCSPResponse, DER. */ response: Bytes, status: z.string(), answers: z.array(z.strictObject({ serial: z.string(), state: z.enum(['good', 'revoked', 'unknown']) })) }),
  errors: SIGN_ERRORS,
});

export const answerOcsp = operation({
  id: 'certificates.ocsp.answer', summary: 'Answer an OCSP request as its authority does: what the responder of the agent is', effect: 'use', permission: 'certificates:use', quiet: true,
  http: { method: 'POST', path: '/v1/certificates/ocsp/answer', status: 200 },
  cli: { files: { in: 'request' }, out: 'response', examples: ['keywright certificates ocsp answer --in request.der --out response.der'] },
  input: z.strictObject({
    /** OCSPRequest, DER. It says which authority it is about. */
    request: boundedBytes(64 * 1024),
    /** So long an answer holds. */
    hours: z.int().min(1).max(240).default(24),
  }),
  output: z.strictObject({
    /** OCSPResponse, DER: by the responder whom the authority has appointed (profile `ocsp`) if its key is held here, else by the authority. Without a nonce it may be one that was given before, while nothing has changed. */
    response: Bytes, status: z.string(), answers: z.array(z.strictObject({ serial: z.string(), state: z.enum(['good', 'revoked', 'unknown']) })),
    /** Seconds for which it may be given to others; 0: not at all. */
    seconds: z.int(),
  }),
  errors: SIGN_ERRORS,
});
