import { argon2, createCipheriv, createDecipheriv, hkdfSync, randomBytes, type Argon2Parameters } from 'node:crypto';
import { promisify } from 'node:util';
import { because, KeywrightError, SecretBytes } from '../../contract/index.ts';
import type { DerivedAhead } from './ahead.ts';
import { parseRecoveryCode } from './recovery-code.ts';
import type { KdfParameters, NewSlot, SlotDescription, UnlockSecret } from './types.ts';

/** RFC 9106 §4, the second recommended choice. */
const DEFAULT_KDF: KdfParameters = { memoryKiB: 64 * 1024, passes: 3, parallelism: 4 };

/**
 * The most that a header may ask for. A header is read before anything proves it, and must not be able to take the
 * machine's memory or minutes of its time.
 */
const KDF_BOUNDS = { memoryKiB: 1024 * 1024, passes: 64, parallelism: 16, memoryTimesPassesKiB: 4 * 1024 * 1024 } as const;
export const MAX_SLOTS = 16;

const MAX_PASSPHRASE_BYTES = 1024;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
export const WRAPPED_BYTES = NONCE_BYTES + 32 + TAG_BYTES;

/** How a secret becomes the slot's key-encryption key; `salt` is 16 bytes in hexadecimal. */
export type SlotKdf =
  | ({ readonly algorithm: 'argon2id'; readonly salt: string } & KdfParameters)
  | { readonly algorithm: 'hkdf-sha256'; readonly salt: string };

/** One way to the root key: a key-encryption key that wraps it. */
export interface Slot extends SlotDescription {
  readonly kdf: SlotKdf;
  /** nonce (12) ‖ AES-256-GCM of the root key (32) ‖ tag (16), hexadecimal. */
  readonly wrapped: string;
}

/** @throws INVALID_INPUT for parameters beyond {@link KDF_BOUNDS} or that Argon2 does not know (RFC 9106 §3.1). */
export function checkKdf(kdf: KdfParameters): void {
  const whole = [kdf.memoryKiB, kdf.passes, kdf.parallelism].every((value) => Number.isSafeInteger(value) && value >= 1);
  if (!whole || kdf.memoryKiB < 8 * kdf.parallelism) throw new KeywrightError('INVALID_INPUT', 'These are not parameters of Argon2id.');
  if (
    kdf.memoryKiB > KDF_BOUNDS.memoryKiB || kdf.passes > KDF_BOUNDS.passes || kdf.parallelism > KDF_BOUNDS.parallelism
    || kdf.memoryKiB * kdf.passes > KDF_BOUNDS.memoryTimesPassesKiB
  ) {
    throw new KeywrightError('INVALID_INPUT', {
      detail: `Argon2id with ${kdf.memoryKiB} KiB, ${kdf.passes} passes and ${kdf.parallelism} lanes is beyond what Keywright computes.`,
    });
  }
}

/** Wraps the root key for a new slot. @throws INVALID_INPUT, PIN_INCORRECT (a recovery code that is none). */
export async function makeSlot(storeId: string, root: SecretBytes, slot: NewSlot): Promise<Slot> {
  const label = slot.label.trim();
  if (label.length < 1 || label.length > 100) throw new KeywrightError('INVALID_INPUT', 'A label has 1 to 100 characters.');
  if (!/^[a-z0-9][a-z0-9-]{0,39}$/.test(slot.kind)) throw new KeywrightError('INVALID_INPUT', 'A kind of slot is a name in lower-case letters, digits and hyphens.');
  const salt = randomBytes(16).toString('hex');
  const parameters = slot.kdf ?? DEFAULT_KDF;
  checkKdf(parameters);
  const { memoryKiB, passes, parallelism } = parameters;
  const kdf: SlotKdf = slot.kind === 'passphrase' ? { algorithm: 'argon2id', memoryKiB, passes, parallelism, salt } : { algorithm: 'hkdf-sha256', salt };
  const facts = { id: randomBytes(8).toString('hex'), kind: slot.kind, label, createdAt: new Date().toISOString(), kdf };
  using wrappingKey = await deriveWrappingKey(facts, slot.secret);
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', wrappingKey.reveal(), nonce);
  cipher.setAAD(slotContext(storeId, facts));
  const wrapped = Buffer.concat([nonce, cipher.update(root.reveal()), cipher.final(), cipher.getAuthTag()]).toString('hex');
  return { ...facts, wrapped };
}

