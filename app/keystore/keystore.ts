import type {
  Call, Capability, EncryptionAlgorithmName, HardwareFacts, KeyAlgorithmName, PinPolicy, SecretBytes, SignatureAlgorithmName, TouchPolicy, Usage, WrapAlgorithmName,
} from '../contract/index.ts';
import type { Page, PageRequest, StorageTransaction } from '../storage/storage.ts';

/**
 * What a backend is: a few things that all key stores share, and facets for the rest. A facet is there when the backend
 * can do it at all; what one key can do is in its description.
 */

/** Names one version of a key within its store. */
export interface KeyRef {
  readonly uri: string;
  /** The last part of the URI: unique within the store. For a token it is what follows the scheme: `serial=12345678;slot=9c`. */
  readonly id: string;
  readonly version: number;
  /** For prompts alone: what the person calls the key. */
  readonly label?: string;
  /** For prompts alone: what this use is for, "sign report.pdf (2 of 3)". */
  readonly purpose?: string;
  /** For prompts alone: what this use is a part of, where one PIN serves for more than one: "sign 3 files". */
  readonly occasion?: string;
}

export type Protection = 'store' | 'store+passphrase' | 'token' | 'hsm' | 'tpm' | 'cloud';

export interface KeyVersionDescription {
  readonly version: number;
  readonly createdAt: string;
  /** SubjectPublicKeyInfo, DER (RFC 5280 §4.1.2.7); null for symmetric keys. */
  readonly publicKey: Uint8Array | null;
  /** ML-DSA and ML-KEM: it came in its expanded form alone, and formats that hold the seed cannot hold it. */
  readonly seedless?: true;
}

/** What the backend itself knows of a key. Label, tags, state and validity are the keychain's unless the backend has its own. */
export interface KeyDescription {
  readonly uri: string;
  readonly id: string;
  readonly label: string | null;
  readonly algorithm: KeyAlgorithmName;
  readonly usages: readonly Usage[];
  readonly extractable: boolean;
  readonly protection: Protection;
  /** Ascending; the last is the primary one. */
  readonly versions: readonly KeyVersionDescription[];
  /** Keys in tokens: where in it, and what it asks for. */
  readonly hardware?: Omit<HardwareFacts, 'token' | 'tokenTitle'>;
}

/**
 * A call that may change something: what a backend writes through `unit` commits together with the inventory and the
 * audit entry, or not at all. Calls that only read or use keys get one whose writes are committed on their own.
 */
export interface KeyCall extends Call {
  readonly unit: StorageTransaction;
}

export interface GenerateKey {
  /** Chosen by the keychain: 16 random bytes in hex. A backend that names its keys itself ignores it. */
  readonly id: string;
  readonly algorithm: KeyAlgorithmName;
  readonly label: string;
  readonly usages: readonly Usage[];
  readonly extractable: boolean;
  /** A passphrase of the key's own; the backend does not keep it and does not wipe it. */
  readonly passphrase?: SecretBytes;
  /** Tokens: the slot (PIV `9c`; PKCS#11 CKA_ID in hex). Default: the first that is free and fits. */
  readonly slot?: string;
  readonly pinPolicy?: PinPolicy;
  readonly touchPolicy?: TouchPolicy;
}

/** Key material in transit between backends, formats and files. Wiped by whoever asked for it. */
export interface KeyMaterial {
  readonly algorithm: KeyAlgorithmName;
  /** A pair: PrivateKeyInfo (PKCS#8, RFC 5958 §2), DER, unencrypted. Symmetric: the raw key. */
  readonly secret: SecretBytes;
  /** Messages encrypted under an AEAD key so far: travels with the key, since the limit is the key's and not the place's. */
  readonly aeadMessages?: number;
}

export type Content = { readonly message: Uint8Array } | { readonly digest: Uint8Array };

export interface Ciphertext {
  readonly ciphertext: Uint8Array;
  /** 12 bytes (GCM, ChaCha20-Poly1305), 16 (CBC, CTR); absent for RSA and HPKE. */
  readonly nonce?: Uint8Array;
  /** 16 bytes for AEADs; absent else. */
  readonly tag?: Uint8Array;
}

