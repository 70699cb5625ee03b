import { z } from 'zod';
import { SignatureAlgorithm, SignatureEncoding } from './algorithms.ts';
import { boundedBytes } from './bytes.ts';
import { evidence, JudgedPath, VerifyPurposeName } from './certificate-checks.ts';
import { operation } from './operation.ts';
import { FileIn, Folders, KeyReference, SkippedFile, Timestamp } from './records.ts';
import { FileProgress, SignatureFormat } from './signature-formats.ts';

/** Verify what anybody signed. */

const MAX_SIGNATURE = 4 * 1024 * 1024;

/** What came to a document after it was signed. `other` makes the signature one of another document. */
const ChangeAfterSigning = z.enum(['signature', 'timestamp', 'validation-data', 'metadata', 'form', 'annotation', 'other']);
export type SignedChange = z.output<typeof ChangeAfterSigning>;

/** Why a signer is trusted, and what says so. */
const TrustedBy = z.strictObject({ source: z.enum(['held-key', 'named-key', 'allowed-signers', 'certificate', 'root']), name: z.string() });
const Signer = z.strictObject({
  /** The URI of a key held here. */
  key: z.string().nullable(),
  label: z.string().nullable(),
  /** The signer's name by who vouches for it: a principal of allowed_signers, the subject of a certificate. */
  name: z.string().nullable(),
  fingerprint: z.string(),
  version: z.int().nullable(),
});

/** trusted: as it was signed, by whom you trust. untrusted: as it was signed, by somebody else. failed: it could not be judged, and `code` says why. */
const FileState = z.enum(['trusted', 'untrusted', 'invalid', 'unsigned', 'failed']);
const JudgedSignature = z.strictObject({
  /** The file that it lies in, where that is one of its own; null where the signed file holds it. */
  from: z.string().nullable(),
  format: SignatureFormat,
  intact: z.boolean(),
  signer: Signer.nullable(),
  trustedBy: TrustedBy.nullable(),
  /** When it was made, according to whom: the signer itself, or a timestamp by an authority. */
  time: z.strictObject({ at: Timestamp, according: z.enum(['signer', 'timestamp']), by: z.string().nullable(),
    /** Why the timestamp’s authority counts, or does not; null where there is no timestamp. */
    path: JudgedPath.nullable(),
  }).nullable(),
  algorithm: SignatureAlgorithm.nullable(),
  /** The signer’s certificate and those above it, with what was checked of each; null where the signer has none, or it was not asked. */
  path: JudgedPath.nullable(),
  /** What is wrong; null when nothing is. */
  problem: z.string().nullable(),
  notes: z.array(z.string()),
  /** Of a PDF: which of its versions was signed (`revision` of `revisions`, the first `bytes`), and what was added afterwards; null for other files. */
  coverage: z.strictObject({ bytes: z.int(), revision: z.int(), revisions: z.int(), changes: z.array(ChangeAfterSigning) }).nullable(),
});
/** What came out for one file. */
const JudgedFile = z.strictObject({
  name: z.string(),
  state: FileState,
  code: z.string().nullable(),
  intact: z.boolean(),
  trusted: z.boolean(),
  verdict: z.string(),
  /** The files with its signatures; none where it holds them itself. */
  signatureFiles: z.array(z.string()),
  signer: Signer.nullable(),
  algorithm: SignatureAlgorithm.nullable(),
  /** Of the first signature. */
  format: SignatureFormat.nullable(),
  bytes: z.int().nullable(),
  signatures: z.array(JudgedSignature),
});

