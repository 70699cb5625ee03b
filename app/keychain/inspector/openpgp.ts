import { openpgpKeys, type OpenpgpKeyFacts } from '../../formats/openpgp-keys.ts';
import { algorithmName, outlineKey, outlineSignature } from '../../formats/openpgp-outline.ts';
import { openArmors, type Packet, PacketReader, readPackets } from '../../formats/openpgp-packets.ts';
import type { Fact, Tree } from './tree.ts';
import type { Finding } from './finding.ts';

/** Keys, signatures and messages of OpenPGP (RFC 9580). */

const KEYS: ReadonlySet<number> = new Set([5, 6, 7, 14]);
const PRIVATE = 'A private key of OpenPGP. Keywright does not keep it: GnuPG does.';

export async function describeOpenpgp(detail: string, content: Uint8Array, parent: number | null, tree: Tree): Promise<void> {
  const start = Buffer.from(content.buffer, content.byteOffset, Math.min(content.length, 64 * 1024)).toString('latin1');
  const label = /-----BEGIN PGP ([A-Z ]+)-----/.exec(start)?.[1] ?? '';
  const root = label === 'SIGNED MESSAGE' ? tree.add(parent, { kind: 'openpgp', title: 'pgp signed message', detail, actions: ['files.verify'] }) : parent;
  const blocks = openArmors(content);
  for (const [index, block] of blocks.entries()) {
    await tree.attempt(blocks.length === 1 ? null : `block ${index + 1}`, async () => {
      if (label === 'ARMORED FILE' && ((block[0] ?? 0) & 0x80) === 0) return void tree.add(root, { kind: 'openpgp', title: 'pgp armored file', detail: `${block.length} bytes in the armour of OpenPGP (gpg --enarmor), that are none of its own.` });
      const keys = label === '' || label.endsWith('KEY BLOCK') ? await openpgpKeys(block) : undefined;
      if (keys !== undefined && keys.length > 0) describeKeys(keys, root, tree);
      else describePackets(detail, label, readPackets(block), root, tree);
    });
  }
}

function describeKeys(keys: readonly OpenpgpKeyFacts[], parent: number | null, tree: Tree): void {
  for (const { isPrivate, fingerprint, algorithm, rsaBits, created, expires, userIds, subkeys } of keys) {
    const findings: Finding[] = rsaBits === null ? [] : shortRsa(rsaBits);
    if (expires !== null && expires < new Date()) findings.push({ level: 'odd', code: 'expired', detail: 'It has expired.', remedy: 'Ask for a newer copy: its owner may have prolonged it.' });
    const root = tree.add(parent, { kind: kindOf(isPrivate), title: userIds[0] ?? fingerprint, detail: isPrivate ? PRIVATE : 'A public key of OpenPGP.', findings, actions: ['files.verify'],
      facts: [['Fingerprint', fingerprint], ['Algorithm', algorithm], ['Made', created.toISOString()], ['Expires', expires === null ? 'never, or it does not say' : expires.toISOString()], ['User ids', userIds.join('; ')]] });
    for (const sub of subkeys) tree.add(root, { kind: 'openpgp-subkey', title: sub.id, detail: 'A subkey.', facts: [['Algorithm', sub.algorithm], ['Made', sub.created.toISOString()]] });
  }
}

/** The bytes of private ones are shown to nobody who does not ask for them. */
const kindOf = (isPrivate: boolean): string => (isPrivate ? 'openpgp-private-key' : 'openpgp-key');

const shortRsa = (bits: number): Finding[] => (bits < 2048 ? [{ level: 'weak', code: 'rsa-short', detail: `An RSA key of ${bits} bits; 2048 is the least.`, remedy: 'Ask for a new key.' }] : []);

/** What openpgp.js does not read, packet by packet: old and new versions, foreign algorithms, messages, lone signatures. */
function describePackets(detail: string, label: string, packets: readonly Packet[], parent: number | null, tree: Tree): void {
  if (packets.some(({ tag }) => KEYS.has(tag))) return outlinedKeys(packets, parent, tree);
  const tags = new Set(packets.map(({ tag }) => tag));
  const has = (...some: readonly number[]): boolean => some.some((tag) => tags.has(tag));
  if (has(1, 3, 9, 18, 20)) return encrypted(detail, packets, parent, tree);
  if (packets.length > 0 && packets.every(({ tag }) => tag === 2)) return packets.forEach(({ body }) => signature(body, parent, tree));
  const signed = has(2, 4);
  const title = label === '' ? 'OpenPGP' : `pgp ${label.toLowerCase()}`;
  const what = signed ? 'A message of OpenPGP that holds what was signed. Verify it with `keywright files verify`.' : has(8) ? 'A compressed message of OpenPGP; what is in it may be signed.' : has(11) ? 'A message of OpenPGP that is neither encrypted nor signed.' : detail;
  const root = tree.add(parent, { kind: 'openpgp', title, detail: what, actions: signed || has(8) ? ['files.verify'] : [] });
  for (const { tag, body } of packets) if (tag === 2) signature(body, root, tree);
}

