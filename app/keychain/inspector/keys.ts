import { KeywrightError, type SecretBytes } from '../../contract/index.ts';
import { publicOfPkcs8, readContents, readPublicKey } from '../../formats/index.ts';
import { parseJson } from '../../formats/json.ts';
import { isPrivateJwk, type Jwk } from '../../formats/jwk.ts';
import { readJwks } from '../../formats/read-keys.ts';
import { parseSshLine } from '../../formats/openssh-public.ts';
import { buildSpki } from '../../formats/spki.ts';
import { readSshCertificate, sshCertificateBlob, sshCertificateId } from '../../signing/ssh-certificate.ts';
import { readSshKey } from '../../signing/ssh-signature.ts';
import { problemsOfSsh, sshInWords } from '../../signing/ssh-certificate-words.ts';
import { describeCertificate, describeCrl } from './certificates.ts';
import type { Finding } from './finding.ts';
import { describeJavaStore } from './java-stores.ts';
import { protectedAs, protectionOf } from './protection.ts';
import type { Tree } from './tree.ts';

const MAX_LINES = 500;

/** Files of keys: private ones are told by their public part, and nothing secret is kept. */
export async function describeKeyFile(kind: string, detail: string, content: Uint8Array, parent: number | null, where: string | null, tree: Tree, passphrase: (() => Promise<SecretBytes>) | undefined, signal: AbortSignal): Promise<void> {
  const protection = protectionOf(kind, content);
  const root = tree.add(parent, { kind, title: detail.replace(/\.$/, ''), detail, where, facts: protection.facts, findings: protection.findings, actions: ['keys.import', 'files.inspect', 'files.convert'] });
  const told = (kind === 'jks' || kind === 'bks') && describeJavaStore(kind, content, root, tree);
  let locked = false;
  try {
    const { keys, certificates, crls, notes } = await readContents(content, { signal, spending: tree.spending, want: 'anything', passphrase: async () => {
      if (passphrase === undefined) throw new KeywrightError('PIN_REQUIRED', 'locked');
      return passphrase();
    } });
    for (const { material, label, wasEncrypted } of keys) {
      using secret = material.secret;
      const spki = /^(?:aes|hmac|chacha)/.test(material.algorithm) ? undefined : publicOfPkcs8(secret.reveal());
      tree.add(root, { kind: spki === undefined ? 'secret-key' : 'private-key', title: label ?? material.algorithm, detail: spki === undefined ? `A secret key for ${material.algorithm}.` : `A private key: ${material.algorithm}.`, facts: [['Algorithm', material.algorithm], ['Protected by a passphrase', wasEncrypted ? 'yes' : 'no']], actions: ['keys.import'], ...(spki === undefined ? {} : { spki }),
        findings: wasEncrypted ? [] : [{ level: 'odd', code: 'not-encrypted', detail: 'Nothing protects this key: whoever has the file has it.', remedy: 'Write it anew with a passphrase, or import it; then delete this file.', mend: [...protectedAs(kind, content), { kind: 'import' }] }] });
    }
    if (!told) for (const { der } of certificates) await tree.attempt(null, () => describeCertificate(der, root, null, tree));
    for (const der of crls) await tree.attempt(null, () => describeCrl(der, root, null, tree));
    for (const note of notes) tree.add(root, { kind: 'note', title: 'Not read', detail: note });
  } catch (thrown) {
    if (!(thrown instanceof KeywrightError) || thrown.code !== 'PIN_REQUIRED' || passphrase !== undefined) throw thrown;
    locked = true;
  }
  const item = tree.items[root];
  if (locked && item !== undefined) tree.items[root] = { ...item, locked: true, detail: `${item.detail} A passphrase shows what is in it.` };
}

export function describePublicKey(kind: string, detail: string, content: Uint8Array, parent: number | null, where: string | null, tree: Tree, name?: unknown): void {
  const { spki, algorithm } = readPublicKey(content);
  tree.add(parent, { kind, title: typeof name === 'string' && name !== '' ? name : algorithm, detail, where, spki, facts: [['Algorithm', algorithm]], actions: ['files.verify', 'keys.verify', 'files.encrypt', 'files.convert'] });
}

/** A JWK or a set of them: public and private keys, each with its certificates. */
export async function describeJwks(kind: string, detail: string, content: Uint8Array, parent: number | null, where: string | null, tree: Tree): Promise<void> {
  const json = parseJson(content);
  const listed: unknown = Array.isArray(json) ? json : (json as { keys?: unknown }).keys;
  const members: readonly unknown[] = Array.isArray(listed) ? listed.slice(0, MAX_LINES) : [json];
  const root = Array.isArray(listed) ? tree.add(parent, { kind, title: `${listed.length} ${listed.length === 1 ? 'key' : 'keys'}`, detail, where, actions: ['files.convert'] }) : parent;
  for (const [index, member] of members.entries()) {
    const place = Array.isArray(listed) ? `${Array.isArray(json) ? '' : '/keys'}/${index}` : where;
    await tree.attempt(place, async () => {
      const before = tree.items.length;
      // As a file of its own, so that one that is damaged keeps nothing from the others.
      const own = Buffer.from(JSON.stringify(member));
      if (typeof member === 'object' && member !== null && isPrivateJwk(member as Jwk)) return describeKeyFile('jwk', 'A private or secret key as JWK.', own, root, place, tree, undefined, new AbortController().signal);
      const { certificates } = await readJwks(JSON.parse(own.toString('utf8')), undefined);
      describePublicKey('jwk', 'A public key as JWK.', own, root, place, tree, (member as Jwk)['kid']);
      for (const { der } of certificates) await tree.attempt(`${place ?? ''}/x5c`, () => describeCertificate(der, before, null, tree));
    });
  }
}

