import { createHash, randomBytes } from 'node:crypto';
import { KeywrightError } from '../../contract/index.ts';
import { malformed, malformedAt } from '../../formats/malformed.ts';
import { encryptionKeyBody } from '../../formats/openpgp-encryption-key.ts';
import { hashedKey, openpgpAlgorithm, publicKeyBody } from '../../formats/openpgp-key.ts';
import { armor, openArmor, packet, readPackets, uint32 } from '../../formats/openpgp-packets.ts';
import type { FileContent } from '../content.ts';
import { type FormatModule, intactBy, notIntact, type SignatureVerdict, type SigningKey, type SignOptions, type Trust } from '../format.ts';
import { type Frame } from '../raw.ts';
import { verifySignature } from '../verify.ts';
import { readClearSigned, textOf, writeClearSigned } from './clear.ts';
import { mayBeInlineSigned, readInlineSigned } from './inline.ts';
import { draftSignature, type NewSignature, openpgpHash, readSignature, type ReadSignature, receivingSubkey, saltSize, selfSubpackets, SIGNATURE, signedContent, TYPES } from './signature.ts';

/**
 * OpenPGP (RFC 9580), versions 4 and 6: detached and clear-signed; a message that holds the file is checked. The key is given a hash, so that tokens sign files of any
 * size. Its OpenPGP form has the time at which the key was made, since its fingerprint depends on it.
 */
const PUBLIC_KEY = 6;
const USER_ID = 13;
const PUBLIC_SUBKEY = 14;
const MAX_TEXT = 64 * 1024 * 1024;
/** Milliseconds. */
const CLOCKS_DIFFER = 60 * 60 * 1000;

export const openpgp: FormatModule = {
  async sign(file, key, options) {
    const { form = 'armor', algorithm } = options;
    const draft = draftSignature(newSignature(key, options, form === 'clear' ? TYPES.text : TYPES.binary));
    const text = form === 'clear' ? Buffer.from(await file.whole(MAX_TEXT)) : undefined;
    const digest = text === undefined ? await file.digest(draft.hash, draft.frame) : framed(draft.hash, draft.frame, textOf(text, true));
    const made = draft.finish(digest, await key.sign(algorithm, signedContent(algorithm, digest)));
    if (form === 'binary') return { bytes: made };
    const armored = armor('SIGNATURE', made, versionOf(key, options) === 4);
    return { bytes: Buffer.from(text === undefined ? armored : writeClearSigned(text, openpgpHash(algorithm), armored)) };
  },

  async verify(file, signature, trust) {
    const signed = signature === null ? await within(file) : null;
    const verdicts: SignatureVerdict[] = [];
    for (const body of signed?.signatures ?? bodiesOf(signature as Uint8Array)) verdicts.push(await judge(readSignature(body), file, signed, trust));
    return verdicts;
  },
};

/** What was signed within the file itself. */
interface Signed {
  readonly signatures: readonly Uint8Array[];
  /** As it is hashed, by the type of the signature. */
  hashed(isText: boolean): Buffer;
  readonly notes: readonly string[];
}

async function within(file: FileContent): Promise<Signed> {
  const start = await file.start();
  if (((start[0] ?? 0) & 0x80) !== 0 || mayBeInlineSigned(start)) {
    const { content, outside, signatures } = readInlineSigned(await file.whole(MAX_TEXT), MAX_TEXT);
    return { signatures, hashed: (isText) => (isText ? textOf(content, false) : content), notes: [`The file holds what was signed: ${content.length} bytes. A name that it gives them is not signed.`, ...notesOf(outside)] };
  }
  const { text, signature, outside } = readClearSigned(await file.whole(MAX_TEXT));
  return { signatures: bodiesOf(signature), hashed: () => textOf(text, true), notes: notesOf(outside) };
}

const notesOf = (outside: boolean): string[] => (outside ? ['There is text around the signed part, which is not covered.'] : []);

function bodiesOf(signature: Uint8Array): Uint8Array[] {
  const packets = readPackets(openArmor(signature));
  const found = packets.filter(({ tag }) => tag === SIGNATURE);
  if (found.length === 0) throw malformed('There is no signature in this OpenPGP file.', 0);
  if (found.length !== packets.length || found.length > 100) throw malformed('There is something else than signatures in the file.');
  return found.map(({ body }) => body);
}

