import { serialHex } from '../../certificates/index.ts';
import { berToDer } from '../../formats/ber.ts';
import { contextTag, DerReader, TAG } from '../../formats/der.ts';
import { readIdentifier } from '../../formats/identifiers.ts';
import type { CmsRecipient, Finding } from './finding.ts';
import type { Fact, Tree } from './tree.ts';

/** CMS messages that are encrypted to recipients: EnvelopedData (RFC 5652 §6) and AuthEnvelopedData (RFC 5083). */

export const ENVELOPED_DATA = '1.2.840.113549.1.7.3';
export const AUTH_ENVELOPED_DATA = '1.2.840.113549.1.9.16.1.23';
const RSA_PKCS1 = '1.2.840.113549.1.1.1';
const KEY_AGREEMENT = contextTag(1);
const PASSWORD = contextTag(3);
const MOST_NAMED = 50;

const CIPHERS: Readonly<Record<string, string>> = {
  '2.16.840.1.101.3.4.1.2': 'AES-128-CBC', '2.16.840.1.101.3.4.1.22': 'AES-192-CBC', '2.16.840.1.101.3.4.1.42': 'AES-256-CBC', '2.16.840.1.101.3.4.1.6': 'AES-128-GCM', '2.16.840.1.101.3.4.1.26': 'AES-192-GCM', '2.16.840.1.101.3.4.1.46': 'AES-256-GCM',
  '1.2.840.113549.3.7': '3DES', '1.2.840.113549.3.2': 'RC2', '1.2.840.113549.3.4': 'RC4', '1.3.14.3.2.7': 'DES', '1.2.840.113549.1.9.16.3.18': 'ChaCha20-Poly1305',
};
const OLD: ReadonlySet<string> = new Set(['3DES', 'RC2', 'RC4', 'DES']);
/** What `files decrypt` opens of them; the rest is for OpenSSL's legacy provider. */
const OPENED = '3DES';

interface Recipients {
  readonly named: readonly CmsRecipient[];
  readonly passphrase: boolean;
  readonly count: number;
  /** The oldest way of encrypting the content's key to one of them. */
  readonly pkcs1: boolean;
}

/** @param content BER or DER. @throws INVALID_INPUT with the offset */
export function describeEncryptedCms(type: string, content: Uint8Array, parent: number | null, where: string | null, tree: Tree): void {
  const outer = new DerReader(berToDer(content)).enter('the CMS structure');
  outer.oid('the type');
  const message = outer.enter('the content', contextTag(0)).enter('the encrypted message');
  message.next('the version');
  message.optional('the originator', contextTag(0));
  const recipients = recipientsIn(message.enter('the recipients', TAG.set));
  const encrypted = message.enter('the encrypted content');
  encrypted.oid('the type of the content');
  const { oid } = readIdentifier(encrypted, 'the cipher');
  const cipher = CIPHERS[oid] ?? oid;
  const facts: Fact[] = [['Content encryption', cipher], ['Recipients', String(recipients.count)], ['Passphrase', recipients.passphrase ? 'yes' : undefined], ['Key encryption', recipients.pkcs1 ? 'RSA PKCS#1 v1.5' : undefined]];
  tree.add(parent, { kind: 'cms', title: 'encrypted to recipients', detail: type === ENVELOPED_DATA ? 'A CMS message that is encrypted (EnvelopedData).' : 'A CMS message that is encrypted and authenticated (AuthEnvelopedData).', where, facts, findings: findingsOf(cipher, recipients), actions: ['files.decrypt'] });
}

function findingsOf(cipher: string, { named, passphrase }: Recipients): Finding[] {
  if (!OLD.has(cipher)) return [];
  const opens = cipher === OPENED;
  return [{
    level: 'weak', code: 'old-cipher', detail: `Its content is encrypted with ${cipher}, which is broken or too short, and nothing shows whether somebody changed it.`,
    remedy: opens ? 'Decrypt it, and encrypt it anew for the same recipients (those who are not known here must be named), or ask its sender to.' : 'Ask its sender to encrypt it anew. OpenSSL opens it: openssl cms -decrypt -provider legacy -provider default.',
    ...(opens ? { mend: [{ kind: 'reencrypt', recipients: named, passphrase }] } : {}),
  }];
}

function recipientsIn(set: DerReader): Recipients {
  const named: CmsRecipient[] = [];
  let [count, passphrase, pkcs1] = [0, false, false];
  while (!set.atEnd) {
    const one = set.next('a recipient');
    count += 1;
    if (one.tag === PASSWORD) passphrase = true;
    if (named.length >= MOST_NAMED) continue;
    if (one.tag === TAG.sequence) {
      const fields = set.inside(one);
      fields.next('the version');
      named.push(nameIn(fields, contextTag(0) & ~0x20));
      pkcs1 ||= readIdentifier(fields, 'the key encryption').oid === RSA_PKCS1;
    }
    if (one.tag === KEY_AGREEMENT) named.push(...agreed(set.inside(one)));
  }
  return { named, passphrase, count, pkcs1 };
}

/** KeyAgreeRecipientInfo (RFC 5652 §6.2.2): several recipients may share one ephemeral key. */
function agreed(fields: DerReader): CmsRecipient[] {
  fields.next('the version');
  fields.next('the originator');
  fields.optional('the keying material', contextTag(1));
  readIdentifier(fields, 'the key agreement');
  const list = fields.enter('the encrypted keys');
  const named: CmsRecipient[] = [];
  while (!list.atEnd && named.length < MOST_NAMED) named.push(nameIn(list.enter('an encrypted key'), contextTag(0)));
  return named;
}

/** IssuerAndSerialNumber, or a key identifier: bare in one kind of recipient, within a sequence in the other. */
function nameIn(fields: DerReader, keyIdTag: number): CmsRecipient {
  const id = fields.next('the recipient’s name');
  if (id.tag === keyIdTag) {
    const inner = (id.tag & 0x20) === 0 ? Buffer.from(fields.content(id)) : Buffer.from(fields.inside(id).octets('the key identifier'));
    return { keyId: inner.toString('hex') };
  }
  const name = fields.inside(id);
  const issuer = name.next('the issuer');
  const issuerDer = Uint8Array.from(name.bytes.subarray(issuer.offset, issuer.to));
  return { issuer: issuerDer, serial: serialHex(name.octets('the serial number', TAG.integer)) };
}
