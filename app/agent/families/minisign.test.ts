import { createHash, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { corpus } from '../../../scripts/corpora.ts';
import { writePublicKey } from '../../formats/index.ts';
import { minisignKeyId } from '../../formats/minisign.ts';
import { pairOf } from '../../formats/testing/keys.ts';
import { parseSpki } from '../../formats/spki.ts';
import { judgeFamily, Tables } from './testing/family.ts';

/** minisign and signify: two signatures in a file of four lines, of which the second covers the first and the trusted comment; signify has the first alone. */

const TEXT = 'The Magic Words are Squeamish Ossifrage\n';
const tables = new Tables();
const pair = pairOf('ed25519');
const parts = parseSpki(pair.spki);
const keyId = minisignKeyId(parts.kind === 'bytes' ? parts.bytes : Buffer.alloc(0));
const ed = (bytes: Uint8Array): Buffer => sign(null, bytes, pair.privateKey);
const hashed = (content: string | Buffer): Buffer => createHash('blake2b512').update(content).digest();
interface Parts { algorithm?: string; content?: string; message?: Buffer; id?: Uint8Array; first?: Buffer; second?: Buffer; comment?: string; shown?: string; untrusted?: string; end?: string; lines?: (lines: string[]) => string[]; signify?: true }
function made({ algorithm = 'ED', content = TEXT, id = keyId, comment = 'timestamp:1700000000\tfile:file.txt\thashed', untrusted = 'signature by a test', end = '\n', ...more }: Parts = {}): string {
  const first = more.first ?? ed(more.message ?? (algorithm === 'ED' ? hashed(content) : Buffer.from(content)));
  const block = Buffer.concat([Buffer.from(algorithm), id, first]).toString('base64');
  const second = more.second ?? ed(Buffer.concat([first, Buffer.from(comment)]));
  const lines = [`untrusted comment: ${untrusted}`, block, ...(more.signify === true ? [] : [`trusted comment: ${more.shown ?? comment}`, second.toString('base64')])];
  return `${(more.lines?.(lines) ?? lines).join(end)}${end}`;
}
const by = { publicKey: pair.spki };
const good = (name: string, how: Parts = {}, file: string = how.content ?? TEXT, says?: string): void => tables.good(name, { file, signature: made(how), asks: by }, says);

for (const [name, content] of Object.entries({ 'a text': TEXT, 'an empty file': '', 'zeros': '\0'.repeat(1000), 'a large file': 'x'.repeat(200_000), 'a text without its line end': TEXT.trimEnd(), 'a text with CR and LF': TEXT.replace('\n', '\r\n') })) {
  good(`hashed: ${name}`, { content }, content, 'trusted: at 2023-11-14T22:13:20.000Z according to the signer');
  good(`not hashed: ${name}`, { content, algorithm: 'Ed' });
  good(`signify: ${name}`, { content, algorithm: 'Ed', signify: true });
}
for (const [name, how] of Object.entries<Parts>({
  'no trusted comment to speak of': { comment: '' }, 'a comment with letters of two bytes': { comment: 'für alle' }, 'a comment with spaces at its end': { comment: 'x  ' }, 'a time that is none': { comment: 'timestamp:soon' }, 'another untrusted comment': { untrusted: 'changed by anybody' },
  'another key id, which is a hint alone': { id: Buffer.alloc(8, 7) }, 'lines that end as on Windows': { end: '\r\n' }, 'a long comment': { comment: 'y'.repeat(1000) },
})) good(`with ${name}`, how);
for (const format of ['minisign', 'pem', 'openssh'] as const) tables.good(`the key given as ${format}`, { file: TEXT, signature: made(), asks: { publicKey: writePublicKey(pair.spki, 'ed25519', format) } });
const CORPUS = corpus('minisign');
if (CORPUS !== undefined) {
  for (const [message, signature, key] of [['aead/message.txt', 'aead/message.txt.minisig', 'aead/minisign.pub'], ['jedisct1/test', 'jedisct1/legacy.minisig', 'jedisct1/minisign.pub'], ['jedisct1/test', 'jedisct1/prehashed.minisig', 'jedisct1/minisign.pub']] as const) {
    const [file, bytes, publicKey] = [message, signature, key].map((name) => readFileSync(join(CORPUS, name))) as [Buffer, Buffer, Buffer];
    tables.good(`by others: ${signature}`, { file, signature: bytes, asks: { publicKey } });
    tables.bad(`by others: ${signature}, another file`, 'invalid: does not fit this file', { file: Buffer.concat([file, Buffer.of(0)]), signature: bytes, asks: { publicKey } });
  }
}

const NO = 'invalid: does not fit this file and this key';
const COMMENT = 'invalid: trusted comment was changed';
const bad = (name: string, says: string, how: Parts, file: string = TEXT, asks: Record<string, string | Buffer> = by): void => tables.bad(name, says, { file, signature: made(how), asks });
bad('another file', NO, {}, 'Pay 1000\n');
bad('another file, not hashed', NO, { algorithm: 'Ed' }, 'Pay 1000\n');
bad('another file, signify', NO, { algorithm: 'Ed', signify: true }, 'Pay 1000\n');
bad('the file with a byte more', NO, {}, `${TEXT}\n`);
bad('the trusted comment changed', COMMENT, { shown: 'timestamp:1800000000' });
bad('the time in it changed', COMMENT, { shown: 'timestamp:1700000001\tfile:file.txt\thashed' });
bad('the file’s name in it changed', COMMENT, { shown: 'timestamp:1700000000\tfile:evil.exe\thashed' });
bad('the trusted comment taken out', COMMENT, { shown: '' });
bad('a space more in it', COMMENT, { comment: 'x', shown: 'x ' });
bad('the second signature over the comment alone', COMMENT, { second: ed(Buffer.from('timestamp:1700000000\tfile:file.txt\thashed')) });
bad('the second signature over the whole block', COMMENT, { second: ed(Buffer.concat([Buffer.from('ED'), keyId, ed(hashed(TEXT)), Buffer.from('timestamp:1700000000\tfile:file.txt\thashed')])) });
bad('the second signature of another file’s', COMMENT, { second: ed(Buffer.concat([ed(hashed('other')), Buffer.from('timestamp:1700000000\tfile:file.txt\thashed')])) });
bad('the second signature of zeros', COMMENT, { second: Buffer.alloc(64) });
bad('the first signature of zeros', NO, { first: Buffer.alloc(64) });
bad('the second signature in place of the first', NO, { first: ed(Buffer.concat([ed(hashed(TEXT)), Buffer.from('x')])) });
bad('said to be hashed, and is not', NO, { algorithm: 'ED', message: Buffer.from(TEXT) });
bad('said not to be hashed, and is', NO, { algorithm: 'Ed', message: hashed(TEXT) });
// The digest as the file: what a signature with hash covers must not pass for one without (why both have names of their own).
tables.bad('the digest shown as the file, by the old algorithm', NO, { file: hashed(TEXT), signature: made({ algorithm: 'ED' }), asks: by });
bad('hashed by SHA-512', NO, { message: createHash('sha512').update(TEXT).digest() });
bad('hashed by BLAKE2b of 256 bits', NO, { message: hashed(TEXT).subarray(0, 32) });
for (const algorithm of ['ed', 'eD', 'Es', '\0\0']) bad(`the algorithm ${JSON.stringify(algorithm)}`, 'INVALID_INPUT: neither Ed25519 nor its pre-hashed form', { algorithm });
bad('by another key', NO, {}, TEXT, { publicKey: pairOf('ed448').spki });
bad('by a key that nobody names', 'invalid: No key held here', {}, TEXT, {});
bad('a signature of 63 bytes', 'INVALID_INPUT: second line should hold 74 bytes, not 73', { first: ed(hashed(TEXT)).subarray(0, 63) });
bad('a signature of 65 bytes', 'INVALID_INPUT: second line should hold 74 bytes, not 75', { first: Buffer.concat([ed(hashed(TEXT)), Buffer.of(0)]) });
bad('a second signature of 63 bytes', 'INVALID_INPUT: fourth line should hold 64 bytes, not 63', { second: Buffer.alloc(63) });
bad('a key id of 7 bytes', 'INVALID_INPUT: second line should hold 74 bytes, not 73', { id: keyId.subarray(1) });
bad('a fifth line', 'INVALID_INPUT: more than four lines', { lines: (lines) => [...lines, 'trusted comment: pay 1000'] });
bad('the lines of the comments exchanged', 'invalid: file was changed, or something else was signed', { lines: ([a, b, c, d]) => [c!, b!, a!, d!] });
bad('the signatures exchanged', 'INVALID_INPUT: second line should hold 74 bytes, not 64', { lines: ([a, b, c, d]) => [a!, d!, c!, b!] });
bad('without its last line', 'INVALID_INPUT: fourth line should hold 64 bytes, not 0', { lines: (lines) => lines.slice(0, 3) });
bad('rubbish in the base64', 'INVALID_INPUT: The second line should be base64', { lines: ([a, b, c, d]) => [a!, `${b!.slice(0, 20)}!${b!.slice(21)}`, c!, d!] });
bad('something behind the base64', 'INVALID_INPUT: The second line should be base64', { lines: ([a, b, c, d]) => [a!, `${b} more`, c!, d!] });
bad('signify that is hashed', 'INVALID_INPUT: pure Ed25519', { signify: true });
bad('signify with a line more', 'INVALID_INPUT: There are more than two lines', { algorithm: 'Ed', signify: true, lines: (lines) => [...lines, 'more'] });
bad('as minisign, without the trusted comment', 'INVALID_INPUT: third line', { algorithm: 'Ed', signify: true }, TEXT, { ...by, format: 'minisign' });
bad('an empty second line', 'INVALID_INPUT: second line should hold 74 bytes, not 0', { lines: ([a, , c, d]) => [a!, '', c!, d!] });

judgeFamily('minisign', tables);
