import { createHash, sign } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { corpus } from '../../../scripts/corpora.ts';
import { keyUsageOf } from '../../certificates/making/extensions.ts';
import { leaf, p256, root } from '../../certificates/testing/forge.ts';
import type { KeyAlgorithmName } from '../../contract/index.ts';
import { type CborKey, CborTag, type CborValue, readCbor, writeCbor } from '../../formats/cbor.ts';
import { pairOf } from '../../formats/testing/keys.ts';
import { type Asks, judgeFamily, Tables } from './testing/family.ts';

/** COSE_Sign1 and COSE_Sign (RFC 9052 §4): headers, the context that is signed with them, and the working group's own bad examples. */

const TEXT = Buffer.from('The Magic Words are Squeamish Ossifrage\n');
const tables = new Tables();
const spki = (key: KeyAlgorithmName): Buffer => pairOf(key).spki;
const KINDS: Partial<Record<KeyAlgorithmName, readonly [bigint, string | null]>> = { 'ec-p256': [-7n, 'sha256'], 'ec-p384': [-35n, 'sha384'], 'ec-p521': [-36n, 'sha512'], 'ec-secp256k1': [-47n, 'sha256'], ed25519: [-8n, null], ed448: [-8n, null], 'rsa-2048': [-37n, 'sha256'] };
type Headers = ReadonlyMap<CborKey, CborValue>;
interface Parts { key?: KeyAlgorithmName; headers?: Headers; others?: Headers; content?: Buffer | null; signed?: Buffer; context?: string; external?: Buffer; signature?: Buffer; tag?: bigint | null; pkcs1?: true; der?: true; more?: readonly CborValue[] }
const raw = (bytes: Uint8Array, key: KeyAlgorithmName, { pkcs1, der }: Parts = {}): Buffer => sign(KINDS[key]![1], bytes, { key: pairOf(key).privateKey, ...(der === true ? {} : { dsaEncoding: 'ieee-p1363' as const }), ...(key === 'rsa-2048' && pkcs1 === undefined ? { padding: 6, saltLength: 32 } : {}) });
const protectedOf = ({ key = 'ec-p256', headers = new Map<CborKey, CborValue>([[1n, KINDS[key]![0]]]) }: Parts): Buffer => (headers.size === 0 ? Buffer.alloc(0) : writeCbor(headers as Map<CborKey, CborValue>));
const structureOf = (parts: Parts, own?: Buffer): Buffer => writeCbor([parts.context ?? (own === undefined ? 'Signature1' : 'Signature'), own === undefined ? protectedOf(parts) : Buffer.alloc(0), ...(own === undefined ? [] : [own]), parts.external ?? Buffer.alloc(0), parts.signed ?? TEXT]);
/** COSE_Sign1 with any part as a test wants it. */
function made(parts: Parts = {}): Buffer {
  const { key = 'ec-p256', others = new Map<CborKey, CborValue>(), content = TEXT, tag = 18n, more = [] } = parts;
  const value: CborValue = [protectedOf(parts), others as Map<CborKey, CborValue>, content, parts.signature ?? raw(structureOf(parts), key, parts), ...more];
  return writeCbor(tag === null ? value : new CborTag(tag, value));
}
const map = (...pairs: [bigint | string, CborValue][]): Map<CborKey, CborValue> => new Map<CborKey, CborValue>(pairs);
const by = (key: KeyAlgorithmName = 'ec-p256', more: Record<string, string> = {}) => ({ publicKey: spki(key), ...more });
const good = (name: string, parts: Parts = {}, asks: Asks = by(parts.key)): void => tables.good(name, { file: made(parts), asks });

