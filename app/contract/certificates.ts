import { z } from 'zod';
import { boundedBytes, Bytes } from './bytes.ts';
import { operation } from './operation.ts';
import { Cursor, Empty, FileIn, FileOut, FileWritten, KeyReference, Label, Limit, seeking, SoughtPosition, Tags, Timestamp } from './records.ts';

/** Certificates as things: what is held, its files, its trust. Making them is in `certificate-making.ts`, judging them in `certificate-checks.ts`. */

/** Largest file of certificates that is read. */
const MAX_CERTIFICATE_FILE = 16 * 1024 * 1024;
/** `pkcs7`: certificates alone (.p7b). `pkcs12`: with the key where that is asked for. `jwk`: the public key with the certificates in `x5c`. `openssh`: the line of a -cert.pub file, for OpenSSH certificates and these alone. */
const CertificateFormat = z.enum(['pem', 'der', 'pkcs7', 'pkcs12', 'jwk', 'openssh']);
/** An id (the hex SHA-256 of the certificate, or a unique beginning of it of at least 8 digits), a fingerprint, a label or a common name when it is unique. */
export const CertificateReference = z.string().trim().min(1).max(1024);
/** What a certificate is for. `any`: it restricts nothing. */
const CertificatePurpose = z.enum(['any', 'ca', 'tls-server', 'tls-client', 'code-signing', 'email', 'ocsp', 'timestamp', 'ssh', 'ssh-user', 'ssh-host', 'other']);
/** RFC 5280 §5.3.1. */
export const RevocationReason = z.enum([
  'unspecified', 'key-compromise', 'ca-compromise', 'affiliation-changed', 'superseded', 'cessation-of-operation', 'certificate-hold', 'remove-from-crl', 'privilege-withdrawn', 'aa-compromise',
]);

/** Where a certificate is: in this store, or in a slot of a token. */
const CertificatePlace = z.strictObject({
  kind: z.enum(['store', 'token']),
  /** The token's id; null for the store. */
  token: z.string().nullable(),
  /** "This store", "YubiKey 5C NFC 12345678". */
  title: z.string(),
  slot: z.string().nullable(),
  /** Whether it is there now: false for a token that is out. */
  present: z.boolean(),
});

/** A key held here that a certificate is for. */
const CertificateKey = z.strictObject({ uri: z.string(), id: z.string(), label: z.string(), backend: z.string(), /** The token that it is in: "YubiKey 5C NFC 12345678"; null where it is in none. */ token: z.string().nullable(), /** Whether its private part may leave its place at all. */ extractable: z.boolean(), present: z.boolean() });

export const Revocation = z.strictObject({
  /** `unknown` is never good: it says that nobody who may say so has said anything. */
  state: z.enum(['good', 'revoked', 'unknown']),
  at: Timestamp.nullable(),
  reason: RevocationReason.nullable(),
  /** `authority`: we revoked it ourselves; else who said so. */
  source: z.enum(['authority', 'crl', 'ocsp']).nullable(),
});
export type Revocation = z.output<typeof Revocation>;

