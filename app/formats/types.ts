import type { KeyAlgorithmName, KeywrightError, SecretBytes } from '../contract/index.ts';
import type { KeyMaterial } from '../keystore/keystore.ts';
import type { Spending } from './spending.ts';

/** Files that hold private or secret keys. `jks` and `bks` are read alone. */
export const KEY_FILE_FORMATS = ['pkcs8', 'pkcs1', 'sec1', 'jwk', 'jwe', 'openssh', 'ppk', 'pkcs12', 'jks', 'bks', 'cose', 'age', 'minisign', 'signify', 'raw'] as const;
export type KeyFileFormat = (typeof KEY_FILE_FORMATS)[number];
export type PublicKeyFormat = 'pem' | 'der' | 'jwk' | 'openssh' | 'minisign' | 'cose' | 'age';

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
  /** Of the file that this is a part of; by default it is one of its own. */
  readonly spending?: Spending;
  /** `certificates`: keys are passed over, and no passphrase is asked for their sake. `anything`: a file of certificates alone will do too. */
  readonly want?: 'all' | 'certificates' | 'anything';
}

export interface WriteKeyOptions {
  readonly format: KeyFileFormat;
  /** `der` is refused for formats that are text; PKCS#12, COSE and raw are always bytes. */
  readonly encoding: 'pem' | 'der';
  /** For formats that have a place for one (PKCS#12 and JWE must have it); not wiped. */
  readonly passphrase?: SecretBytes;
  /** Comment, JWK `kid` or friendly name. */
  readonly label?: string;
  /** PKCS#12, JWK and JWE alone: the key's certificate, DER, and those that issued it. */
  readonly certificate?: Uint8Array;
  readonly chain?: readonly Uint8Array[];
  /** PKCS#12: for who will open it. */
  readonly profile?: 'modern' | 'strict' | 'legacy';
}

/** A certificate as it was found in a file. */
export interface FoundCertificate {
  readonly der: Uint8Array;
  /** Friendly name or alias. */
  readonly label?: string;
}

/** All that was found in a file. */
export interface FileContents {
  /** The caller wipes their secrets. */
  readonly keys: ReadKey[];
  readonly certificates: FoundCertificate[];
  /** Revocation lists, DER. */
  readonly crls: Uint8Array[];
  /** What was found and is of no use here, a sentence each. */
  readonly notes: string[];
  /** Why keys among others were passed over, which is the file's error where there is nothing else in it. */
  readonly refused?: KeywrightError[];
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
