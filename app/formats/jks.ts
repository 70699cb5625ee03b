import { createHash, timingSafeEqual } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { DerReader, TAG } from './der.ts';
import { readIdentifier } from './identifiers.ts';
import { KeywrightError } from '../contract/index.ts';
import { type JavaObject, readJavaObject } from './java-object.ts';
import { JavaReader } from './java-reader.ts';
import { oldRounds } from './limits.ts';
import { malformed, notSupported } from './malformed.ts';
import { decipher, wrongPassphrase } from './pbes.ts';
import { readRounds } from './pbes1.ts';
import type { Spending } from './spending.ts';

/** Java's old key stores, to read alone: JKS and JCEKS. Neither has a standard; this is what Java's own code writes. */

const [JKS, JCEKS] = [0xfeedfeed, 0xcececece];
const [JKS_KEY, JCEKS_KEY] = ['1.3.6.1.4.1.42.2.17.1.1', '1.3.6.1.4.1.42.2.19.1'];
const MAX_ENTRIES = 10_000;
const DIGEST = 20;
const CONVERT_STORE = 'Convert it: keytool -importkeystore -deststoretype PKCS12.';

type JksEntry = { readonly alias: string; readonly created: Date | null } & (
  /** `protection`: EncryptedPrivateKeyInfo in one of Java's own ways, DER. `chain`: the key's certificate first. */
  | { readonly kind: 'key'; readonly protection: Uint8Array; readonly offset: number; readonly chain: readonly Uint8Array[] }
  | { readonly kind: 'certificate'; readonly der: Uint8Array }
  /** JCEKS alone: an object of Java that is sealed with the passphrase. */
  | { readonly kind: 'secret'; readonly offset: number; readonly sealed: JavaObject }
);

interface JksFile {
  readonly type: 'JKS' | 'JCEKS';
  readonly entries: readonly JksEntry[];
  /** Where a secret key stands that is no object as Java's own code seals it: behind it nothing can be read. */
  readonly stopsAt: number | null;
  /** Whether the file is as it was written with this passphrase. */
  isIntact(passphrase: Uint8Array): boolean;
}

/** @returns whether the first four bytes are those of a JKS or JCEKS file. */
export function looksLikeJks(content: Uint8Array): boolean {
  if (content.length < 4) return false;
  const magic = new DataView(content.buffer, content.byteOffset, 4).getUint32(0);
  return magic === JKS || magic === JCEKS;
}

/** @throws INVALID_INPUT with the offset */
export function parseJks(content: Uint8Array): JksFile {
  const reader = new JavaReader(content, content.length - DIGEST);
  const magic = reader.uint32('the beginning');
  const version = reader.uint32('the version');
  if (version !== 1 && version !== 2) throw malformed(`The version of the key store is ${version}; there are 1 and 2.`, 4);
  const countAt = reader.at;
  const count = reader.uint32('the number of entries');
  if (count > MAX_ENTRIES) throw malformed(`The key store claims ${count} entries; ${MAX_ENTRIES} is the most.`, countAt);
  const entries: JksEntry[] = [];
  let stopsAt: number | null = null;
  for (let index = 0; index < count && stopsAt === null; index++) {
    const { at } = reader;
    const tag = reader.uint32('the kind of an entry');
    const alias = reader.text('an alias');
    const created = reader.date('the time of an entry');
    if (tag === 1) {
      const offset = reader.at + 4;
      entries.push({ kind: 'key', alias, created, offset, protection: reader.bytes('a private key'), chain: readChain(reader, version) });
    } else if (tag === 2) entries.push({ kind: 'certificate', alias, created, der: readCertificate(reader, version) });
    else if (tag === 3 && magic === JCEKS) {
      const sealed = sealedAt(content.subarray(0, content.length - DIGEST), reader.at);
      if (sealed === undefined) stopsAt = at;
      else {
        entries.push({ kind: 'secret', alias, created, offset: reader.at, sealed: sealed.object });
        reader.at = sealed.end;
      }
    }
    else throw malformed(`An entry is of the unknown kind ${tag}.`, at);
  }
  if (stopsAt === null) reader.finish();
  return { type: magic === JKS ? 'JKS' : 'JCEKS', entries, stopsAt, isIntact: (passphrase) => isIntact(content, passphrase) };
}

function sealedAt(content: Uint8Array, at: number): ReturnType<typeof readJavaObject> | undefined {
  try {
    return readJavaObject(content, at);
  } catch (thrown) {
    if (thrown instanceof KeywrightError && thrown.code === 'CAPABILITY_MISSING') return undefined;
    throw thrown;
  }
}

function readChain(reader: JavaReader, version: number): Uint8Array[] {
  const { at } = reader;
  const length = reader.uint32('the length of a chain');
  if (length > 1000) throw malformed(`A chain claims ${length} certificates.`, at);
  return Array.from({ length }, () => readCertificate(reader, version));
}

function readCertificate(reader: JavaReader, version: number): Uint8Array {
  const { at } = reader;
  const type = version === 1 ? 'X.509' : reader.text('the type of a certificate');
  if (type !== 'X.509') throw malformed('A certificate is of an unknown type.', at);
  return reader.bytes('a certificate');
}

/** SHA-1 over the passphrase, a sentence, and the file (KeyStore of sun.security.provider). */
function isIntact(content: Uint8Array, passphrase: Uint8Array): boolean {
  const wide = wideText(passphrase);
  const own = createHash('sha1').update(wide).update('Mighty Aphrodite').update(content.subarray(0, -DIGEST)).digest();
  wide.fill(0);
  return timingSafeEqual(own, content.subarray(-DIGEST));
}

