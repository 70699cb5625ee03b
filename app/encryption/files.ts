import { KeywrightError, type FileEncryptionFormat } from '../contract/index.ts';
import type { Watch } from '../signing/raw.ts';
import { decryptAge, encryptAge, looksLikeAge, type Identity, type Recipient } from './age/index.ts';
import { FileSource } from './source.ts';

/** Files encrypted and decrypted, in constant memory. */

export interface Encrypting {
  readonly format: FileEncryptionFormat;
  readonly armor: boolean;
}

type Write = (piece: Uint8Array) => Promise<void>;
const BEGINNING = 2048;

/** @throws what the recipients do, NOT_FOUND, PERMISSION_DENIED, INVALID_INPUT */
export async function encryptFile(path: string, recipients: readonly Recipient[], { armor }: Encrypting, watch: Watch, write: Write): Promise<void> {
  await using source = await FileSource.open(path, watch.signal, watch.progress?.bind(watch));
  await encryptAge(source, recipients, { armor }, write);
}

/** @returns the name of what opened it. What was written before an error must be thrown away. @throws INVALID_INPUT for what is damaged or not encrypted; NOT_FOUND when no identity fits; what the identities do */
export async function decryptFile(path: string, identities: readonly Identity[], watch: Watch, write: Write): Promise<string> {
  const beginning = await beginningOf(path);
  if (!looksLikeAge(beginning)) {
    throw new KeywrightError('INVALID_INPUT', { detail: 'This is no encrypted file that Keywright knows.', remedy: 'See what it is with `keywright files inspect`.', alternatives: ['age'] });
  }
  await using source = await FileSource.open(path, watch.signal, watch.progress?.bind(watch));
  return await decryptAge(source, beginning, identities, write);
}

async function beginningOf(path: string): Promise<Uint8Array> {
  await using source = await FileSource.open(path, new AbortController().signal);
  return Buffer.from(await source.read(BEGINNING));
}
