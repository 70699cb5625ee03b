import { z } from 'zod';
import { boundedBytes } from './bytes.ts';
import { CertificateRecord, CertificateReference, Revocation } from './certificates.ts';
import { operation } from './operation.ts';
import { Timestamp } from './records.ts';

/** Judging certificates: chains, names, purposes, revocation; looking at servers; what ends soon. */

const MAX_FILE = 16 * 1024 * 1024;
/** A file of certificates, revocation lists or responses: DER, or PEM with any number of them. */
const File = boundedBytes(MAX_FILE);

const CheckRecord = z.strictObject({
  /** `signature`, `validity`, `basic-constraints`, `name-constraints`, `revocation` … */
  check: z.string(),
  outcome: z.enum(['ok', 'failed', 'warning', 'unknown']),
  sentence: z.string(),
  /** `RFC 5280 §6.1.3 (a)(1)` */
  rule: z.string().nullable(),
});
export const JudgedCertificate = z.strictObject({
  id: z.string(), title: z.string(), subject: z.string(), issuer: z.string(), serial: z.string(), notBefore: Timestamp, notAfter: Timestamp,
  role: z.enum(['certificate', 'authority', 'root']),
  checks: z.array(CheckRecord),
});
export const JudgedPath = z.strictObject({
  trusted: z.boolean(), verdict: z.string(),
  /** The certificate first, then who issued it, up to the root. */
  certificates: z.array(JudgedCertificate),
  /** Policies that are valid for the whole path. */
  policies: z.array(z.string()),
});
const CertificateVerdict = z.strictObject({
  trusted: z.boolean(),
  /** In a sentence: that it is trusted, or the first reason why not. */
  verdict: z.string(),
  /** `good` only where somebody who may say so has said it. */
  revocation: Revocation,
  /** The path that holds, or the one that came closest. */
  path: JudgedPath,
  /** Others that were tried and do not hold. */
  otherPaths: z.array(JudgedPath),
  /** The search for a path was given up: what was given offers more ways than can be tried, and it is not known whether one of them holds. */
  exhausted: z.boolean(),
  purpose: z.string(),
  at: Timestamp,
  /** What was asked on the network, where that was wanted and is allowed, and why it gave nothing. */
  fetched: z.array(z.strictObject({ what: z.enum(['issuer', 'crl', 'ocsp']), url: z.string(), problem: z.string().nullable() })),
  /** All of it as a page of text: a certificate, and under it its checks. */
  text: z.string(),
});

export const VerifyPurposeName = z.enum(['any', 'ca', 'tls-server', 'tls-client', 'code-signing', 'email', 'ocsp', 'timestamp', 'file-signing']);

/** What a verification looks at. With `roots`, nothing but what is given here; without, also at what the store and the system hold. */
export const evidence = {
  /** Whom to trust: nothing else is looked at then, neither store nor system. */
  roots: z.array(File).max(100).optional(),
  /** Certificates that may stand between. */
  untrusted: z.array(File).max(1000).default([]),
  crl: z.array(File).max(1000).default([]),
  /** OCSP responses, DER. */
  ocsp: z.array(File).max(100).default([]),
  purpose: VerifyPurposeName.optional(),
  /** A host name or address that it must be for; the purpose is then `tls-server` unless another is given. */
  host: z.string().trim().min(1).max(300).optional(),
  /** An e-mail address that it must be for; the purpose is then `email` unless another is given. */
  email: z.string().trim().min(3).max(320).optional(),
  /** Further names that it must be for: `dns:`, `ip:`, `email:` or `uri:` in front. */
  name: z.array(z.string().max(2048)).max(100).default([]),
  /** The time to judge at. Default: now. */
  at: Timestamp.optional(),
  /** Authorities between the certificate and the root. */
  maxDepth: z.int().min(0).max(1000).default(10),
  /** Where roots come from when none are given. */
  trust: z.enum(['store', 'system', 'both']).default('both'),
  /**
   * For whom the revocation must be known. `given`: the certificate, and each authority whose issuer has a list or response among those given. `soft`: for nobody, and what was given and cannot be read or does not count is told
   * and passed over, so that the verdict says *unknown* (RFC 5280 leaves that to the caller). Default: `given` where lists or responses are given, else `off`. Who is known to be revoked is refused always.
   */
  revocation: z.enum(['off', 'soft', 'given', 'leaf', 'chain']).optional(),
  /** Algorithms and key sizes that must not be relied on any more (MD5, SHA-1, DSA, RSA below 2048 bits, short curves) are told and not refused: for judging paths of old. */
  allowWeak: z.boolean().default(false),
  /** Get missing issuers, revocation lists and responses from the addresses that the certificates name; the setting `certificates.fetch` must allow it. */
  fetch: z.boolean().default(false),
  /** Object identifiers that the extended key usage must allow. */
  extendedKeyUsage: z.array(z.string().max(200)).max(20).default([]),
  /** RFC 5280 §6.1.1 (c) to (g). */
  policy: z.array(z.string().max(200)).max(100).default([]),
  requirePolicy: z.boolean().default(false),
  inhibitPolicyMapping: z.boolean().default(false),
  inhibitAnyPolicy: z.boolean().default(false),
  /** What issuers must do and did not is refused, also where it does not make the path wrong. Default: for TLS and e-mail. */
  strict: z.boolean().optional(),
} as const;

