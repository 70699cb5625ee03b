import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, timingSafeEqual, type KeyObject } from 'node:crypto';
import { because, KeywrightError, SecretBytes } from '../../contract/index.ts';
import { randomBytes } from './bytes.ts';
import { HmacKey } from './hmac.ts';

/** What the root key is split into; each HKDF-SHA256 (RFC 5869) with the store's id as salt. */
type Purpose = 'names' | 'records' | 'index' | 'log' | 'header';

export const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const ENVELOPE = 1;
/** Version, salt, nonce and tag: what sealing adds. */
const OVERHEAD = 1 + SALT_BYTES + NONCE_BYTES + TAG_BYTES;

/**
 * The one place that holds the root key. Everything sealed has one shape, the *envelope*:
 * `01 ‖ salt (16) ‖ nonce (12) ‖ AES-256-GCM ciphertext ‖ tag (16)`, under the key HMAC-SHA256(purpose key, salt).
 */
export class KeyRing implements Disposable {
  #root: SecretBytes | undefined;
  #keys: Record<Purpose, HmacKey> | undefined;
  readonly #storeId: Buffer;

  /** @param root 32 bytes; the ring owns it. @param storeId 32 hexadecimal digits. */
  constructor(root: SecretBytes, storeId: string) {
    this.#root = root;
    this.#storeId = Buffer.from(storeId, 'hex');
    this.#keys = { names: this.#split('names'), records: this.#split('records'), index: this.#split('index'), log: this.#split('log'), header: this.#split('header') };
  }

  /** The root key itself, to wrap it for a slot: valid until the ring is disposed. */
  get root(): SecretBytes {
    if (this.#root === undefined) throw locked();
    return this.#root;
  }

  /** HKDF-SHA256 from the root key for others. @param length 1 to 8,160. */
  derive(purpose: string, length: number): SecretBytes {
    if (!Number.isInteger(length) || length < 1 || length > 8160) throw new KeywrightError('INVALID_INPUT', 'A derived key has 1 to 8,160 bytes.');
    return new SecretBytes(this.#hkdf(`keywright/derived/${purpose}`, length));
  }

  /** @returns 32 hexadecimal digits: the first half of HMAC-SHA256 of the record's name. */
  opaqueId(name: string): string {
    return this.#key('names').of(Buffer.from(name, 'latin1')).toString('hex', 0, 16);
  }

  /** @returns HMAC-SHA256 of the header's text, 32 bytes. */
  headerMac(text: string): Buffer {
    return this.#key('header').of(Buffer.from(text, 'utf8'));
  }

  isHeaderMac(text: string, mac: Uint8Array): boolean {
    return mac.length === 32 && timingSafeEqual(this.headerMac(text), mac);
  }

  /** @param salt fresh random bytes, unless the caller has made them. @param context what the envelope stands for: another one does not open it. */
  seal(purpose: Purpose, context: string, parts: readonly Uint8Array[], salt: Uint8Array = randomBytes(SALT_BYTES)): Buffer {
    return this.sealUnder(this.derivedFor(purpose, salt), salt, context, parts);
  }

  /** @returns the plaintext, or undefined when it is not authentic here. The key is that of the salt it carries. */
  open(purpose: Purpose, context: string, sealed: Uint8Array): Buffer | undefined {
    if (sealed.length < OVERHEAD || sealed[0] !== ENVELOPE) return undefined;
    return this.openUnder(this.derivedFor(purpose, sealed.subarray(1, 1 + SALT_BYTES)), context, sealed);
  }

  /** The key of all envelopes with this salt. */
  derivedFor(purpose: Purpose, salt: Uint8Array): KeyObject {
    const bytes = this.#key(purpose).of(salt);
    const key = createSecretKey(bytes);
    bytes.fill(0);
    return key;
  }

  sealUnder(key: KeyObject, salt: Uint8Array, context: string, parts: readonly Uint8Array[], nonce: Uint8Array = randomBytes(NONCE_BYTES)): Buffer {
    const cipher = createCipheriv('aes-256-gcm', key, nonce);
    cipher.setAAD(this.#associated(context));
    const sealed: Uint8Array[] = [Uint8Array.of(ENVELOPE), salt, nonce];
    for (const part of parts) if (part.length > 0) sealed.push(cipher.update(part));
    cipher.final();
    sealed.push(cipher.getAuthTag());
    return Buffer.concat(sealed);
  }

  openUnder(key: KeyObject, context: string, sealed: Uint8Array): Buffer | undefined {
    if (sealed.length < OVERHEAD || sealed[0] !== ENVELOPE) return undefined;
    const body = 1 + SALT_BYTES + NONCE_BYTES;
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(1 + SALT_BYTES, body), { authTagLength: TAG_BYTES });
    decipher.setAAD(this.#associated(context));
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
    const plaintext = decipher.update(sealed.subarray(body, sealed.length - TAG_BYTES));
    try {
      decipher.final();
      return plaintext;
    } catch {
      plaintext.fill(0);
      return undefined;
    }
  }

  /** Wipes the root key and the purpose keys. Keys of single envelopes are wiped by Node when it collects them. */
  [Symbol.dispose](): void {
    this.#root?.wipe();
    this.#root = undefined;
    for (const key of Object.values(this.#keys ?? {})) key[Symbol.dispose]();
    this.#keys = undefined;
  }

  /** Of fixed-length fields and one that runs to the end, so that no two meanings have the same bytes. */
  #associated(context: string): Buffer {
    const associated = Buffer.allocUnsafe(16 + context.length);
    this.#storeId.copy(associated);
    associated.write(context, 16, 'latin1');
    return associated;
  }

  #split(purpose: Purpose): HmacKey {
    const bytes = this.#hkdf(`keywright/store/1/${purpose}`, 32);
    const key = new HmacKey(bytes);
    bytes.fill(0);
    return key;
  }

  #hkdf(info: string, length: number): Uint8Array {
    return new Uint8Array(hkdfSync('sha256', this.root.reveal(), this.#storeId, info, length));
  }

  #key(purpose: Purpose): HmacKey {
    if (this.#keys === undefined) throw locked();
    return this.#keys[purpose];
  }
}

/**
 * Seals many small things under one key: the salt is drawn once, and nonces count up from it. Never two of one key and
 * nonce, as no two sealers have the same salt.
 */
export class SerialSealer {
  readonly #keys: KeyRing;
  readonly #salt = randomBytes(SALT_BYTES);
  readonly #key: KeyObject;
  #sealed = 0;

  constructor(keys: KeyRing, purpose: Purpose) {
    this.#keys = keys;
    this.#key = keys.derivedFor(purpose, this.#salt);
  }

  seal(context: string, parts: readonly Uint8Array[]): Buffer {
    const nonce = Buffer.alloc(NONCE_BYTES);
    nonce.writeUIntBE(this.#sealed++, NONCE_BYTES - 6, 6);
    return this.#keys.sealUnder(this.#key, this.#salt, context, parts, nonce);
  }
}

export function locked(): KeywrightError {
  return new KeywrightError('STORE_LOCKED', because('store.locked', {}));
}