export const CertificateRecord = z.strictObject({
  /** Hex SHA-256 of the certificate. */
  id: z.string(),
  /** `openssh`: its subject is the key id, its issuer the fingerprint of the authority’s key, its names are principals. */
  type: z.enum(['x509', 'openssh']),
  label: z.string(),
  /** RFC 4514; empty when the certificate has none. */
  subject: z.string(),
  issuer: z.string(),
  /** Hex, without leading zeros; of an OpenSSH certificate decimal, as ssh-keygen has it. */
  serial: z.string(),
  notBefore: Timestamp,
  notAfter: Timestamp,
  validity: z.enum(['valid', 'not-yet-valid', 'expired']),
  /** `SHA256:` and hex, of the DER. */
  fingerprint: z.string(),
  /** `ec-p256`; for keys that we do not handle what they are in words. */
  keyAlgorithm: z.string(),
  /** `ecdsa-sha256`; for others what they are in words. */
  signatureAlgorithm: z.string(),
  /** `SHA256:` and hex, of the SubjectPublicKeyInfo: equal to `fingerprint` of the key that it is for. */
  publicKey: z.string(),
  /** Keys held here that it is for; empty when none is (yet). */
  keys: z.array(CertificateKey),
  places: z.array(CertificatePlace),
  /** Subject alternative names: `dns:example.org`, `ip:192.0.2.1`, `email:ada@example.org` … */
  names: z.array(z.string()),
  purposes: z.array(CertificatePurpose),
  /** Its basic constraints make it an authority. */
  authority: z.boolean(),
  /** Subject and issuer are the same, and its own key verifies it. */
  selfSigned: z.boolean(),
  /** Id of the certificate held here that issued it: its signature was checked. */
  issuedBy: z.string().nullable(),
  /** A verification may end at it. Our own self-signed ones are trusted, others not until somebody says so. */
  trusted: z.boolean(),
  tags: z.array(z.string()),
  origin: z.enum(['made', 'imported', 'found']),
  /** What is known here of its revocation; null when nothing is. */
  revocation: Revocation.nullable(),
  createdAt: Timestamp,
  /** In the trash until then; null: not in the trash. */
  trashedUntil: Timestamp.nullable(),
  /** Changes with every write: hand it back as `ifRevision` to be told of somebody else's change. */
  revision: z.string(),
});
export type CertificateRecord = z.output<typeof CertificateRecord>;

/** A part of a certificate in words, with its bytes beside. */
export const CertificateField = z.strictObject({
  name: z.string(),
  value: z.string(),
  /** DER of it, hex; null for what is no single element. */
  raw: z.string().nullable(),
  /** Where it begins in the certificate. */
  offset: z.int().nullable(),
});
export const CertificateExtension = z.strictObject({
  oid: z.string(),
  name: z.string(),
  critical: z.boolean(),
  /** A sentence or line each. */
  lines: z.array(z.string()),
  /** The content of its OCTET STRING, hex. */
  raw: z.string(),
  offset: z.int(),
  /** What is wrong with it. */
  problem: z.string().nullable(),
});
export type CertificateField = z.output<typeof CertificateField>;
export type CertificateExtension = z.output<typeof CertificateExtension>;

const CertificateDetail = CertificateRecord.extend({
  version: z.int(),
  fields: z.array(CertificateField),
  extensions: z.array(CertificateExtension),
  /** What breaks RFC 5280, with its section. */
  problems: z.array(z.string()),
  sha1: z.string(),
  /** Of an OpenSSH certificate its line. */
  pem: z.string(),
  /** All of it as a page of text. */
  text: z.string(),
});

/** What a person sees of one on a command line. */
export const CERTIFICATE_SHOWN = ['label', 'subject', 'names', 'issuer', 'serial', 'notBefore', 'notAfter', 'validity', 'purposes', 'authority', 'keyAlgorithm', 'signatureAlgorithm', 'trusted', 'revocation', 'tags', 'fingerprint', 'id', 'warnings'] as const;

const CERTIFICATE_COLUMNS = ['label', 'issuer', 'notAfter', 'validity', 'trusted', 'id'] as const;
const one = { input: z.strictObject({ certificate: CertificateReference }), cli: { arguments: ['certificate'], shown: CERTIFICATE_SHOWN } } as const;
const read = { effect: 'read', permission: 'certificates:read', quiet: true } as const;
const write = { effect: 'write', permission: 'certificates:write' } as const;

