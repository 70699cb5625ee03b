import { sign } from 'node:crypto';
import type { KeyAlgorithmName } from '../../contract/index.ts';
import { fingerprint } from '../../formats/spki.ts';
import { pairOf } from '../../formats/testing/keys.ts';
import { judgeFamily, Tables } from './testing/family.ts';

/** DSSE envelopes and in-toto statements: the type and the payload are signed together by the pre-authentication encoding (PAE), whose lengths are what attacks aim at. */

const IN_TOTO = 'application/vnd.in-toto+json';
const STATEMENT = JSON.stringify({ _type: 'https://in-toto.io/Statement/v1', subject: [{ name: 'app', digest: { sha256: 'ab'.repeat(32) } }], predicateType: 'https://slsa.dev/provenance/v1', predicate: {} });
const tables = new Tables();
const spki = (key: KeyAlgorithmName): Buffer => pairOf(key).spki;
const HASHES: Partial<Record<KeyAlgorithmName, string | null>> = { 'rsa-2048': 'sha256', 'ec-p256': 'sha256', 'ec-p384': 'sha384', 'ec-p521': 'sha512', ed25519: null, ed448: null, 'ec-secp256k1': 'sha256' };
const raw = (bytes: Uint8Array, key: KeyAlgorithmName = 'ec-p256', more: object = {}): Buffer => sign(HASHES[key] as string, bytes, { key: pairOf(key).privateKey, ...more });
const pae = (type: string, payload: string | Buffer): Buffer => Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${Buffer.byteLength(payload)} `), Buffer.from(payload)]);
const base64 = (bytes: string | Uint8Array): string => Buffer.from(bytes as Uint8Array).toString('base64');
interface Parts { payload?: string | Buffer; type?: string; signed?: Buffer; key?: KeyAlgorithmName; keyid?: unknown; sig?: string; shownType?: unknown; shownPayload?: unknown; more?: object; others?: readonly unknown[] }
const entryOf = ({ payload = STATEMENT, type = IN_TOTO, key = 'ec-p256', signed = pae(type, payload), sig = base64(raw(signed, key)), keyid = fingerprint(spki(key)) }: Parts = {}): object => ({ keyid, sig });
const envelope = (parts: Parts = {}): string => JSON.stringify({ payload: parts.shownPayload ?? base64(parts.payload ?? STATEMENT), payloadType: parts.shownType ?? parts.type ?? IN_TOTO, signatures: [...(parts.others ?? []), entryOf(parts)], ...parts.more });
const by = (key: KeyAlgorithmName = 'ec-p256', more: Record<string, string> = {}) => ({ publicKey: spki(key), format: 'dsse', ...more });
const good = (name: string, parts: Parts = {}, says?: string): void => tables.good(name, { file: envelope(parts), asks: by(parts.key) }, says);

for (const key of ['rsa-2048', 'ec-p256', 'ec-p384', 'ec-p521', 'ec-secp256k1', 'ed25519', 'ed448'] as const) {
  good(`in-toto by ${key}`, { key }, `trusted: type is ${IN_TOTO}`);
  good(`any bytes by ${key}`, { key, payload: Buffer.from([0, 1, 2, 255]), type: 'application/octet-stream' });
  tables.good(`the file beside the envelope, by ${key}`, { file: STATEMENT, signature: envelope({ key }), asks: { publicKey: spki(key) } });
}
for (const [name, type] of Object.entries({ 'with letters of two bytes': 'text/überschrift', 'with spaces': 'a b  c', 'that is empty': '', 'with digits that look like lengths': '5 hello 3 abc' })) good(`a type ${name}`, { type });
good('an empty payload', { payload: '' });
good('in the alphabet for URLs', { payload: Buffer.from([0xfb, 0xff, 0xfe]), shownPayload: Buffer.from([0xfb, 0xff, 0xfe]).toString('base64url') });
good('without padding', { payload: 'abcd', shownPayload: base64('abcd').replace(/=+$/, '') });
good('without a key id', { keyid: undefined });
good('with the key id of another, which is a hint alone', { keyid: 'somebody else' });
good('with fields that nobody knows', { more: { note: 1 } });
good('ECDSA with r and s side by side', { sig: base64(raw(pae(IN_TOTO, STATEMENT), 'ec-p256', { dsaEncoding: 'ieee-p1363' })) });
good('twice by one key', { others: [entryOf()] });
tables.good('in indented JSON', { file: JSON.stringify(JSON.parse(envelope()), null, 2), asks: by() });
tables.good('told by its content', { file: envelope(), asks: { publicKey: spki('ec-p256') } });

const NO = 'invalid: does not fit this file and this key';
const bad = (name: string, says: string, parts: Parts, asks: Record<string, string | Buffer> = by(parts.key)): void => tables.bad(name, says, { file: envelope(parts), asks });
const as = (name: string, says: string, text: string): void => tables.bad(name, says, { file: text, asks: by() });
bad('another type', NO, { shownType: 'text/plain' });
bad('the type in capitals', NO, { shownType: IN_TOTO.toUpperCase() });
bad('the type with a space more', NO, { shownType: `${IN_TOTO} ` });
bad('no type', 'INVALID_INPUT: should be text', { more: { payloadType: null } });
bad('a type that is a number', 'INVALID_INPUT: should be text', { shownType: 5 });
bad('another payload', NO, { shownPayload: base64(STATEMENT.replace('app', 'apq')) });
bad('the payload with a line end more', NO, { shownPayload: base64(`${STATEMENT}\n`) });
bad('no payload', 'INVALID_INPUT: should be base64', { more: { payload: null } });
bad('a payload that is JSON and no base64', 'INVALID_INPUT: should be base64', { shownPayload: {} });
bad('a payload with rubbish among the base64', 'INVALID_INPUT: should be base64', { shownPayload: `${base64(STATEMENT)}!!` });
bad('a payload with padding in the middle', 'INVALID_INPUT: should be base64', { shownPayload: `YQ==${base64(STATEMENT)}` });
// One boundary moved: the type's end is the payload's begin, or the other way round.
bad('a part of the type moved into the payload', NO, { signed: pae('a', 'b 3 cde'), shownType: 'a b', shownPayload: base64('cde') });
bad('the lengths taken for text', NO, { signed: pae('a', '1 b 1 c'), shownType: 'a 7 1 b', shownPayload: base64('c') });
bad('lengths in letters, not in bytes', NO, { type: 'text/ü', signed: Buffer.from(`DSSEv1 6 text/ü ${STATEMENT.length} ${STATEMENT}`) });
bad('lengths with leading zeros', NO, { signed: Buffer.from(`DSSEv1 0${IN_TOTO.length} ${IN_TOTO} ${STATEMENT.length} ${STATEMENT}`) });
bad('lengths of eight bytes, as in the draft', NO, { signed: Buffer.concat([Buffer.from([2, 0, 0, 0, 0, 0, 0, 0, IN_TOTO.length, 0, 0, 0, 0, 0, 0, 0]), Buffer.from(IN_TOTO + STATEMENT)]) });
bad('without lengths', NO, { signed: Buffer.from(`DSSEv1 ${IN_TOTO} ${STATEMENT}`) });
bad('another version of the encoding', NO, { signed: Buffer.from(pae(IN_TOTO, STATEMENT).toString().replace('DSSEv1', 'DSSEv2')) });
bad('the payload signed alone', NO, { signed: Buffer.from(STATEMENT) });
bad('the base64 signed in place of the bytes', NO, { signed: pae(IN_TOTO, base64(STATEMENT)) });
bad('two line ends between', NO, { signed: Buffer.from(pae(IN_TOTO, STATEMENT).toString().replace('DSSEv1 ', 'DSSEv1\n')) });
bad('by another key than the one that is named', NO, {}, by('ec-p384'));
bad('by a key that nobody names', 'invalid: No key held here', {}, { format: 'dsse' });
bad('the key id of the one that is named, by another', NO, { key: 'ed25519', keyid: fingerprint(spki('ec-p256')) }, by());
bad('two signatures, one of them rubbish', `${NO} & by a key`, { others: [{ sig: base64('rubbish') }] });
bad('two signatures, one by somebody else', NO, { others: [entryOf({ key: 'ed25519' })] });
bad('two signatures, one of another payload', NO, { others: [entryOf({ payload: '{}' })] });
bad('a signature of zeros', NO, { sig: base64(Buffer.alloc(64)) });
bad('an empty signature', NO, { sig: '' });
bad('a signature that is no base64', 'INVALID_INPUT: should be base64', { sig: '<>' });
bad('a signature cut short', NO, { sig: base64(raw(pae(IN_TOTO, STATEMENT)).subarray(0, -1)) });
bad('a signature that is a list', 'INVALID_INPUT: should be base64', { more: { signatures: [[1]] } });
bad('no signatures', 'INVALID_INPUT: should be signatures', { more: { signatures: [] } });
bad('signatures that are none', 'INVALID_INPUT: should be signatures', { more: { signatures: {} } });
bad('more signatures than anybody makes', 'INVALID_INPUT: 1 to 100', { others: Array.from({ length: 101 }, () => ({ sig: '' })) });
as('the payload twice', 'INVALID_INPUT: twice', envelope().replace('{"payload"', `{"payload":"${base64('{}')}","payload"`));
as('the type twice', 'INVALID_INPUT: twice', envelope().replace('{"payload"', '{"payloadType":"text/plain","payload"'));
as('a list around it', 'INVALID_INPUT: JSON object', `[${envelope()}]`);
as('something behind it', 'INVALID_INPUT: not JSON', `${envelope()}{}`);
as('cut off', 'INVALID_INPUT: not JSON', envelope().slice(0, -5));
tables.bad('another file beside the envelope', 'invalid: holds another file', { file: '{}', signature: envelope(), asks: by() });
tables.bad('in the clothes of a JWS', 'INVALID_INPUT: should be text', { file: envelope(), asks: { publicKey: spki('ec-p256'), format: 'jws' } });

judgeFamily('dsse', tables, { same: (mutant, original) => contentOf(mutant) === contentOf(original) });

function contentOf(file: Buffer): string | undefined {
  try {
    const { payload, payloadType } = JSON.parse(file.toString()) as { payload: string; payloadType: string };
    return `${payloadType} ${Buffer.from(payload, 'base64').toString('hex')}`;
  } catch {
    return undefined;
  }
}
