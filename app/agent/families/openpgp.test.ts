import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { createMessage, enums, generateKey, type PrivateKey, revokeKey, readKey, sign } from 'openpgp';
import type { KeyAlgorithmName } from '../../contract/index.ts';
import { packet, uint32 } from '../../formats/openpgp-packets.ts';
import { pairOf } from '../../formats/testing/keys.ts';
import { armored, created, literal, onePass, signatureBody, signaturePacket, type SignatureParts, subpacket } from './testing/openpgp.ts';
import { judgeFamily, Tables } from './testing/family.ts';

/** OpenPGP v4 and v6: detached, clear-signed and inline; every field of a Signature packet, keys that may not sign, and texts that look signed and are not. */

const TEXT = Buffer.from('pay 10\nto Ada\n');
const tables = new Tables();
const spki = (key: KeyAlgorithmName): Buffer => pairOf(key).spki;
type Parts = Partial<Omit<SignatureParts, 'key'>> & { by?: KeyAlgorithmName };
const body = ({ by = 'ed25519', ...parts }: Parts = {}): Buffer => signatureBody({ key: pairOf(by).privateKey, content: TEXT, ...parts });
const made = ({ by = 'ed25519', ...parts }: Parts = {}): Buffer => armored(signaturePacket({ key: pairOf(by).privateKey, content: TEXT, ...parts }), parts.version);
const by = (key: KeyAlgorithmName = 'ed25519', more: Record<string, string> = {}) => ({ publicKey: spki(key), ...more });
const good = (name: string, parts: Parts = {}, says?: string): void => tables.good(name, { file: TEXT, signature: made(parts), asks: by(parts.by) }, says);
const AT = '2024-01-02T03:04:05Z';

for (const key of ['rsa-2048', 'ec-p256', 'ec-p384', 'ed25519'] as const) for (const hash of [8, 9, 10]) good(`v4 by ${key}, hash ${hash}`, { by: key, hash }, 'trusted: at 2024-01-02T03:04:05.000Z according to the signer');
for (const key of ['ed25519', 'ed448'] as const) good(`v6 by ${key}`, { by: key, version: 6 });
good('v6 by RSA', { by: 'rsa-2048', version: 6 });
good('of a text', { type: 1, content: Buffer.from('pay 10\r\nto Ada\r\n') });
tables.good('of a text, whose lines end otherwise now', { file: TEXT.toString().replaceAll('\n', '\r\n'), signature: made({ type: 1, content: Buffer.from('pay 10\r\nto Ada\r\n') }), asks: by() });
tables.good('in binary', { file: TEXT, signature: signaturePacket({ key: pairOf('ed25519').privateKey, content: TEXT }), asks: by() });
tables.good('two signatures', { file: TEXT, signature: armored(Buffer.concat([signaturePacket({ key: pairOf('ed25519').privateKey, content: TEXT }), signaturePacket({ key: pairOf('ed25519').privateKey, content: TEXT, hash: 8 })])), asks: by() });
good('a notation that is not critical', { hashed: [created(AT), subpacket(20, Buffer.concat([Buffer.from([0x80, 0, 0, 0, 0, 1, 0, 1]), Buffer.from('nv')]))] });
good('an unknown subpacket that is not critical', { hashed: [created(AT), subpacket(99, Buffer.of(1))] });
good('an unknown critical subpacket that is not signed', { unhashed: [subpacket(99, Buffer.of(1), true)] });
good('a validity that has not ended', { hashed: [created(AT), subpacket(3, uint32(100 * 365 * 86_400))] });
tables.good('a validity that had not ended then', { file: TEXT, signature: made({ hashed: [created(AT), subpacket(3, uint32(3600))] }), asks: by('ed25519', { at: '2024-01-02T03:30:00Z' }) });
const clear = (text: string, { headers = 'Hash: SHA512\n', before = '', after = '', signed = text, ...parts }: Parts & { headers?: string; before?: string; after?: string; signed?: string } = {}): string => {
  const lines = signed.split('\n').map((line) => line.replace(/[ \t\r]+$/, '')).join('\r\n');
  return `${before}-----BEGIN PGP SIGNED MESSAGE-----\n${headers}\n${text.split('\n').map((line) => (line.startsWith('-') ? `- ${line}` : line)).join('\n')}\n${made({ type: 1, content: Buffer.from(lines), ...parts }).toString()}${after}`;
};
const holds = (name: string, file: string | Buffer, says?: string): void => tables.good(name, { file, asks: by() }, says);
holds('clear-signed', clear('pay 10'));
holds('clear-signed, with dashes', clear('pay 10\n- one\n-----BEGIN PGP SIGNATURE-----'));
holds('clear-signed, with spaces at line ends', clear('pay 10   \nto Ada'));
holds('clear-signed, without a Hash header', clear('pay 10', { headers: '' }));
holds('clear-signed, v6', clear('pay 10', { version: 6 }));
const inline = (...packets: Buffer[]): Buffer => Buffer.concat(packets);
holds('inline', inline(onePass(), literal(TEXT), packet(2, body())), 'trusted: holds what was signed: 14 bytes');
holds('inline, as old programs wrote it', inline(packet(2, body()), literal(TEXT)));
holds('inline, compressed', packet(8, Buffer.of(1), deflateRawSync(inline(onePass(), literal(TEXT), packet(2, body())))));
const jsKey = async (more: object = {}): Promise<PrivateKey> => (await generateKey({ type: 'curve25519', userIDs: [{ name: 'Ada' }], format: 'object', ...more } as Parameters<typeof generateKey>[0] & { format: 'object' })).privateKey as PrivateKey;
const ada = await jsKey();
const keyOf = (key: PrivateKey): Buffer => Buffer.from(key.toPublic().armor());
const byJs = async (signingKeys: PrivateKey, date?: Date): Promise<Buffer> => Buffer.from((await sign({ message: await createMessage({ binary: Uint8Array.from(TEXT) }), signingKeys, detached: true, ...(date === undefined ? {} : { date }) })) as string);
tables.good('by openpgp.js, with its key', { file: TEXT, signature: await byJs(ada), asks: { publicKey: keyOf(ada) } });
const six = await jsKey({ config: { v6Keys: true } });
tables.good('by openpgp.js, v6', { file: TEXT, signature: await byJs(six), asks: { publicKey: keyOf(six) } });
const sub = await jsKey({ subkeys: [{ sign: true }] });
tables.good('by openpgp.js, with a subkey', { file: TEXT, signature: await byJs(sub), asks: { publicKey: keyOf(sub) } });
const old = await jsKey({ date: new Date('2020-01-01'), keyExpirationTime: 86_400 * 365 });
const oldSignature = await byJs(old, new Date('2020-06-01'));
tables.good('by a key that has ended, judged when it had not', { file: TEXT, signature: oldSignature, asks: { publicKey: keyOf(old), at: '2020-07-01T00:00:00Z' } });

