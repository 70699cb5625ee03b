import { Certificate, readRequest } from '../../certificates/index.ts';
import { KEY_ALGORITHMS, KeywrightError, type KeyAlgorithmName, type SecretBytes } from '../../contract/index.ts';
import { publicOfPkcs8, readContents, readPkcs7, readPublicKey, recognise, type FoundCertificate, type ReadKey } from '../../formats/index.ts';
import { parseJson } from '../../formats/json.ts';
import { isPrivateJwk, type Jwk, publicPartsOfJwk } from '../../formats/jwk.ts';
import { notSupported, within } from '../../formats/malformed.ts';
import { keyBlobOfCertificate, parseSshBlob, parseSshLine } from '../../formats/openssh-public.ts';
import { looksLikePem, parsePem, type PemBlock } from '../../formats/pem.ts';
import { buildSpki, fingerprint } from '../../formats/spki.ts';
import { readJwks } from '../../formats/read-keys.ts';
import { isCertificateType } from '../../signing/ssh-certificate.ts';

/** All that a file holds and a conversion can write again; what it cannot is said. */

export interface PublicPart {
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  readonly algorithm: KeyAlgorithmName;
  readonly label?: string;
}

export interface FileParts {
  readonly kind: string;
  readonly detail: string;
  /** The caller wipes their secrets. */
  readonly keys: ReadKey[];
  /** Those that stand in the file as such. */
  readonly publicKeys: PublicPart[];
  readonly certificates: FoundCertificate[];
  readonly crls: Uint8Array[];
  /** PKCS#10, DER. */
  readonly requests: Uint8Array[];
  /** What no conversion keeps, a sentence each. */
  readonly lost: string[];
}

interface Reading {
  readonly signal: AbortSignal;
  readonly passphrase: (note?: string) => Promise<SecretBytes>;
  readonly algorithm: KeyAlgorithmName | undefined;
}

const KEY_KINDS: ReadonlySet<string> = new Set(['pkcs8', 'pkcs8-encrypted', 'pkcs1', 'sec1', 'openssh-private', 'jwe-passphrase', 'pkcs12', 'jks', 'bks', 'ppk', 'age-identity', 'minisign-secret', 'certificate', 'crl']);
const PUBLIC_KINDS: ReadonlySet<string> = new Set(['public-key', 'pkcs1-public', 'age-recipient', 'minisign']);
const LINE_KINDS: ReadonlySet<string> = new Set(['openssh-public', 'openssh-certificate', 'authorized-keys', 'known-hosts']);
/** Members of a JWK that the key itself is made of, or that we write again. */
const JWK_MEMBERS: ReadonlySet<string> = new Set(['kty', 'crv', 'x', 'y', 'd', 'n', 'e', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'pub', 'priv', 'alg', 'kid', 'x5c']);
const MAX_LINES = 1000;

/** @throws INVALID_INPUT with the place, CAPABILITY_MISSING naming what the file is when nothing in it can be converted, PIN_INCORRECT */
export async function readParts(content: Uint8Array, reading: Reading): Promise<FileParts> {
  const { what: kind, detail } = recognise(content);
  const parts: FileParts = { kind, detail, keys: [], publicKeys: [], certificates: [], crls: [], requests: [], lost: [] };
  try {
    if (reading.algorithm !== undefined && (kind === 'unknown' || KEY_ALGORITHMS[reading.algorithm].kind === 'symmetric' && !KEY_KINDS.has(kind) && !kind.startsWith('jwk'))) await addContents(content, { ...reading, format: 'raw' }, parts);
    else await find(content, kind, reading, parts);
    if (parts.keys.length + parts.publicKeys.length + parts.certificates.length + parts.crls.length + parts.requests.length === 0) throw foreign(detail);
    return parts;
  } catch (thrown) {
    wipeParts(parts);
    throw thrown;
  }
}

export function wipeParts({ keys }: FileParts): void {
  for (const { material } of keys) material.secret.wipe();
}

async function find(content: Uint8Array, kind: string, reading: Reading, parts: FileParts): Promise<void> {
  if (looksLikePem(content) && content[0] !== 0x30 && kind !== 'openpgp' && kind !== 'pdf') return findInPem(content, reading, parts);
  if (kind === 'jwk' || kind === 'jwk-set') return findInJwks(content, reading, parts);
  if (kind === 'cose-key') return findInCose(content, reading, parts);
  if (KEY_KINDS.has(kind)) return addContents(content, reading, parts);
  if (kind === 'cms') return addCms(content, parts);
  if (kind === 'certificate-request') return void parts.requests.push(readRequest(content).der);
  if (PUBLIC_KINDS.has(kind)) return void parts.publicKeys.push(readPublicKey(content));
  if (LINE_KINDS.has(kind)) return findInLines(content, parts);
  throw kind === 'unknown' ? new KeywrightError('INVALID_INPUT', { detail: 'The file holds nothing that Keywright knows.', where: 'offset 0', remedy: 'Raw bytes of a symmetric key: name its algorithm (--algorithm aes-256).' }) : foreign(detail(kind));
}

