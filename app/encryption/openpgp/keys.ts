import type { PublicKey } from 'openpgp';
import { malformed } from '../../formats/malformed.ts';
import { readEncryptionKeyBody } from '../../formats/openpgp-encryption-key.ts';
import type { OpenpgpRecipient } from '../parties.ts';

/** Public keys of OpenPGP that others made, read by openpgp.js: which of their keys receives, after bindings, expiry and revocation. */

/** Features of a key (RFC 9580 §5.2.3.32): it reads version 2 of encrypted content. */
const READS_VERSION_2 = 0x08;

/** Direct key signature in v6, that of the primary name in v4: in the library, and not in its types. */
type WithSelfSignature = PublicKey & { getPrimarySelfSignature(at: Date): Promise<{ readonly features: Uint8Array | null }> };

/** @returns a recipient for each key in the file. @throws INVALID_INPUT for one that cannot receive, and for a file without keys */
export async function openpgpRecipients(content: Uint8Array, at: Date): Promise<OpenpgpRecipient[]> {
  const { readKeys } = await import('openpgp');
  let keys: PublicKey[];
  try {
    keys = await (((content[0] ?? 0) & 0x80) === 0 ? readKeys({ armoredKeys: Buffer.from(content).toString('latin1') }) : readKeys({ binaryKeys: Uint8Array.from(content) }));
  } catch (cause) {
    throw malformed(`The OpenPGP key cannot be read: ${wordsOf(cause)}.`);
  }
  if (keys.length === 0) throw malformed('There is no OpenPGP key in the file.');
  return Promise.all(keys.map((key) => recipientOf(key, at)));
}

async function recipientOf(key: PublicKey, at: Date): Promise<OpenpgpRecipient> {
  const name = key.getUserIDs()[0] ?? key.getFingerprint().toUpperCase();
  try {
    const found = await key.getEncryptionKey(undefined, at);
    const { features } = await (key as WithSelfSignature).getPrimarySelfSignature(at);
    return { name, key: readEncryptionKeyBody(found.keyPacket.write()), readsVersion2: ((features?.[0] ?? 0) & READS_VERSION_2) !== 0 };
  } catch (cause) {
    throw malformed(`Nothing can be encrypted for the OpenPGP key of “${name}”: ${wordsOf(cause)}.`, undefined, 'Ask its holder for a key that receives.');
  }
}

function wordsOf(cause: unknown): string {
  const words = cause instanceof Error ? cause.message : '';
  if (words.includes('Cannot find module')) return 'its own signature is on a curve that cannot be checked here';
  return words.slice(0, 200).replace(/\.$/, '') || 'it is damaged';
}
