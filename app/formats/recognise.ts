import { bksKind } from './bks.ts';
import { looksLikeCoseKey } from './cose-key.ts';
import { looksLikeJks } from './jks.ts';
import { isPassphraseJwe } from './jwe.ts';
import { isMinisignSecret } from './minisign-secret.ts';
import { OPENSSH_MAGIC } from './openssh-private.ts';
import { looksLikeSshLine } from './openssh-public.ts';
import { looksLikePem, parsePem } from './pem.ts';
import { cutOff, sniffDer } from './sniff.ts';
import type { Recognised } from './types.ts';

/** Names what a file is, also when this version does not read it, so that nothing is called malformed that is only foreign. */

/** Of text; binary files are told by their first bytes. */
const MAX_LOOKED_AT = 4 * 1024 * 1024;
/** Kinds that {@link recognise} tells apart; those of `true` hold keys that are read. */
const KINDS: Readonly<Record<string, readonly [readable: boolean, detail: string]>> = {
  pkcs8: [true, 'A private key in PKCS#8.'],
  'pkcs8-encrypted': [true, 'A private key in PKCS#8, encrypted with a passphrase.'],
  pkcs1: [true, 'An RSA private key in PKCS#1.'],
  sec1: [true, 'An EC private key in SEC 1.'],
  'openssh-private': [true, 'A private key of OpenSSH.'],
  jwk: [true, 'A JSON Web Key.'],
  'jwk-set': [true, 'A set of JSON Web Keys.'],
  'public-key': [false, 'A public key. It can verify signatures, but there is no private key in it to import.'],
  'pkcs1-public': [false, 'An RSA public key. It can verify signatures, but there is no private key in it to import.'],
  'openssh-public': [false, 'A public key of OpenSSH. It can verify signatures, but there is no private key in it to import.'],
  'openssh-certificate': [false, 'An OpenSSH certificate: a public key, and an authority that says whose it is.'],
  'known-hosts': [false, 'A list of known hosts of OpenSSH: public keys of servers, with no private key in it.'],
  sshsig: [false, 'A signature of OpenSSH (SSHSIG). Verify it with `keywright files verify`.'],
  'ssh2-public': [false, 'A public key in the SSH2 form (RFC 4716). ssh-keygen -i converts it.'],
  'dsa-private': [false, 'A DSA private key. DSA is obsolete (FIPS 186-5), and Keywright does not handle it.'],
  'dsa-parameters': [false, 'DSA parameters: no key is in them.'],
  'ec-parameters': [false, 'EC parameters: no key is in them.'],
  certificate: [false, 'A certificate.'],
  'attribute-certificate': [false, 'An attribute certificate (RFC 5755): what somebody may do, without a key. Keywright does not handle it.'],
  'ecdsa-signature': [false, 'A bare ECDSA signature in DER. Verify it with `keywright files verify --format raw`.'],
  smime: [false, 'A mail of S/MIME, signed or encrypted. Verify or decrypt it with `keywright files`.'],
  json: [false, 'JSON, but no key, signature or message that Keywright knows.'],
  'ssh1-public': [false, 'A public key of SSH 1, which is broken and long gone.'],
  'certificate-request': [false, 'A certificate signing request.'],
  crl: [false, 'A certificate revocation list.'],
  'ocsp-request': [false, 'An OCSP request: a question whether certificates are revoked.'],
  'ocsp-response': [false, 'An OCSP response.'],
  'timestamp-request': [false, 'A request for a timestamp (RFC 3161).'],
  'timestamp-response': [false, 'The answer of a timestamp authority (RFC 3161).'],
  pdf: [false, 'A PDF document.'],
  pkcs12: [true, 'A PKCS#12 file (.p12, .pfx) of keys and certificates.'],
  cms: [false, 'A CMS or PKCS#7 message.'],
  jks: [true, 'A Java key store (JKS or JCEKS).'],
  bks: [true, 'A key store of Bouncy Castle (BKS or UBER).'],
  bcfks: [false, 'A key store of Bouncy Castle in its newest form (BCFKS). Keywright does not open it: keytool with Bouncy Castle’s provider converts it (-importkeystore -deststoretype PKCS12).'],
  ppk: [true, 'A private key of PuTTY (PPK).'],
  'age-identity': [true, 'An identity of age: an X25519 private key.'],
  'age-recipient': [false, 'A recipient of age: a public key. There is no private key in it to import.'],
  'cose-key': [true, 'A COSE key.'],
  cose: [false, 'A signature of COSE. Verify it with `keywright files verify`.'],
  'minisign-secret': [true, 'A secret key of minisign or signify.'],
  age: [false, 'A file encrypted with age. Decrypt it with `keywright files decrypt`.'],
  minisign: [false, 'A public key or signature of minisign or signify.'],
  openpgp: [false, 'An OpenPGP key, signature or message. Keywright shows them and keeps none of their private keys: GnuPG has those.'],
  'sigstore-private': [false, 'A private key of Sigstore’s cosign, encrypted with a passphrase in a way of its own. Keywright does not open it: cosign does.'],
  tss2: [false, 'A key of a TPM (TSS2 private key): only the TPM that made it can use it.'],
  jwe: [false, 'An encrypted message or key (JWE).'],
  'jwe-passphrase': [true, 'A JWE that a passphrase opens: JWKs, if it holds keys.'],
  jws: [false, 'A signed message (JWS or JWT).'],
  dsse: [false, 'A signed envelope (DSSE), as in-toto and Sigstore write.'],
  'signed-metadata': [false, 'Signed metadata of TUF or of an old in-toto: JSON with signatures of its canonical form. Keywright does not check it; in-toto of today writes DSSE, which it does.'],
  'authorized-keys': [false, 'Public keys of OpenSSH with options (authorized_keys). There is no private key in them to import.'],
  'other-pem': [false, 'A PEM file of a kind that Keywright does not know.'],
  empty: [false, 'An empty file.'],
  unknown: [false, 'Nothing that Keywright knows. Raw symmetric keys are read when the format and the algorithm are named.'],
};
export const RECOGNISED_KINDS = Object.keys(KINDS);

