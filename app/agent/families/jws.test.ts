import { createHash, createHmac, createPublicKey, randomBytes, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CompactSign, FlattenedSign, GeneralSign, SignJWT } from 'jose';
import { corpus } from '../../../scripts/corpora.ts';
import { leaf, p256, root } from '../../certificates/testing/forge.ts';
import { keyUsageOf } from '../../certificates/making/extensions.ts';
import type { KeyAlgorithmName } from '../../contract/index.ts';
import { writePublicKey } from '../../formats/index.ts';
import { pairOf } from '../../formats/testing/keys.ts';
import { judgeFamily, Tables } from './testing/family.ts';

/** JWS and JWT: the serializations, the algorithms, and the attacks of RFC 8725 on headers, keys and JSON. Signatures by the library jose as well. */

const TEXT = 'The Magic Words are Squeamish Ossifrage';
const tables = new Tables();
const spki = (key: KeyAlgorithmName): Buffer => pairOf(key).spki;
const encode = (value: unknown): string => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
type Kind = { key: KeyAlgorithmName; hash: string | null; pss?: number };
const ALGORITHMS: Readonly<Record<string, Kind>> = {
  RS256: { key: 'rsa-2048', hash: 'sha256' }, RS384: { key: 'rsa-2048', hash: 'sha384' }, RS512: { key: 'rsa-2048', hash: 'sha512' }, PS256: { key: 'rsa-2048', hash: 'sha256', pss: 32 }, PS384: { key: 'rsa-2048', hash: 'sha384', pss: 48 }, PS512: { key: 'rsa-2048', hash: 'sha512', pss: 64 },
  ES256: { key: 'ec-p256', hash: 'sha256' }, ES384: { key: 'ec-p384', hash: 'sha384' }, ES512: { key: 'ec-p521', hash: 'sha512' }, ES256K: { key: 'ec-secp256k1', hash: 'sha256' }, EdDSA: { key: 'ed25519', hash: null }, Ed25519: { key: 'ed25519', hash: null },
};
/** @returns the signature over just these characters. */
const over = (alg: string, text: string): string => {
  const { key, hash, pss } = ALGORITHMS[alg]!;
  return sign(hash, Buffer.from(text), { key: pairOf(key).privateKey, dsaEncoding: 'ieee-p1363', ...(pss === undefined ? {} : { padding: 6, saltLength: pss }) }).toString('base64url');
};
const compact = (header: unknown, payload: string = encode(TEXT), alg = 'ES256'): string => `${encode(header)}.${payload}.${over(alg, `${encode(header)}.${payload}`)}`;
const by = (key: KeyAlgorithmName, more: Record<string, string | Buffer> = {}) => ({ publicKey: spki(key), ...more });
const good = (name: string, file: string, key: KeyAlgorithmName = 'ec-p256', says?: string): void => tables.good(name, { file, asks: by(key) }, says);