/** @param ahead what was derived already. @returns the root key, for the caller to wipe; undefined when the secret is not this slot's. */
async function openSlot(storeId: string, slot: Slot, secret: SecretBytes, ahead?: DerivedAhead): Promise<SecretBytes | undefined> {
  using wrappingKey = await deriveWrappingKey(slot, secret, ahead);
  const wrapped = Buffer.from(slot.wrapped, 'hex');
  const decipher = createDecipheriv('aes-256-gcm', wrappingKey.reveal(), wrapped.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(slotContext(storeId, slot));
  decipher.setAuthTag(wrapped.subarray(-TAG_BYTES));
  const root = decipher.update(wrapped.subarray(NONCE_BYTES, -TAG_BYTES));
  try {
    decipher.final();
    return new SecretBytes(root);
  } catch {
    root.fill(0);
    return undefined;
  }
}

/** @param ahead what was derived already. @returns the slot that the secret opens and the root key, for the caller to wipe. @throws PIN_INCORRECT */
export async function unlockSlots(storeId: string, slots: readonly Slot[], { kind, secret }: UnlockSecret, ahead?: DerivedAhead): Promise<{ slot: Slot; root: SecretBytes }> {
  const candidates = slots.filter((slot) => slot.kind === kind);
  for (const slot of candidates) {
    const root = await openSlot(storeId, slot, secret, ahead);
    if (root !== undefined) return { slot, root };
  }
  if (candidates.length === 0) {
    throw new KeywrightError('PIN_INCORRECT', {
      detail: `This store cannot be unlocked with a ${kind.replaceAll('-', ' ')}: it has none.`,
      alternatives: [...new Set(slots.map((slot) => slot.kind))],
    });
  }
  throw new KeywrightError('PIN_INCORRECT', {
    ...because('secret.wrong', { secret: kind.replaceAll('-', ' ') }),
  });
}

type SlotFacts = Pick<Slot, 'id' | 'kind' | 'kdf'>;

const deriveArgon2 = promisify<'argon2id', Argon2Parameters, Buffer>(argon2);

/** RFC 9106. @param message the passphrase as {@link normalised} gives it. @returns 32 bytes, for the caller to wipe. */
export async function deriveArgon2id({ memoryKiB, passes, parallelism, salt }: SlotKdf & { algorithm: 'argon2id' }, message: SecretBytes): Promise<SecretBytes> {
  return new SecretBytes(await deriveArgon2('argon2id', { message: message.reveal(), nonce: Buffer.from(salt, 'hex'), memory: memoryKiB, passes, parallelism, tagLength: 32 }));
}

async function deriveWrappingKey(slot: SlotFacts, secret: SecretBytes, ahead?: DerivedAhead): Promise<SecretBytes> {
  if (slot.kdf.algorithm === 'argon2id') {
    using message = normalised(secret);
    return await (ahead?.take(slot.kdf, message) ?? deriveArgon2id(slot.kdf, message));
  }
  const salt = Buffer.from(slot.kdf.salt, 'hex');
  // What these secrets lack in length they never lacked in chance: no stretching is needed.
  using key = slot.kind === 'recovery-code' ? parseRecoveryCode(secret) : keyOf32Bytes(secret);
  return new SecretBytes(new Uint8Array(hkdfSync('sha256', key.reveal(), salt, `keywright/slot/1/${slot.kind}`, 32)));
}

/** Unicode NFC, so that a passphrase typed on another system is the same bytes (RFC 8265 §4.2). Bytes that are not UTF-8 stay as they are. */
export function normalised(passphrase: SecretBytes): SecretBytes {
  const bytes = passphrase.reveal();
  if (bytes.length < 1 || bytes.length > MAX_PASSPHRASE_BYTES) {
    throw new KeywrightError('INVALID_INPUT', `A passphrase has 1 to ${MAX_PASSPHRASE_BYTES} bytes.`);
  }
  if (bytes.every((byte) => byte < 0x80)) return passphrase.clone(); // most are ASCII, and need no string that cannot be wiped
  try {
    return SecretBytes.fromText(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes).normalize('NFC'));
  } catch {
    return passphrase.clone();
  }
}

function keyOf32Bytes(secret: SecretBytes): SecretBytes {
  if (secret.length !== 32) throw new KeywrightError('INVALID_INPUT', 'A key-encryption key has 32 bytes.');
  return secret.clone();
}

/** Binds all that the slot says of itself but its label, which the header's own code covers. */
function slotContext(storeId: string, { id, kind, kdf }: SlotFacts): Buffer {
  const how = kdf.algorithm === 'argon2id' ? `${kdf.memoryKiB}/${kdf.passes}/${kdf.parallelism}` : '';
  return Buffer.from(`keywright/slot/1/${storeId}/${id}/${kind}/${kdf.algorithm}/${kdf.salt}/${how}`);
}
