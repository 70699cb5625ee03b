import { createHash } from 'node:crypto';
import { SIGNATURE_ALGORITHMS, type SignatureAlgorithmFacts, type SignatureAlgorithmName, type KeyAlgorithmName, type SignatureFormName, type SignedChange } from '../contract/index.ts';
import type { Content } from '../keystore/keystore.ts';
import type { Certificate, CertificateTrust, JudgedPath } from '../certificates/index.ts';
import type { FileContent } from './content.ts';

/** What a signature format is: a module that makes and checks it, given a key that may live anywhere. */

/** A key that signs. Formats know of no backend: what they hand over is a digest or a short message. */
export interface SigningKey {
  readonly label: string;
  readonly algorithm: KeyAlgorithmName;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  /** When this version of it was made: OpenPGP's fingerprint has it. */
  readonly created: Date;
  /**
   * @param message what a digest is of, where it is at hand: node:crypto then signs it and verifies what came back, many times faster than a digest can be here.
   * @returns a signature that was verified before it came back: ECDSA in DER.
   * @throws INTERNAL when the signer returned garbage, and whatever the backend throws
   */
  sign(algorithm: SignatureAlgorithmName, content: Content, message?: Uint8Array): Promise<Uint8Array>;
  /** @returns the certificate that the key signs with, and those between it and its root. @throws CAPABILITY_MISSING, INVALID_INPUT when there is none that serves */
  certificate?(): Promise<{ readonly certificate: Certificate; readonly chain: readonly Certificate[] }>;
}

/** What a person may say about how it is signed; each format takes some of it and refuses the rest. */
export interface SignOptions {
  readonly algorithm: SignatureAlgorithmName;
  readonly encoding?: 'der' | 'p1363';
  readonly form?: SignatureFormName;
  readonly detached?: boolean;
  readonly namespace?: string;
  readonly comment?: string;
  readonly payloadType?: string;
  readonly prehash?: boolean;
  readonly certificate?: Uint8Array;
  readonly openpgp?: 'v4' | 'v6';
  /** PDF: why it is signed. */
  readonly reason?: string;
  /** PDF: where it is signed, how to reach the signer, and what they call themselves. */
  readonly location?: string;
  readonly contact?: string;
  readonly signerName?: string;
  /** PDF: the page, counted from 1, on which it is seen. */
  readonly page?: number;
  /** PDF: where on the page, `left,bottom,right,top` in points. */
  readonly rectangle?: string;
  /** PDF: a field of the document that is to be signed. */
  readonly field?: string;
  /** A signature that is there already, to which this one is added. */
  readonly existing?: Uint8Array;
  /** Sign the existing signatures and not the file. */
  readonly counter?: boolean;
  /** Asks an authority for a timestamp. @returns the token, a CMS structure in DER. */
  timestamp?(imprint: { readonly hash: 'sha256'; readonly digest: Uint8Array }): Promise<Uint8Array>;
}
/** As the caller names them. */
export type SignOptionName = 'encoding' | 'form' | 'detached' | 'namespace' | 'comment' | 'payloadType' | 'prehash' | 'certificate' | 'signature' | 'counter' | 'timestamp' | 'openpgp' | 'together' | 'reason' | 'location' | 'contact' | 'signerName' | 'page' | 'rectangle' | 'field';

/** A signature's file: its bytes, or a way to write it where it holds the signed file itself. */
export type Made = { readonly bytes: Uint8Array } | { write(take: (piece: Uint8Array) => Promise<void>): Promise<void> };

/** A key that counts: held here, or named by the caller. */
export interface KnownKey {
  readonly uri: string | null;
  readonly label: string | null;
  readonly version: number | null;
  readonly algorithm: KeyAlgorithmName;
  readonly fingerprint: string;
  readonly source: 'held' | 'named';
  /** Why a signature by it is not to be trusted, although the key is known: it was marked compromised. */
  readonly distrust: string | null;
  spki(): Promise<Uint8Array>;
}