/** Each method below: @throws NOT_FOUND, CAPABILITY_MISSING (with alternatives), PIN_REQUIRED, PIN_INCORRECT, CANCELLED. */
export interface Signer {
  /** ECDSA: DER (RFC 3279 §2.2.3). EdDSA: RFC 8032. RSA: modulus length. PSS: salt as long as the hash. ML-DSA, SLH-DSA: FIPS 204, 205, pure, empty context. */
  sign(key: KeyRef, algorithm: SignatureAlgorithmName, content: Content, call: KeyCall): Promise<Uint8Array>;
}
export interface Encrypter {
  /** @param input.aad with RSA-OAEP: its label (RFC 8017 §7.1). */
  encrypt(key: KeyRef, algorithm: EncryptionAlgorithmName, input: { plaintext: Uint8Array; aad?: Uint8Array }, call: KeyCall): Promise<Ciphertext>;
}
export interface Decrypter {
  /** A wrong key, tag or padding is INVALID_INPUT and always the same words, whichever it was. */
  decrypt(key: KeyRef, algorithm: EncryptionAlgorithmName, input: Ciphertext & { aad?: Uint8Array }, call: KeyCall): Promise<Uint8Array>;
}
export interface KeyAgreement {
  /** ECDH (SEC 1 §3.3.1) or X25519/X448 (RFC 7748 §6). @param peer SPKI, DER. @returns the shared secret, field length; the caller wipes it. */
  agree(key: KeyRef, peer: Uint8Array, call: KeyCall): Promise<SecretBytes>;
}
export interface KeyWrapper {
  wrap(key: KeyRef, algorithm: WrapAlgorithmName, material: SecretBytes, call: KeyCall): Promise<Uint8Array>;
  unwrap(key: KeyRef, algorithm: WrapAlgorithmName, wrapped: Uint8Array, call: KeyCall): Promise<SecretBytes>;
}
export interface Encapsulator {
  /** ML-KEM (FIPS 203). @returns ciphertext (768, 1088 or 1568 bytes); secret 32 bytes, wiped by the caller. */
  encapsulate(key: KeyRef, call: KeyCall): Promise<{ ciphertext: Uint8Array; secret: SecretBytes }>;
  decapsulate(key: KeyRef, ciphertext: Uint8Array, call: KeyCall): Promise<SecretBytes>;
}
export interface MacMaker {
  /** HMAC (FIPS 198-1) with the key's own hash; 32, 48 or 64 bytes. */
  mac(key: KeyRef, message: Uint8Array, call: KeyCall): Promise<Uint8Array>;
}
export interface KeyDeriver {
  /** HKDF (RFC 5869) with the key as input keying material. */
  hkdf(key: KeyRef, request: { hash: 'sha256' | 'sha384' | 'sha512'; salt: Uint8Array; info: Uint8Array; length: number }, call: KeyCall): Promise<SecretBytes>;
}
export interface KeyImporter {
  importKey(request: Omit<GenerateKey, 'algorithm'>, material: KeyMaterial, call: KeyCall): Promise<KeyDescription>;
  /** Appends a version with given material: copying a rotated key. */
  importVersion(id: string, material: KeyMaterial, call: KeyCall): Promise<KeyDescription>;
}
export interface KeyExporter {
  /** @throws PERMISSION_DENIED when the key is not extractable; the store decides, whatever the caller claims. */
  exportKey(key: KeyRef, call: KeyCall): Promise<KeyMaterial>;
}
export interface KeyRotator {
  /** A new primary version of the same algorithm and size. The old ones stay. */
  rotate(key: KeyRef, request: { readonly passphrase?: SecretBytes }, call: KeyCall): Promise<KeyDescription>;
}
export interface KeyRemover {
  /** Destroys the key with all versions; the trash is the keychain's and ends here. */
  remove(id: string, call: KeyCall): Promise<void>;
}
export interface RandomSource {
  random(length: number, call: Call): Promise<Uint8Array>;
}

export interface CapabilitySet {
  readonly algorithms: readonly KeyAlgorithmName[];
  readonly capabilities: readonly Capability[];
}

export interface KeyStore extends AsyncDisposable {
  /** The configured instance's name: `software`, `yubikey-12345678`. */
  readonly name: string;
  readonly type: string;
  readonly capabilities: CapabilitySet;
  /** Keys that are made here may leave unless it is said otherwise: those in the store itself. */
  readonly extractableByDefault?: true;
  list(page: PageRequest, call: Call): Promise<Page<KeyDescription>>;
  /** @throws NOT_FOUND */
  get(id: string, call: Call): Promise<KeyDescription>;
  generate(request: GenerateKey, call: KeyCall): Promise<KeyDescription>;
  readonly signer?: Signer;
  readonly encrypter?: Encrypter;
  readonly decrypter?: Decrypter;
  readonly agreement?: KeyAgreement;
  readonly wrapper?: KeyWrapper;
  readonly encapsulator?: Encapsulator;
  readonly macMaker?: MacMaker;
  readonly deriver?: KeyDeriver;
  readonly importer?: KeyImporter;
  readonly exporter?: KeyExporter;
  readonly rotator?: KeyRotator;
  readonly remover?: KeyRemover;
  readonly random?: RandomSource;
}
