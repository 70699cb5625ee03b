import { createHmac, generateKeyPairSync, hkdfSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { KeyAlgorithmName } from '../../contract/index.ts';
import { encrypted, partyOf, passphrase } from '../../encryption/testing/parties.ts';
import type { Party } from '../../encryption/parties.ts';
import { temporaryFolder } from '../../formats/testing/keys.ts';
import { judgeEncrypted, PLAIN } from './testing/encrypted.ts';
import { Tables } from './testing/family.ts';

/** age: the header and its MAC, the stanzas, and the chunks of the stream, which are changed, exchanged, cut off and put together. */

const tables = new Tables();
const KEYS: readonly KeyAlgorithmName[] = ['x25519', 'ed25519', 'rsa-2048', 'ec-p256'];
const CHUNK = 64 * 1024 + 16;
const made = async (parties: readonly Party[], content: Uint8Array = PLAIN, armor = false): Promise<Buffer> => {
  using folder = temporaryFolder();
  return readFileSync(await encrypted(folder.path, 'age', parties, content, { armor }));
};
const files = new Map<string, Buffer>();
for (const key of KEYS) for (const armor of [false, true]) {
  const file = await made([partyOf(key)], PLAIN, armor);
  files.set(`${key}${armor ? ' armoured' : ''}`, file);
  tables.good(`for ${key}${armor ? ', armoured' : ''}`, { file }, `opened: by A key of ${key}`);
}
for (const one of KEYS) for (const other of KEYS) if (one !== other) tables.good(`for ${one} and ${other}`, { file: await made([partyOf(one), partyOf(other)]) }, 'opened: by A key of ');
for (const key of KEYS) tables.good(`for somebody else and ${key}`, { file: await made([stranger(), partyOf(key)]) }, 'opened: by A key of ');
tables.good('for a passphrase', { file: await made([passphrase]) }, 'opened: by a passphrase');
tables.good('lines of the armour that end as on Windows', { file: files.get('x25519 armoured')!.toString().replaceAll('\n', '\r\n') }, 'opened: by A key of x25519');
tables.good('white space around the armour', { file: `\n  \n${files.get('x25519 armoured')!.toString()}\n\n` }, 'opened: by A key of x25519');
for (let count = 2; count <= 4; count++) tables.good(`for one key ${count} times`, { file: await made(Array.from({ length: count }, () => partyOf('x25519'))) }, 'opened: by A key of x25519');

const file = files.get('x25519')!;
const text = file.toString('latin1');
const macAt = text.indexOf('\n--- ') + 5;
const body = macAt + 43 + 1;
const bytes = (latin: string): Buffer => Buffer.from(latin, 'latin1');
const bad = (name: string, says: string, changed: Buffer | string): void => tables.bad(name, says, { file: changed });
const flip = (at: number, of: Buffer = file): Buffer => Buffer.from(of.map((byte, index) => (index === at ? byte ^ 1 : byte)));
const MAC = 'INVALID_INPUT: header';
const CHUNKS = 'INVALID_INPUT: changed, cut off or moved';
function withStanza(of: Buffer, stanza: string): Buffer {
  return bytes(of.toString('latin1').replace('\n---', `\n${stanza.trimEnd()}\n---`));
}
bad('version 2', 'INVALID_INPUT: first line is not that of version 1', bytes(text.replace('/v1\n', '/v2\n')));
bad('the first line with a space more', 'INVALID_INPUT: first line is not that of version 1', bytes(text.replace('/v1\n', '/v1 \n')));
bad('the first line as on Windows', 'INVALID_INPUT: first line is not that of version 1', bytes(text.replace('/v1\n', '/v1\r\n')));
bad('one letter of the MAC', MAC, bytes(`${text.slice(0, macAt)}${text[macAt] === 'A' ? 'B' : 'A'}${text.slice(macAt + 1)}`));
bad('the MAC of zeros', MAC, bytes(`${text.slice(0, macAt)}${'A'.repeat(43)}${text.slice(macAt + 43)}`));
bad('the MAC with padding', 'INVALID_INPUT: its MAC is no 32 bytes of Base64', bytes(`${text.slice(0, macAt + 43)}=${text.slice(macAt + 43)}`));
bad('the MAC cut short', 'INVALID_INPUT: its MAC is no 32 bytes of Base64', bytes(`${text.slice(0, macAt + 40)}${text.slice(macAt + 43)}`));
bad('no MAC', 'INVALID_INPUT: its MAC is no 32 bytes of Base64', bytes(text.replace(/\n--- [^\n]*/, '\n---')));
bad('a stanza more', MAC, withStanza(file, '-> grease x\naGVsbG8\n'));
bad('a stanza more, of our kind', MAC, withStanza(file, /-> X25519 [^\n]*\n[^\n]*\n/.exec(text)![0]));
bad('a stanza without a body', 'INVALID_INPUT: stanza is no Base64 in lines of 64', withStanza(file, '-> grease x'));
bad('a stanza without a name', 'INVALID_INPUT: a stanza does not begin as it must', withStanza(file, '-> \naGVsbG8'));
bad('a stanza of a passphrase beside a key', 'INVALID_INPUT: valid: a passphrase must be the only recipient', withStanza(file, `-> scrypt ${Buffer.alloc(16).toString('base64').replace(/=+$/, '')} 10\n${Buffer.alloc(32).toString('base64').replace(/=+$/, '')}\n`));
bad('the share with a letter changed', 'NOT_FOUND: None of your keys opens this file', bytes(text.replace(/(-> X25519 .)./, (_all, start: string) => `${start}${_all.endsWith('A') ? 'B' : 'A'}`)));
bad('the share of zeros', 'INVALID_INPUT: low order', bytes(text.replace(/-> X25519 [^\n]*/, `-> X25519 ${'A'.repeat(43)}`)));
bad('the share with a word more', 'INVALID_INPUT: of type X25519 has 2 arguments, not 1', bytes(text.replace(/(-> X25519 [^\n]*)/, '$1 more')));
bad('the share cut short', 'INVALID_INPUT: type X25519 is no 32 bytes of Base64', bytes(text.replace(/(-> X25519 [^\n]*)..\n/, '$1\n')));
bad('the wrapped key changed', 'NOT_FOUND: None of your keys opens this file', bytes(text.replace(/(-> X25519 [^\n]*\n)./, (all, start: string) => `${start}${all.endsWith('A') ? 'B' : 'A'}`)));
bad('the wrapped key cut short', 'INVALID_INPUT: stanza ', bytes(text.replace(/(-> X25519 [^\n]*\n[^\n]*)....\n/, '$1\n')));
bad('the kind of stanza in small letters', 'NOT_FOUND: None of your keys opens this file', bytes(text.replace('-> X25519', '-> x25519')));
bad('for somebody else', 'NOT_FOUND: None of your keys opens this file', await made([stranger()]));
bad('the nonce changed', CHUNKS, flip(body));
bad('the nonce cut off', 'INVALID_INPUT: as it was encrypted: it is cut off', file.subarray(0, body + 10));
bad('no content', 'INVALID_INPUT: as it was encrypted: it is cut off', file.subarray(0, body + 16));
const start = body + 16;
const chunks = [0, 1, 2].map((index) => file.subarray(start + index * CHUNK, start + (index + 1) * CHUNK));
const joined = (...parts: readonly (Buffer | undefined)[]): Buffer => Buffer.concat([file.subarray(0, start), ...parts.map((part) => part ?? Buffer.alloc(0))]);
bad('a bit of the first chunk', CHUNKS, flip(start + 5));
bad('a bit of the last chunk', CHUNKS, flip(file.length - 20));
bad('a bit of the last tag', CHUNKS, flip(file.length - 1));
bad('the first chunk taken out', CHUNKS, joined(chunks[1], chunks[2]));
bad('the second chunk taken out', CHUNKS, joined(chunks[0], chunks[2]));
bad('the chunks exchanged', CHUNKS, joined(chunks[1], chunks[0], chunks[2]));
bad('a chunk twice', CHUNKS, joined(chunks[0], chunks[0], chunks[1], chunks[2]));
bad('cut off behind a whole chunk', CHUNKS, joined(chunks[0], chunks[1]));
bad('cut off within a chunk', CHUNKS, joined(chunks[0], chunks[1]!.subarray(0, 1000)));
bad('cut off within a tag', CHUNKS, joined(chunks[0], chunks[1], chunks[2]!.subarray(0, -3)));
bad('the last chunk twice', CHUNKS, joined(...chunks, chunks[2]));
bad('something behind the end', CHUNKS, joined(...chunks, Buffer.from('more')));
bad('another file’s content behind it', CHUNKS, joined(...chunks, (await made([partyOf('x25519')])).subarray(-500)));
bad('the content of another file under this header', CHUNKS, Buffer.concat([file.subarray(0, body), (await made([partyOf('x25519')])).subarray(body)]));
const armoredText = files.get('x25519 armoured')!.toString();
bad('the armour with a space in a line', 'INVALID_INPUT: is no Base64 of up to 64 characters', armoredText.replace(/\n(.{10})/, '\n$1 '));
bad('the armour with a line that is too long', 'INVALID_INPUT: is no Base64 of up to 64 characters', armoredText.replace(/(\n.{64})\n/, '$1'));
bad('the armour without its end', 'INVALID_INPUT: valid: there is more after its last line', armoredText.replace(/-----END.*/, ''));
bad('text behind the armour', 'INVALID_INPUT: not valid: there is more after its end', `${armoredText}pay 1000`);
// The MAC of a header that says more, by a key that nobody has.
bad('a stanza more, and a MAC by another key', MAC, (() => {
  const more = withStanza(file, '-> grease x\naGVsbG8\n').toString('latin1');
  const at = more.indexOf('\n---') + 4;
  return bytes(`${more.slice(0, at)} ${createHmac('sha256', Buffer.from(hkdfSync('sha256', Buffer.alloc(16), Buffer.alloc(0), 'header', 32))).update(more.slice(0, at), 'latin1').digest('base64').replace(/=+$/, '')}${more.slice(at + 44)}`);
})());

function stranger(): Party {
  return { kind: 'key', name: 'somebody', algorithm: 'x25519', spki: generateKeyPairSync('x25519').publicKey.export({ type: 'spki', format: 'der' }) };
}

judgeEncrypted('age', tables, KEYS);
