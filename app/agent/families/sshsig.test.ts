import { execFileSync } from 'node:child_process';
import { createHash, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { KeyAlgorithmName } from '../../contract/index.ts';
import { writePublicKey } from '../../formats/index.ts';
import { parsePem, writePem } from '../../formats/pem.ts';
import { SshReader, sshString, sshUint32 } from '../../formats/ssh-wire.ts';
import { HAS_SSH_KEYGEN, pairOf } from '../../formats/testing/keys.ts';
import { judgeFamily, Tables } from './testing/family.ts';

/** SSHSIG: namespaces, lists of allowed signers, certificates, and every field of the blob (PROTOCOL.sshsig). Signatures by ssh-keygen where it is there. */

const TEXT = 'The Magic Words are Squeamish Ossifrage\n';
const tables = new Tables();
const folder = mkdtempSync(join(tmpdir(), 'keywright-family-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);
const LINE = new Map<KeyAlgorithmName, string>();
const line = (key: KeyAlgorithmName): string => LINE.get(key) ?? LINE.set(key, Buffer.from(writePublicKey(pairOf(key).spki, key, 'openssh')).toString().trim()).get(key)!;
const blobOf = (key: KeyAlgorithmName): Buffer => Buffer.from(line(key).split(' ')[1]!, 'base64');

/** A signature of SSHSIG with any field as a test wants it. */
interface Fields { key?: KeyAlgorithmName; magic?: string; version?: number; publicKey?: Buffer; namespace?: string; signedNamespace?: string; reserved?: string; signedReserved?: string; hash?: string; signedHash?: string; type?: string; content?: string; digest?: Buffer; tail?: Buffer; signatureTail?: Buffer; signed?: Buffer }
const HASHES: Partial<Record<KeyAlgorithmName, readonly [string, string | null]>> = { ed25519: ['ssh-ed25519', null], 'rsa-2048': ['rsa-sha2-512', 'sha512'], 'rsa-3072': ['rsa-sha2-512', 'sha512'], 'ec-p256': ['ecdsa-sha2-nistp256', 'sha256'] };
function blob(fields: Fields = {}): Buffer {
  const { key = 'ed25519', magic = 'SSHSIG', version = 1, namespace = 'file', reserved = '', hash = 'sha512', content = TEXT, tail = Buffer.alloc(0), signatureTail = Buffer.alloc(0) } = fields;
  const [type, own] = HASHES[key]!;
  const digest = fields.digest ?? createHash(hash === 'sha256' ? 'sha256' : hash === 'sha1' ? 'sha1' : 'sha512').update(content).digest();
  const signed = fields.signed ?? Buffer.concat([Buffer.from('SSHSIG'), sshString(fields.signedNamespace ?? namespace), sshString(fields.signedReserved ?? ''), sshString(fields.signedHash ?? hash), sshString(digest)]);
  const used = fields.type === 'ssh-rsa' ? 'sha1' : fields.type === 'rsa-sha2-256' ? 'sha256' : own;
  let raw: Buffer = sign(used, signed, pairOf(key).privateKey);
  if (key === 'ec-p256') {
    const pair = sign(used, signed, { key: pairOf(key).privateKey, dsaEncoding: 'ieee-p1363' });
    raw = Buffer.concat([pair.subarray(0, 32), pair.subarray(32)].map((half) => sshString((half[0]! & 0x80) === 0 ? half.subarray(half.findIndex((byte) => byte !== 0)) : Buffer.concat([Buffer.of(0), half]))));
  }
  const signature = Buffer.concat([sshString(fields.type ?? type), sshString(raw), signatureTail]);
  return Buffer.concat([Buffer.from(magic), sshUint32(version), sshString(fields.publicKey ?? blobOf(key)), sshString(namespace), sshString(reserved), sshString(hash), sshString(signature), tail]);
}
const armored = (bytes: Buffer): Buffer => Buffer.from(writePem('SSH SIGNATURE', bytes, 70));
const made = (fields: Fields = {}): Buffer => armored(blob(fields));
const allowed = (...lines: string[]): Buffer => Buffer.from(`${lines.join('\n')}\n`);
const spki = (key: KeyAlgorithmName): Buffer => pairOf(key).spki;
const ADA = 'ada@example.com';
const byList = (...lines: string[]) => ({ allowedSigners: allowed(...lines), identity: ADA });

// Each kind of key, by the key alone and by a list.
for (const key of ['ed25519', 'rsa-2048', 'rsa-3072', 'ec-p256'] as const) {
  tables.good(`${key}, by the key that is named`, { file: TEXT, signature: made({ key }), asks: { publicKey: spki(key) } });
  tables.good(`${key}, by a line of its own`, { file: TEXT, signature: made({ key }), asks: { publicKey: Buffer.from(line(key)) } });
  tables.good(`${key}, by a list`, { file: TEXT, signature: made({ key }), asks: byList(`${ADA} ${line(key)}`) }, `trusted: by ${ADA}`);
  tables.good(`${key}, hashed by SHA-256`, { file: TEXT, signature: made({ key, hash: 'sha256' }), asks: { publicKey: spki(key) } });
}
tables.good('RSA with rsa-sha2-256', { file: TEXT, signature: made({ key: 'rsa-2048', type: 'rsa-sha2-256' }), asks: { publicKey: spki('rsa-2048') } });
tables.good('an empty file', { file: '', signature: made({ content: '' }), asks: { publicKey: spki('ed25519') } });
tables.good('of another namespace, which is asked for', { file: TEXT, signature: made({ namespace: 'git' }), asks: { publicKey: spki('ed25519'), namespace: 'git' } });
tables.good('of a namespace with an address in it', { file: TEXT, signature: made({ namespace: 'mail@example.com' }), asks: { publicKey: spki('ed25519'), namespace: 'mail@example.com' } });
for (const [name, options] of Object.entries({
  'a pattern of names': '*@example.com', 'several names': `bob@example.com,${ADA}`, 'a namespace': `${ADA} namespaces="file"`, 'a pattern of namespaces': `${ADA} namespaces="git,fi*"`, 'a time from on': `${ADA} valid-after="20200101Z"`,
  'a time until': `${ADA} valid-before="20990101Z"`, 'both times': `${ADA} valid-after="20200101Z",valid-before="20990101Z"`, 'quotes around the name': `"${ADA}"`,
})) tables.good(`a list with ${name}`, { file: TEXT, signature: made(), asks: byList('# those who may', '', `${options} ${line('ed25519')}`) }, `trusted: by ${ADA}`);
tables.good('a list where another key of the same person stands first', { file: TEXT, signature: made(), asks: byList(`${ADA} ${line('ec-p256')}`, `${ADA} ${line('ed25519')}`) });
tables.good('a list in which a line before is for another namespace', { file: TEXT, signature: made(), asks: byList(`${ADA} namespaces="git" ${line('ed25519')}`, `${ADA} ${line('ed25519')}`) });
tables.good('lines end as on Windows', { file: TEXT, signature: Buffer.from(made().toString().replaceAll('\n', '\r\n')), asks: { publicKey: spki('ed25519') } });
// What the reserved field holds is ignored by who knows version 1 alone, as ssh-keygen does; it is not signed.
tables.good('something in the reserved field', { file: TEXT, signature: made({ reserved: 'later' }), asks: { publicKey: spki('ed25519') } });

if (HAS_SSH_KEYGEN) {
  const keygen = (...args: string[]): void => { execFileSync('ssh-keygen', args, { stdio: 'pipe' }); };
  writeFileSync(at('file'), TEXT);
  for (const name of ['user', 'ca', 'other']) keygen('-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', at(name));
  const pub = (name: string): string => readFileSync(at(`${name}.pub`), 'utf8').trim();
  const signed = (key: string, ...options: string[]): Buffer => {
    rmSync(at('file.sig'), { force: true });
    keygen('-Y', 'sign', '-f', at(key), '-n', 'file', ...options, at('file'));
    return readFileSync(at('file.sig'));
  };
  const certified = (...options: string[]): Buffer => {
    keygen('-q', '-s', at('ca'), '-I', 'Ada', ...options, at('user.pub'));
    return signed('user-cert.pub');
  };
  tables.good('by ssh-keygen', { file: TEXT, signature: signed('user'), asks: byList(`${ADA} ${pub('user')}`) });
  tables.good('by ssh-keygen, with SHA-256', { file: TEXT, signature: signed('user', '-O', 'hashalg=sha256'), asks: byList(`${ADA} ${pub('user')}`) });
  const good = certified('-n', ADA);
  const authority = byList(`*@example.com cert-authority ${pub('ca')}`);
  tables.good('by ssh-keygen, with a certificate', { file: TEXT, signature: good, asks: authority });
  tables.good('by ssh-keygen, with a certificate of several principals and a time', { file: TEXT, signature: certified('-n', `root,${ADA}`, '-V', '20200101Z:20990101Z'), asks: authority });
  tables.good('a certificate that has ended, judged at a time when it had not', { file: TEXT, signature: certified('-n', ADA, '-V', '20200101Z:20210101Z'), asks: { ...authority, at: '2020-06-01T00:00:00Z' } });
  const refused = (name: string, why: string, signature: Buffer, asks: Record<string, string | Buffer> = authority): void => tables.bad(`certificate: ${name}`, `untrusted: ${why}`, { file: TEXT, signature, asks });
  refused('of another authority', 'does not have the key', good, byList(`*@example.com cert-authority ${pub('other')}`));
  refused('whose authority is listed as a key', 'as a key, and not as an authority', good, byList(`*@example.com ${pub('ca')}`));
  refused('whose own key alone is listed', 'does not have the key', good, byList(`${ADA} ${pub('user')}`));
  refused('of somebody else', 'and not of', certified('-n', 'eve@example.com'));
  refused('of nobody whom the list allows', 'names nobody', certified('-n', 'ada@elsewhere.example'));
  refused('without principals', 'names nobody', certified());
  refused('that has ended', 'was valid until', certified('-n', ADA, '-V', '20200101Z:20210101Z'));
  refused('that is not valid yet', 'is valid from', certified('-n', ADA, '-V', '20980101Z:20990101Z'));
  refused('with a condition', 'conditions that cannot be checked', certified('-n', ADA, '-O', 'critical:frobnicate@example.com=1'));
  refused('that asks for a source address', 'conditions that cannot be checked', certified('-n', ADA, '-O', 'source-address=10.0.0.0/8'));
  refused('with a pattern as principal', 'names nobody', certified('-n', '*@example.com,!x'), byList(`eve@example.com cert-authority ${pub('ca')}`));
  refused('of an authority for another namespace', 'and not for file', good, byList(`*@example.com cert-authority,namespaces="git" ${pub('ca')}`));
  const [block] = parsePem(good);
  const swapped = Buffer.from(block!.content);
  swapped[swapped.indexOf(ADA)]! ^= 2;
  tables.bad('certificate: with another principal written in', 'untrusted: certificate’s signature does not fit', { file: TEXT, signature: armored(swapped), asks: authority });
  const nonce = Buffer.from(block!.content);
  nonce[nonce.indexOf('Ada')]! ^= 1;
  tables.bad('certificate: with another key id written in', 'untrusted: certificate’s signature does not fit', { file: TEXT, signature: armored(nonce), asks: authority });
}

const bad = (name: string, says: string, signature: Uint8Array, asks: Record<string, string | Buffer> = { publicKey: spki('ed25519') }, file: string = TEXT): void => tables.bad(name, says, { file, signature, asks });
const NO = 'invalid: signature does not fit this file';
bad('another file', NO, made(), undefined, 'Pay 1000\n');
bad('the file with one space more', NO, made(), undefined, `${TEXT} `);
bad('a namespace that was not asked for', 'invalid: for “git”, and not for “file”', made({ namespace: 'git' }));
bad('the namespace of a mail passed off as the file’s', NO, made({ signedNamespace: 'email', namespace: 'file' }));
bad('the namespace in capitals', 'invalid: for “FILE”', made({ namespace: 'FILE' }));
bad('a namespace with a zero behind', 'invalid: for “file?”', made({ namespace: 'file\0' }));
bad('no namespace', 'INVALID_INPUT: does not say what it is for', made({ namespace: '' }));
bad('signed over a reserved field that is not empty', NO, made({ signedReserved: 'x' }));
bad('SHA-512 written over a signature with SHA-256', NO, made({ signedHash: 'sha256' }));
bad('SHA-256 written over a signature with SHA-512', NO, made({ hash: 'sha256', signedHash: 'sha512', digest: createHash('sha512').update(TEXT).digest() }));
bad('a hash of SHA-1', 'INVALID_INPUT: SHA-256 or SHA-512', made({ hash: 'sha1' }));
bad('the hash in capitals', 'INVALID_INPUT: SHA-256 or SHA-512', made({ hash: 'SHA512' }));
bad('version 2', 'INVALID_INPUT: version 2', made({ version: 2 }));
bad('version 0', 'INVALID_INPUT: version 0', made({ version: 0 }));
bad('another magic', 'INVALID_INPUT: begin with SSHSIG', made({ magic: 'SSHSIX' }));
bad('something behind the signature', 'INVALID_INPUT: follow the end of the SSH signature', made({ tail: Buffer.from('more') }));
bad('something behind the inner signature', 'INVALID_INPUT: follow the end of the signature', made({ signatureTail: Buffer.from('more') }));
bad('of the digest alone, without the preamble', NO, made({ signed: createHash('sha512').update(TEXT).digest() }));
bad('of the file itself', NO, made({ signed: Buffer.from(TEXT) }));
bad('RSA with SHA-1 (ssh-rsa)', NO, made({ key: 'rsa-2048', type: 'ssh-rsa' }), { publicKey: spki('rsa-2048') });
bad('a type of signature that is not the key’s', NO, made({ type: 'rsa-sha2-512' }));
bad('another person’s key written in', NO, made({ publicKey: blobOf('ec-p256') }));
bad('by another key than the one that is named', 'invalid: another key than the one that you named', made(), { publicKey: spki('ec-p256') });
bad('by a key that nobody names', 'untrusted: not held here', made(), {});
bad('by a key that the list does not have', 'untrusted: does not have the key', made(), byList(`${ADA} ${line('ec-p256')}`));
bad('by a key that the list gives to somebody else', 'untrusted: gives this key to eve@example.com', made(), byList(`eve@example.com ${line('ed25519')}`));
bad('by a name that the list takes out', 'untrusted: gives this key to', made(), byList(`*@example.com,!${ADA} ${line('ed25519')}`));
bad('by a key that the list allows for git alone', 'untrusted: allows this key for git', made(), byList(`${ADA} namespaces="git" ${line('ed25519')}`));
bad('by a key that the list allows no more', 'untrusted: allows this key until 2021', made(), byList(`${ADA} valid-before="20210101Z" ${line('ed25519')}`));
bad('by a key that the list does not allow yet', 'untrusted: allows this key from 2098', made(), byList(`${ADA} valid-after="20980101Z" ${line('ed25519')}`));
bad('by a key that the list has as an authority', 'untrusted: as an authority, which does not sign', made(), byList(`${ADA} cert-authority ${line('ed25519')}`));
bad('a list with an option that is not known', 'INVALID_INPUT: sudo', made(), byList(`${ADA} sudo ${line('ed25519')}`));
bad('a list whose line names two types', 'INVALID_INPUT: differ', made(), byList(`${ADA} ssh-rsa ${line('ed25519').split(' ')[1]}`));
bad('an empty list', 'untrusted: does not have the key', made(), byList('# nobody'));
for (const [name, offset, says] of [['the key’s type', 20, 'CAPABILITY_MISSING: ssx-ed25519'], ['the public key', 40, NO], ['the signature', blob().length - 10, NO], ['the public key’s length', 10, 'INVALID_INPUT: claims 268435507 bytes']] as const) {
  const changed = blob();
  changed[offset]! ^= 0x10;
  bad(`one bit of ${name}`, says, armored(changed));
}
bad('cut off in the middle', 'INVALID_INPUT: claims 83 bytes, but 9 remain', armored(blob().subarray(0, 100)));
bad('in the armour of something else', NO, Buffer.from(made().toString().replaceAll('SSH SIGNATURE', 'SSH MESSAGE')));
const inner = new SshReader(blob().subarray(10)).string('');
bad('the key and no signature', 'INVALID_INPUT: ends where the namespace should be', armored(Buffer.concat([Buffer.from('SSHSIG'), sshUint32(1), sshString(inner)])));

judgeFamily('sshsig', tables);