const PEM_KINDS: Readonly<Record<string, string>> = {
  'PRIVATE KEY': 'pkcs8', 'ENCRYPTED PRIVATE KEY': 'pkcs8-encrypted', 'RSA PRIVATE KEY': 'pkcs1', 'EC PRIVATE KEY': 'sec1', 'OPENSSH PRIVATE KEY': 'openssh-private',
  'PUBLIC KEY': 'public-key', 'RSA PUBLIC KEY': 'pkcs1-public', 'DSA PRIVATE KEY': 'dsa-private', 'DSA PARAMETERS': 'dsa-parameters', 'EC PARAMETERS': 'ec-parameters',
  CERTIFICATE: 'certificate', 'X509 CERTIFICATE': 'certificate', 'TRUSTED CERTIFICATE': 'certificate', 'CERTIFICATE REQUEST': 'certificate-request', 'NEW CERTIFICATE REQUEST': 'certificate-request',
  'X509 CRL': 'crl', PKCS7: 'cms', CMS: 'cms', 'PKCS #7 SIGNED DATA': 'cms', 'SIGNED MESSAGE': 'cms', 'ENCRYPTED MESSAGE': 'cms', 'CMS OBJECT': 'cms', // the last three by gpgsm
  PKCS12: 'pkcs12', 'SSH SIGNATURE': 'sshsig', 'TSS2 PRIVATE KEY': 'tss2', 'AGE ENCRYPTED FILE': 'age',
  'PGP PRIVATE KEY BLOCK': 'openpgp', 'PGP PUBLIC KEY BLOCK': 'openpgp', 'PGP MESSAGE': 'openpgp', 'PGP SIGNATURE': 'openpgp', 'PGP SIGNED MESSAGE': 'openpgp', 'PGP ARMORED FILE': 'openpgp', 'PGP SECRET KEY BLOCK': 'openpgp',
  'ENCRYPTED SIGSTORE PRIVATE KEY': 'sigstore-private', 'ENCRYPTED COSIGN PRIVATE KEY': 'sigstore-private',
};

/**
 * @param content the whole file, or at least its first kilobytes.
 * @returns what it is; never throws.
 */
export function recognise(content: Uint8Array): Recognised {
  const what = kindOf(content);
  const [readable, detail] = KINDS[what] as readonly [boolean, string];
  const whole = what === 'unknown' ? undefined : cutOff(content);
  return { what, readable, detail: whole === undefined ? detail : `${detail} It is cut off: ${content.length} of ${whole} bytes are there.` };
}

function kindOf(content: Uint8Array): string {
  if (content.length === 0) return 'empty';
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.length);
  if (looksLikeJks(content)) return 'jks';
  if (bksKind(content) !== undefined) return 'bks';
  if (bytes.subarray(0, 1024).includes('%PDF-')) return 'pdf';
  if (bytes.subarray(0, OPENSSH_MAGIC.length).equals(OPENSSH_MAGIC)) return 'openssh-private';
  const der = sniffDer(content);
  if (der !== undefined) return der;
  const head = content.subarray(0, MAX_LOOKED_AT);
  if (looksLikePem(head)) return pemKind(head);
  if (isMinisignSecret(content)) return 'minisign-secret';
  if (isCoseMessage(content)) return 'cose';
  return textKind(bytes.subarray(0, 64 * 1024).toString('latin1').replace(/^\xef\xbb\xbf/, '').trimStart()) ?? (looksLikeCoseKey(content) ? 'cose-key' : openpgpBinary(bytes) ?? 'unknown');
}