export const list = operation({
  id: 'certificates.list', summary: 'List certificates of the store and of tokens', ...read,
  http: { method: 'GET', path: '/v1/certificates', status: 200 },
  cli: { table: { rows: 'certificates', columns: CERTIFICATE_COLUMNS }, examples: ['keywright certificates list --expiring 30', 'keywright certificates list --filter "purpose=tls-server issuer~Example"'] },
  input: z.strictObject({
    /** Words to find in label, subject, issuer, names, tags, serial and fingerprint; all must be there. */
    search: z.string().max(200).optional(),
    /** `field=value`, `field!=value` or `field~part`, separated by spaces, all must hold: label, subject, issuer, name, purpose, type, place, key, tag, algorithm, validity, trusted, origin, revoked, serial. */
    filter: z.string().max(1000).optional(),
    /** Those that end within so many days, and those that have ended. */
    expiring: z.int().min(0).max(36_500).optional(),
    /** Those for this key. */
    key: KeyReference.optional(),
    sort: z.string().regex(/^-?(label|subject|issuer|notBefore|notAfter|createdAt)$/, 'sorted is by label, subject, issuer, notBefore, notAfter, createdAt; with a minus before it, from the end').default('label'),
    trash: z.boolean().default(false),
    limit: Limit.default(100),
    cursor: Cursor.optional(),
    offset: z.int().min(0).optional(),
    ...seeking,
  }),
  output: z.strictObject({ certificates: z.array(CertificateRecord), cursor: z.string().nullable(), total: z.int(), position: SoughtPosition }),
  errors: ['INVALID_INPUT', 'NOT_FOUND'],
});

export const show = operation({
  id: 'certificates.show', summary: 'Show every field and extension of a certificate in words, with its bytes', ...read,
  http: { method: 'GET', path: '/v1/certificates/{certificate}', status: 200 }, input: one.input, cli: { arguments: ['certificate'], text: 'text' }, output: CertificateDetail, errors: ['NOT_FOUND', 'INVALID_INPUT'],
});

export const update = operation({
  id: 'certificates.update', summary: 'Change label, tags or trust of a certificate', ...write,
  http: { method: 'PATCH', path: '/v1/certificates/{certificate}', status: 200 },
  cli: { arguments: ['certificate'], options: { tags: 'tag' }, shown: CERTIFICATE_SHOWN, examples: ['keywright certificates update "Example root" --trusted'] },
  input: z.strictObject({
    certificate: CertificateReference, label: Label.optional(), tags: Tags.optional(), trusted: z.boolean().optional(), ifRevision: z.string().max(100).optional(),
  }),
  output: CertificateRecord, errors: ['NOT_FOUND', 'INVALID_INPUT', 'CONFLICT'],
});

export const importCertificates = operation({
  id: 'certificates.import', summary: 'Import certificates from a file, told by its content', ...write, unhurried: true,
  http: { method: 'POST', path: '/v1/certificates/import', status: 201 },
  cli: { arguments: ['file'], without: ['from'], files: { file: 'content', in: 'content' }, options: { tags: 'tag' }, table: { rows: 'certificates', columns: CERTIFICATE_COLUMNS }, examples: ['keywright certificates import chain.pem'] },
  input: z.strictObject({
    /** The file's bytes, or the file itself: exactly one of the two. */
    content: boundedBytes(MAX_CERTIFICATE_FILE).optional(),
    from: FileIn.optional(),
    label: Label.optional(),
    tags: Tags.default([]),
    /** Verifications may end at them from now on. */
    trusted: z.boolean().default(false),
  }),
  output: z.strictObject({
    certificates: z.array(CertificateRecord),
    /** Ids of those that were here before. */
    alreadyHeld: z.array(z.string()),
    /** What else was in the file, a sentence each. */
    notes: z.array(z.string()),
  }),
  progress: z.strictObject({ done: z.int(), total: z.int(), label: z.string() }), errors: ['INVALID_INPUT', 'CAPABILITY_MISSING', 'NOT_FOUND', 'PERMISSION_DENIED', 'PIN_REQUIRED', 'PIN_INCORRECT', 'CANCELLED'],
});

