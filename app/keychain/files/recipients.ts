import { KEY_ALGORITHMS, because, KeywrightError, type FileIn, type SecretBytes, type Told } from '../../contract/index.ts';
import type { z } from 'zod';
import { type Certificate, readCertificates } from '../../certificates/index.ts';
import { ageRecipientNamed } from '../../encryption/age/index.ts';
import { openpgpRecipients } from '../../encryption/openpgp/keys.ts';
import type { Party } from '../../encryption/parties.ts';
import { isOpenpgpKey } from '../../signing/openpgp/keys.ts';
import { algorithmOfSpki, readPublicKey } from '../../formats/index.ts';
import { assertCapable } from '../capabilities.ts';
import type { Context } from '../context.ts';
import { facet, publicKeyOf, refOf } from '../handlers/key-records.ts';
import { primary, type StoredKey } from '../inventory.ts';
import { bytesOf } from './places.ts';

/** Who shall be able to open a file, from what a caller names. */

const MOST_LIST = 4 * 1024 * 1024;

export interface Named {
  readonly recipients: readonly string[];
  readonly recipientFiles: readonly z.output<typeof FileIn>[];
  readonly toPassphrase: boolean;
}

/** @param passphrase gives it when it is a recipient, by wish or since nobody else is; wiped after each use. @throws NOT_FOUND, INVALID_INPUT, CAPABILITY_MISSING for a key that could not decrypt */
export async function partiesFor({ recipients, recipientFiles, toPassphrase }: Named, context: Context, passphrase: () => Promise<SecretBytes>): Promise<Party[]> {
  const found: Party[] = [];
  for (const [index, text] of recipients.entries()) found.push(await partyFor(text, `/recipients/${index}`, context));
  for (const file of recipientFiles) found.push(...(await listed(file, context)));
  return !toPassphrase && found.length > 0 ? found : [...found, { kind: 'passphrase', name: 'a passphrase', ask: passphrase }];
}

async function partyFor(text: string, where: string, context: Context): Promise<Party> {
  const known = outsider(text);
  if (known !== undefined) return known;
  const { inventory, certificates } = context.session;
  if (!inventory.knows(text)) {
    const held = certificateNamed(text, context);
    if (held !== undefined) return certificateParty(await certificates.read(held), text);
  }
  const key = inventory.resolve(text);
  context.subject(key.uri);
  refuseIfItCannotOpen(key, where);
  if (KEY_ALGORITHMS[key.algorithm].kind === 'symmetric') return secretParty(key, context);
  return { kind: 'key', name: key.label, spki: await publicKeyOf(key, context), algorithm: key.algorithm, created: new Date(primary(key).createdAt) };
}

/** A symmetric key wraps the file's key where it is. */
async function secretParty(key: StoredKey, context: Context): Promise<Party> {
  assertCapable(key, 'wrap');
  const store = await context.session.backends.storeOf(key);
  const wrapper = facet(store.wrapper, store, 'wrap keys');
  return { kind: 'secret', name: key.label, algorithm: key.algorithm, id: key.id, wrap: (material) => wrapper.wrap({ ...refOf(key), purpose: 'encrypt a file' }, 'aes-kw', material, context.keyCall) };
}

/** @returns somebody named by a public key; undefined when it is none. */
function outsider(text: string): Party | undefined {
  const recipient = ageRecipientNamed(text);
  if (recipient !== undefined) return { kind: 'age', name: text, recipient };
  return /^(?:ssh|ecdsa)-[\w@.-]+ /.test(text) ? { kind: 'key', name: text.split(' ').slice(0, 2).join(' '), ...readPublicKey(Buffer.from(text)) } : undefined;
}

/** What is encrypted for a key of one's own shall be readable again. @throws CAPABILITY_MISSING */
function refuseIfItCannotOpen(key: StoredKey, where: string): void {
  const why = whyItOpensNothing(key);
  if (why !== null) throw new KeywrightError('CAPABILITY_MISSING', { remedy: 'Choose an X25519, P-256, RSA or (in software) Ed25519 key.', ...why, where, alternatives: ['x25519', 'ec-p256', 'rsa-3072', 'ed25519'] });
}