/** authorized_keys, known_hosts, .pub files and certificates: a line each. */
export async function describeSshLines(kind: string, detail: string, content: Uint8Array, parent: number | null, where: string | null, tree: Tree): Promise<void> {
  const lines = Buffer.from(content).toString('utf8').split(/\r?\n/).map((text, index) => ({ text: text.trim(), number: index + 1 })).filter(({ text }) => text !== '' && !text.startsWith('#'));
  const root = lines.length === 1 ? parent : tree.add(parent, { kind, title: `${lines.length} lines`, detail, where });
  for (const { text, number } of lines.slice(0, MAX_LINES)) {
    await tree.attempt(`line ${number}`, async () => {
      const [, before = '', line = text] = /^(.*?)((?:ssh-|ecdsa-|sk-)\S+ +AAAA.*)$/.exec(text) ?? [];
      const comment = line.split(/[ \t]+/).slice(2).join(' ');
      if (/^\S+-cert-v0[01]@openssh\.com /.test(line)) return describeSshCertificate(line, comment, root, number, tree);
      const known = kind === 'known-hosts';
      if (line.startsWith('sk-')) return describeSecurityKey(line, comment, before.trim(), root, number, tree);
      const { parts } = parseSshLine(line);
      tree.add(root, { kind: 'openssh-public', title: comment || before.trim() || parts.algorithm, detail: known ? 'The key of a server.' : 'A public key of OpenSSH.', where: `line ${number}`, spki: buildSpki(parts), facts: [['Algorithm', parts.algorithm], [known ? 'Hosts' : 'Options', before.trim()], ['Comment', comment]], actions: ['files.verify', 'files.encrypt', 'certificates.issue', 'files.convert'] });
    });
  }
}

function describeSecurityKey(line: string, comment: string, before: string, root: number | null, number: number, tree: Tree): void {
  const key = readSshKey(Buffer.from(line.split(/[ \t]+/)[1] ?? '', 'base64'));
  tree.add(root, { kind: 'openssh-public', title: comment || before || 'security key', detail: 'A public key of OpenSSH; its private part is in a security key (FIDO).', where: `line ${number}`, spki: key.spki, facts: [['Type', line.split(/[ \t]+/, 1)[0]], ['Application', key.kind === 'security-key' ? key.application : undefined], ['Options', before], ['Comment', comment]], actions: ['files.verify', 'certificates.issue'] });
}

async function describeSshCertificate(line: string, comment: string, root: number | null, number: number, tree: Tree): Promise<void> {
  const { blob } = sshCertificateBlob(Buffer.from(line));
  const certificate = await readSshCertificate(blob);
  const { key, keyId, isUser, notBefore, notAfter } = certificate;
  const { fields, extensions } = sshInWords(certificate, blob, comment);
  const now = new Date();
  const again = 'Ask the authority for a new one, or issue it: keywright certificates issue --profile ssh-user.';
  const ended: Finding[] = notAfter !== null && notAfter <= now ? [{ level: 'odd', code: 'expired', detail: `It ended on ${notAfter.toISOString()}.`, remedy: again, mend: [{ kind: 'renew' }] }] : notBefore !== null && notBefore > now ? [{ level: 'odd', code: 'not-yet-valid', detail: `It begins on ${notBefore.toISOString()}.`, remedy: 'Wait until then, or see to the clock of this computer.' }] : [];
  const at = tree.add(root, {
    kind: 'openssh-certificate', title: keyId || comment, detail: `An OpenSSH certificate for a ${isUser ? 'user' : 'host'}.`, where: `line ${number}`, spki: key.spki, certificate: sshCertificateId(blob), actions: ['certificates.import', 'files.verify', 'files.convert'],
    facts: [...fields.filter(({ name }) => name !== 'Public key SHA-256').map(({ name, value }) => [name, value] as const), ['Comment', comment]],
    findings: [...problemsOfSsh(certificate).map((detail): Finding => (certificate.genuine ? { level: 'odd', code: 'openssh-certificate', detail, remedy: again, mend: [{ kind: 'renew' }] } : { level: 'broken', code: 'signature', detail, remedy: again })), ...ended],
  });
  for (const { name, critical, lines } of extensions) tree.add(at, { kind: 'extension', title: name, detail: lines.join(' ') || 'An option that is not known here.', facts: [['Critical', critical ? 'yes' : 'no']] });
}
