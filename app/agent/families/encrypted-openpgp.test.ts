import { createCipheriv, createHash, generateKeyPairSync, hkdfSync, type KeyObject, publicEncrypt, randomBytes } from 'node:crypto';
import { deflateRawSync, deflateSync } from 'node:zlib';
import { createMessage, encrypt } from 'openpgp';
import { mpi, packet } from '../../formats/openpgp-packets.ts';
import { pairOf } from '../../formats/testing/keys.ts';
import { PASSPHRASE } from '../../encryption/testing/parties.ts';
import { judgeEncrypted, PLAIN } from './testing/encrypted.ts';
import { literal } from './testing/openpgp.ts';
import { Tables } from './testing/family.ts';

/** OpenPGP that is encrypted: version 1 with its MDC (RFC 9580 §5.13.1), version 2 in chunks (§5.13.2), session keys (§5.1), and what EFAIL did to all of it. */

const tables = new Tables();
const CIPHERS: Readonly<Record<number, readonly [string, number]>> = { 7: ['aes-128', 16], 8: ['aes-192', 24], 9: ['aes-256', 32] };
const ours = pairOf('rsa-2048').publicKey;
interface Parts {
  cipher?: number; content?: Buffer; to?: KeyObject; seal?: (body: Buffer) => Buffer; mdc?: (mdc: Buffer) => Buffer; repeat?: boolean; sessionChange?: (session: Buffer) => Buffer; wrappedChange?: (wrapped: Buffer) => Buffer; keyId?: Buffer; version?: number;
  tag?: number; before?: readonly Buffer[]; after?: readonly Buffer[]; headChange?: (head: Buffer) => Buffer; chunk?: number; aead?: number; chunks?: (list: Buffer[]) => Buffer[]; final?: (tag: Buffer) => Buffer;
}
const sum = (key: Buffer): Buffer => { const out = Buffer.alloc(2); out.writeUInt16BE(key.reduce((total, byte) => total + byte, 0) % 65_536); return out; };
const wrap = (key: Buffer, { cipher = 9, to = ours, keyId = Buffer.alloc(8), sessionChange = (same) => same, wrappedChange = (same) => same }: Parts, version: 3 | 6): Buffer => {
  const session = sessionChange(Buffer.concat([...(version === 3 ? [Buffer.of(cipher)] : []), key, sum(key)]));
  return packet(1, ...(version === 3 ? [Buffer.of(3), keyId] : [Buffer.of(6, 0)]), Buffer.of(1), mpi(wrappedChange(publicEncrypt({ key: to, padding: 1 }, session))));
};
const words = literal(PLAIN);
/** A message of version 1. */
function first(parts: Parts = {}): Buffer {
  const { cipher = 9, content = words, seal = (same) => same, mdc = (same) => same, version = 1, tag = 18, before = [], after = [], repeat = true } = parts;
  const [name, size] = CIPHERS[cipher]!;
  const [key, start] = [randomBytes(size), randomBytes(16)];
  const begun = Buffer.concat([start, repeat ? start.subarray(14) : Buffer.alloc(2), content, Buffer.of(0xd3, 0x14)]);
  const plain = mdc(Buffer.concat([begun, createHash('sha1').update(begun).digest()]));
  const running = createCipheriv(`${name}-cfb`, key, Buffer.alloc(16));
  const body = seal(Buffer.concat([running.update(plain), running.final()]));
  return Buffer.concat([...before, wrap(key, parts, 3), packet(tag, ...(tag === 18 ? [Buffer.of(version)] : []), body), ...after]);
}
/** A message of version 2, in chunks. */
function second(parts: Parts = {}): Buffer {
  const { cipher = 9, content = words, chunk = 6, aead = 2, chunks = (same) => same, final = (same) => same, headChange = (same) => same, after = [] } = parts;
  const [name, size] = CIPHERS[cipher]!;
  const [key, salt, info] = [randomBytes(size), randomBytes(32), Buffer.of(0xd2, 2, cipher, aead, chunk)];
  const nonce = aead === 3 ? 12 : 15;
  const derived = Buffer.from(hkdfSync('sha256', key, salt, info, size + nonce - 8));
  const seal = (index: number, data: Buffer, more = Buffer.alloc(0)): Buffer => {
    const iv = Buffer.concat([derived.subarray(size), Buffer.alloc(8)]);
    iv.writeBigUInt64BE(BigInt(index), nonce - 8);
    const running = createCipheriv(`${name}-${aead === 3 ? 'gcm' : 'ocb'}` as 'aes-256-gcm', derived.subarray(0, size), iv, { authTagLength: 16 });
    running.setAAD(Buffer.concat([info, more]));
    return Buffer.concat([running.update(data), running.final(), running.getAuthTag()]);
  };
  const list: Buffer[] = [];
  const length = 2 ** (chunk + 6);
  for (let at = 0; at < content.length; at += length) list.push(seal(list.length, content.subarray(at, at + length)));
  const total = Buffer.alloc(8);
  total.writeBigUInt64BE(BigInt(content.length));
  return Buffer.concat([wrap(key, parts, 6), packet(18, headChange(Buffer.concat([info.subarray(1), salt])), ...chunks(list), final(seal(list.length, Buffer.alloc(0), total))), ...after]);
}
const BY = 'opened: by A key of rsa-2048';
const good = (name: string, file: Buffer | string, says = BY): void => tables.good(name, { file }, says);
for (const cipher of [7, 8, 9]) {
  good(`version 1, cipher ${cipher}`, first({ cipher }));
  for (const aead of [2, 3]) for (const chunk of [0, 6, 10]) good(`version 2, cipher ${cipher}, ${aead === 2 ? 'OCB' : 'GCM'}, chunks of ${2 ** (chunk + 6)}`, second({ cipher, aead, chunk }));
}
const compressed = [Buffer.of(1), Buffer.of(2)].map((kind, index) => packet(8, kind, (index === 0 ? deflateRawSync : deflateSync)(words)));
for (const [name, content] of Object.entries({ 'ZIP': compressed[0]!, 'ZLIB': compressed[1]!, 'a name': literal(PLAIN, 'plan.pdf'), 'text': literal(PLAIN, '', 'u'), 'padding behind': Buffer.concat([words, packet(21, randomBytes(20))]) })) for (const make of [first, second]) if (name !== 'padding behind' || make === second) good(`version ${make === first ? 1 : 2}, with ${name}`, make({ content }));
const somebody = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
good('for somebody else as well', first({ before: [wrap(randomBytes(32), { to: somebody }, 3)] }));
good('a marker before it', first({ before: [packet(10, Buffer.from('PGP'))] }));
for (const aeadProtect of [false, true]) good(`by openpgp.js for a passphrase, version ${aeadProtect ? 2 : 1}`, (await encrypt({ message: await createMessage({ binary: Uint8Array.from(PLAIN) }), passwords: PASSPHRASE, config: { aeadProtect } })) as string, 'opened: by a passphrase');