for (const key of Object.keys(KINDS) as KeyAlgorithmName[]) {
  good(`with the payload, ${key}`, { key });
  tables.good(`detached, ${key}`, { file: TEXT, signature: made({ key, content: null }), asks: by(key) });
}
good('RSA with PKCS#1', { key: 'rsa-2048', headers: map([1n, -257n]), pkcs1: true });
good('ES384 on P-256, which RFC 9053 lets readers meet', { headers: map([1n, -35n]), signature: sign('sha384', structureOf({ headers: map([1n, -35n]) }), { key: pairOf('ec-p256').privateKey, dsaEncoding: 'ieee-p1363' }) });
good('a key id, not protected', { others: map([4n, Buffer.from('1')]) });
good('a type of content, protected', { headers: map([1n, -7n], [3n, 'text/plain']) });
good('the algorithm outside of what is protected', { headers: map(), others: map([1n, -7n]) });
good('headers that nobody knows', { headers: map([1n, -7n], [9999n, 'x'], ['y', 1n]) });
good('an empty payload', { content: Buffer.alloc(0), signed: Buffer.alloc(0) });
tables.good('without a tag, as it is named', { file: made({ tag: null }), asks: by('ec-p256', { format: 'cose' }) });
tables.good('the file beside is the one inside', { file: TEXT, signature: made(), asks: by() });
const top = root();
const signing = { usage: keyUsageOf(['digital-signature']), purposes: null, san: null };
const ada = leaf(top, { subject: 'CN=Ada', keys: { privateKey: pairOf('ec-p256').privateKey, publicKey: pairOf('ec-p256').publicKey }, ...signing });
const eve = leaf(top, { subject: 'CN=Eve', keys: p256(), ...signing });
const roots = { roots: Buffer.from(top.certificate.toPem()) };
const print = (der: Uint8Array): CborValue => [-16n, createHash('sha256').update(der).digest()];
good('with a certificate', { others: map([33n, Buffer.from(ada.certificate.der)]) }, roots);
good('with a chain', { headers: map([1n, -7n], [33n, [Buffer.from(ada.certificate.der), Buffer.from(top.certificate.der)]]) }, roots);
good('with a certificate and its thumbprint', { headers: map([1n, -7n], [34n, print(ada.certificate.der)]), others: map([33n, Buffer.from(ada.certificate.der)]) }, roots);
const several = (entries: readonly CborValue[], content: Buffer | null = TEXT): Buffer => writeCbor(new CborTag(98n, [Buffer.alloc(0), new Map<CborKey, CborValue>(), content, entries as CborValue[]]));
const signer = (key: KeyAlgorithmName, parts: Parts = {}): CborValue => {
  const own = protectedOf({ key, ...parts });
  return [own, new Map<CborKey, CborValue>(), parts.signature ?? raw(structureOf(parts, own), key)];
};
tables.good('COSE_Sign by one', { file: several([signer('ec-p256')]), asks: by() });
tables.good('COSE_Sign by one twice', { file: several([signer('ec-p256'), signer('ec-p256')]), asks: by() });
const COSE = corpus('cose-examples');
for (const name of COSE === undefined ? [] : ['ecdsa-examples/ecdsa-sig-01', 'ecdsa-examples/ecdsa-sig-02', 'ecdsa-examples/ecdsa-sig-03', 'eddsa-examples/eddsa-01', 'sign1-tests/sign-pass-01', 'sign1-tests/sign-pass-03'].filter((one) => readdirSync(join(COSE, one.split('/')[0]!)).includes(`${one.split('/')[1]}.json`))) example(name, (file, publicKey) => tables.good(`the working group’s ${name}`, { file, asks: { publicKey, format: 'cose' } }));

