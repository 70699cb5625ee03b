import { timingSafeEqual } from 'node:crypto';
import type { SecretBytes } from '../../contract/index.ts';
import type { StorageReader } from '../storage.ts';
import { findAlgorithms } from './first-uses.ts';
import { HEADER_KEY, parseHeader } from './header.ts';
import { deriveArgon2id, normalised, type SlotKdf } from './slots.ts';

/**
 * The key of a passphrase, derived while the program that will ask for it is still being loaded. It proves nothing and opens
 * nothing by itself: unlocking goes its whole way, and takes this in place of deriving the very same once more. It serves one
 * unlocking, with the same passphrase and the same parameters, or none.
 */
export class DerivedAhead implements Disposable {
  readonly #kdf: SlotKdf;
  readonly #passphrase: SecretBytes;
  #key: Promise<SecretBytes> | undefined;

  private constructor(kdf: SlotKdf, passphrase: SecretBytes, key: Promise<SecretBytes>) {
    this.#kdf = kdf;
    this.#passphrase = passphrase;
    this.#key = key;
    key.catch(() => undefined); // whoever takes it is told
  }

  /**
   * Begins to derive for the first slot that a passphrase opens.
   * @param passphrase copied.
   * @returns nothing where there is nothing to derive, or what is there is not right: unlocking tells why.
   */
  static async begin(raw: StorageReader, passphrase: SecretBytes): Promise<DerivedAhead | undefined> {
    try {
      const stored = await raw.get(HEADER_KEY);
      const slot = stored === undefined ? undefined : parseHeader(stored.value).header.slots.find(({ kind }) => kind === 'passphrase');
      if (slot?.kdf.algorithm !== 'argon2id') return undefined;
      const message = normalised(passphrase);
      const ahead = new DerivedAhead(slot.kdf, message, deriveArgon2id(slot.kdf, message));
      findAlgorithms();
      return ahead;
    } catch {
      return undefined;
    }
  }

  /** @returns the key, for the caller to wipe; nothing when another one is asked for or it was taken already. */
  take(kdf: SlotKdf, passphrase: SecretBytes): Promise<SecretBytes> | undefined {
    const key = this.#key;
    if (key === undefined || JSON.stringify(kdf) !== JSON.stringify(this.#kdf) || !isSame(passphrase, this.#passphrase)) return undefined;
    this.#key = undefined;
    return key.finally(() => this.#passphrase.wipe());
  }

  [Symbol.dispose](): void {
    void this.#key?.then((key) => key.wipe(), () => undefined).finally(() => this.#passphrase.wipe());
    this.#key = undefined;
  }
}

function isSame(one: SecretBytes, other: SecretBytes): boolean {
  return one.length === other.length && timingSafeEqual(one.reveal(), other.reveal());
}