const bad = (name: string, says: string, file: Buffer | string): void => tables.bad(name, says, { file });
const turned = (at: number) => (bytes: Buffer): Buffer => Buffer.from(bytes.map((byte, index) => (index === (at < 0 ? bytes.length + at : at) ? byte ^ 1 : byte)));
bad('version 1: a bit of the content', 'INVALID_INPUT: of it was changed or cut off', first({ seal: turned(4000) }));
bad('version 1: a bit of its beginning', 'INVALID_INPUT: its beginning was changed or cut off', first({ seal: turned(3) }));
bad('version 1: a block turned and the next made good (EFAIL)', 'INVALID_INPUT: of it was changed or cut off', first({ seal: (body) => turned(4016)(turned(4000)(body)) }));
bad('version 1: blocks put in (EFAIL)', 'INVALID_INPUT: of it was changed or cut off', first({ seal: (body) => Buffer.concat([body.subarray(0, 4002), body.subarray(2, 4002), body.subarray(4002)]) }));
bad('version 1: the MDC cut off (EFAIL)', 'INVALID_INPUT: of it was changed or cut off', first({ mdc: (plain) => plain.subarray(0, -22) }));
bad('version 1: the MDC changed', 'INVALID_INPUT: of it was changed or cut off', first({ mdc: turned(-1) }));
bad('version 1: the MDC of something else', 'INVALID_INPUT: of it was changed or cut off', first({ mdc: (plain) => Buffer.concat([plain.subarray(0, -20), createHash('sha1').update('x').digest()]) }));
bad('version 1: no MDC packet before the hash', 'INVALID_INPUT: of it was changed or cut off', first({ mdc: turned(-22) }));
bad('version 1: something behind the MDC', 'INVALID_INPUT: of it was changed or cut off', first({ mdc: (plain) => Buffer.concat([plain, Buffer.from('more')]) }));
bad('version 1: cut off', 'INVALID_INPUT: It ends inside a packet of OpenPGP', first().subarray(0, -50));
bad('version 1: nothing inside', 'INVALID_INPUT: There is no content in the message', first({ content: Buffer.alloc(0) }));
bad('version 1: two contents', 'INVALID_INPUT: the message, where it has no place', first({ content: Buffer.concat([words, words]) }));
bad('version 1: no content but a marker', 'INVALID_INPUT: There is no content in the message', first({ content: packet(10, Buffer.from('PGP')) }));
bad('version 1: another version written', 'CAPABILITY_MISSING: with a cipher that is not handled', first({ version: 2 }));
bad('version 1: a version that nobody has', 'CAPABILITY_MISSING: content of version 9 is not handled', first({ version: 9 }));
bad('without any MDC, as old programs wrote it (EFAIL)', 'CAPABILITY_MISSING: be made to give its content away', first({ tag: 9, mdc: (plain) => plain.subarray(0, -22) }));
bad('version 1 rewritten as one without MDC (EFAIL)', 'CAPABILITY_MISSING: be made to give its content away', first({ tag: 9 }));
bad('the session key: its sum', 'NOT_FOUND: None of your keys opens this file', first({ sessionChange: turned(-1) }));
bad('the session key: too short', 'NOT_FOUND: None of your keys opens this file', first({ sessionChange: (session) => session.subarray(0, 10) }));
bad('the session key: another cipher', 'NOT_FOUND: None of your keys opens this file', first({ sessionChange: turned(0) }));
bad('the session key: a cipher that nobody has', 'NOT_FOUND: None of your keys opens this file', first({ sessionChange: (session) => Buffer.concat([Buffer.of(99), session.subarray(1)]) }));
bad('the session key: a bit', 'NOT_FOUND: None of your keys opens this file', first({ wrappedChange: turned(20) }));
bad('the session key for somebody else', 'NOT_FOUND: None of your keys opens this file', first({ to: somebody }));
bad('the session key of another message', 'INVALID_INPUT: its beginning was changed or cut off', first({ sessionChange: () => { const other = randomBytes(32); return Buffer.concat([Buffer.of(9), other, sum(other)]); } }));
bad('something behind the message', 'INVALID_INPUT: encrypted: there is more behind its end', first({ after: [literal(Buffer.from('pay 1000'))] }));
bad('another message behind it', 'INVALID_INPUT: encrypted: there is more behind its end', first({ after: [first()] }));
bad('bytes behind the message', 'INVALID_INPUT: A packet of OpenPGP should begin here', first({ after: [Buffer.from('more')] }));
bad('a content before the message', 'INVALID_INPUT: is no encrypted file that Keywright knows', first({ before: [literal(Buffer.from('pay 1000'))] }));
bad('version 2: a bit of the first chunk', 'INVALID_INPUT: it was changed, cut off or moved', second({ chunks: ([one, ...rest]) => [turned(0)(one!), ...rest] }));
bad('version 2: a bit of the last chunk', 'INVALID_INPUT: it was changed, cut off or moved', second({ chunks: (list) => [...list.slice(0, -1), turned(0)(list.at(-1)!)] }));
bad('version 2: a bit of a tag', 'INVALID_INPUT: it was changed, cut off or moved', second({ chunks: ([one, ...rest]) => [turned(-1)(one!), ...rest] }));
bad('version 2: the chunks exchanged', 'INVALID_INPUT: it was changed, cut off or moved', second({ chunks: ([one, two, ...rest]) => [two!, one!, ...rest] }));
bad('version 2: a chunk twice', 'INVALID_INPUT: it was changed, cut off or moved', second({ chunks: ([one, ...rest]) => [one!, one!, ...rest] }));
bad('version 2: a chunk taken out', 'INVALID_INPUT: it was changed, cut off or moved', second({ chunks: ([, ...rest]) => rest }));
bad('version 2: the last chunk taken out', 'INVALID_INPUT: it was changed, cut off or moved', second({ chunks: (list) => list.slice(0, -1) }));
bad('version 2: the last tag changed', 'INVALID_INPUT: it was changed, cut off or moved', second({ final: turned(0) }));
bad('version 2: the last tag cut off', 'INVALID_INPUT: it was changed, cut off or moved', second({ final: () => Buffer.alloc(0) }));
bad('version 2: the last tag cut short', 'INVALID_INPUT: it was changed, cut off or moved', second({ final: (tag) => tag.subarray(0, 8) }));
bad('version 2: the salt changed', 'INVALID_INPUT: it was changed, cut off or moved', second({ headChange: turned(10) }));
bad('version 2: the salt cut short', 'INVALID_INPUT: it was changed, cut off or moved', second({ headChange: (head) => head.subarray(0, 20) }));
bad('version 2: another size of chunks', 'INVALID_INPUT: it was changed, cut off or moved', second({ headChange: turned(3) }));
bad('version 2: chunks beyond what the standard has', 'INVALID_INPUT: larger than 4 MiB (RFC 9580 §5.13.2)', second({ headChange: (head) => Buffer.concat([head.subarray(0, 3), Buffer.of(40), head.subarray(4)]) }));
bad('version 2: another mode', 'INVALID_INPUT: it was changed, cut off or moved', second({ headChange: (head) => Buffer.concat([head.subarray(0, 2), Buffer.of(3), head.subarray(3)]) }));
bad('version 2: a mode that nobody has', 'CAPABILITY_MISSING: with a cipher that is not handled', second({ headChange: (head) => Buffer.concat([head.subarray(0, 2), Buffer.of(9), head.subarray(3)]) }));
bad('version 2 written as version 1', 'INVALID_INPUT: its beginning was changed or cut off', second({ headChange: (head) => Buffer.concat([Buffer.of(1), head.subarray(1)]) }));
bad('version 2: nothing inside', 'INVALID_INPUT: There is no content in the message', second({ content: Buffer.alloc(0) }));

judgeEncrypted('encrypted-openpgp', tables, ['rsa-2048', 'x25519']);
