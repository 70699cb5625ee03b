import { createCipheriv, generateKeyPairSync, publicEncrypt, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { KeyAlgorithmName } from '../../contract/index.ts';
import type { Party } from '../../encryption/parties.ts';
import { encrypted, partyOf, passphrase } from '../../encryption/testing/parties.ts';
import { contextPrimitive, contextTag, der, derInteger, derOid, derSequence, TAG } from '../../formats/der.ts';

import { pairOf, temporaryFolder } from '../../formats/testing/keys.ts';
import { keyIdentifierOf } from '../../certificates/making/extensions.ts';
import { judgeEncrypted, PLAIN } from './testing/encrypted.ts';
import { set } from './testing/cms.ts';
import { Tables } from './testing/family.ts';

/** CMS that is encrypted: AuthEnvelopedData (RFC 5083) and EnvelopedData (RFC 5652 §6), whose CBC shows no change, so that what it gives out is told as not authenticated. */

const tables = new Tables();
const KEYS = ['rsa-2048', 'ec-p256', 'ec-p384', 'x25519'] as const satisfies readonly KeyAlgorithmName[];
const ours = async (parties: readonly Party[], armor = false): Promise<Buffer> => {
  using folder = temporaryFolder();
  return readFileSync(await encrypted(folder.path, 'cms', parties, PLAIN, { armor }));
};
for (const key of KEYS) for (const armor of [false, true]) tables.good(`by us for ${key}${armor ? ', PEM' : ''}`, { file: await ours([partyOf(key)], armor) }, `opened: by A key of ${key}`);
for (const one of KEYS) for (const other of KEYS) if (one < other) tables.good(`by us for ${one} and ${other}`, { file: await ours([partyOf(one), partyOf(other)]) }, 'opened: by A key of ');
tables.good('by us for a passphrase', { file: await ours([passphrase]) }, 'opened: by a passphrase');
const stranger: Party = { kind: 'key', name: 'somebody', algorithm: 'x25519', spki: generateKeyPairSync('x25519').publicKey.export({ type: 'spki', format: 'der' }) };
for (const key of KEYS) tables.good(`by us for somebody else and ${key}`, { file: await ours([stranger, partyOf(key)]) }, `opened: by A key of ${key}`);

const NIST = '2.16.840.1.101.3.4.1';
const CIPHERS: Readonly<Record<string, readonly [string, string, number]>> = { 'aes-128-cbc': [`${NIST}.2`, 'cbc', 16], 'aes-192-cbc': [`${NIST}.22`, 'cbc', 24], 'aes-256-cbc': [`${NIST}.42`, 'cbc', 32], 'aes-128-gcm': [`${NIST}.6`, 'gcm', 16], 'aes-192-gcm': [`${NIST}.26`, 'gcm', 24], 'aes-256-gcm': [`${NIST}.46`, 'gcm', 32] };
interface Parts { cipher?: string; named?: string; padding?: 'oaep' | 'pkcs1'; content?: Buffer; ivLength?: number; tagLength?: number; shownTag?: (tag: Buffer) => Buffer; shown?: (content: Buffer) => Buffer; key?: (wrapped: Buffer) => Buffer; iv?: (iv: Buffer) => Buffer; recipients?: (own: Buffer) => Buffer[]; version?: bigint; attributes?: Buffer; type?: string; tail?: Buffer; icvLength?: number }
const OAEP = derSequence(derOid('1.2.840.113549.1.1.7'), derSequence());
/** A message for our RSA key, with any part as a test wants it. */
function forged(parts: Parts = {}): Buffer {
  const { cipher = 'aes-256-gcm', padding = 'oaep', content = PLAIN, shownTag = (same) => same, shown = (same) => same, key = (same) => same, iv = (same) => same, recipients = (own) => [own], version = 0n, tagLength = 16, tail = Buffer.alloc(0) } = parts;
  const [, mode, size] = CIPHERS[cipher]!;
  const [oid, , ] = CIPHERS[parts.named ?? cipher]!;
  const [secret, vector] = [randomBytes(size), randomBytes(parts.ivLength ?? (mode === 'gcm' ? 12 : 16))];
  const running = createCipheriv(cipher as 'aes-256-gcm', secret, vector, ...(mode === 'gcm' ? [{ authTagLength: tagLength }] : []) as []);
  if (parts.attributes !== undefined) running.setAAD(Buffer.concat([Buffer.of(TAG.set), parts.attributes.subarray(1)]));
  const body = Buffer.concat([running.update(content), running.final()]);
  const { publicKey, spki } = pairOf('rsa-2048');
  const wrapped = publicEncrypt(padding === 'oaep' ? { key: publicKey, oaepHash: 'sha1' } : { key: publicKey, padding: 1 }, secret);
  const own = derSequence(derInteger(2n), der(contextPrimitive(0), keyIdentifierOf(spki)), padding === 'oaep' ? OAEP : derSequence(derOid('1.2.840.113549.1.1.1'), Buffer.of(5, 0)), der(TAG.octetString, key(wrapped)));
  const parameters = mode === 'gcm' ? derSequence(der(TAG.octetString, iv(vector)), ...((parts.icvLength ?? tagLength) === 12 ? [] : [derInteger(BigInt(parts.icvLength ?? tagLength))])) : der(TAG.octetString, iv(vector));
  const encryptedContent = derSequence(derOid('1.2.840.113549.1.7.1'), derSequence(derOid(oid), parameters), der(contextPrimitive(0), shown(body)));
  const info = derSequence(derInteger(version), set(...recipients(own)), encryptedContent, ...(parts.attributes === undefined ? [] : [parts.attributes]), ...(mode === 'gcm' ? [der(TAG.octetString, shownTag(running.getAuthTag()))] : []), tail);
  return derSequence(derOid(parts.type ?? (mode === 'gcm' ? '1.2.840.113549.1.9.16.1.23' : '1.2.840.113549.1.7.3')), der(contextTag(0), info));
}
for (const cipher of Object.keys(CIPHERS)) tables.good(`${cipher}, OAEP`, { file: forged({ cipher }) }, cipher.endsWith('gcm') ? 'opened: by A key of rsa-2048' : 'opened: not authenticated');
tables.good('the key wrapped by PKCS#1', { file: forged({ padding: 'pkcs1' }) }, 'opened: by A key of rsa-2048');
tables.good('a tag of twelve bytes', { file: forged({ tagLength: 12 }) }, 'opened: by A key of rsa-2048');
for (const tagLength of [13, 14, 15]) tables.good(`a tag of ${tagLength} bytes`, { file: forged({ tagLength }) }, 'opened: by A key of rsa-2048');
tables.good('attributes that nobody protects', { file: forged({ tail: der(contextTag(2), derSequence(derOid('1.2.3'), set())) }) }, 'opened: by A key of rsa-2048');
tables.good('a version that nobody has, which says nothing', { file: forged({ version: 9n }) }, 'opened: by A key of rsa-2048');
// Who it is for is not authenticated (RFC 5083 §2): it is a hint, and each key is tried.
tables.good('the recipient’s identifier of somebody else', { file: forged({ recipients: (own) => [Buffer.from(own.map((byte, at) => (at === 20 ? byte ^ 1 : byte)))] }) }, 'opened: by A key of rsa-2048');

const bad = (name: string, says: string, file: Buffer | string): void => tables.bad(name, says, { file });
const turned = (at: number) => (bytes: Buffer): Buffer => Buffer.from(bytes.map((byte, index) => (index === (at < 0 ? bytes.length + at : at) ? byte ^ 1 : byte)));
bad('GCM: a bit of the content', 'INVALID_INPUT: message is not as it was encrypted', forged({ shown: turned(0) }));
bad('GCM: a bit of its end', 'INVALID_INPUT: message is not as it was encrypted', forged({ shown: turned(-1) }));
bad('GCM: the content cut short', 'INVALID_INPUT: message is not as it was encrypted', forged({ shown: (body) => body.subarray(0, -1) }));
bad('GCM: no content', 'INVALID_INPUT: message is not as it was encrypted', forged({ shown: () => Buffer.alloc(0) }));
bad('GCM: something behind the content', 'INVALID_INPUT: message is not as it was encrypted', forged({ shown: (body) => Buffer.concat([body, Buffer.of(0)]) }));
bad('GCM: a bit of the tag', 'INVALID_INPUT: message is not as it was encrypted', forged({ shownTag: turned(3) }));
bad('GCM: the tag cut to four bytes', 'INVALID_INPUT: The MAC has a wrong length', forged({ shownTag: (tag) => tag.subarray(0, 4) }));
bad('GCM: the tag cut to four bytes, and said so', 'INVALID_INPUT: The MAC is shorter than 12 bytes', forged({ tagLength: 4 }));
bad('GCM: no tag', 'INVALID_INPUT: The MAC has a wrong length', forged({ shownTag: () => Buffer.alloc(0) }));
bad('GCM: a tag longer than it says', 'INVALID_INPUT: The MAC has a wrong length', forged({ icvLength: 12 }));
bad('GCM: a bit of the vector', 'INVALID_INPUT: message is not as it was encrypted', forged({ iv: turned(0) }));
bad('GCM: no vector', 'INVALID_INPUT: vector has a wrong length', forged({ iv: () => Buffer.alloc(0) }));
bad('GCM: a bit of the wrapped key', 'NOT_FOUND: None of your keys opens this file', forged({ key: turned(9) }));
bad('GCM: the wrapped key cut short', 'NOT_FOUND: None of your keys opens this file', forged({ key: (wrapped) => wrapped.subarray(1) }));
bad('GCM: no wrapped key', 'NOT_FOUND: None of your keys opens this file', forged({ key: () => Buffer.alloc(0) }));
bad('GCM written as if it were CBC', 'INVALID_INPUT: not go with the kind of message', forged({ named: 'aes-256-cbc' }));
bad('GCM of another size', 'NOT_FOUND: None of your keys opens this file', forged({ named: 'aes-128-gcm' }));
bad('CBC passed off as GCM', 'INVALID_INPUT: not go with the kind of message', forged({ cipher: 'aes-256-cbc', named: 'aes-256-gcm' }));
bad('EnvelopedData around GCM', 'INVALID_INPUT: not go with the kind of message', forged({ type: '1.2.840.113549.1.7.3' }));
bad('AuthEnvelopedData around CBC', 'INVALID_INPUT: not go with the kind of message', forged({ cipher: 'aes-256-cbc', type: '1.2.840.113549.1.9.16.1.23' }));
bad('no recipients', 'NOT_FOUND: None of your keys opens this file', forged({ recipients: () => [] }));
bad('a recipient that is no structure', 'NOT_FOUND: None of your keys opens this file', forged({ recipients: () => [derInteger(1n)] }));
bad('attributes that were not authenticated', 'CAPABILITY_MISSING: has authenticated attributes, which are not handled', withAttributes());
bad('something behind the parts', 'INVALID_INPUT: follows the end', forged({ tail: derInteger(1n) }));
bad('CBC: the padding is wrong', 'INVALID_INPUT: message is not as it was encrypted', forged({ cipher: 'aes-256-cbc', shown: turned(-17) }));
bad('CBC: not whole blocks', 'INVALID_INPUT: message is not as it was encrypted', forged({ cipher: 'aes-256-cbc', shown: (body) => body.subarray(0, -1) }));
bad('CBC: no content', 'INVALID_INPUT: message is not as it was encrypted', forged({ cipher: 'aes-256-cbc', shown: () => Buffer.alloc(0) }));
bad('CBC: the vector cut short', 'INVALID_INPUT: vector has a wrong length', forged({ cipher: 'aes-256-cbc', iv: (vector) => vector.subarray(1) }));
// EFAIL (CVE-2017-17689): nothing shows it, so that the answer must say so.
bad('CBC: a block turned (EFAIL)', 'opened: not authenticated, to something else', forged({ cipher: 'aes-256-cbc', shown: turned(20) }));
bad('CBC: the first block turned by the vector (EFAIL)', 'opened: not authenticated, to something else', forged({ cipher: 'aes-256-cbc', iv: turned(0) }));
bad('CBC: blocks exchanged (EFAIL)', 'opened: not authenticated, to something else', forged({ cipher: 'aes-256-cbc', shown: (body) => Buffer.concat([body.subarray(16, 32), body.subarray(0, 16), body.subarray(32)]) }));
bad('CBC: blocks put in (EFAIL)', 'opened: not authenticated, to something else', forged({ cipher: 'aes-256-cbc', shown: (body) => Buffer.concat([body.subarray(0, 48), body.subarray(0, 48), body.subarray(48)]) }));
const whole = await ours([partyOf('ec-p256')]);
bad('cut off', 'INVALID_INPUT: It ends inside the MAC', whole.subarray(0, -5));
bad('something behind it', 'INVALID_INPUT: of the message', Buffer.concat([whole, Buffer.from('more')]));
bad('the share of the sender changed', 'NOT_FOUND: None of your keys opens this file', changedAt(whole));
bad('for somebody else', 'NOT_FOUND: None of your keys opens this file', await ours([stranger]));
bad('signed data', 'INVALID_INPUT: is no encrypted file that Keywright knows', derSequence(derOid('1.2.840.113549.1.7.2'), der(contextTag(0), derSequence())));
bad('PEM with rubbish in it', 'INVALID_INPUT: The text is not Base64', (await ours([partyOf('ec-p256')], true)).toString().replace(/\n(.{10})/, '\n$1!'));

function withAttributes(): Buffer {
  const data = forged({ attributes: der(contextTag(1), derSequence(derOid('1.2.840.113549.1.9.3'), set(derOid('1.2.840.113549.1.7.1')))) });
  const at = data.lastIndexOf(derOid('1.2.840.113549.1.7.1'));
  return Buffer.from(data.map((byte, index) => (index === at + 10 ? byte ^ 3 : byte)));
}
function changedAt(message: Buffer): Buffer {
  const at = message.indexOf(Buffer.of(TAG.bitString)) + 40;
  return Buffer.from(message.map((byte, index) => (index === at ? byte ^ 1 : byte)));
}

judgeEncrypted('encrypted-cms', tables, KEYS, true);
