import { z } from 'zod';
import { SignatureAlgorithm } from './algorithms.ts';
import { boundedBytes, Bytes } from './bytes.ts';
import { CERTIFICATE_SHOWN, CertificateRecord, CertificateReference } from './certificates.ts';
import { operation } from './operation.ts';
import { FileIn, FileOut, FileWritten, KeyReference, Label, Tags, Timestamp } from './records.ts';

/** Making certificates and requests, with any signing key on any backend. */

const CertificateProfile = z.enum(['root', 'sub-ca', 'tls-server', 'tls-client', 'code-signing', 'email', 'ocsp', 'timestamp']);
/** What can be issued: X.509 by its profiles, and the two kinds of OpenSSH. */
const IssueProfile = z.enum([...CertificateProfile.options, 'ssh-user', 'ssh-host']);

/** A distinguished name (RFC 4514: `CN=Ada Example,O=Example`), or OpenSSL's form `/O=Example/CN=Ada Example`. */
const DistinguishedName = z.string().max(4096);
/**
 * `dns:NAME` (international names become A-labels), `ip:ADDRESS`, `email:ADDRESS`, `uri:URI`, `upn:NAME`, `dir:DN`, `rid:OID`,
 * `other:OID;utf8:TEXT` or `other:OID;der:HEX`.
 */
const AlternativeName = z.string().trim().min(1).max(4096);
const Oid = z.string().max(200).regex(/^[012](\.(0|[1-9]\d*))+$/, 'an object identifier in dotted form');
export const Url = z.string().max(2048);

/** What a maker of a certificate can say. Whatever is left out is what the profile says. */
const content = {
  subject: DistinguishedName.optional(),
  san: z.array(AlternativeName).max(10_000).default([]),
  profile: CertificateProfile.optional(),
  /** Length of the validity in days of 24 hours. */
  days: z.int().min(1).max(36_500).optional(),
  /** Default: five minutes ago, for clocks that are slow. */
  notBefore: Timestamp.optional(),
  notAfter: Timestamp.optional(),
  /** Authorities alone: how many further authorities may stand below it. */
  pathLength: z.int().min(0).max(50).optional(),
  /** Authorities alone: names that may stand below it, `dns:example.org`, `ip:10.0.0.0/8`, `email:example.org`, `uri:.example.org`, `dir:O=Example`. */
  permit: z.array(AlternativeName).max(1000).default([]),
  exclude: z.array(AlternativeName).max(1000).default([]),
  /** Instead of the profile's: `digital-signature`, `non-repudiation`, `key-encipherment`, `data-encipherment`, `key-agreement`, `key-cert-sign`, `crl-sign`. */
  keyUsage: z.array(z.enum(['digital-signature', 'non-repudiation', 'key-encipherment', 'data-encipherment', 'key-agreement', 'key-cert-sign', 'crl-sign'])).max(9).optional(),
  /** Instead of the profile's: names of purposes (`tls-server` …) or object identifiers. */
  extendedKeyUsage: z.array(z.string().max(200)).max(100).optional(),
  policies: z.array(Oid).max(100).default([]),
  /** Where its revocation lists, its OCSP responder and its issuer's certificate are. */
  crlUrl: z.array(Url).max(10).default([]),
  ocspUrl: z.array(Url).max(10).default([]),
  issuerUrl: z.array(Url).max(10).default([]),
  /** Servers must staple an OCSP response (RFC 7633). */
  mustStaple: z.boolean().default(false),
  /** Default: what is recommended for the key that signs. */
  algorithm: SignatureAlgorithm.optional(),
} as const;
/** What an OpenSSH certificate says beyond its validity (PROTOCOL.certkeys). */
const ssh = z.strictObject({
  /** Whom it is for: names of users, or of a host. */
  principals: z.array(z.string().min(1).max(255)).max(256).default([]),
  /** What sshd writes into its log; default: the first principal, or the key's comment. */
  keyId: z.string().min(1).max(1024).optional(),
  /** Decimal, at most 64 bits; default: random. */
  serial: z.string().regex(/^\d{1,20}$/, 'a decimal number').optional(),
  /** The command that runs, whatever was asked for. */
  forceCommand: z.string().min(1).max(4096).optional(),
  /** Addresses and ranges (`10.0.0.0/8`) from which alone it is good. */
  sourceAddress: z.array(z.string().min(1).max(100)).max(100).default([]),
  /** The security key must have checked its user. */
  verifyRequired: z.boolean().default(false),
  /** Instead of OpenSSH's own (permit-X11-forwarding, permit-agent-forwarding, permit-port-forwarding, permit-pty, permit-user-rc): `permit-pty`, `NAME=VALUE`, or `none`. */
  extensions: z.array(z.string().min(1).max(1024)).max(100).optional(),
});
const kept = { label: Label.optional(), tags: Tags.default([]) } as const;

