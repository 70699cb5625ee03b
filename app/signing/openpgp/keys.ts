import type { PublicKey } from 'openpgp';
import { malformed } from '../../formats/malformed.ts';
import { readPublicKeyBody } from '../../formats/openpgp-key.ts';

/** Public keys of OpenPGP that others made, read by openpgp.js: which of their keys may sign files, after bindings, expiry and revocation. */

export function isOpenpgpKey(content: Uint8Array): boolean {
  return Buffer.from(content.buffer, content.byteOffset, Math.min(content.length, 4096)).includes('-----BEGIN PGP PUBLIC KEY BLOCK-----') || (content.length > 3 && [0x98, 0x99, 0xc6].includes(content[0] as number));
}

/** @returns SubjectPublicKeyInfo, DER, of each key that may sign at `at`. @throws INVALID_INPUT when there is none */
export async function openpgpSigningKeys(content: Uint8Array, at: Date): Promise<Uint8Array[]> {
  const { readKeys } = await import('openpgp');
  const keys: PublicKey[] = [];
  try {
    if (((content[0] ?? 0) & 0x80) !== 0) keys.push(...(await readKeys({ binaryKeys: Uint8Array.from(content) })));
    else for (const armoredKeys of blocksOf(Buffer.from(content).toString('latin1'))) keys.push(...(await readKeys({ armoredKeys })));
  } catch (cause) {
    throw malformed(`The OpenPGP key cannot be read: ${cause instanceof Error ? cause.message.slice(0, 200) : 'it is damaged'}.`);
  }
  const found: Uint8Array[] = [];
  let reason = 'There is no key in the file.';
  for (const key of keys) {
    for (const id of [key.getKeyID(), ...key.subkeys.map((subkey) => subkey.getKeyID())]) {
      try {
        const signing = await key.getSigningKey(id, at);
        found.push(readPublicKeyBody(signing.keyPacket.write()).spki);
      } catch (thrown) {
        reason = thrown instanceof Error ? thrown.message.slice(0, 200) : reason;
      }
    }
  }
  if (found.length === 0) throw malformed(`No key in the file may sign: ${reason}`);
  return found;
}

const MAX_BLOCKS = 100;

/** Exported keys are often put one behind another; the library reads the first block alone. */
function blocksOf(text: string): string[] {
  const blocks = text.match(/-----BEGIN PGP PUBLIC KEY BLOCK-----[\s\S]*?-----END PGP PUBLIC KEY BLOCK-----/g) ?? [text];
  if (blocks.length > MAX_BLOCKS) throw malformed(`The file holds more than ${MAX_BLOCKS} blocks of keys.`);
  return blocks;
}
