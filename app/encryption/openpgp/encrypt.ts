import { randomBytes } from 'node:crypto';
import { KeywrightError } from '../../contract/index.ts';
import { type OpenpgpEncryptionKey, readEncryptionKeyBody, encryptionKeyBody } from '../../formats/openpgp-encryption-key.ts';
import type { OpenpgpVersion } from '../../formats/openpgp-key.ts';
import type { OpenpgpRecipient, Party, PublicParty } from '../parties.ts';
import type { ByteSource } from '../source.ts';
import { AES256, PACKETS } from './algorithms.ts';
import { messageArmor } from './armor.ts';
import { PacketWriter } from './packets.ts';
import { secretSessionKey } from './passphrase.ts';
import { sealVersion1, sealVersion2 } from './protected.ts';
import { type NewSessionKey, publicSessionKey } from './session-key.ts';

/**
 * OpenPGP messages (RFC 9580 §10.3.1) with AES-256: what GnuPG reads (SEIPD version 1), or in chunks with OCB (version 2) when every
 * recipient says that it reads that. Not compressed: that tells of the content by its length.
 */

type Write = (piece: Uint8Array) => Promise<void>;
type Passphrase = Extract<Party, { kind: 'passphrase' }>;

interface EncryptingOpenpgp {
  readonly armor: boolean;
  /** 6: with what RFC 9580 brought, for keys held here and passphrases too. */
  readonly version: OpenpgpVersion | undefined;
}

const PIECE = 256 * 1024;
/** Binary, without a name and a time. */
const LITERAL_HEAD = Buffer.concat([Buffer.from('b'), Buffer.alloc(5)]);

/** @param size of what the source gives. @throws CAPABILITY_MISSING for a party that OpenPGP cannot encrypt to, CONFLICT when the source gives another size */
export async function encryptOpenpgp(source: ByteSource, size: number, parties: readonly Party[], { armor, version }: EncryptingOpenpgp, write: Write): Promise<void> {
  if (parties.length === 0) throw new KeywrightError('INVALID_INPUT', { detail: 'Nobody is named who shall be able to open the file.', where: '/recipients' });
  const recipients = parties.flatMap((party) => (party.kind === 'passphrase' ? [] : [recipientOf(party, version)]));
  const passphrases = parties.filter((party): party is Passphrase => party.kind === 'passphrase');
  const modern = version === 6 || (version === undefined && recipients.length > 0 && recipients.every(({ readsVersion2 }) => readsVersion2));
  const old = recipients.find(({ readsVersion2 }) => !readsVersion2);
  if (modern && old !== undefined) throw new KeywrightError('CAPABILITY_MISSING', { detail: `The OpenPGP key of “${old.name}” does not say that it reads what version 6 brought.`, where: '/openpgp', remedy: 'Leave the version out, or choose v4.' });
  const sessionKey: NewSessionKey = { key: randomBytes(32), cipher: AES256 };
  const out = armor ? messageArmor(write, !modern) : { write, end: async () => undefined };
  for (const { key } of recipients) await out.write(publicSessionKey(key, sessionKey, modern ? 6 : 3));
  for (const { ask } of passphrases) await out.write(await secretSessionKey(sessionKey, modern ? 6 : 4, ask));
  const envelope = new PacketWriter(PACKETS.protected, (piece) => out.write(piece));
  const sealer = await (modern ? sealVersion2 : sealVersion1)(sessionKey, (piece) => envelope.write(piece));
  const literal = new PacketWriter(PACKETS.literal, (piece) => sealer.write(piece));
  await literal.write(LITERAL_HEAD);
  let done = 0;
  for (;;) {
    const piece = await source.read(PIECE);
    if (piece.length === 0) break;
    done += piece.length;
    await literal.write(piece);
  }
  if (done !== size) throw new KeywrightError('CONFLICT', { detail: 'The file changed while it was read.', remedy: 'Try again when nobody writes to it any more.' });
  await literal.end();
  await sealer.end();
  await envelope.end();
  await out.end();
  sessionKey.key.fill(0);
}

function recipientOf(party: Exclude<Party, Passphrase>, wanted: OpenpgpVersion | undefined): OpenpgpRecipient {
  if (party.kind !== 'key') throw new KeywrightError('CAPABILITY_MISSING', { detail: `OpenPGP has no recipients of the kind of “${party.name}”.`, remedy: party.kind === 'age' ? 'Encrypt as age, or name an OpenPGP key.' : 'Encrypt as JWE, or name an OpenPGP key.', alternatives: [party.kind === 'age' ? 'age' : 'jwe'] });
  if (party.openpgp !== undefined) return party.openpgp;
  const key = ownForm(party, wanted);
  return { name: party.name, key, readsVersion2: key.version === 6 || wanted === 6 };
}

/** A key held here, in the form that its OpenPGP public key has. */
function ownForm({ name, spki, algorithm, created }: PublicParty, wanted: OpenpgpVersion | undefined): OpenpgpEncryptionKey {
  if (created === undefined) throw new KeywrightError('CAPABILITY_MISSING', { detail: `“${name}” is a public key without the time at which it was made, and OpenPGP names its recipients by a fingerprint that covers it.`, remedy: 'Name an OpenPGP key, or choose another format.', alternatives: ['age', 'cms', 'jwe'] });
  const body = encryptionKeyBody(spki, created, wanted ?? 4);
  if (body === undefined) throw new KeywrightError('CAPABILITY_MISSING', { detail: `OpenPGP cannot encrypt for “${name}”: ${algorithm} does not receive there.`, remedy: 'Choose an X25519, RSA or EC key.', alternatives: ['x25519', 'rsa-3072', 'ec-p256'] });
  return readEncryptionKeyBody(body);
}