/** Whom the caller trusts. */
export interface Trust {
  readonly keys: readonly KnownKey[];
  /** The caller named one key: no other counts. */
  readonly named: boolean;
  readonly algorithm?: SignatureAlgorithmName;
  readonly encoding?: 'der' | 'p1363';
  readonly namespace?: string;
  /** The text of an allowed_signers file (ssh-keygen(1)). */
  readonly allowedSigners?: Uint8Array;
  /** Who of them must have signed. */
  readonly identity?: string;
  /** The time at which validity is judged. */
  readonly at: Date;
  readonly certificates?: CertificateTrust;
  /** The roots are those that the caller named, and no others count, keys held here included. */
  readonly rootsNamed?: boolean;
}

/** Why a signer is trusted, and what says so. */
export interface TrustedBy {
  readonly source: 'held-key' | 'named-key' | 'allowed-signers' | 'certificate' | 'root';
  readonly name: string;
}

/** What one signature turned out to be. Four answers, apart: is it intact, by whom, trusted because of what, when according to whom. */
export interface SignatureVerdict {
  /** It fits the file and the key. */
  readonly intact: boolean;
  /** There is no signature at all: this is no verdict on one. */
  readonly unsigned?: true;
  readonly algorithm: SignatureAlgorithmName | null;
  /** The key that verifies it; null when none did. */
  readonly spki: Uint8Array | null;
  readonly known: KnownKey | null;
  /** The signer's name by who vouches for it: a principal of allowed_signers, a certificate's subject. Never one that the signature merely claims. */
  readonly name: string | null;
  readonly trustedBy: TrustedBy | null;
  /** The signer's certificate and those above it, with what was checked of each, where it was asked who vouches for it. */
  readonly path?: JudgedPath;
  /** `path`: of the timestamp's authority. */
  readonly time: { readonly at: string; readonly according: 'signer' | 'timestamp'; readonly by: string | null; readonly path?: JudgedPath } | null;
  /** What is wrong, in a sentence; null when nothing is. */
  readonly problem: string | null;
  /** What else a careful person should know. */
  readonly notes: readonly string[];
  /** Where a file has versions: which of them was signed, and what came afterwards. */
  readonly coverage?: SignatureCoverage;
}

interface SignatureCoverage {
  /** Bytes of the version that was signed. */
  readonly bytes: number;
  /** Counted from 1. */
  readonly revision: number;
  readonly revisions: number;
  /** Kinds of what was added afterwards. */
  readonly changes: readonly SignedChange[];
}

export interface FormatModule {
  /** @throws CAPABILITY_MISSING, INVALID_INPUT for options that do not fit, and what reading and signing throw */
  sign(file: FileContent, key: SigningKey, options: SignOptions): Promise<Made>;
  /** Signs several files at once and puts them together, where the format has room for that. @throws as `sign` */
  signTogether?(files: readonly FileContent[], key: SigningKey, options: SignOptions): Promise<Made>;
  /**
   * @param signature the signature's file; null when `file` itself holds it.
   * @returns a verdict a signature, at least one. @throws INVALID_INPUT with the place for what is malformed
   */
  verify(file: FileContent, signature: Uint8Array | null, trust: Trust): Promise<SignatureVerdict[]>;
}

/** @returns what a signer is given for a short structure of ours. */
export function contentOfMessage(algorithm: SignatureAlgorithmName, message: Uint8Array): Content {
  const { hash }: SignatureAlgorithmFacts = SIGNATURE_ALGORITHMS[algorithm];
  return hash === null ? { message } : { digest: createHash(hash).update(message).digest() };
}

/** @returns the verdict for a signature that fits nothing that was tried. */
export function notIntact(problem: string, more: Partial<SignatureVerdict> = {}): SignatureVerdict {
  return { intact: false, algorithm: null, spki: null, known: null, name: null, trustedBy: null, time: null, notes: [], ...more, problem };
}

/** @returns the verdict for a signature that fits, by a key that is known or not. */
export function intactBy(spki: Uint8Array, algorithm: SignatureAlgorithmName, known: KnownKey | null, more: Partial<SignatureVerdict> = {}): SignatureVerdict {
  const trustedBy: TrustedBy | null = known === null || known.distrust !== null ? null : { source: known.source === 'held' ? 'held-key' : 'named-key', name: known.label ?? known.fingerprint };
  return { intact: true, algorithm, spki, known, name: null, trustedBy, time: null, problem: known?.distrust ?? null, notes: [], ...more };
}
