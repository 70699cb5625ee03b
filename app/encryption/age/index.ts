import { randomBytes } from 'node:crypto';
import { KeywrightError } from '../../contract/index.ts';
import type { ByteSource } from '../source.ts';
import { armored, ArmorSource, BEGIN } from './armor.ts';
import { badHeader, checkMac, FILE_KEY_BYTES, readHeader, VERSION_LINE, writeHeader, type Stanza } from './header.ts';
import { decryptPayload, encryptPayload } from './payload.ts';
import type { Identity, Recipient } from './stanzas.ts';

/** Files encrypted with age (age-encryption.org/v1, C2SP). */
export { hybridIdentityOf } from './hybrid.ts';
export { ageIdentitiesOf, ageRecipientNamed, ageRecipientOf } from './parties.ts';
export type { Identity, Recipient } from './stanzas.ts';
export { x25519IdentityOf } from './x25519.ts';

type Write = (piece: Uint8Array) => Promise<void>;

/** @throws INVALID_INPUT for recipients that cannot be together */
export async function encryptAge(source: ByteSource, recipients: readonly Recipient[], options: { readonly armor: boolean }, write: Write): Promise<void> {
  if (recipients.length === 0) throw new KeywrightError('INVALID_INPUT', { detail: 'Nobody is named who shall be able to open the file.', where: '/recipients' });
  if (recipients.length > 1 && recipients.some(({ alone }) => alone === true)) {
    throw new KeywrightError('INVALID_INPUT', { detail: 'age encrypts to a passphrase alone: whoever knows it could else make files that seem to come from the other recipients.', where: '/recipients', remedy: 'Encrypt to recipients or to a passphrase, or as CMS, which takes both.' });
  }
  if (new Set(recipients.map(({ postQuantum }) => postQuantum === true)).size > 1) {
    throw new KeywrightError('INVALID_INPUT', { detail: 'Post-quantum recipients (age1pq1…) are not mixed with others: whoever breaks the others’ key opens the file.', where: '/recipients', remedy: 'Make one file for each kind.' });
  }
  const fileKey = randomBytes(FILE_KEY_BYTES);
  const stanzas: Stanza[] = [];
  for (const recipient of recipients) stanzas.push(await recipient.wrap(fileKey));
  const out = options.armor ? armored(write) : { write, end: async () => undefined };
  await out.write(writeHeader(stanzas, fileKey));
  await encryptPayload(source, fileKey, (piece) => out.write(piece));
  await out.end();
  fileKey.fill(0);
}

/**
 * @param identities tried in this order. @param beginning of the source, to tell armour by (see {@link looksLikeAge}).
 * @returns the name of the identity that opened it.
 * @throws INVALID_INPUT for what is damaged; NOT_FOUND when none of the identities opens it; what they throw. What was written before an error is to be thrown away.
 */
export async function decryptAge(source: ByteSource, beginning: Uint8Array, identities: readonly Identity[], write: Write): Promise<string> {
  const binary = isArmored(beginning) ? new ArmorSource(source) : source;
  const header = await readHeader(binary);
  if (header.stanzas.some(({ type }) => type === 'scrypt') && header.stanzas.length > 1) throw badHeader('a passphrase must be the only recipient');
  for (const identity of identities) {
    const fileKey = await identity.unwrap(header.stanzas);
    if (fileKey === undefined) continue;
    checkMac(header, fileKey);
    await decryptPayload(binary, fileKey, write);
    fileKey.fill(0);
    return identity.name;
  }
  throw new KeywrightError('NOT_FOUND', {
    detail: `None of your keys opens this file. It is for ${describe(header.stanzas)}.`,
    remedy: 'Plug in the token with the key, import the key, or name the identity file.',
  });
}

function isArmored(beginning: Uint8Array): boolean {
  return Buffer.from(beginning).toString('latin1').trimStart().startsWith(BEGIN.slice(0, 15));
}

/** @param beginning the first bytes of a file, 64 at least unless it is shorter. */
export function looksLikeAge(beginning: Uint8Array): boolean {
  const text = Buffer.from(beginning).toString('latin1');
  return text.startsWith(VERSION_LINE.slice(0, 18)) || text.trimStart().startsWith(BEGIN);
}

function describe(stanzas: readonly Stanza[]): string {
  const counts = new Map<string, number>();
  for (const { type } of stanzas) counts.set(type, (counts.get(type) ?? 0) + 1);
  return [...counts].map(([type, count]) => `${count} ${count === 1 ? 'recipient' : 'recipients'} of type ${type.slice(0, 40)}`).join(', ');
}