/**
 * Opens a private key of JKS or JCEKS.
 * @param passphrase UTF-8. @returns PrivateKeyInfo, DER; the caller wipes it. @throws PIN_INCORRECT, INVALID_INPUT, CAPABILITY_MISSING
 */
export async function openJksKey(protection: Uint8Array, passphrase: Uint8Array, signal: AbortSignal, spending: Spending): Promise<Buffer> {
  const outer = new DerReader(protection);
  const info = outer.enter('the encrypted private key');
  const scheme = readIdentifier(info, 'the encryption scheme');
  const { offset } = info;
  const encrypted = info.octets('the encrypted data');
  info.finish('the encrypted private key');
  outer.finish('the encrypted private key');
  if (scheme.oid === JKS_KEY) return openWithSha1(encrypted, passphrase, offset);
  if (scheme.oid === JCEKS_KEY && scheme.parameters?.tag === TAG.sequence) {
    const parameters = scheme.inside.inside(scheme.parameters);
    const salt = parameters.octets('the salt');
    const rounds = readRounds(parameters, oldRounds());
    if (salt.length !== 8 || encrypted.length === 0 || encrypted.length % 8 !== 0) throw malformed('The private key of JCEKS is not whole.', offset);
    spending.spend(rounds);
    return openWithMd5(encrypted, passphrase, salt, rounds, signal);
  }
  throw notSupported(`A private key in the Java key store is encrypted in an unknown way (${scheme.oid}).`, 'Convert it: keytool -importkeystore -deststoretype PKCS12.');
}

/**
 * Opens a secret key of JCEKS: a SealedObject around a SecretKeySpec or KeyRep.
 * @param passphrase UTF-8. @returns its algorithm as Java calls it, and its bytes, which the caller wipes. @throws PIN_INCORRECT, INVALID_INPUT, CAPABILITY_MISSING
 */
export async function openJksSecret({ className, fields }: JavaObject, passphrase: Uint8Array, signal: AbortSignal, spending: Spending): Promise<{ algorithm: string; bytes: Uint8Array }> {
  const [parameters, content, scheme] = [fields.get('encodedParams'), fields.get('encryptedContent'), fields.get('sealAlg')];
  if (!className.endsWith('.SealedObjectForKeyProtector') || !(parameters instanceof Uint8Array) || !(content instanceof Uint8Array)) throw notSupported('A secret key in the Java key store is no sealed key as Java writes it.', CONVERT_STORE);
  if (scheme !== 'PBEWithMD5AndTripleDES') throw notSupported('A secret key in the Java key store is encrypted in an unknown way.', CONVERT_STORE);
  const reader = new DerReader(parameters).enter('the parameters of the encryption');
  const salt = reader.octets('the salt');
  const rounds = readRounds(reader, oldRounds());
  if (salt.length !== 8 || content.length === 0 || content.length % 8 !== 0) throw malformed('The secret key of JCEKS is not whole.');
  spending.spend(rounds);
  const plain = await openWithMd5(content, passphrase, salt, rounds, signal);
  try {
    const { object } = readJavaObject(plain, 0);
    const [algorithm, bytes] = [object.fields.get('algorithm'), object.fields.get('key') ?? object.fields.get('encoded')];
    if (typeof algorithm !== 'string' || !(bytes instanceof Uint8Array)) throw notSupported('A secret key in the Java key store is an object of an unknown class.', CONVERT_STORE);
    return { algorithm, bytes: Uint8Array.from(bytes) };
  } finally {
    plain.fill(0);
  }
}

/** JKS: a stream of SHA-1, each block from the one before; the last 20 bytes check it. */
function openWithSha1(encrypted: Uint8Array, passphrase: Uint8Array, offset: number): Buffer {
  if (encrypted.length <= 2 * DIGEST) throw malformed('The private key of JKS is not whole.', offset);
  const wide = wideText(passphrase);
  const body = encrypted.subarray(DIGEST, -DIGEST);
  const plain = Buffer.alloc(body.length);
  let stream: Uint8Array = encrypted.subarray(0, DIGEST);
  for (let at = 0; at < body.length; at += DIGEST) {
    stream = createHash('sha1').update(wide).update(stream).digest();
    for (let index = 0; index < DIGEST && at + index < body.length; index++) plain[at + index] = (body[at + index] as number) ^ (stream[index] as number);
  }
  const fits = timingSafeEqual(createHash('sha1').update(wide).update(plain).digest(), encrypted.subarray(-DIGEST));
  wide.fill(0);
  if (fits) return plain;
  plain.fill(0);
  throw wrongPassphrase();
}

/** PBEWithMD5AndTripleDES of SunJCE: MD5 over each half of the salt on its own. It takes the passphrase byte by byte. */
async function openWithMd5(encrypted: Uint8Array, passphrase: Uint8Array, salt: Uint8Array, rounds: number, signal: AbortSignal): Promise<Buffer> {
  const derived = Buffer.alloc(32);
  for (const half of [0, 1]) {
    let bytes: Uint8Array = salt.subarray(4 * half, 4 * half + 4);
    for (let round = 1; round <= rounds; round++) {
      bytes = createHash('md5').update(bytes).update(passphrase).digest();
      if (round % 5000 === 0) await nextTurn(undefined, { signal });
    }
    derived.set(bytes, 16 * half);
  }
  try {
    return decipher('des-ede3-cbc', derived.subarray(0, 24), derived.subarray(24), encrypted);
  } finally {
    derived.fill(0);
  }
}

/** UTF-16, big-endian, without an end. */
function wideText(passphrase: Uint8Array): Buffer {
  return Buffer.from(Buffer.from(passphrase).toString('utf8'), 'utf16le').swap16();
}