export const verify = operation({
  id: 'certificates.verify', summary: 'Verify a certificate: its path to a root, its names, purpose and revocation', effect: 'read', permission: 'certificates:read', quiet: true, unhurried: true, check: 'trusted', withoutStore: ['content', 'roots'],
  http: { method: 'POST', path: '/v1/certificates/verify', status: 200 },
  cli: {
    arguments: ['certificate?'], files: { in: 'content' }, fileOr: { certificate: 'content' }, text: 'text',
    examples: ['keywright certificates verify server.pem --roots root.pem --untrusted chain.pem --host example.org', 'keywright certificates verify "Ada Example" --purpose email'],
  },
  input: z.strictObject({
    /** One that is held here; or `content`: a file whose first certificate is judged, the others may stand between. */
    certificate: CertificateReference.optional(),
    content: File.optional(),
    ...evidence,
  }),
  output: CertificateVerdict, errors: ['NOT_FOUND', 'INVALID_INPUT', 'CAPABILITY_MISSING', 'PERMISSION_DENIED', 'BACKEND_UNAVAILABLE'],
});

export const examine = operation({
  id: 'certificates.examine', summary: 'Look at a TLS server: its certificates, their verdict, its stapled OCSP response and protocol', effect: 'read', permission: 'certificates:use', unhurried: true, check: 'trusted',
  http: { method: 'POST', path: '/v1/certificates/examine', status: 200 },
  cli: { arguments: ['host'], text: 'text', examples: ['keywright certificates examine example.org', 'keywright certificates examine mail.example.org --port 993 --save'] },
  input: z.strictObject({
    /** A name or address; `host:port` too. */
    host: z.string().trim().min(1).max(300),
    port: z.int().min(1).max(65_535).optional(),
    /** The name that the server is asked for, and whose certificate it must have. Default: the host. */
    serverName: z.string().trim().min(1).max(300).optional(),
    roots: evidence.roots, trust: evidence.trust,
    /** Keep the certificates that it shows; they are not trusted by that. */
    save: z.boolean().default(false),
    /** Seconds to wait for the server. */
    seconds: z.int().min(1).max(60).default(10),
  }),
  output: CertificateVerdict.extend({
    host: z.string(), port: z.int(), address: z.string(), protocol: z.string(), cipher: z.string(), application: z.string().nullable(),
    /** As the server showed them, PEM. */
    chain: z.array(z.string()),
    stapled: z.enum(['none', 'good', 'revoked', 'unknown']),
    saved: z.array(CertificateRecord),
  }),
  errors: ['INVALID_INPUT', 'NOT_FOUND', 'PERMISSION_DENIED', 'BACKEND_UNAVAILABLE', 'TIMEOUT', 'CANCELLED'],
});

export const expiring = operation({
  id: 'certificates.expiring', summary: 'List the certificates that end soon, over all backends, as a table, CSV or a calendar', effect: 'read', permission: 'certificates:read', quiet: true,
  http: { method: 'GET', path: '/v1/certificates/expiring', status: 200 },
  cli: { out: 'content', table: { rows: 'certificates', columns: ['label', 'days', 'notAfter', 'revoked', 'issuer', 'place', 'id'] }, examples: ['keywright certificates expiring --days 30', 'keywright certificates expiring --format ics --out certificates.ics'] },
  input: z.strictObject({
    days: z.int().min(0).max(36_500).default(90),
    /** Those that have ended too. */
    expired: z.boolean().default(true),
    /** Those that are revoked too: nobody needs to renew them. One that is only on hold is always listed. */
    revoked: z.boolean().default(false),
    format: z.enum(['table', 'csv', 'ics']).default('table'),
  }),
  output: z.strictObject({
    certificates: z.array(z.strictObject({
      id: z.string(), label: z.string(), subject: z.string(), issuer: z.string(), notAfter: Timestamp,
      /** Whole days left; negative: so many ago. */
      days: z.int(), place: z.string(), key: z.string().nullable(), renewable: z.boolean(), revoked: z.boolean(),
    })),
    /** CSV (RFC 4180) or iCalendar (RFC 5545). */
    content: z.string().optional(),
  }),
  errors: [],
});