/** What is discouraged, with who says so; what is forbidden is refused. */
const CertificateWarning = z.strictObject({ warning: z.string(), rule: z.string() });
const Made = CertificateRecord.extend({ warnings: z.array(CertificateWarning), pem: z.string() });
const options = { tags: 'tag' } as const;
const shown = CERTIFICATE_SHOWN;
const SIGN_ERRORS = ['NOT_FOUND', 'INVALID_INPUT', 'CAPABILITY_MISSING', 'BACKEND_UNAVAILABLE', 'PIN_REQUIRED', 'PIN_INCORRECT', 'PIN_BLOCKED', 'TOUCH_TIMEOUT', 'TOKEN_REMOVED', 'CANCELLED'] as const;
const making = { effect: 'write', permission: 'certificates:use', unhurried: true, errors: SIGN_ERRORS } as const;

export const selfSign = operation({
  id: 'certificates.self-sign', summary: 'Make a self-signed certificate for a key', ...making, capability: 'sign',
  http: { method: 'POST', path: '/v1/certificates/self-sign', status: 201 },
  cli: { arguments: ['key'], options, shown, examples: ['keywright certificates self-sign "Release signing" --subject "CN=Ada Example,O=Example" --days 365', 'keywright certificates self-sign "Root key" --subject "CN=Example root" --profile root --days 3650'] },
  input: z.strictObject({ key: KeyReference, ...content, ...kept }),
  output: Made,
});

export const request = operation({
  id: 'certificates.request', summary: 'Make a certificate signing request (PKCS#10) for a key', ...making, effect: 'use', capability: 'sign',
  http: { method: 'POST', path: '/v1/certificates/requests', status: 201 },
  cli: { arguments: ['key'], options, without: ['to'], out: 'request', examples: ['keywright certificates request "Web server" --subject "CN=example.org" --san dns:example.org --out server.csr'] },
  input: z.strictObject({
    key: KeyReference, subject: DistinguishedName.optional(), san: content.san, profile: CertificateProfile.optional(), keyUsage: content.keyUsage, extendedKeyUsage: content.extendedKeyUsage, mustStaple: content.mustStaple,
    pathLength: content.pathLength, algorithm: content.algorithm,
    format: z.enum(['pem', 'der']).default('pem'), to: FileOut.optional(),
  }),
  output: z.strictObject({
    /** Absent when it was written. */
    request: Bytes.optional(), written: FileWritten.optional(), subject: z.string(), key: z.string(), fileName: z.string(), warnings: z.array(CertificateWarning),
  }),
  errors: [...SIGN_ERRORS, 'ALREADY_EXISTS', 'PERMISSION_DENIED'],
});

export const issue = operation({
  id: 'certificates.issue', summary: 'Issue a certificate from a request, for a key, or for an authority of somebody else (cross-signing); X.509 or OpenSSH', ...making,
  http: { method: 'POST', path: '/v1/certificates/issue', status: 201 },
  cli: {
    arguments: ['file?'], without: ['from'], files: { file: 'request', in: 'request' }, shown,
    options: { ...options, 'ssh.principals': 'principal', 'ssh.keyId': 'key-id', 'ssh.serial': 'serial', 'ssh.forceCommand': 'force-command', 'ssh.sourceAddress': 'source-address', 'ssh.verifyRequired': 'verify-required', 'ssh.extensions': 'extension' },
    examples: ['keywright certificates issue server.csr --issuer "Example root" --profile tls-server --days 90', 'keywright certificates issue --key "Sub CA key" --issuer "Example root" --profile sub-ca --path-length 0 --subject "CN=Example CA 1"', 'keywright certificates issue id_ed25519.pub --issuer "User CA key" --profile ssh-user --principal ada --days 7'],
  },
  input: z.strictObject({
    /** For whom: a request (PKCS#10, PEM or DER; or the file itself; for OpenSSH a public key in any form), a key that is held here, or a certificate whose name and key are signed anew. Exactly one. */
    request: boundedBytes(1024 * 1024).optional(), from: FileIn.optional(), key: KeyReference.optional(), crossSign: CertificateReference.optional(),
    /** A certificate whose key is held here, and may be in a token; for OpenSSH the authority's key itself. */
    issuer: CertificateReference,
    ...content, ...kept, profile: IssueProfile.optional(), ssh: ssh.optional(),
  }),
  output: Made, errors: [...SIGN_ERRORS, 'CONFLICT', 'PERMISSION_DENIED'],
});

export const renew = operation({
  id: 'certificates.renew', summary: 'Make a certificate anew with a later end, with the same key or another', ...making,
  http: { method: 'POST', path: '/v1/certificates/{certificate}/renew', status: 201 },
  cli: { arguments: ['certificate'], options, shown, examples: ['keywright certificates renew "Ada Example" --days 365', 'keywright certificates renew "Ada Example" --new-key'] },
  input: z.strictObject({
    certificate: CertificateReference,
    /** Rotate its key, and take the new version. */
    newKey: z.boolean().default(false),
    /** Take this key instead. */
    key: KeyReference.optional(),
    /** Default: as long as it was valid before. */
    days: content.days, notBefore: content.notBefore, notAfter: content.notAfter, algorithm: content.algorithm, ...kept,
  }),
  output: Made, errors: [...SIGN_ERRORS, 'CONFLICT'],
});
