import { constants, createHash, privateEncrypt, sign } from 'node:crypto';
import type { KeyAlgorithmName, SignatureAlgorithmName } from '../../contract/index.ts';
import { writePublicKey } from '../../formats/index.ts';
import { der, derInteger, DerReader, derSequence } from '../../formats/der.ts';
import { digestInfo } from '../../formats/emsa.ts';
import { pairOf } from '../../formats/testing/keys.ts';
import { contentOfMessage } from '../../signing/format.ts';
import { signAsTokensDo } from '../../signing/testing/keys.ts';
import { ecdsaDerToP1363 } from '../../formats/index.ts';
import { judgeFamily, Tables } from './testing/family.ts';

/** Bare signatures: bytes alone, which say nothing of key or algorithm. The attacks are those on the mathematics and its encodings. */

const TEXT = Buffer.from('The Magic Words are Squeamish Ossifrage\n');
const tables = new Tables();
const spki = (key: KeyAlgorithmName): Buffer => pairOf(key).spki;
const make = async (key: KeyAlgorithmName, algorithm: SignatureAlgorithmName, file: Buffer = TEXT): Promise<Buffer> => Buffer.from(await signAsTokensDo(key, algorithm, contentOfMessage(algorithm, file)));

const KINDS: readonly (readonly [KeyAlgorithmName, ...SignatureAlgorithmName[]])[] = [
  ['rsa-2048', 'rsa-pkcs1-sha256', 'rsa-pkcs1-sha384', 'rsa-pkcs1-sha512', 'rsa-pss-sha256', 'rsa-pss-sha384', 'rsa-pss-sha512'], ['rsa-3072', 'rsa-pkcs1-sha256', 'rsa-pss-sha256'],
  ['ec-p256', 'ecdsa-sha256', 'ecdsa-sha384', 'ecdsa-sha512'], ['ec-p384', 'ecdsa-sha384', 'ecdsa-sha512'], ['ec-p521', 'ecdsa-sha512'], ['ec-secp256k1', 'ecdsa-sha256'],
  ['ec-brainpoolp256r1', 'ecdsa-sha256'], ['ec-brainpoolp384r1', 'ecdsa-sha384'], ['ec-brainpoolp512r1', 'ecdsa-sha512'], ['ed25519', 'ed25519'], ['ed448', 'ed448'],
];
for (const [key, ...algorithms] of KINDS) for (const algorithm of algorithms) tables.good(`${key} with ${algorithm}`, { file: TEXT, signature: await make(key, algorithm), asks: { publicKey: spki(key) } }, 'trusted: by a key');
for (const [key, algorithm, bits] of [['ec-p256', 'ecdsa-sha256', 256], ['ec-p384', 'ecdsa-sha384', 384], ['ec-p521', 'ecdsa-sha512', 521], ['ec-brainpoolp256r1', 'ecdsa-sha256', 256]] as const) {
  tables.good(`${key}, r and s side by side`, { file: TEXT, signature: ecdsaDerToP1363(await make(key, algorithm), bits), asks: { publicKey: spki(key) } });
}
for (const format of ['pem', 'der', 'jwk', 'openssh'] as const) tables.good(`the key given as ${format}`, { file: TEXT, signature: await make('ec-p256', 'ecdsa-sha256'), asks: { publicKey: writePublicKey(spki('ec-p256'), 'ec-p256', format) } });
tables.good('an empty file', { file: '', signature: await make('ed25519', 'ed25519', Buffer.alloc(0)), asks: { publicKey: spki('ed25519') } });
tables.good('by node:crypto, with a salt of no bytes', { file: TEXT, signature: sign('sha256', TEXT, { key: pairOf('rsa-2048').privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 0 }), asks: { publicKey: spki('rsa-2048') } });
tables.good('by node:crypto, with the longest salt', { file: TEXT, signature: sign('sha256', TEXT, { key: pairOf('rsa-2048').privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_MAX_SIGN }), asks: { publicKey: spki('rsa-2048') } });

const NO = 'invalid: does not fit this file and this key';
const [ec, rsa, ed] = [await make('ec-p256', 'ecdsa-sha256'), await make('rsa-2048', 'rsa-pkcs1-sha256'), await make('ed25519', 'ed25519')];
const against = { ec: spki('ec-p256'), rsa: spki('rsa-2048'), ed: spki('ed25519') };
const bad = (name: string, key: keyof typeof against, signature: Uint8Array, file: Buffer = TEXT, more: Record<string, string> = {}, says = NO): void => tables.bad(name, says, { file, signature, asks: { publicKey: against[key], ...more } });

