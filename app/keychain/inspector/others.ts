import { ArmorSource } from '../../encryption/age/armor.ts';
import { readHeader } from '../../encryption/age/header.ts';
import { MemorySource } from '../../encryption/source.ts';
import { readCbor, CborTag } from '../../formats/cbor.ts';
import { DerReader, contextTag } from '../../formats/der.ts';
import { jweHeader } from '../../formats/jwe.ts';
import { parseJson } from '../../formats/json.ts';
import { minisignKeyName, minisignLines, parseMinisignBlock } from '../../formats/minisign.ts';
import { SshReader } from '../../formats/ssh-wire.ts';
import { malformed } from '../../formats/malformed.ts';
import { readJws } from '../../signing/jws-read.ts';
import { readSshKey } from '../../signing/ssh-signature.ts';
import type { Fact, Tree } from './tree.ts';

/** Signatures, messages and handles that hold no private key. */

const text = (content: Uint8Array): string => Buffer.from(content.buffer, content.byteOffset, content.length).toString('latin1').trim();

export function describeJws(detail: string, content: Uint8Array, parent: number | null, tree: Tree): void {
  const { payload, signatures } = readJws(content);
  let claims: Record<string, unknown> | undefined;
  try {
    const parsed = payload === null ? undefined : parseJson(payload.content);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) claims = parsed as Record<string, unknown>;
  } catch { /* a payload may be anything */ }
  const time = (name: string): string | undefined => (typeof claims?.[name] === 'number' && Math.abs(claims[name]) < 8.64e12 ? new Date(1000 * claims[name]).toISOString() : undefined);
  const word = (name: string): string | undefined => (['string', 'number'].includes(typeof claims?.[name]) ? String(claims?.[name]) : undefined);
  const isJwt = claims !== undefined && ['iss', 'sub', 'exp', 'iat', 'aud'].some((name) => name in (claims ?? {}));
  const expired = typeof claims?.['exp'] === 'number' && 1000 * claims['exp'] < Date.now();
  const root = tree.add(parent, { kind: isJwt ? 'jwt' : 'jws', title: word('sub') ?? word('iss') ?? `${signatures.length} signatures`, detail: isJwt ? 'A JSON Web Token: claims that somebody has signed. Anybody can read them.' : detail, actions: ['files.verify'],
    facts: [['Issuer', word('iss')], ['Subject', word('sub')], ['Audience', word('aud')], ['Issued', time('iat')], ['Expires', time('exp')], ['Payload', payload === null ? 'not in it' : `${payload.content.length} bytes`]],
    findings: expired ? [{ level: 'odd', code: 'expired', detail: `It expired on ${time('exp') ?? 'a day long past'}.`, remedy: 'Ask who issued it for a new one: a token cannot be prolonged.' }] : [] });
  for (const { alg, problem } of signatures) tree.add(root, { kind: 'signer', title: alg || 'no algorithm', detail: 'A signature; whether it fits is told by files verify.', facts: [['Algorithm', alg]], findings: problem === null ? [] : [{ level: 'broken', code: 'proves-nothing', detail: problem, remedy: 'Rely on nothing that it says, and ask for one that is signed.' }] });
}

export function describeJwe(detail: string, content: Uint8Array, parent: number | null, tree: Tree): void {
  if (text(content).startsWith('{')) {
    tree.add(parent, { kind: 'jwe', title: 'JSON form', detail, actions: ['files.decrypt'] });
    return;
  }
  const { alg, enc, kid } = jweHeader(text(content));
  tree.add(parent, { kind: 'jwe', title: kid ?? alg, detail, facts: [['Key encryption', alg], ['Content encryption', enc], ['Key', kid ?? undefined]], findings: alg === 'RSA1_5' ? [{ level: 'weak', code: 'rsa-pkcs1', detail: 'RSA1_5 leaks to who can try often (Bleichenbacher 1998).', remedy: 'Ask for RSA-OAEP-256.' }] : [], actions: ['files.decrypt'] });
}

export function describeSshsig(detail: string, blob: Uint8Array, parent: number | null, where: string | null, tree: Tree): void {
  if (text(blob.subarray(0, 6)) !== 'SSHSIG') throw malformed('An SSH signature begins with SSHSIG.', 0);
  const reader = new SshReader(blob.subarray(6), 6);
  const version = reader.uint32('the version');
  const key = reader.string('the public key');
  const namespace = reader.text('the namespace', 'utf8');
  reader.string('the reserved field');
  const hash = reader.text('the hash');
  const isCertificate = text(key.subarray(4, 44)).includes('-cert-v0');
  tree.add(parent, { kind: 'sshsig', title: `namespace ${namespace}`, detail, where, ...(isCertificate ? {} : { spki: readSshKey(key).spki }), facts: [['Version', String(version)], ['Namespace', namespace], ['Hash', hash], ['Signer', isCertificate ? 'an OpenSSH certificate' : undefined]], actions: ['files.verify'] });
}

