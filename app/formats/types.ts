import type { KeyAlgorithmName, SecretBytes } from '../contract/index.ts';
import type { KeyMaterial } from '../keystore/keystore.ts';

export type KeyFileFormat = 'pkcs8' | 'pkcs1' | 'sec1' | 'jwk' | 'openssh' | 'raw';
export type PublicKeyFormat = 'pem' | 'der' | 'jwk' | 'openssh' | 'minisign' | 'cose';

/** A private or secret key as it was found in a file. */
export interface ReadKey {
  /** PKCS#8 DER or raw symmetric bytes; the caller wipes it. */
  readonly material: KeyMaterial;
  readonly format: KeyFileFormat;
  /** OpenSSH comment, JWK `kid`, or the friendly name that stands before a PEM block. */
  readonly label?: string;
  readonly wasEncrypted: boolean;
}

export interface ReadKeysOptions {
  /** What the file must be; told by content when absent. Raw bytes always need it, and `algorithm`. */
  readonly format?: KeyFileFormat;
  /** Needed for raw bytes and for a JWK `oct` without `alg`; for others, what the keys must be. */
  readonly algorithm?: KeyAlgorithmName;
  /** Called when the file is encrypted, and only then. `note` names the key. What it gives is wiped by the reader. */
  passphrase(note?: string): Promise<SecretBytes>;
  readonly signal: AbortSignal;
}

export interface WriteKeyOptions {
  readonly format: KeyFileFormat;
  /** JWK, OpenSSH and raw have one form only: `der` is refused for the first two, and raw is always bytes. */
  readonly encoding: 'pem' | 'der';
  /** PKCS#8 and OpenSSH alone; not wiped. */
  readonly passphrase?: SecretBytes;
  /** OpenSSH comment or JWK `kid`. */
  readonly label?: string;
}

/** What a file seems to be. */
export interface Recognised {
  /** `pkcs8`, `pkcs12`, `certificate` …: see RECOGNISED_KINDS. */
  readonly what: string;
  /** Whether {@link readKeys} reads it. */
  readonly readable: boolean;
  /** In a sentence, with what to do. */
  readonly detail: string;
}