export const exportCertificate = operation({
  id: 'certificates.export', summary: 'Export a certificate, with its chain or its key where that is allowed', effect: 'use', permission: 'certificates:read', unhurried: true,
  http: { method: 'POST', path: '/v1/certificates/{certificate}/export', status: 200 },
  cli: { arguments: ['certificate'], without: ['to'], out: 'content', secretOut: true, examples: ['keywright certificates export "Ada Example" --format pem --with-chain --out ada.pem', 'keywright certificates export "Ada Example" --format pkcs12 --with-key --export-passphrase-file pw2 --out ada.p12'] },
  input: z.strictObject({
    certificate: CertificateReference,
    /** Default: `pem`, and for an OpenSSH certificate `openssh`. */
    format: CertificateFormat.optional(),
    /** With those that issued it, up to the root, as far as they are held here. */
    withChain: z.boolean().default(false),
    /** With its private key, encrypted with a passphrase that is asked for: PKCS#12 and JWK (as a JWE) have a place for it, and PEM puts PKCS#8 in front. */
    withKey: z.boolean().default(false),
    /** PKCS#12 for who will open it: of today; with PBMAC1 (OpenSSL 3.4, Java 24 and newer); the keychain of macOS and older Windows. */
    profile: z.enum(['modern', 'strict', 'legacy']).default('modern'),
    to: FileOut.optional(),
  }),
  output: z.strictObject({ /** Absent when it was written. */ content: Bytes.optional(), written: FileWritten.optional(), format: CertificateFormat, fileName: z.string(), certificates: z.int(), withKey: z.boolean(), /** What to know of the file, a sentence each. */ notes: z.array(z.string()) }),
  errors: ['NOT_FOUND', 'INVALID_INPUT', 'CAPABILITY_MISSING', 'ALREADY_EXISTS', 'PERMISSION_DENIED', 'PIN_REQUIRED', 'PIN_INCORRECT', 'CANCELLED'],
});

export const remove = operation({
  id: 'certificates.delete', summary: 'Move a certificate to the trash, where it stays for 30 days', ...write,
  http: { method: 'DELETE', path: '/v1/certificates/{certificate}', status: 200 }, ...one, output: CertificateRecord, errors: ['NOT_FOUND', 'CAPABILITY_MISSING'],
});
export const restore = operation({
  id: 'certificates.restore', summary: 'Take a certificate out of the trash', ...write,
  http: { method: 'POST', path: '/v1/certificates/{certificate}/restore', status: 200 }, ...one, output: CertificateRecord, errors: ['NOT_FOUND'],
});
export const purge = operation({
  id: 'certificates.purge', summary: 'Remove a certificate that is in the trash, for good', effect: 'destroy', permission: 'certificates:admin', unhurried: true,
  http: { method: 'POST', path: '/v1/certificates/{certificate}/purge', status: 200 }, input: one.input, cli: { arguments: ['certificate'] }, output: Empty, errors: ['NOT_FOUND', 'CONFLICT', 'CANCELLED'],
});

export const chain = operation({
  id: 'certificates.chain', summary: 'Show the chain of a certificate, as far as it is held here', ...read,
  http: { method: 'GET', path: '/v1/certificates/{certificate}/chain', status: 200 },
  cli: { arguments: ['certificate'], table: { rows: 'chain', columns: ['label', 'issuer', 'notAfter', 'trusted', 'id'] } },
  input: one.input,
  output: z.strictObject({
    /** The certificate first, then who issued it, and so on. */
    chain: z.array(CertificateRecord),
    /** It ends at one that issued itself. */
    complete: z.boolean(),
    /** In a sentence. */
    note: z.string(),
    /** Certificates held here that it has issued, and they in turn: ids with the id of their issuer. */
    issued: z.array(z.strictObject({ id: z.string(), label: z.string(), issuedBy: z.string() })),
  }),
  errors: ['NOT_FOUND', 'INVALID_INPUT'],
});

export const compare = operation({
  id: 'certificates.compare', summary: 'Compare two certificates field by field', ...read,
  http: { method: 'GET', path: '/v1/certificates/{certificate}/compare/{other}', status: 200 },
  cli: { arguments: ['certificate', 'other'], table: { rows: 'rows', columns: ['name', 'equal', 'left', 'right'] } },
  input: z.strictObject({ certificate: CertificateReference, other: CertificateReference }),
  output: z.strictObject({
    sameKey: z.boolean(),
    rows: z.array(z.strictObject({ name: z.string(), equal: z.boolean(), left: z.string().nullable(), right: z.string().nullable() })),
  }),
  errors: ['NOT_FOUND', 'INVALID_INPUT'],
});
