import { createCipheriv, generateKeyPairSync, publicEncrypt, randomBytes } from 'node:crypto';
import { CompactEncrypt, FlattenedEncrypt, GeneralEncrypt } from 'jose';
import type { KeyAlgorithmName } from '../../contract/index.ts';
import { pairOf } from '../../formats/testing/keys.ts';
import { judgeEncrypted, PLAIN } from './testing/encrypted.ts';
import { Tables } from './testing/family.ts';

/** JWE: the five parts, each changed, cut and exchanged; headers that mean something else to others; points that are on no curve. Made by the library jose. */

const tables = new Tables();
const KEYS = ['rsa-2048', 'ec-p256', 'ec-p384', 'x25519'] as const satisfies readonly KeyAlgorithmName[];
type Key = (typeof KEYS)[number];
const MANAGEMENT: readonly (readonly [Key, string])[] = [['rsa-2048', 'RSA-OAEP'], ['rsa-2048', 'RSA-OAEP-256'], ['rsa-2048', 'RSA-OAEP-512'], ...(['ec-p256', 'ec-p384', 'x25519'] as const).flatMap((key) => ['ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A256KW'].map((alg) => [key, alg] as const))];
const CIPHERS = ['A128GCM', 'A256GCM', 'A256CBC-HS512'];
const compact = (key: Key, alg: string, enc: string, header: object = {}): Promise<string> => new CompactEncrypt(Uint8Array.from(PLAIN)).setProtectedHeader({ alg, enc, ...header }).encrypt(pairOf(key).publicKey);
for (const [key, alg] of MANAGEMENT) for (const enc of CIPHERS) tables.good(`${key}, ${alg}, ${enc}`, { file: await compact(key, alg, enc) }, `opened: by A key of ${key}`);
tables.good('flattened', { file: JSON.stringify(await new FlattenedEncrypt(Uint8Array.from(PLAIN)).setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM' }).encrypt(pairOf('rsa-2048').publicKey)) }, 'opened: by A key of rsa-2048');
tables.good('flattened, with data beside', { file: JSON.stringify(await new FlattenedEncrypt(Uint8Array.from(PLAIN)).setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM' }).setAdditionalAuthenticatedData(Buffer.from('beside')).encrypt(pairOf('rsa-2048').publicKey)) }, 'opened: by A key of rsa-2048');
const general = new GeneralEncrypt(Uint8Array.from(PLAIN)).setProtectedHeader({ enc: 'A256GCM' });
general.addRecipient(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey).setUnprotectedHeader({ alg: 'RSA-OAEP-256' }).addRecipient(pairOf('rsa-2048').publicKey).setUnprotectedHeader({ alg: 'RSA-OAEP-256' });
const several = (await general.encrypt()) as { recipients: { encrypted_key: string }[]; ciphertext: string };
tables.good('several recipients, of whom the second is here', { file: JSON.stringify(several) }, 'opened: by A key of rsa-2048');
tables.good('with a type of content', { file: await compact('ec-p256', 'ECDH-ES', 'A256GCM', { cty: 'text/plain' }) }, 'opened: by A key of ec-p256');

const right = await compact('rsa-2048', 'RSA-OAEP-256', 'A256GCM');
const cbc = await compact('rsa-2048', 'RSA-OAEP-256', 'A256CBC-HS512');
const ecdh = await compact('ec-p256', 'ECDH-ES+A128KW', 'A128GCM');
const bad = (name: string, says: string, file: string): void => tables.bad(name, says, { file });
const part = (token: string, index: number, change: (text: string) => string): string => token.split('.').map((text, at) => (at === index ? change(text) : text)).join('.');
const turned = (at: number) => (text: string): string => {
  const bytes = Buffer.from(text, 'base64url');
  bytes[at < 0 ? bytes.length + at : at]! ^= 1;
  return bytes.toString('base64url');
};
const shorter = (text: string): string => Buffer.from(text, 'base64url').subarray(0, -1).toString('base64url');
const withHeader = (token: string, change: (header: Record<string, unknown>) => void): string => part(token, 0, (text) => {
  const header = JSON.parse(Buffer.from(text, 'base64url').toString()) as Record<string, unknown>;
  change(header);
  return Buffer.from(JSON.stringify(header)).toString('base64url');
});
for (const [name, token] of [['GCM', right], ['CBC with HMAC', cbc]] as const) {
  bad(`${name}: a bit of the content`, 'INVALID_INPUT: JWE is not as it was encrypted', part(token, 3, turned(5)));
  bad(`${name}: a bit of its end`, 'INVALID_INPUT: JWE is not as it was encrypted', part(token, 3, turned(-1)));
  bad(`${name}: a bit of the tag`, 'INVALID_INPUT: JWE is not as it was encrypted', part(token, 4, turned(0)));
  bad(`${name}: the tag cut short`, 'INVALID_INPUT: of the JWE has a wrong length', part(token, 4, (text) => Buffer.from(text, 'base64url').subarray(0, 4).toString('base64url')));
  bad(`${name}: no tag`, 'INVALID_INPUT: of the JWE has a wrong length', part(token, 4, () => ''));
  bad(`${name}: a bit of the vector`, 'INVALID_INPUT: JWE is not as it was encrypted', part(token, 2, turned(0)));
  bad(`${name}: the vector cut short`, 'INVALID_INPUT: of the JWE has a wrong length', part(token, 2, shorter));
  bad(`${name}: the content cut short`, 'INVALID_INPUT: JWE is not as it was encrypted', part(token, 3, shorter));
  bad(`${name}: no content`, 'INVALID_INPUT: JWE is not as it was encrypted', part(token, 3, () => ''));
  bad(`${name}: a bit of the wrapped key`, 'NOT_FOUND: None of your keys opens this file', part(token, 1, turned(9)));
  bad(`${name}: the wrapped key cut short`, 'NOT_FOUND: None of your keys opens this file', part(token, 1, shorter));
  bad(`${name}: no wrapped key`, 'NOT_FOUND: None of your keys opens this file', part(token, 1, () => ''));
  bad(`${name}: a header more`, 'INVALID_INPUT: JWE is not as it was encrypted', withHeader(token, (header) => { header['x'] = 1; }));
  bad(`${name}: the header written otherwise`, 'INVALID_INPUT: JWE is not as it was encrypted', part(token, 0, (text) => Buffer.from(`${Buffer.from(text, 'base64url').toString()} `).toString('base64url')));
}
bad('another cipher', 'INVALID_INPUT: of the JWE has a wrong length', withHeader(right, (header) => { header['enc'] = 'A128CBC-HS256'; }));
bad('a cipher that nobody has', 'CAPABILITY_MISSING: The content is encrypted with A256ECB', withHeader(right, (header) => { header['enc'] = 'A256ECB'; }));
bad('no cipher', 'INVALID_INPUT: say how its content is encrypted (enc)', withHeader(right, (header) => { delete header['enc']; }));
bad('RSA with PKCS#1 (RFC 8725 §3.2)', 'CAPABILITY_MISSING: of this JWE is encrypted with RSA1_5', withHeader(right, (header) => { header['alg'] = 'RSA1_5'; }));
bad('OAEP with another hash', 'NOT_FOUND: None of your keys opens this file', withHeader(right, (header) => { header['alg'] = 'RSA-OAEP'; }));
bad('the algorithm dir', 'NOT_FOUND: None of your keys opens this file', withHeader(right, (header) => { header['alg'] = 'dir'; }));
bad('the algorithm none', 'NOT_FOUND: None of your keys opens this file', withHeader(right, (header) => { header['alg'] = 'none'; }));
bad('a critical header that nobody knows', 'CAPABILITY_MISSING: must not be ignored (RFC 7516 §4.1.13)', withHeader(right, (header) => { header['crit'] = ['x']; header['x'] = 1; }));
bad('compressed, as it says', 'INVALID_INPUT: JWE is not as it was encrypted', withHeader(right, (header) => { header['zip'] = 'DEF'; }));
bad('a passphrase with a thousand million rounds', 'CAPABILITY_MISSING: busy for as long as it likes', withHeader(right, (header) => { header['alg'] = 'PBES2-HS256+A128KW'; header['p2s'] = 'AAAAAAAAAAA'; header['p2c'] = 1_000_000_000; }));
const epk = (change: (key: Record<string, unknown>) => void): string => withHeader(ecdh, (header) => change(header['epk'] as Record<string, unknown>));
bad('a point that is on no curve (CVE-2017-16007)', 'INVALID_INPUT: is not on the curve of ec-p256', epk((key) => { key['y'] = key['x']; }));
bad('a point of zeros', 'INVALID_INPUT: is not on the curve of ec-p256', epk((key) => { key['x'] = key['y'] = Buffer.alloc(32).toString('base64url'); }));
bad('a point of another curve', 'INVALID_INPUT: JWK should have 48 bytes, not 32', epk((key) => { key['crv'] = 'P-384'; }));
bad('no point', 'INVALID_INPUT: of the sender (epk) is not there', withHeader(ecdh, (header) => { delete header['epk']; }));
bad('the name of the sender changed', 'NOT_FOUND: None of your keys opens this file', withHeader(ecdh, (header) => { header['apu'] = 'QQ'; }));
bad('a header name twice', 'INVALID_INPUT: twice', part(right, 0, (text) => Buffer.from(Buffer.from(text, 'base64url').toString().replace('{', '{"alg":"dir",')).toString('base64url')));
bad('the parts of another file mixed in', 'INVALID_INPUT: JWE is not as it was encrypted', [...right.split('.').slice(0, 2), ...(await compact('rsa-2048', 'RSA-OAEP-256', 'A256GCM')).split('.').slice(2)].join('.'));
bad('four parts', 'INVALID_INPUT: has five parts, and this has 4', right.split('.').slice(0, 4).join('.'));
bad('six parts', 'INVALID_INPUT: has five parts, and this has more', `${right}.x`);
bad('with padding', 'INVALID_INPUT: the JWE should be base64url without padding', `${right}==`);
bad('several recipients: the content of another', 'INVALID_INPUT: JWE is not as it was encrypted', JSON.stringify({ ...several, ciphertext: Buffer.from('pay 1000').toString('base64url') }));
bad('several recipients: none', 'INVALID_INPUT: There should be recipients, 1 to 1000', JSON.stringify({ ...several, recipients: [] }));
bad('several recipients: ours taken out', 'NOT_FOUND: None of your keys opens this file', JSON.stringify({ ...several, recipients: several.recipients.slice(0, 1) }));
bad('for somebody else', 'NOT_FOUND: None of your keys opens this file', await new CompactEncrypt(Uint8Array.from(PLAIN)).setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM' }).encrypt(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey));
/** Whoever has the public key can make one: it opens, and says of nobody that they made it. */
bad('by anybody, with another content', 'opened: to something else', forged());
function forged(): string {
  const [key, iv, header] = [randomBytes(32), randomBytes(12), Buffer.from('{"alg":"RSA-OAEP-256","enc":"A256GCM"}').toString('base64url')];
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(header));
  const content = Buffer.concat([cipher.update('pay 1000'), cipher.final()]);
  return [header, publicEncrypt({ key: pairOf('rsa-2048').publicKey, oaepHash: 'sha256' }, key).toString('base64url'), iv.toString('base64url'), content.toString('base64url'), cipher.getAuthTag().toString('base64url')].join('.');
}

judgeEncrypted('jwe', tables, KEYS);