export const verify = operation({
  id: 'files.verify',
  summary: 'Verify the signatures of files: whether they are intact, by whom they are, who says so, and when',
  effect: 'read',
  permission: 'files:use',
  unhurried: true,
  check: 'trusted',
  http: { method: 'POST', path: '/v1/files/verify', status: 200 },
  cli: {
    arguments: ['files...?'], without: ['file'], paths: { files: 'in', 'signature.path': 'in', 'manifest.path': 'in' },
    files: { 'public-key': 'publicKey', 'allowed-signers': 'allowedSigners', roots: 'roots' }, options: { 'signature.path': 'signature', encoding: 'signature-encoding', 'manifest.path': 'manifest', 'folders.hidden': 'hidden', 'folders.symlinks': 'follow-symlinks' },
    table: { rows: 'files', columns: ['state', 'name', 'verdict'] }, text: 'text',
    examples: ['keywright files verify report.pdf --signature report.pdf.sig', 'keywright files verify report.pdf --signature report.pdf.p7s --roots root.pem --crl ca.crl --purpose email', 'keywright files verify signed.pdf', 'keywright files verify dist/', 'keywright files verify --manifest dist/manifest.json'],
  },
  input: z.strictObject({
    /** One file; or several as `files`. */
    file: FileIn.optional(),
    /** Files with their signatures beside them or within, signatures of files beside them; folders, which are walked to their depths; patterns (`*`, `?`, `**`). Uploads find their signatures among each other, by their names. */
    files: z.array(FileIn).min(1).max(100_000).optional(),
    folders: Folders,
    /** The manifest of a signed batch (`files.sign`): it is verified, and every file in it, whether one is there or not. */
    manifest: FileIn.optional(),
    /** Of one file: the signature's file, or its bytes. Left out, it is looked for beside the file under the usual names, and then in the file itself. */
    signature: z.union([FileIn, z.strictObject({ bytes: boundedBytes(MAX_SIGNATURE) })]).optional(),
    /** A key held here; without it every key that fits is tried. */
    key: KeyReference.optional(),
    /** Or a public key: SPKI, PEM, OpenSSH, JWK, minisign, COSE, OpenPGP. Trusted because you name it. */
    publicKey: boundedBytes(1024 * 1024).optional(),
    /** Told by content when left out. */
    format: SignatureFormat.optional(),
    algorithm: SignatureAlgorithm.optional(),
    encoding: SignatureEncoding.optional(),
    /** SSHSIG: what the signature must be for; `file` by default. */
    namespace: z.string().min(1).max(255).optional(),
    /** An allowed_signers file of OpenSSH: who may sign, with which keys, for what, and when. */
    allowedSigners: boundedBytes(4 * 1024 * 1024).optional(),
    /** Who of them must have signed. */
    identity: z.string().min(1).max(255).optional(),
    /** Certificates of authorities that alone are trusted: PEM or DER. Without it those of this store that are marked as trusted. */
    roots: boundedBytes(4 * 1024 * 1024).optional(),
    /** Where roots come from when none are given: the certificates of this store that are marked as trusted, and the roots of the system where that is asked for. */
    trust: evidence.trust.unwrap().default('store'),
    /** Certificates that may stand between, revocation lists and OCSP responses, besides those in the signature and in the store. */
    untrusted: evidence.untrusted, crl: evidence.crl, ocsp: evidence.ocsp,
    /** For whom it must be known that the certificate is not revoked. Default: as for `certificates.verify`. */
    revocation: evidence.revocation,
    /** What the signer’s certificate must be for; `file-signing` is e-mail, code and document signing, or no purpose at all. */
    purpose: VerifyPurposeName.default('file-signing'),
    /** The time at which validity is judged; now by default. */
    at: Timestamp.optional(),
  }),
  output: z.strictObject({
    /** Every signature fits its file and its key, and no file is without one. */
    intact: z.boolean(),
    /** Intact, and each signer is trusted. */
    trusted: z.boolean(),
    /** In a sentence. */
    verdict: z.string(),
    /** Of the first signature; like what follows it is null or empty where several files were verified. */
    signer: Signer.nullable(),
    algorithm: SignatureAlgorithm.nullable(),
    format: SignatureFormat.nullable(),
    bytes: z.int().nullable(),
    signatures: z.array(JudgedSignature),
    /** File by file. */
    files: z.array(JudgedFile),
    counts: z.record(FileState, z.int()),
    /** In folders, what was not verified. */
    skipped: z.array(SkippedFile),
    /** What came out for the manifest itself. */
    manifest: JudgedFile.nullable(),
    /** Of one file: all that, in words; null where several files were verified. */
    text: z.string().nullable(),
  }),
  progress: FileProgress,
  errors: ['NOT_FOUND', 'INVALID_INPUT', 'CAPABILITY_MISSING', 'PERMISSION_DENIED', 'CONFLICT', 'CANCELLED'],
});