const NO = 'invalid: does not fit this file and this key';
const bad = (name: string, says: string, parts: Parts, file: Buffer | string = TEXT, asks: Record<string, string | Buffer> = by(parts.by)): void => tables.bad(name, says, { file, signature: made(parts), asks });
const shown = (name: string, says: string, file: string | Buffer): void => tables.bad(name, says, { file, asks: { ...by(), format: 'openpgp' } });
bad('another file', NO, {}, 'pay 1000\n');
bad('another file, v6', NO, { version: 6 }, 'pay 1000\n');
bad('binary shown as of a text', NO, { shownType: 1 });
bad('of a text shown as binary', NO, { type: 1, shownType: 0, content: Buffer.from('pay 10\r\nto Ada\r\n') });
for (const [name, type] of Object.entries({ 'of a name': 0x13, 'of a subkey': 0x18, 'of a key': 0x1f, 'that revokes': 0x20, 'standalone': 0x02, 'of a time': 0x40, 'that confirms': 0x50 })) bad(`a signature ${name}`, 'invalid: not of a file', { type });
bad('a type written over that of a name', NO, { type: 0x13, shownType: 0 });
bad('a time written over it', NO, { shown: [created('2025-01-01T00:00:00Z')] });
bad('no time', 'invalid: does not say when', { hashed: [] });
bad('the time not signed', 'invalid: does not say when', { hashed: [], unhashed: [created(AT)] });
bad('a time that is not four bytes', 'invalid: does not say when', { hashed: [subpacket(2, Buffer.of(1))] });
bad('a time that is yet to come', 'untrusted: is yet to come', { hashed: [created('2099-01-01T00:00:00Z')] });
bad('a validity that has ended', 'untrusted: was valid until 2024-01-02T04:04:05', { hashed: [created(AT), subpacket(3, uint32(3600))] });
bad('a validity taken out', NO, { hashed: [created(AT), subpacket(3, uint32(3600))], shown: [created(AT)] });
bad('an unknown critical subpacket', 'invalid: must not be ignored', { hashed: [created(AT), subpacket(99, Buffer.of(1), true)] });
bad('a critical notation that nobody knows', 'invalid: must not be ignored', { hashed: [created(AT), subpacket(20, Buffer.concat([Buffer.from([0x80, 0, 0, 0, 0, 5, 0, 1]), Buffer.from('x@y.zv')]), true)] });
bad('a critical subpacket made harmless', NO, { hashed: [created(AT), subpacket(99, Buffer.of(1), true)], shown: [created(AT), subpacket(99, Buffer.of(1))] });
bad('a subpacket moved out of what is signed', NO, { hashed: [created(AT), subpacket(33, Buffer.alloc(21, 4))], shown: [created(AT)], unhashed: [subpacket(33, Buffer.alloc(21, 4))] });
bad('SHA-1', 'invalid: not safe, or not known', { by: 'rsa-2048', hash: 2 });
bad('MD5', 'invalid: not safe, or not known', { by: 'rsa-2048', hash: 1 });
bad('RIPEMD-160', 'invalid: not safe, or not known', { by: 'rsa-2048', hash: 3 });
bad('another hash written over it', NO, { hash: 8, shownHash: 10 });
bad('another public-key algorithm', NO, { by: 'rsa-2048' }, TEXT, by('ec-p256'));
bad('without the trailer', NO, { trailer: () => Buffer.alloc(0) });
bad('with the trailer of version 3', NO, { trailer: (trailer) => Buffer.concat([Buffer.of(0), trailer.subarray(10, 14)]) });
bad('with a shorter length in the trailer', NO, { trailer: (trailer) => { const other = Buffer.from(trailer); other[other.length - 1]! -= 1; return other; } });
bad('v6 with a salt that is too short', 'invalid: salt of the signature', { version: 6, salt: Buffer.alloc(16) });
bad('v6 without a salt', 'invalid: salt of the signature', { version: 6, salt: Buffer.alloc(0) });
bad('version 3', 'CAPABILITY_MISSING: version 3', { version: 3 });
bad('version 5', 'CAPABILITY_MISSING: version 5', { version: 5 });
bad('one bit of the signature', NO, { change: (values) => { const turned = Buffer.from(values); turned[turned.length - 2]! ^= 1; return turned; } });
bad('a signature of zeros', NO, { by: 'ec-p256', change: () => Buffer.from([0, 0, 0, 0]) });
bad('something behind the signature', 'INVALID_INPUT: follow the end', { change: (values) => Buffer.concat([values, Buffer.of(1)]) });
bad('two signatures, of which one is rubbish', NO, { change: (values) => values }, `${TEXT.toString()}x`);
bad('by another key than the one that is named', NO, {}, TEXT, by('ed448'));
tables.bad('two signatures, of which one is of another file', `${NO} & by a key`, { file: TEXT, signature: armored(Buffer.concat([packet(2, body()), packet(2, body({ content: Buffer.from('x') }))])), asks: by() });
tables.bad('a checksum that does not fit', 'INVALID_INPUT: checksum of the armour', { file: TEXT, signature: made().toString().replace(/\n=(.)/, (_all, letter: string) => `\n=${letter === 'A' ? 'B' : 'A'}`), asks: by() });
tables.bad('a key among the signatures', 'INVALID_INPUT: something else than signatures', { file: TEXT, signature: armored(Buffer.concat([packet(2, body()), packet(13, Buffer.from('Ada'))])), asks: by() });
const revoked = await readKey({ armoredKey: (await revokeKey({ key: ada, reasonForRevocation: { flag: enums.reasonForRevocation.keyCompromised }, format: 'armored' })).publicKey });
const named = (name: string, says: string, signature: Buffer, publicKey: Buffer): void => tables.bad(name, says, { file: TEXT, signature, asks: { publicKey } });
named('by a key that was revoked', 'INVALID_INPUT: No key in the file may sign', await byJs(ada), Buffer.from(revoked.armor()));
named('by a key that has ended', 'INVALID_INPUT: No key in the file may sign', oldSignature, keyOf(old));
named('by somebody else of the same name', NO, await byJs(await jsKey()), keyOf(ada));
const unbound = await readKey({ armoredKey: keyOf(sub).toString() });
unbound.subkeys = [];
named('by a subkey that is not bound to the key', NO, await byJs(sub), Buffer.from(unbound.armor()));
const stranger = await readKey({ armoredKey: keyOf(ada).toString() });
stranger.subkeys = (await readKey({ armoredKey: keyOf(sub).toString() })).subkeys;
named('by a subkey that was bound to another key', NO, await byJs(sub), Buffer.from(stranger.armor()));
const text = clear('pay 10\nto Ada');
shown('clear-signed: another text', NO, text.replace('pay 10', 'pay 99'));
shown('clear-signed: a line more', NO, text.replace('pay 10\n', 'pay 10\nand 99\n'));
shown('clear-signed: a line fewer', NO, text.replace('\nto Ada', ''));
shown('clear-signed: spaces in front of a line', NO, text.replace('pay 10', ' pay 10'));
shown('clear-signed: text among the headers', 'INVALID_INPUT: only the hash may be named', text.replace('Hash: SHA512\n', 'Hash: SHA512\npay 1000\n'));
shown('clear-signed: a header that is not Hash', 'INVALID_INPUT: only the hash may be named', text.replace('Hash: SHA512\n', 'Comment: pay 1000\n'));
shown('clear-signed: NotDashEscaped', 'INVALID_INPUT: only the hash may be named', text.replace('Hash: SHA512\n', 'Hash: SHA512\nNotDashEscaped: You need GnuPG\n'));
shown('clear-signed: no empty line behind the headers', 'INVALID_INPUT: only the hash may be named', text.replace('Hash: SHA512\n\n', 'Hash: SHA512\n'));
shown('clear-signed: a dash that is not marked', 'INVALID_INPUT: begins with a dash', text.replace('pay 10', '-pay 10'));
shown('clear-signed: as binary', 'invalid: file was changed, or something else was signed', clear('pay 10', { type: 0, content: Buffer.from('pay 10\r\n') }));
shown('clear-signed: without its signature', 'INVALID_INPUT: never ends', text.slice(0, text.indexOf('-----BEGIN PGP SIGNATURE')));
shown('clear-signed: cut off in the signature', 'INVALID_INPUT: never ends', text.slice(0, -40));
shown('clear-signed: text before it', 'trusted: text around the signed part', `pay 1000\n${text}`);
shown('clear-signed: another message behind it', 'trusted: text around the signed part', `${text}${clear('pay 1000', { by: 'ec-p256' })}`);
shown('inline: another content', NO, inline(onePass(), literal(Buffer.from('pay 1000')), packet(2, body())));
shown('inline: two contents', 'INVALID_INPUT: something else than signatures', inline(onePass(), literal(TEXT), literal(Buffer.from('pay 1000')), packet(2, body())));
shown('inline: no signature', 'INVALID_INPUT: without a signature', literal(TEXT));
shown('inline: a signature that is announced and missing', 'INVALID_INPUT: announces 1 signatures, and 0 follow', inline(onePass(), literal(TEXT)));
shown('inline: a signature that nobody announced', 'INVALID_INPUT: announces 0 signatures, and 1 follow', inline(literal(TEXT), packet(2, body())));
shown('inline: encrypted', 'INVALID_INPUT: is encrypted', packet(18, Buffer.of(1), Buffer.alloc(40)));
shown('inline: compressed within compressed', 'INVALID_INPUT: nothing in this OpenPGP file that was signed', packet(8, Buffer.of(0), packet(8, Buffer.of(0), inline(onePass(), literal(TEXT), packet(2, body())))));
shown('inline: a signature of a signature', 'CAPABILITY_MISSING: of another signature', inline(onePass(0, 10, 22, true), onePass(), literal(TEXT), packet(2, body()), packet(2, body())));

judgeFamily('openpgp', tables, {
  // Names, armour and spaces at line ends may change; the words may not.
  same: (mutant, original) => wordsOf(mutant) === wordsOf(original) || (mutant.includes(TEXT) && original.includes(TEXT)) || unpacked(mutant).includes(TEXT),
});

function wordsOf(file: Buffer): string {
  const text = file.toString('latin1');
  return (/-----BEGIN PGP SIGNED MESSAGE-----\r?\n(?:Hash: [^\n]*\n)*\s*\n([\s\S]*?)\n-----BEGIN PGP SIGNATURE-----/.exec(text)?.[1] ?? text).split('\n').map((line) => line.trimEnd().replace(/^- /, '')).join('\n');
}

function unpacked(file: Buffer): Buffer {
  try {
    return inflateRawSync(file.subarray(file.indexOf(1) + 1));
  } catch {
    return Buffer.alloc(0);
  }
}