/** Files of minisign and signify that are no secret keys: a public key has 32 bytes, a signature 64. */
export function describeMinisign(content: Uint8Array, parent: number | null, tree: Tree, publicKey: () => void): void {
  const lines = minisignLines(content);
  if (lines.length === 1) return publicKey();
  if (Buffer.from(lines[1] ?? '', 'base64').length === 42) return publicKey();
  const { algorithm, keyId, comment } = parseMinisignBlock(lines, 64);
  const trusted = lines[2]?.startsWith('trusted comment: ') === true ? lines[2].slice(17) : undefined;
  const kind = trusted === undefined ? 'signify' : 'minisign';
  tree.add(parent, { kind, title: comment, detail: `A signature of ${kind}.`, facts: [['Key', minisignKeyName(keyId)], ['Algorithm', algorithm === 'ED' ? 'Ed25519 over BLAKE2b-512' : 'Ed25519'], ['Trusted comment', trusted]], actions: ['files.verify'] });
}

const COSE_TYPES: Readonly<Record<string, string>> = { 16: 'COSE_Encrypt0: encrypted', 17: 'COSE_Mac0: authenticated', 18: 'COSE_Sign1: signed by one', 96: 'COSE_Encrypt: encrypted to several', 97: 'COSE_Mac: authenticated for several', 98: 'COSE_Sign: signed by several' };
export function describeCose(content: Uint8Array, parent: number | null, tree: Tree): void {
  const item = readCbor(content);
  const [tag, value] = item instanceof CborTag ? [item.tag, item.value] : [null, item];
  if (!Array.isArray(value)) throw malformed('This is no COSE message.', 0);
  const name = tag === null ? 'without the tag that says of which kind' : (COSE_TYPES[String(tag)] ?? `tag ${tag}`);
  const [, , payload] = value as unknown[];
  tree.add(parent, { kind: 'cose', title: tag === null ? 'COSE' : (name.split(':', 1)[0] as string), detail: `A message of COSE, ${name}.`, facts: [['Content', payload instanceof Uint8Array ? `${payload.length} bytes` : 'not in it']], actions: tag === null || tag === 18n || tag === 98n ? ['files.verify'] : [] });
}

export async function describeAge(content: Uint8Array, parent: number | null, tree: Tree): Promise<void> {
  const isArmored = content[0] === 0x2d || text(content.subarray(0, 64)).startsWith('-----');
  const source = isArmored ? new ArmorSource(new MemorySource(content)) : new MemorySource(content);
  const { stanzas } = await readHeader(source);
  let payload = 0; // its armour is checked by reading it to the end
  for (let piece = await source.read(65_536); piece.length > 0; piece = await source.read(65_536)) payload += piece.length;
  if (payload < 32) throw malformed(`After its header the file has ${payload} bytes; a nonce and a tag take 32.`, content.length - payload);
  const types = stanzas.map(({ type }) => type).slice(0, 50);
  const scrypt = types.includes('scrypt');
  if (scrypt && types.length > 1) throw malformed('A passphrase must be the only recipient of an age file.', 0);
  const facts: Fact[] = [['Recipients', types.join(', ')], ['Armoured', isArmored ? 'yes' : 'no']];
  tree.add(parent, { kind: 'age', title: `${stanzas.length} ${stanzas.length === 1 ? 'recipient' : 'recipients'}`, detail: scrypt ? 'A file encrypted with age for a passphrase.' : 'A file encrypted with age for keys.', facts, actions: ['files.decrypt'] });
}

/** TPMKey of the TSS2 private key form: type, what it asks for, its parent and its public area. */
export function describeTss2(content: Uint8Array, parent: number | null, where: string | null, tree: Tree): void {
  const reader = new DerReader(content).enter('the TPM key');
  const type = reader.oid('the type');
  const types: Readonly<Record<string, string>> = { '2.23.133.10.1.3': 'a key to load', '2.23.133.10.1.4': 'a key to import', '2.23.133.10.1.5': 'sealed data' };
  const facts: Fact[] = [['Type', types[type] ?? type]];
  let noAuth = false;
  for (const number of [0, 1, 2, 3, 4]) {
    const element = reader.optional('a part', contextTag(number));
    if (element === undefined) continue;
    if (number === 0) noAuth = reader.bytes[element.to - 1] !== 0;
    if (number === 1) facts.push(['Policy', 'yes: it is used under conditions alone']);
    if (number === 4) facts.push(['Description', Buffer.from(reader.content(element)).subarray(2).toString('utf8')]);
  }
  const parentHandle = reader.next('the parent');
  facts.push(['Parent', `0x${Buffer.from(reader.content(parentHandle)).subarray(-4).toString('hex')}`], ['Password', noAuth ? 'none' : 'needed']);
  const area = reader.octets('the public area');
  const algorithm = area.length >= 4 ? Buffer.from(area).readUInt16BE(2) : 0;
  facts.push(['Algorithm', ({ 1: 'RSA', 0x23: 'EC', 8: 'keyed hash', 0x25: 'symmetric cipher' } as Record<number, string>)[algorithm] ?? `0x${algorithm.toString(16)}`]);
  tree.add(parent, { kind: 'tss2', title: types[type] ?? 'a key of a TPM', detail: 'A key of a TPM (TSS2 private key): only the TPM that made it can use it.', where, facts, actions: ['keys.import'] });
}