const detail = (kind: string): string => ({
  openpgp: 'OpenPGP keys are more than keys: names and signatures belong to them, and GnuPG keeps them.', tss2: 'This is a key of a TPM: its private part is encrypted for that TPM alone.',
  'dsa-private': 'DSA is obsolete (FIPS 186-5), and Keywright does not handle it.',
}[kind] ?? 'A file of this kind is neither a key nor a certificate, so that there is nothing to convert.');

const foreign = (text: string): KeywrightError => notSupported(text, 'Look into it with `keywright files inspect`.');

async function addContents(content: Uint8Array, reading: Reading & { readonly format?: 'raw' }, parts: FileParts): Promise<void> {
  const { keys, certificates, crls, notes } = await readContents(content, { want: 'anything', signal: reading.signal, passphrase: reading.passphrase, ...(reading.algorithm === undefined ? {} : { algorithm: reading.algorithm }), ...(reading.format === undefined ? {} : { format: reading.format }) });
  parts.keys.push(...keys);
  const seen = new Set<string>(); // chains of a key store repeat their upper ends
  for (const one of certificates) {
    const id = fingerprint(one.der);
    if (!seen.has(id)) parts.certificates.push(one);
    seen.add(id);
  }
  parts.crls.push(...crls);
  parts.lost.push(...notes);
}

const READ_TOGETHER: ReadonlySet<string> = new Set(['PRIVATE KEY', 'ENCRYPTED PRIVATE KEY', 'RSA PRIVATE KEY', 'EC PRIVATE KEY', 'OPENSSH PRIVATE KEY', 'CERTIFICATE', 'X509 CERTIFICATE', 'TRUSTED CERTIFICATE', 'X509 CRL', 'PKCS12']);

/** Blocks that the readers of keys pass over are told apart here. */
async function findInPem(content: Uint8Array, reading: Reading, parts: FileParts): Promise<void> {
  const blocks = parsePem(content);
  if (blocks.some(({ label }) => READ_TOGETHER.has(label))) await addContents(content, reading, parts);
  for (const block of blocks) await within(`line ${block.line}`, async () => addOther(block, parts, blocks.length === 1));
  if (blocks.some(({ label }) => label === 'TRUSTED CERTIFICATE')) parts.lost.push('OpenSSL’s own notes on trust, which stand behind a TRUSTED CERTIFICATE.');
}

function addOther(block: PemBlock, parts: FileParts, alone: boolean): void {
  const { label, content, friendlyName, line } = block;
  const named = friendlyName === undefined ? {} : { label: friendlyName };
  if (label === 'PUBLIC KEY' || label === 'RSA PUBLIC KEY') parts.publicKeys.push({ ...readPublicKey(content), ...named });
  else if (label === 'CERTIFICATE REQUEST' || label === 'NEW CERTIFICATE REQUEST') parts.requests.push(readRequest(content).der);
  else if (label === 'PKCS7' || label === 'CMS') {
    // With keys beside it, it was read with them.
    if (parts.keys.length === 0 && parts.certificates.length === 0) addCms(content, parts);
  } else if (!READ_TOGETHER.has(label) && !alone) parts.lost.push(`The block ${label} at line ${line}.`);
}

function addCms(content: Uint8Array, parts: FileParts): void {
  const { certificates, crls, signers } = readPkcs7(content);
  parts.certificates.push(...certificates.map((der) => ({ der })));
  parts.crls.push(...crls);
  if (signers > 0) parts.lost.push(signers === 1 ? 'The signature of the message, and what is signed.' : `The ${signers} signatures of the message, and what is signed.`);
}