function pemKind(content: Uint8Array): string {
  const labels: string[] = [];
  try {
    labels.push(...parsePem(content).map(({ label }) => label));
  } catch { // armour with checksums (OpenPGP), or damaged: the labels tell
    const text = Buffer.from(content.subarray(0, 1024 * 1024)).toString('latin1');
    labels.push(...[...text.matchAll(/-----BEGIN ([A-Z0-9 ]{1,64})-----/g)].map(([, label]) => label as string).slice(0, 1000));
  }
  const kinds = labels.map((label) => PEM_KINDS[label] ?? (label.startsWith('SSH2 ') ? 'ssh2-public' : 'other-pem'));
  return kinds.find((kind) => KINDS[kind]?.[0]) ?? kinds[0] ?? 'unknown';
}

/** A public key of minisign as its option -P takes it: 42 bytes, of which the first two are `Ed`. */
export const BARE_MINISIGN = /^RW[A-Za-z0-9+/]{54}\s*$/;
/** Headers of a mail that is signed or encrypted (RFC 8551 §3.2, §3.5), whichever come before. */
export const SMIME = /^(?:[!-9;-~]+:[^\n]*\n(?:[ \t][^\n]*\n)*)*?Content-Type:\s*(?:application\/(?:x-)?pkcs7-(?:mime|signature)|multipart\/signed)/i;
/** Options that stand before a key in authorized_keys (sshd(8)), and are no names of hosts. */
const AUTHORIZED = /^(?:restrict|cert-authority|verify-required|no-touch-required|(?:no-)?(?:pty|agent-forwarding|port-forwarding|user-rc|X11-forwarding)|[a-z-]{1,40}=")[^\n]{0,4000}? (?:ssh-|ecdsa-|sk-)[\w@.-]{1,60} +AAAA/im;

/** Brackets begin known hosts with a port, sections of settings and much else, too. The text may be cut off anywhere. */
const JSON_BEGINS = /^(?:\{\s*(?:["}]|$)|\[\s*(?:[[{"\]\d-]|true\b|false\b|null\b|$))/;

function textKind(text: string): string | undefined {
  if (text.startsWith('---- BEGIN SSH2 PUBLIC KEY')) return 'ssh2-public';
  if (text.startsWith('PuTTY-User-Key-File-')) return 'ppk';
  if (text.startsWith('age-encryption.org/v1')) return 'age';
  if (/(?:^|\n)AGE-(?:SECRET-KEY|PLUGIN)-/i.test(text)) return 'age-identity';
  if (text.startsWith('untrusted comment:')) return 'minisign';
  if (/^age1[02-9ac-hj-np-z]{20,}\s*$/m.test(text)) return 'age-recipient';
  if (/^eyJ[\w-]*\.[\w-]*\.[\w-]*\.[\w-]*\.[\w-]*\s*$/.test(text)) return isPassphraseJwe(text) ? 'jwe-passphrase' : 'jwe';
  // The payload may stand in it as it is (RFC 7797 §5.2).
  if (/^eyJ[\w-]*\.[\x20-\x2d\x2f-\x7e]*\.[\w-]*\s*$/.test(text)) return 'jws';
  if (BARE_MINISIGN.test(text)) return 'minisign';
  if (JSON_BEGINS.test(text)) return jsonKind(text);
  if (SMIME.test(text.slice(0, 8192))) return 'smime';
  if (/^\d{3,5} \d{1,10} \d{100,}(?: |$)/m.test(text)) return 'ssh1-public';
  if (/^\S+-cert-v0[01]@openssh\.com\s/.test(text)) return 'openssh-certificate';
  if (looksLikeSshLine(text)) return 'openssh-public';
  if (AUTHORIZED.test(text)) return 'authorized-keys';
  if (/^(?:@\S+ +)?[\w.|+/=,[\]:*!?-]+ +(?:ssh-|ecdsa-)\S* +AAAA/m.test(text)) return 'known-hosts';
  if (/^[^#\n]*\s(?:ssh-|ecdsa-)\S* +AAAA/m.test(text)) return 'authorized-keys';
  return undefined;
}

function jsonKind(text: string): string {
  const names = outerNames(text);
  if (names.has('keys') || (text.startsWith('[') && /"kty"\s*:/.test(text))) return 'jwk-set';
  if (names.has('kty')) return 'jwk';
  if (names.has('ciphertext')) return 'jwe';
  if (names.has('payloadType')) return 'dsse';
  if (names.has('signed') && names.has('signatures')) return 'signed-metadata';
  return names.has('signature') || names.has('signatures') ? 'jws' : 'json';
}

/** @returns the names of the outermost object's members, of JSON that may be cut off or damaged; what lies deeper belongs to somebody else. */
function outerNames(text: string): Set<string> {
  const names = new Set<string>();
  let [depth, from, last] = [0, -1, ''];
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string;
    if (from >= 0) { // within a string
      if (character === '\\') at++;
      else if (character === '"') {
        last = text.slice(from, at);
        from = -1;
      }
    } else if (character === '"') from = at + 1;
    else if (character === '{' || character === '[') depth++;
    else if (character === '}' || character === ']') depth--;
    else if (character === ':' && depth === 1) names.add(last);
  }
  return names;
}

/** The tags of COSE's messages (RFC 9052 §2) around an array whose first member is a byte string; without a tag, that and a map behind it. */
function isCoseMessage(content: Uint8Array): boolean {
  const [first = 0, second = 0] = content;
  const at = first >= 0xd0 && first <= 0xd2 ? 1 : first === 0xd8 && second >= 96 && second <= 98 ? 2 : 0;
  const [array = 0, head = 0, length = 0] = content.subarray(at);
  if (array < 0x83 || array > 0x85 || head >> 5 !== 2) return false;
  const next = head === 0x58 ? at + 3 + length : at + 2 + (head & 0x1f);
  return at > 0 || (head <= 0x58 && (content[next] ?? 0) >> 5 === 5);
}

/** The first packet of a binary OpenPGP file (RFC 9580 §4.2): a key, a signature, an encrypted session key, or what a signed message begins with. */
function openpgpBinary(bytes: Buffer): string | undefined {
  const first = bytes[0] as number;
  if ((first & 0x80) === 0) return undefined;
  const type = (first & 0x40) !== 0 ? first & 0x3f : (first >> 2) & 0x0f;
  if (![1, 2, 3, 4, 5, 6, 8, 10, 11].includes(type) || bytes.length < 10) return undefined;
  const lengthType = (first & 0x40) !== 0 ? ((bytes[1] as number) < 192 ? 1 : (bytes[1] as number) < 224 ? 2 : bytes[1] === 255 ? 5 : 1) : [1, 2, 4, 0][first & 3] as number;
  const version = bytes[1 + lengthType] as number;
  if (type === 10) return bytes.toString('latin1', 1 + lengthType, 4 + lengthType) === 'PGP' ? 'openpgp' : undefined;
  if (type === 8) return isCompressed(bytes.subarray(1 + lengthType)) ? 'openpgp' : undefined;
  if (type === 11) return 'btul1'.includes(String.fromCharCode(version)) && 8 + lengthType + (bytes[2 + lengthType] as number) <= bytes.length ? 'openpgp' : undefined;
  // A one-pass signature is of a document or a text, in one of the hashes that there are.
  if (type === 4) return (version === 3 || version === 6) && (bytes[2 + lengthType] as number) <= 1 && (bytes[3 + lengthType] as number) <= 14 && (bytes[4 + lengthType] as number) <= 35 ? 'openpgp' : undefined;
  return version >= 3 && version <= 6 && isPacketOf(type, version, bytes.subarray(2 + lengthType)) ? 'openpgp' : undefined;
}

/** RFC 9580 §9.1, with LibrePGP's and those for private use. */
const isAlgorithm = (number: number): boolean => (number >= 1 && number <= 3) || (number >= 8 && number <= 36) || (number >= 100 && number <= 110);
/** RFC 9580 §5.2.1. */
const SIGNATURES: ReadonlySet<number> = new Set([0x00, 0x01, 0x02, 0x10, 0x11, 0x12, 0x13, 0x16, 0x18, 0x19, 0x1f, 0x20, 0x28, 0x30, 0x40, 0x50]);

/** A version alone is true of each hundredth row of random bytes, as the raw bytes of a key are: what follows it must fit, too (RFC 9580 §5.1 to §5.3, §5.5.2). */
function isPacketOf(type: number, version: number, rest: Buffer): boolean {
  const [a = 0, b = 0, c = 0] = rest;
  if (type === 1) return version === 6 || isAlgorithm(rest[8] ?? 0);
  if (type === 2) return version === 3 ? a === 5 && SIGNATURES.has(b) : SIGNATURES.has(a) && isAlgorithm(b) && c >= 1 && c <= 14;
  if (type === 3) return version === 4 ? a <= 13 && b <= 4 : version >= 5;
  return isAlgorithm(rest[version === 3 ? 6 : 4] ?? 0);
}

/** RFC 9580 §5.6: zlib and bzip2 begin with heads of their own; bare DEFLATE does not, and is told by how gpg writes it: to the end of the file. */
function isCompressed(body: Buffer): boolean {
  const [algorithm, first = 0, second = 0] = body;
  if (algorithm === 2) return (first & 0x0f) === 8 && (first * 256 + second) % 31 === 0;
  return algorithm === 3 ? body.toString('latin1', 1, 4) === 'BZh' : algorithm === 1 && (first & 0x06) !== 0x06;
}
