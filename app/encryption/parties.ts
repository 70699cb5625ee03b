import { type KeyAlgorithmName, KeywrightError, type SecretBytes } from '../contract/index.ts';
import type { OpenpgpEncryptionKey } from '../formats/openpgp-encryption-key.ts';
import type { Identity, Recipient } from './age/stanzas.ts';

/** Who shall open a file, and who may be able to: what each format makes its own recipients and identities of. */

/** Somebody with a public key. */
export interface PublicParty {
  readonly kind: 'key';
  /** For errors and answers: a label, or how the user named it. */
  readonly name: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  readonly algorithm: KeyAlgorithmName;
  /** X.509, DER, when the party was named by it. */
  readonly certificate?: Uint8Array;
  /** Of a key held here: OpenPGP's fingerprint depends on it. */
  readonly created?: Date;
  /** When the party was named by an OpenPGP key. */
  readonly openpgp?: OpenpgpRecipient;
}

/** Somebody with an OpenPGP key. */
export interface OpenpgpRecipient {
  readonly name: string;
  /** The one of their keys that receives. */
  readonly key: OpenpgpEncryptionKey;
  /** It says that it reads version 2 of encrypted content (RFC 9580 §5.13.2). */
  readonly readsVersion2: boolean;
}

export type Party =
  | PublicParty
  /** Named in a form that age alone has. */
  | { readonly kind: 'age'; readonly name: string; readonly recipient: Recipient }
  /** A symmetric key held here. */
  | { readonly kind: 'secret'; readonly name: string; readonly algorithm: KeyAlgorithmName; readonly id: string; /** AES key wrap (RFC 3394). The caller wipes what it gives. */ readonly wrap: (key: SecretBytes) => Promise<Uint8Array> }
  | { readonly kind: 'passphrase'; readonly name: string; /** Gives it; wiped after use. */ readonly ask: () => Promise<SecretBytes> };

/** A key held here, wherever it is. What it cannot do is absent. */
export interface HeldKey {
  readonly name: string;
  readonly spki: Uint8Array;
  readonly algorithm: KeyAlgorithmName;
  /** When it was made: OpenPGP's fingerprint of a key depends on it. */
  readonly created: Date;
  /** X.509 certificates for it, DER: many files name their recipients by these. */
  readonly certificates: readonly Uint8Array[];
  /** ECDH or X25519. @param peer SPKI, DER. @returns the shared secret, field length; wiped by the caller. @throws INVALID_INPUT for a peer that is no point */
  agree?(peer: Uint8Array): Promise<SecretBytes>;
  /** RSA. @param label of OAEP. @throws INVALID_INPUT for what is not for this key */
  decrypt?(algorithm: 'rsa-oaep-sha1' | 'rsa-oaep-sha256' | 'rsa-oaep-sha384' | 'rsa-oaep-sha512' | 'rsa-pkcs1', ciphertext: Uint8Array, label?: Uint8Array): Promise<Uint8Array>;
  /** Ed25519: the private key itself, 32 bytes; wiped by the caller. */
  seed?(): Promise<SecretBytes>;
}

/** A symmetric key held here. */
export interface HeldSecret {
  readonly name: string;
  readonly algorithm: KeyAlgorithmName;
  /** What files name it by. */
  readonly id: string;
  /** AES key wrap (RFC 3394). @throws INVALID_INPUT for what is not for this key */
  unwrap(wrapped: Uint8Array): Promise<SecretBytes>;
}

export interface Openers {
  /** Tried in this order. */
  readonly keys: readonly HeldKey[];
  /** Symmetric keys, tried in this order. */
  readonly secrets: readonly HeldSecret[];
  /** From identity files of age. */
  readonly identities: readonly Identity[];
  /** Asked for only when the file is for one; wiped after use. */
  passphrase(): Promise<SecretBytes>;
}

/** What a key says to something that is not for it, so that the next one is tried. */
export function unlessForAnother(thrown: unknown): undefined {
  if (thrown instanceof KeywrightError && thrown.code === 'INVALID_INPUT') return undefined;
  throw thrown;
}