async function findInJwks(content: Uint8Array, { algorithm }: Reading, parts: FileParts): Promise<void> {
  const json = parseJson(content);
  const { keys, certificates } = await readJwks(json, algorithm);
  parts.keys.push(...keys);
  parts.certificates.push(...certificates);
  const listed = Array.isArray(json) ? json : (json as { keys?: unknown }).keys;
  const members = (Array.isArray(listed) ? listed : [json]) as Jwk[];
  const dropped = new Set<string>();
  members.forEach((jwk, index) => {
    for (const name of Object.keys(jwk)) if (!JWK_MEMBERS.has(name)) dropped.add(name);
    if (isPrivateJwk(jwk)) return;
    const place = Array.isArray(listed) ? `${Array.isArray(json) ? '' : '/keys'}/${index}` : '/';
    const read = within(place, () => publicPartsOfJwk(jwk));
    parts.publicKeys.push({ spki: buildSpki(read), algorithm: read.algorithm, ...(typeof jwk['kid'] === 'string' ? { label: jwk['kid'].slice(0, 200) } : {}) });
  });
  if (dropped.size > 0) parts.lost.push(`Members of the JWK: ${[...dropped].filter((name) => /^[\w#:.-]{1,40}$/.test(name)).slice(0, 20).join(', ')}.`);
}

async function findInCose(content: Uint8Array, reading: Reading, parts: FileParts): Promise<void> {
  try {
    await addContents(content, reading, parts);
  } catch (thrown) {
    if (!(thrown instanceof KeywrightError) || thrown.code !== 'CAPABILITY_MISSING') throw thrown;
    parts.publicKeys.push(readPublicKey(content));
  }
}

/** Lines of authorized_keys, known_hosts and .pub files. */
function findInLines(content: Uint8Array, parts: FileParts): void {
  const lines = Buffer.from(content).toString('utf8').split(/\r?\n/);
  const isKey = (text: string): boolean => text.trim() !== '' && !text.trim().startsWith('#');
  const count = lines.filter(isKey).length;
  if (count > MAX_LINES) throw notSupported(`The file has more than ${MAX_LINES} lines of keys.`, 'Convert a part of it.');
  for (const [index, text] of lines.entries()) {
    if (!isKey(text)) continue;
    const read = (): void => within(`line ${index + 1}`, () => {
      const [, before = '', line = text] = /^(.*?)((?:[a-z-]+-cert-v0|ssh-|ecdsa-|sk-)\S+ +AAAA.*)$/.exec(text.trim()) ?? [];
      const [type = '', base64 = '', ...comment] = line.split(/[ \t]+/);
      const label = comment.join(' ').trim();
      const key = isCertificateType(type) ? parseSshBlob(keyBlobOfCertificate(Buffer.from(base64, 'base64'))) : parseSshLine(line).parts;
      if (isCertificateType(type)) parts.lost.push(`Line ${index + 1}: whose key it is, and who says so (the OpenSSH certificate around it).`);
      if (before.trim() !== '') parts.lost.push(`Line ${index + 1}: what stands before the key (${parts.kind === 'known-hosts' ? 'hosts' : 'options'}).`);
      parts.publicKeys.push({ spki: buildSpki(key), algorithm: key.algorithm, ...(label === '' ? {} : { label: label.slice(0, 200) }) });
    });
    try {
      read();
    } catch (thrown) {
      // A key of a kind that we do not handle keeps nothing from the others.
      if (count === 1 || !(thrown instanceof KeywrightError) || thrown.code !== 'CAPABILITY_MISSING') throw thrown;
      parts.lost.push(`Line ${index + 1}: ${thrown.message}`);
    }
  }
}

/** @returns the public keys of a file, each once: its own and those of its private keys; only where it has none, those of its certificates and requests. */
export function publicPartsOf({ keys, publicKeys, certificates, requests }: FileParts): PublicPart[] {
  const all = new Map<string, PublicPart>();
  const add = (part: PublicPart): void => {
    const print = fingerprint(part.spki);
    const known = all.get(print);
    if (known === undefined || (known.label === undefined && part.label !== undefined)) all.set(print, part);
  };
  for (const { material, label } of keys) if (KEY_ALGORITHMS[material.algorithm].kind === 'pair') add({ spki: publicOfPkcs8(material.secret.reveal()), algorithm: material.algorithm, ...(label === undefined ? {} : { label }) });
  publicKeys.forEach(add);
  if (keys.length > 0 || all.size > 0) return [...all.values()];
  for (const spki of [...certificates.map(({ der }) => readable(() => new Certificate(Uint8Array.from(der)).spki)), ...requests.map((der) => readable(() => readRequest(der).spki))]) {
    const read = spki === undefined ? undefined : readable(() => readPublicKey(spki));
    if (read !== undefined) add(read);
  }
  return [...all.values()];
}

/** A key that we do not handle, or a certificate that is damaged, has no public key to offer. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof KeywrightError) return undefined;
    throw thrown;
  }
}