for (const [alg, { key }] of Object.entries(ALGORITHMS)) good(`compact with ${alg}`, compact({ alg }, undefined, alg), key);
const ES = ALGORITHMS['ES256']!.key;
const jose = { key: pairOf(ES).privateKey, payload: Buffer.from(TEXT) };
good('by jose, compact', await new CompactSign(jose.payload).setProtectedHeader({ alg: 'ES256' }).sign(jose.key));
good('by jose, flattened', JSON.stringify(await new FlattenedSign(jose.payload).setProtectedHeader({ alg: 'ES256' }).sign(jose.key)));
good('by jose, flattened, with a header that is not protected', JSON.stringify(await new FlattenedSign(jose.payload).setProtectedHeader({ alg: 'ES256' }).setUnprotectedHeader({ kid: '1' }).sign(jose.key)));
good('by jose, general', JSON.stringify(await new GeneralSign(jose.payload).addSignature(jose.key).setProtectedHeader({ alg: 'ES256' }).sign()));
good('by jose, general, twice with one key', JSON.stringify(await new GeneralSign(jose.payload).addSignature(jose.key).setProtectedHeader({ alg: 'ES256' }).addSignature(jose.key).setProtectedHeader({ alg: 'ES256', kid: '2' }).sign()));
const detachedBy = async (b64: boolean): Promise<string> => {
  const { payload: _gone, ...rest } = await new FlattenedSign(jose.payload).setProtectedHeader(b64 ? { alg: 'ES256' } : { alg: 'ES256', b64: false, crit: ['b64'] }).sign(jose.key);
  return JSON.stringify(rest);
};
tables.good('by jose, the payload detached', { file: TEXT, signature: await detachedBy(true), asks: by(ES) });
tables.good('by jose, the payload detached and not encoded', { file: TEXT, signature: await detachedBy(false), asks: by(ES) });
const protectedPart = (header: unknown): string => encode(header);
const UNENCODED = { alg: 'ES256', b64: false, crit: ['b64'] };
const unencoded = (payload: string, header: unknown = UNENCODED): string => `${protectedPart(header)}..${over('ES256', `${protectedPart(header)}.${payload}`)}`;
tables.good('compact, detached and not encoded (RFC 7797)', { file: TEXT, signature: unencoded(TEXT), asks: by(ES) });
tables.good('compact, detached (RFC 7515, appendix F)', { file: TEXT, signature: compact({ alg: 'ES256' }).replace(/\..*\./, '..'), asks: by(ES) });
tables.good('the file beside is the one inside', { file: TEXT, signature: compact({ alg: 'ES256' }), asks: by(ES) });
tables.good('an empty file', { file: '', signature: unencoded(''), asks: by(ES) });
const soon = Math.floor(Date.now() / 1000) + 86_400;
const claims = (more: object): string => encode({ sub: 'ada', ...more });
for (const [name, more] of Object.entries({ 'that has not expired': { exp: soon }, 'that is valid already': { nbf: 1 }, 'with a time': { iat: 1_700_000_000 }, 'with all of them': { iat: 1, nbf: 1, exp: soon, iss: 'x', aud: ['y'] } })) good(`a JWT ${name}`, compact({ alg: 'ES256', typ: 'JWT' }, claims(more)));
good('a JWT by jose', await new SignJWT({ sub: 'ada' }).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt' }).setIssuedAt().setExpirationTime('2h').sign(jose.key));
tables.good('a JWT that has expired, judged when it had not', { file: compact({ alg: 'ES256', typ: 'JWT' }, claims({ exp: 1_600_000_000 })), asks: by(ES, { at: '2020-01-01T00:00:00Z' }) });
const top = root();
const signing = { usage: keyUsageOf(['digital-signature']), purposes: null, san: null };
const ada = leaf(top, { subject: 'CN=Ada', keys: { privateKey: pairOf(ES).privateKey, publicKey: pairOf(ES).publicKey }, ...signing });
const eve = leaf(top, { subject: 'CN=Eve', keys: p256(), ...signing });
const x5c = [ada, top].map(({ certificate }) => Buffer.from(certificate.der).toString('base64'));
const roots = { roots: Buffer.from(top.certificate.toPem()) };
const x5t = createHash('sha256').update(ada.certificate.der).digest('base64url');
tables.good('with a chain of certificates', { file: compact({ alg: 'ES256', x5c }), asks: roots }, 'trusted: by CN=Ada');
tables.good('with a chain, and which certificate was meant', { file: compact({ alg: 'ES256', x5c, 'x5t#S256': x5t }), asks: roots }, 'trusted: by CN=Ada');
const COOKBOOK = corpus('jose-cookbook');
if (COOKBOOK !== undefined) for (const name of ['4_1.rsa_v15_signature', '4_2.rsa-pss_signature', '4_3.ecdsa_signature']) {
  const { input, output } = JSON.parse(readFileSync(join(COOKBOOK, 'jws', `${name}.json`), 'utf8')) as { input: { key: object }; output: { compact: string } };
  tables.good(`RFC 7520 ${name}`, { file: output.compact, asks: { publicKey: Buffer.from(JSON.stringify(input.key)) } });
}

const bad = (name: string, says: string, file: string, asks: Record<string, string | Buffer> = by(ES)): void => tables.bad(name, says, { file, asks });
const beside = (name: string, says: string, signature: string, file: string = TEXT): void => tables.bad(name, says, { file, signature, asks: by(ES) });
const NO = 'invalid: does not fit this file and this key';
const right = compact({ alg: 'ES256' });
const [head = '', body = '', end = ''] = right.split('.');
for (const alg of ['none', 'None', 'NONE', 'nOnE']) bad(`the algorithm ${alg}`, 'invalid: It is not signed', `${encode({ alg })}.${body}.`);
bad('the algorithm none, and a signature', 'invalid: It is not signed', `${encode({ alg: 'none' })}.${body}.${end}`);
bad('no signature', NO, `${head}.${body}.`);
for (const format of ['pem', 'der', 'jwk', 'openssh'] as const) {
  const start = `${encode({ alg: 'HS256' })}.${body}`;
  bad(`HS256 with the RSA public key as secret, ${format}`, 'invalid: proves nothing about who did', `${start}.${createHmac('sha256', writePublicKey(spki('rsa-2048'), 'rsa-2048', format)).update(start).digest('base64url')}`, by('rsa-2048'));
}
bad('HS512 with no secret', 'invalid: proves nothing about who did', `${encode({ alg: 'HS512' })}.${body}.${createHmac('sha512', '').update(`${encode({ alg: 'HS512' })}.${body}`).digest('base64url')}`);
const foreign = pairOf('ec-p384');
const jwk = createPublicKey({ key: foreign.spki, format: 'der', type: 'spki' }).export({ format: 'jwk' });
bad('the key brought along in the header (jwk)', NO, compact({ alg: 'ES384', jwk }, undefined, 'ES384'));
bad('the key to be fetched (jku)', NO, compact({ alg: 'ES384', jku: 'https://evil.example/keys', kid: '1' }, undefined, 'ES384'));
for (const kid of ['../../../../dev/null', "x' UNION SELECT 'secret", '|/usr/bin/id', '\u0000']) bad(`a key id of ${JSON.stringify(kid)} leads nowhere`, NO, compact({ alg: 'ES384', kid }, undefined, 'ES384'));
bad('x5u and no certificate', NO, compact({ alg: 'ES384', x5u: 'https://evil.example/' }, undefined, 'ES384'));
for (const [name, header] of Object.entries({ 'that nobody knows': { alg: 'ES256', crit: ['exp'], exp: 1 }, 'empty': { alg: 'ES256', crit: [] }, 'that is no list': { alg: 'ES256', crit: 'b64', b64: false }, 'of what is not there': { alg: 'ES256', crit: ['b64'] }, 'of a number': { alg: 'ES256', crit: [1] }, 'of b64 and another': { alg: 'ES256', crit: ['b64', 'x'], b64: true, x: 1 } })) bad(`a critical header ${name}`, 'invalid: ritical headers'.replace('ritical headers', name === 'that nobody knows' || name === 'of b64 and another' ? 'must not be ignored' : 'list of critical headers'), compact(header));
bad('b64 that is not critical', 'invalid: not marked as critical', compact({ alg: 'ES256', b64: false }));
bad('b64 that is text', 'invalid: neither true nor false', compact({ alg: 'ES256', b64: 'false', crit: ['b64'] }));
bad('a header name twice', 'INVALID_INPUT: twice', (() => { const twice = Buffer.from('{"alg":"none","alg":"ES256"}').toString('base64url'); return `${twice}.${body}.${over('ES256', `${twice}.${body}`)}`; })());
bad('a header that is a list', 'INVALID_INPUT: JSON object', compact(['ES256']), by(ES, { format: 'jws' }));
bad('no algorithm', 'INVALID_INPUT: with which algorithm', compact({ typ: 'x' }));
bad('an algorithm that nobody has', NO, compact({ alg: 'ES257' }));
bad('RS256 named, PS256 used', NO, compact({ alg: 'RS256' }, undefined, 'PS256'), by('rsa-2048'));
bad('RS256 named, RS384 used', NO, compact({ alg: 'RS256' }, undefined, 'RS384'), by('rsa-2048'));
bad('ES256 with DER in place of two numbers', NO, `${head}.${body}.${sign('sha256', Buffer.from(`${head}.${body}`), pairOf(ES).privateKey).toString('base64url')}`);
bad('ES256 of zeros (CVE-2022-21449)', NO, `${head}.${body}.${Buffer.alloc(64).toString('base64url')}`);
bad('one letter of the payload', NO, `${head}.${encode('The magic Words')}.${end}`);
bad('one letter of the header', NO, `${encode({ alg: 'ES256', kid: 'x' })}.${body}.${end}`);
bad('with padding', 'INVALID_INPUT: base64url without padding', `${right}==`, by(ES, { format: 'jws' }));
bad('in the other alphabet of base64', 'INVALID_INPUT: base64url without padding', `${head}.${body}.++//${end.slice(4)}`, by(ES, { format: 'jws' }));
bad('bits beyond the end of the signature', 'INVALID_INPUT: base64url without padding', `${head}.${body}.${end.slice(0, -1)}${String.fromCharCode(end.charCodeAt(end.length - 1) + 1).replace(/[^A-Za-z0-9_-]/, 'B')}`);
bad('four parts', 'INVALID_INPUT: base64url without padding', `${right}.x`, by(ES, { format: 'jws' }));
const general = (signatures: object[], payload: string = body): string => JSON.stringify({ payload, signatures });
const entry = { protected: head, signature: end };
bad('two signatures, of which one is rubbish', `${NO} & by a key`, general([entry, { protected: head, signature: randomBytes(64).toString('base64url') }]));
bad('two signatures, of which one is none', 'invalid: by a key & It is not signed', general([entry, { protected: encode({ alg: 'none' }), signature: '' }]));
bad('no signatures', 'INVALID_INPUT: should be signatures', general([]));
bad('flattened and general at once', 'INVALID_INPUT: at once', JSON.stringify({ payload: body, ...entry, signatures: [entry] }));
bad('a header protected and not', 'INVALID_INPUT: twice', general([{ ...entry, header: { alg: 'none' } }]));
bad('crit that is not protected', 'invalid: must be protected', general([{ ...entry, header: { crit: ['x'], x: 1 } }]));
bad('the algorithm outside, of another kind', NO, general([{ protected: encode({ kid: '1' }), header: { alg: 'ES256' }, signature: end }]));
bad('a payload twice, once in disguise', 'INVALID_INPUT: twice', `{"payload":"${encode('Pay 1000')}","p\\u0061yload":"${body}","protected":"${head}","signature":"${end}"}`);
bad('a payload twice', 'INVALID_INPUT: twice', `{"payload":"${encode('Pay 1000')}","payload":"${body}","protected":"${head}","signature":"${end}"}`);
bad('by another key than the one that is named', NO, right, by('ec-p384'));
bad('a JWT that has expired', 'untrusted: expired', compact({ alg: 'ES256', typ: 'JWT' }, claims({ exp: 1000 })));
bad('a JWT that is not valid yet', 'untrusted: not valid before', compact({ alg: 'ES256', typ: 'JWT' }, claims({ nbf: soon })));
bad('a JWT whose time is text', 'INVALID_INPUT: should be a time', compact({ alg: 'ES256', typ: 'JWT' }, claims({ exp: 'tomorrow' })));
bad('a JWT whose claims are a list', 'INVALID_INPUT: JSON object', compact({ alg: 'ES256', typ: 'JWT' }, encode('[1]')));
bad('a JWT with a claim twice', 'INVALID_INPUT: twice', compact({ alg: 'ES256', typ: 'JWT' }, encode('{"exp":99999999999,"exp":1}')));
bad('a JWT with other claims', NO, compact({ alg: 'ES256', typ: 'JWT' }, claims({})).replace(claims({}), claims({ admin: true })));
bad('the chain of somebody else', NO, compact({ alg: 'ES256', x5c: [Buffer.from(eve.certificate.der).toString('base64')] }), { ...roots, publicKey: spki('ec-p384') });
bad('another certificate than was meant', 'invalid: another certificate than the one that it carries', compact({ alg: 'ES256', x5c, 'x5t#S256': createHash('sha256').update(eve.certificate.der).digest('base64url') }), roots);
bad('a chain that leads to nobody', 'untrusted: Nobody known has issued “Ada” & [issuer]', compact({ alg: 'ES256', x5c: [x5c[0]] }), { roots: Buffer.from(root({ subject: 'CN=Other' }).certificate.toPem()) });
beside('detached: another file', NO, unencoded(TEXT), `${TEXT}!`);
beside('detached: the file inside is another', 'invalid: holds another file', right, 'Pay 1000');
beside('encoded, where it was signed as it is', NO, `${protectedPart(UNENCODED)}..${over('ES256', `${protectedPart(UNENCODED)}.${encode(TEXT)}`)}`);
beside('as it is, where it was signed encoded', NO, `${head}..${over('ES256', `${head}.${TEXT}`)}`);
beside('detached: signatures that do not agree on the encoding', 'INVALID_INPUT: do not agree', JSON.stringify({ signatures: [entry, { protected: encode(UNENCODED), signature: end }] }));
bad('detached, and no file', 'INVALID_INPUT: detached', unencoded(TEXT));

judgeFamily('jws', tables, { same: (mutant, original) => payloadOf(mutant) === payloadOf(original) });

/** White space and headers that are not protected may change; what was signed may not. */
function payloadOf(file: Buffer): string | undefined {
  const text = file.toString('utf8').trim();
  if (!text.startsWith('{')) return text.split('.')[1];
  try {
    return (JSON.parse(text) as { payload: string }).payload;
  } catch {
    return 'no JSON';
  }
}