/** @returns why a key held here could not open what is encrypted for it, whatever the format; null when it could. */
export function whyItOpensNothing(key: StoredKey): Told | null {
  const { label, algorithm, usages, extractable, hardware, trashedUntil } = key;
  const needs = (use: 'decrypt' | 'agree' | 'wrap', words: string): Told | null => (usages.includes(use) ? null : because('key.not-made-to', { key: label, use: words }));
  if (trashedUntil !== null) return because('key.in-trash', { key: label });
  if (algorithm === 'ed25519') return hardware !== null ? because('recipient.token-ed25519', {}) : extractable ? null : because('recipient.not-extractable', { key: label });
  switch (KEY_ALGORITHMS[algorithm].family) {
    case 'rsa': return needs('decrypt', 'decrypt');
    case 'ec': case 'xdh': return needs('agree', 'agree on a secret');
    case 'aes': return usages.includes('unwrap') ? needs('wrap', 'wrap') : because('key.not-made-to', { key: label, use: 'unwrap' });
    default: return because('key.algorithm-cannot', { algorithm, use: 'decrypt' });
  }
}

/** A file with recipients, a line each (`#` begins a comment), or with certificates, OpenPGP keys, or one public key. */
async function listed(file: z.output<typeof FileIn>, context: Context): Promise<Party[]> {
  const content = await bytesOf(undefined, file, 'recipientFiles', MOST_LIST, context);
  if (isOpenpgpKey(content)) return (await openpgpRecipients(content, new Date())).map((openpgp) => ({ kind: 'key', name: openpgp.name, spki: openpgp.key.spki, algorithm: openpgp.key.algorithm, openpgp }));
  const lines = Buffer.from(content).toString('utf8').split(/\r?\n/).map((line) => line.trim());
  const named = lines.filter((line) => line !== '' && !line.startsWith('#'));
  if (named.length > 0 && outsider(named[0] as string) !== undefined) {
    return named.map((line) => {
      const found = outsider(line);
      if (found === undefined) throw new KeywrightError('INVALID_INPUT', { detail: 'A line of the recipients’ file names no recipient.', where: `line ${lines.indexOf(line) + 1}`, remedy: 'Each line is age1…, ssh-ed25519 … or ssh-rsa ….' });
      return found;
    });
  }
  const certificates = certificatesIn(content);
  if (certificates.length > 0) return certificates;
  return [{ kind: 'key', name: 'path' in file ? file.path : 'the public key', ...readPublicKey(content) }];
}

/** @returns the id of a certificate that is held here; undefined when there is none by that name. @throws INVALID_INPUT for a name of several */
function certificateNamed(text: string, { session }: Context): string | undefined {
  try {
    return session.certificates.resolve(text).id;
  } catch (thrown) {
    if (thrown instanceof KeywrightError && thrown.code === 'NOT_FOUND') return undefined;
    throw thrown;
  }
}

/** @throws CAPABILITY_MISSING for one that has ended, or whose key is of a kind that is not handled */
function certificateParty(certificate: Certificate, name: string): Party {
  const ended = Date.now() > certificate.notAfter.date.getTime();
  if (ended) throw new KeywrightError('CAPABILITY_MISSING', { ...because('certificate.ended-for-recipient', { name, at: certificate.notAfter.date.toISOString() }), where: '/recipients' });
  return { kind: 'key', name, spki: certificate.spki, algorithm: algorithmOfSpki(certificate.spki), certificate: certificate.der };
}

function certificatesIn(content: Uint8Array): Party[] {
  let certificates: readonly Certificate[];
  try {
    certificates = readCertificates(content);
  } catch {
    return []; // no certificate: read as a public key
  }
  return certificates.map((certificate) => certificateParty(certificate, certificate.subject.text));
}