function outlinedKeys(packets: readonly Packet[], parent: number | null, tree: Tree): void {
  let owner = parent;
  for (const [at, packet] of packets.entries()) {
    if (!KEYS.has(packet.tag)) continue;
    const { isPrivate, isSubkey, version, created, algorithm, bits, fingerprint } = outlineKey(packet);
    const end = packets.findIndex(({ tag }, index) => index > at && KEYS.has(tag));
    const own = packets.slice(at + 1, end < 0 ? undefined : end);
    const names = own.filter(({ tag }) => tag === 13).map(({ body }) => Buffer.from(body).toString('utf8'));
    const facts: Fact[] = [['Fingerprint', fingerprint ?? undefined], ['Version', String(version)], ['Algorithm', bits === null ? algorithm : `${algorithm} ${bits}`], ['Made', created.toISOString()], ['User ids', names.join('; ')]];
    const findings: Finding[] = bits !== null && algorithm.startsWith('RSA') ? shortRsa(bits) : [];
    if (version <= 3) findings.push({ level: 'broken', code: 'openpgp-v3', detail: `Keys of version ${version} are told apart by MD5, so that others can be made that look the same (RFC 9580 §5.5.2.1).`, remedy: 'Ask for a new key.' });
    const item = { title: names[0] ?? fingerprint ?? algorithm, facts, findings };
    if (isSubkey) tree.add(owner, { kind: 'openpgp-subkey', detail: 'A subkey.', ...item });
    else owner = tree.add(parent, { kind: kindOf(isPrivate), detail: `${isPrivate ? PRIVATE : 'A public key of OpenPGP.'} Keywright shows it and cannot use it: its version or algorithm is not handled.`, ...item });
  }
}

/** RFC 9580 §5.2.1. */
const TYPES: Readonly<Record<number, string>> = {
  0: 'a file', 1: 'a text', 2: 'nothing but itself', 0x18: 'a subkey', 0x19: 'a key, by its subkey', 0x1f: 'a key', 0x20: 'a key, which it revokes', 0x28: 'a subkey, which it revokes', 0x30: 'a name, which it takes back', 0x40: 'a time', 0x50: 'another signature',
};

function signature(body: Uint8Array, parent: number | null, tree: Tree): void {
  const { version, type, algorithm, hash, created, issuer } = outlineSignature(body);
  const of = TYPES[type] ?? (type >= 0x10 && type <= 0x13 ? 'a name' : `the type ${type}`);
  const revokes = type === 0x20 || type === 0x28;
  const weak: Finding[] = ['MD5', 'SHA-1', 'RIPEMD-160'].includes(hash) ? [{ level: 'weak', code: 'old-hash', detail: `It hashes with ${hash}: two files with one signature can be made.`, remedy: 'Ask for a signature with SHA-256 or better.' }] : [];
  tree.add(parent, { kind: revokes ? 'openpgp-revocation' : 'openpgp-signature', title: issuer ?? algorithm, findings: weak, actions: type <= 1 ? ['files.verify'] : [],
    detail: revokes ? 'A revocation certificate of OpenPGP: imported where the key is known, it takes the key back for good.' : `A signature of OpenPGP, of ${of}; whether it fits is told by files verify.`,
    facts: [['Version', String(version)], ['Of', of], ['By the key', issuer ?? undefined], ['Made', created?.toISOString()], ['Algorithm', algorithm], ['Hash', hash]] });
}

function encrypted(detail: string, packets: readonly Packet[], parent: number | null, tree: Tree): void {
  const keys = packets.filter(({ tag }) => tag === 1).map(({ body }) => recipient(body));
  const words = packets.filter(({ tag }) => tag === 3).length;
  const content = packets.find(({ tag }) => tag === 9 || tag === 18 || tag === 20);
  const findings: Finding[] = content?.tag === 9 ? [{ level: 'broken', code: 'no-integrity', detail: 'Nothing protects what is encrypted against changes (EFAIL, 2018).', remedy: 'Ask for it anew, from a program of today.' }] : [];
  const protection = content === undefined ? undefined : content.tag === 9 ? 'none' : content.tag === 20 ? 'AEAD of LibrePGP' : content.body[0] === 2 ? 'AEAD (version 2)' : 'SHA-1 within (version 1)';
  tree.add(parent, { kind: 'openpgp', title: `${keys.length + words} ${keys.length + words === 1 ? 'recipient' : 'recipients'}`, findings, actions: ['files.decrypt'],
    detail: words > 0 && keys.length === 0 ? 'A message of OpenPGP, encrypted for a passphrase.' : keys.length === 0 ? detail : 'A message of OpenPGP, encrypted for keys.',
    facts: [['Recipients', [...keys, ...(words > 0 ? [`${words === 1 ? 'a passphrase' : `${words} passphrases`}`] : [])].join(', ')], ['Integrity', protection]] });
}

/** RFC 9580 §5.1. @returns the key, by its identifier, and the algorithm */
function recipient(body: Uint8Array): string {
  const reader = new PacketReader(body);
  if (reader.number(1, 'the version') === 6) {
    const print = Buffer.from(reader.take(reader.number(1, 'the recipient'), 'the recipient')).subarray(1).toString('hex').toUpperCase();
    return `${print === '' ? 'somebody who is not named' : print} (${algorithmName(reader.number(1, 'the algorithm'))})`;
  }
  const id = Buffer.from(reader.take(8, 'the recipient')).toString('hex').toUpperCase();
  return `${/^0+$/.test(id) ? 'somebody who is not named' : id} (${algorithmName(reader.number(1, 'the algorithm'))})`;
}