const NO = 'invalid: does not fit this file and this key';
const bad = (name: string, says: string, parts: Parts, asks: Asks = by(parts.key, { format: 'cose' })): void => tables.bad(name, says, { file: made(parts), asks });
const as = (name: string, says: string, file: Buffer, asks: Asks = by('ec-p256', { format: 'cose' })): void => tables.bad(name, says, { file, asks });
bad('another payload', NO, { content: Buffer.from('Pay 1000') });
bad('no payload in it, and none beside', 'INVALID_INPUT: payload is not in', { content: null });
bad('a payload that is text', 'INVALID_INPUT: byte string or null', { more: [], content: 'text' as unknown as Buffer });
bad('the context of COSE_Sign', NO, { context: 'Signature' });
bad('the context of a counter-signature', NO, { context: 'CounterSignature' });
bad('the context of a MAC', NO, { context: 'MAC0' });
bad('signed with data from elsewhere', NO, { external: Buffer.from('secret') });
bad('the payload signed alone', NO, { signature: raw(TEXT, 'ec-p256') });
bad('signed without the header', NO, { signature: raw(writeCbor(['Signature1', Buffer.alloc(0), Buffer.alloc(0), TEXT]), 'ec-p256') });
bad('a header written in afterwards', NO, { headers: map([1n, -7n], [3n, 'text/html']), signature: raw(structureOf({}), 'ec-p256') });
bad('the algorithm changed', NO, { headers: map([1n, -35n]), signature: raw(structureOf({}), 'ec-p256') });
bad('the algorithm of another key', NO, { headers: map([1n, -8n]) });
bad('an algorithm that nobody has', NO, { headers: map([1n, -9999n]) });
bad('the algorithm of a MAC', NO, { headers: map([1n, 5n]) });
bad('no algorithm', NO, { headers: map() });
bad('the algorithm protected and not', 'INVALID_INPUT: twice', { others: map([1n, -35n]) });
bad('a critical header', 'invalid: must not be ignored', { headers: map([1n, -7n], [2n, [9999n]], [9999n, 1n]) });
bad('a critical header outside of what is protected', 'invalid: must not be ignored', { others: map([2n, [9999n]]) });
bad('ECDSA in DER', NO, { der: true });
bad('a signature of zeros', NO, { signature: Buffer.alloc(64) });
bad('an empty signature', NO, { signature: Buffer.alloc(0) });
bad('a signature with a byte more', NO, { signature: Buffer.concat([raw(structureOf({}), 'ec-p256'), Buffer.of(0)]) });
bad('a signature that is text', 'INVALID_INPUT: byte string', { signature: 'x' as unknown as Buffer });
bad('PSS named, PKCS#1 used', NO, { key: 'rsa-2048', pkcs1: true });
bad('five members', 'INVALID_INPUT: array of four', { more: [null] });
bad('the tag of COSE_Mac0', 'CAPABILITY_MISSING: tag 17', { tag: 17n });
bad('the tag of COSE_Encrypt0', 'CAPABILITY_MISSING: tag 16', { tag: 16n });
bad('the tag of COSE_Sign', 'INVALID_INPUT: 1 to 100', { tag: 98n });
bad('by another key than the one that is named', NO, {}, by('ec-p384', { format: 'cose' }));
bad('by a key that nobody names', 'invalid: No key held here', {}, { format: 'cose' });
as('a header that is no map', 'INVALID_INPUT: maps', writeCbor(new CborTag(18n, [writeCbor([1n]), new Map<CborKey, CborValue>(), TEXT, Buffer.alloc(64)])));
as('a header twice in its map', 'INVALID_INPUT: twice', writeCbor(new CborTag(18n, [Buffer.from('a2012601382e', 'hex'), new Map<CborKey, CborValue>(), TEXT, Buffer.alloc(64)])));
as('something behind it', 'INVALID_INPUT: follow the end', Buffer.concat([made(), Buffer.of(0)]));
as('cut off', 'INVALID_INPUT: but 61 remain', made().subarray(0, -3));
as('COSE_Sign by nobody', 'INVALID_INPUT: 1 to 100', several([]));
as('COSE_Sign by two, one of them rubbish', `${NO} & by a key`, several([signer('ec-p256'), signer('ec-p256', { signature: Buffer.alloc(64, 1) })]));
as('COSE_Sign with a signature that was one of COSE_Sign1', NO, several([signer('ec-p256', { signature: raw(structureOf({}), 'ec-p256') })]));
as('a certificate of somebody else', 'invalid: No key held here', made({ others: map([33n, Buffer.from(eve.certificate.der)]) }), roots);
as('another certificate than its thumbprint says', 'invalid: another certificate than the one that it carries', made({ headers: map([1n, -7n], [34n, print(eve.certificate.der)]), others: map([33n, Buffer.from(ada.certificate.der)]) }), roots);
as('a certificate that nobody vouches for', 'untrusted: [issuer]', made({ others: map([33n, Buffer.from(ada.certificate.der)]) }), { roots: Buffer.from(root({ subject: 'CN=Other' }).certificate.toPem()) });
tables.bad('detached: another file', NO, { file: 'Pay 1000', signature: made({ content: null }), asks: by() });
tables.bad('the file inside is another', 'invalid: holds another file', { file: 'Pay 1000', signature: made(), asks: by() });
for (const name of COSE === undefined ? [] : ['02', '03', '04', '06', '07']) example(`sign1-tests/sign-fail-${name}`, (file, publicKey) => tables.bad(`the working group’s sign-fail-${name}`, NO, { file, asks: { publicKey, format: 'cose' } }));

judgeFamily('cose', tables, { same: (mutant, original) => payloadOf(mutant) === payloadOf(original) });

function payloadOf(file: Buffer): string | undefined {
  try {
    const item = readCbor(file);
    const [, , payload] = (item instanceof CborTag ? item.value : item) as CborValue[];
    return Buffer.from(payload as Uint8Array).toString('hex');
  } catch {
    return undefined;
  }
}

interface Example { input: Record<'sign0' | 'sign', { key?: Record<string, string>; signers?: { key: Record<string, string> }[] }>; output: { cbor: string } }
function example(name: string, take: (file: Buffer, publicKey: Buffer) => void): void {
  const { input, output } = JSON.parse(readFileSync(join(COSE as string, `${name}.json`), 'utf8')) as Example;
  const key = input.sign0?.key ?? input.sign.signers![0]!.key;
  const jwk = Object.fromEntries(Object.entries(key).flatMap(([field, value]) => (field.endsWith('_hex') ? [[field.slice(0, -4), Buffer.from(value, 'hex').toString('base64url')]] : ['kty', 'crv', 'x', 'y', 'n', 'e'].includes(field) ? [[field, value]] : [])));
  take(Buffer.from(output.cbor, 'hex'), Buffer.from(JSON.stringify(jwk)));
}