async function judge(one: ReadSignature, file: FileContent, signed: Signed | null, trust: Trust): Promise<SignatureVerdict> {
  if (one.problem !== null) return notIntact(one.problem);
  if (one.type !== TYPES.binary && one.type !== TYPES.text) return notIntact('The signature is of a key or a name, and not of a file.');
  const hash = one.hash as NonNullable<typeof one.hash>;
  const digest = signed !== null ? framed(hash, one.frame, signed.hashed(one.type === TYPES.text)) : one.type === TYPES.binary ? await file.digest(hash, one.frame) : framed(hash, one.frame, textOf(Buffer.from(await file.whole()), false));
  const time: SignatureVerdict['time'] = one.created === null ? null : { at: one.created.toISOString(), according: 'signer', by: null };
  const notes = [`An OpenPGP signature of version ${one.version}${one.issuer === null ? '' : `, which names the key ${one.issuer}`}.`, ...(signed?.notes ?? [])];
  for (const known of trust.keys) {
    const fit = one.signatureFor(known.algorithm);
    if (fit === undefined || (trust.algorithm !== undefined && trust.algorithm !== fit.algorithm)) continue;
    const spki = await known.spki();
    if (!(await verifySignature(spki, fit.algorithm, signedContent(fit.algorithm, digest), fit.signature))) continue;
    const verdict = intactBy(spki, fit.algorithm, known, { time, notes });
    if (one.created !== null && one.created.getTime() > trust.at.getTime() + CLOCKS_DIFFER) return { ...verdict, trustedBy: null, problem: `The signature says that it was made at ${one.created.toISOString()}, which is yet to come.` };
    return one.expires !== null && trust.at > one.expires ? { ...verdict, trustedBy: null, problem: `The signature was valid until ${one.expires.toISOString()}.` } : verdict;
  }
  return notIntact(trust.named ? 'The signature does not fit this file and this key: the file was changed, or something else was signed.' : 'No key held here made this signature of this file. Name the signer’s OpenPGP key.', { notes });
}

function framed(hash: string, { before = Buffer.alloc(0), after = Buffer.alloc(0) }: Frame, data: Uint8Array): Buffer {
  return createHash(hash).update(before).update(data).update(after).digest();
}

function versionOf({ algorithm }: SigningKey, { openpgp: wanted }: Pick<SignOptions, 'openpgp'>): 4 | 6 {
  const version = wanted === undefined ? (openpgpAlgorithm(algorithm, 4) === undefined ? 6 : 4) : wanted === 'v4' ? 4 : 6;
  if (openpgpAlgorithm(algorithm, version) === undefined) throw malformedAt('/openpgp', `OpenPGP v${version} has no keys of ${algorithm}.`, 'Use the other version, or another key.');
  return version;
}

function newSignature(key: SigningKey, options: Pick<SignOptions, 'algorithm' | 'openpgp'>, type: number): NewSignature {
  const { algorithm } = options;
  return { type, algorithm, key: key.algorithm, keyBody: publicKeyBody(key.spki, key.created, versionOf(key, options)), created: new Date(), salt: randomBytes(saltSize(openpgpHash(algorithm))) };
}

export interface ReceivingKey {
  /** SPKI, DER. */
  readonly spki: Uint8Array;
  readonly created: Date;
  readonly label: string;
}

/**
 * Makes the OpenPGP form of a key: the key, in v6 what it says of itself, and a name with the key's signature, without which no program takes it.
 * @param userId "Ada Example <ada@example.com>". @param receives what files for its holder are encrypted for: a subkey, or an RSA key itself.
 * @returns an armoured block; the key is used once, in v6 twice, and once more for a subkey. @throws CAPABILITY_MISSING for a key that receives nothing in that version
 */
export async function openpgpPublicKey(key: SigningKey, userId: string, options: Pick<SignOptions, 'algorithm' | 'openpgp'>, receives?: ReceivingKey): Promise<Buffer> {
  const version = versionOf(key, options);
  const body = publicKeyBody(key.spki, key.created, version);
  const certify = async (type: number, data: Uint8Array, more: readonly Uint8Array[], created = key.created): Promise<Buffer> => {
    const draft = draftSignature({ ...newSignature(key, options, type), created, more });
    const digest = framed(draft.hash, draft.frame, data);
    return draft.finish(digest, await key.sign(options.algorithm, signedContent(options.algorithm, digest)));
  };
  const subkey = receives === undefined ? undefined : encryptionKeyBody(receives.spki, receives.created, version);
  if (receives !== undefined && subkey === undefined) throw new KeywrightError('CAPABILITY_MISSING', { detail: `OpenPGP v${version} has no key that receives of the kind of “${receives.label}”.`, where: '/encryptionKey', remedy: 'Choose an X25519, RSA or EC key.', alternatives: ['x25519', 'rsa-3072', 'ec-p256'] });
  const itself = subkey?.equals(body) === true;
  const name = Buffer.from(userId);
  const own = selfSubpackets(version, itself);
  const direct = version === 6 ? [await certify(TYPES.directKey, hashedKey(body), own)] : [];
  const certification = await certify(TYPES.certification, Buffer.concat([hashedKey(body), Buffer.of(0xb4), uint32(name.length), name]), version === 6 ? [] : own);
  const bound = subkey === undefined || itself ? [] : [packet(PUBLIC_SUBKEY, subkey), await certify(TYPES.subkey, Buffer.concat([hashedKey(body), hashedKey(subkey)]), receivingSubkey(), laterOf(key.created, receives!.created))];
  return Buffer.from(armor('PUBLIC KEY BLOCK', Buffer.concat([packet(PUBLIC_KEY, body), ...direct, packet(USER_ID, name), certification, ...bound]), version === 4));
}

/** No signature is older than what it is about. */
const laterOf = (one: Date, other: Date): Date => (one > other ? one : other);