for (const [name, signature] of Object.entries({ ec, rsa, ed })) {
  const key = name as keyof typeof against;
  bad(`${name}: one bit of the file`, key, signature, Buffer.from(TEXT.map((byte, at) => (at === 3 ? byte ^ 1 : byte))));
  bad(`${name}: the file with one byte more`, key, signature, Buffer.concat([TEXT, Buffer.of(0x0a)]));
  bad(`${name}: the file without its end`, key, signature, TEXT.subarray(0, -1));
  bad(`${name}: the signature without its last byte`, key, signature.subarray(0, -1));
  bad(`${name}: the signature with a byte more`, key, Buffer.concat([signature, Buffer.of(0)]));
  bad(`${name}: the last byte of the signature`, key, Buffer.from(signature.map((byte, at) => (at === signature.length - 1 ? byte ^ 1 : byte))));
  bad(`${name}: nothing but zeros`, key, Buffer.alloc(signature.length));
}
const [r, s] = ((): [bigint, bigint] => {
  const pair = new DerReader(ec).enter('');
  return [pair.integer(''), pair.integer('')];
})();
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
bad('r and s exchanged', 'ec', derSequence(derInteger(s), derInteger(r)));
bad('r of zero and s of zero (CVE-2022-21449)', 'ec', derSequence(derInteger(0n), derInteger(0n)));
bad('r and s of zero, side by side', 'ec', Buffer.alloc(64));
bad('r greater than the order', 'ec', derSequence(derInteger(r + N), derInteger(s)));
bad('s negative', 'ec', derSequence(derInteger(r), der(0x02, Buffer.from('ff', 'hex'))));
bad('r with a leading zero too many', 'ec', derSequence(der(0x02, Buffer.from(`0000${r.toString(16).padStart(64, '0')}`, 'hex')), derInteger(s)));
bad('the two numbers in BER of indefinite length', 'ec', Buffer.concat([Buffer.of(0x30, 0x80), ec.subarray(2), Buffer.alloc(2)]));
bad('something behind the two numbers', 'ec', derSequence(derInteger(r), derInteger(s), derInteger(1n)));
bad('the two numbers in DER where they must stand side by side', 'ec', ec, TEXT, { encoding: 'p1363' });
bad('side by side where they must be in DER', 'ec', ecdsaDerToP1363(ec, 256), TEXT, { encoding: 'der' });
const forgery = (block: string): Buffer => privateEncrypt({ key: pairOf('rsa-2048').privateKey, padding: constants.RSA_NO_PADDING }, Buffer.from(block.padEnd(512, '0').slice(0, 512), 'hex'));
const info = digestInfo('sha256', createHash('sha256').update(TEXT).digest()).toString('hex');
bad('PKCS#1 with short padding and rubbish behind (CVE-2006-4339)', 'rsa', forgery(`0001${'ff'.repeat(8)}00${info}`));
bad('PKCS#1 as for encryption', 'rsa', forgery(`0002${'5a'.repeat(256 - 3 - info.length / 2)}00${info}`));
bad('PKCS#1 without the name of its hash', 'rsa', forgery(`0001${'ff'.repeat(256 - 3 - 32)}00${createHash('sha256').update(TEXT).digest('hex')}`));
bad('PKCS#1 with a digest of SHA-1', 'rsa', sign('sha1', TEXT, pairOf('rsa-2048').privateKey));
bad('PSS with SHA-1', 'rsa', sign('sha1', TEXT, { key: pairOf('rsa-2048').privateKey, padding: constants.RSA_PKCS1_PSS_PADDING }));
bad('PSS where PKCS#1 was asked for', 'rsa', await make('rsa-2048', 'rsa-pss-sha256'), TEXT, { algorithm: 'rsa-pkcs1-sha256' });
bad('SHA-384 where SHA-256 was asked for', 'rsa', await make('rsa-2048', 'rsa-pkcs1-sha384'), TEXT, { algorithm: 'rsa-pkcs1-sha256' });
bad('of the digest of the file as if that were the file', 'ed', await make('ed25519', 'ed25519', createHash('sha512').update(TEXT).digest()));
const L = 0x1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3edn;
const scalar = Buffer.from(ed.subarray(32)).reverse();
const more = Buffer.from((BigInt(`0x${scalar.toString('hex')}`) + L).toString(16).padStart(64, '0'), 'hex').reverse();
bad('Ed25519 with a scalar beyond the order (RFC 8032 §5.1.7)', 'ed', Buffer.concat([ed.subarray(0, 32), more]));
bad('Ed25519 by a point of small order', 'ed', Buffer.concat([Buffer.of(1), Buffer.alloc(63)]));
tables.bad('by another key', NO, { file: TEXT, signature: ec, asks: { publicKey: spki('ec-brainpoolp256r1') } });
tables.bad('by a key of another kind', NO, { file: TEXT, signature: ec, asks: { publicKey: spki('rsa-2048') } });
tables.bad('no key at all that counts', 'invalid: No key held here made this signature', { file: TEXT, signature: ec });
tables.bad('the key is no key', 'INVALID_INPUT: holds no public key', { file: TEXT, signature: ec, asks: { publicKey: Buffer.from('rubbish') } });

judgeFamily('raw', tables);
