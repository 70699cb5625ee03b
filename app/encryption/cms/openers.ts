import { KEY_ALGORITHMS, because, KeywrightError, SecretBytes } from '../../contract/index.ts';
import { contextPrimitive, contextTag, DerReader, derSequence, TAG } from '../../formats/der.ts';
import { malformed } from '../../formats/malformed.ts';
import { unwrapKey } from '../key-wrap.ts';
import { type HeldKey, type Openers, unlessForAnother } from '../parties.ts';
import { AGREEMENTS, CONTENT_CIPHERS, HASHES, KEY_WRAPS, MGF1, PBKDF2, PRFS, PWRI_KEK, RSA_ENCRYPTION, RSAES_OAEP, type Hash } from './identifiers.ts';
import { agreedKey, passwordKey, unwrapWithPassword } from './key-encryption.ts';
import { issuerAndSerialOf, keyIdentifierOf } from './recipients.ts';

/** Which of the recipients is us, and the content-encryption key that it gives. */

const MOST_ROUNDS = 20_000_000;
const MOST_RECIPIENTS = 10_000;

interface Opened {
  readonly name: string;
  readonly key: SecretBytes;
}

/** @param set RecipientInfos, DER. @throws NOT_FOUND when none is for us, PIN_INCORRECT for a wrong passphrase, INVALID_INPUT */
export async function openRecipients(set: Uint8Array, keyBytes: number, openers: Openers): Promise<Opened> {
  const infos = new DerReader(set).enter('the recipients', TAG.set);
  const kinds: string[] = [];
  const passwords: DerReader[] = [];
  while (!infos.atEnd) {
    if (kinds.length === MOST_RECIPIENTS) throw malformed(`There are more than ${MOST_RECIPIENTS} recipients.`, infos.offset);
    const info = infos.next('a recipient');
    const fields = infos.inside(info);
    let opened: Opened | undefined;
    if (info.tag === TAG.sequence) {
      opened = await transported(fields, keyBytes, openers.keys, kinds);
    } else if (info.tag === contextTag(1)) {
      opened = await agreed(fields, openers.keys, kinds);
    } else if (info.tag === contextTag(3)) {
      kinds.push('a passphrase');
      passwords.push(fields);
    } else kinds.push('another kind');
    if (opened !== undefined) return checked(opened, keyBytes);
  }
  for (const fields of passwords) return checked(await withPassword(fields, openers), keyBytes);
  const counts = new Map<string, number>();
  for (const kind of kinds) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  throw new KeywrightError('NOT_FOUND', { detail: `None of your keys opens this file. Its recipients: ${[...counts].map(([kind, count]) => `${count} by ${kind}`).join(', ')}.`, remedy: 'Plug in the token with the key, or import the key or its certificate.' });
}

function checked(opened: Opened, keyBytes: number): Opened {
  if (opened.key.length === keyBytes) return opened;
  opened.key.wipe();
  throw malformed('The key of the content has a wrong length.');
}

/** Whether a recipient is named by a key's identifier or one of its certificates. */
function isNamed(identifier: Uint8Array, tag: number, key: HeldKey): boolean {
  const wanted = Buffer.from(identifier);
  if (tag === TAG.sequence) return key.certificates.some((certificate) => issuerAndSerialOf(certificate)?.equals(wanted) === true);
  return [keyIdentifierOf(key), ...key.certificates.map((certificate) => keyIdentifierOf({ spki: key.spki, certificate }))].some((each) => each.equals(wanted));
}

/** Keys that the name fits; where it fits none, those of the kind: the certificate may be unknown here. */
function candidates(keys: readonly HeldKey[], can: (key: HeldKey) => boolean, identifier: Uint8Array, tag: number): HeldKey[] {
  const able = keys.filter(can);
  const named = able.filter((key) => isNamed(identifier, tag, key));
  return named.length > 0 ? named : able;
}

/** @param kinds takes what kind of recipient it is, for the error when none is us. */
async function transported(fields: DerReader, keyBytes: number, keys: readonly HeldKey[], kinds: string[]): Promise<Opened | undefined> {
  fields.smallInteger('the version', 2);
  const identifier = fields.next('who it is for');
  const name = identifier.tag === contextPrimitive(0) ? fields.content(identifier) : fields.bytes.subarray(identifier.offset, identifier.to);
  const algorithm = transportAlgorithm(fields.enter('the algorithm'));
  const encrypted = fields.octets('the encrypted key');
  kinds.push(algorithm === undefined ? 'a way that is not handled' : 'RSA');
  if (algorithm === undefined) return undefined;
  for (const key of candidates(keys, ({ decrypt }) => decrypt !== undefined, name, identifier.tag)) {
    if (encrypted.length !== KEY_ALGORITHMS[key.algorithm].bits / 8) continue;
    const content = await key.decrypt?.(algorithm, encrypted).catch(unlessForAnother);
    // PKCS#1 v1.5 gives something for every key: of a length that does not fit, it was for another.
    if (content?.length === keyBytes) return { name: key.name, key: new SecretBytes(Buffer.from(content)) };
  }
  return undefined;
}

function transportAlgorithm(fields: DerReader): 'rsa-pkcs1' | `rsa-oaep-${Hash}` | undefined {
  const name = fields.oid('the algorithm');
  if (name === RSA_ENCRYPTION) return 'rsa-pkcs1';
  if (name !== RSAES_OAEP) return undefined;
  let [hash, mask]: (Hash | undefined)[] = ['sha1', 'sha1'];
  if (!fields.atEnd) {
    const parameters = fields.enter('the parameters of OAEP');
    const hashAt = parameters.optional('the hash', contextTag(0));
    if (hashAt !== undefined) hash = HASHES[parameters.inside(hashAt).enter('the hash').oid('the hash')];
    const maskAt = parameters.optional('the mask', contextTag(1));
    if (maskAt !== undefined) {
      const generation = parameters.inside(maskAt).enter('the mask');
      mask = generation.oid('the mask') === MGF1 ? HASHES[generation.enter('its hash').oid('its hash')] : undefined;
    }
    if (parameters.optional('a label', contextTag(2)) !== undefined) return undefined;
  }
  return hash === undefined || hash !== mask ? undefined : `rsa-oaep-${hash}`;
}

/** @param kinds as for {@link transported} */
async function agreed(fields: DerReader, keys: readonly HeldKey[], kinds: string[]): Promise<Opened | undefined> {
  fields.smallInteger('the version', 3);
  const originator = fields.enter('the originator', contextTag(0));
  const ephemeral = originator.next('its key');
  if (ephemeral.tag !== contextTag(1)) kinds.push('a way that is not handled');
  if (ephemeral.tag !== contextTag(1)) return undefined; // named by a certificate of the sender's, which is not at hand
  const ukmAt = fields.optional('what the sender adds', contextTag(1));
  const ukm = ukmAt === undefined ? undefined : fields.inside(ukmAt).octets('what the sender adds');
  const algorithm = fields.enter('the algorithm');
  const hash = AGREEMENTS[algorithm.oid('the algorithm')];
  const wrap = algorithm.next('the key wrap', TAG.sequence);
  const wrapBytes = KEY_WRAPS[algorithm.inside(wrap).oid('the key wrap')];
  const recipients = fields.enter('the recipients');
  kinds.push(hash === undefined || wrapBytes === undefined ? 'a way that is not handled' : 'key agreement');
  if (hash === undefined || wrapBytes === undefined) return undefined;
  const wrapIdentifier = algorithm.bytes.subarray(wrap.offset, wrap.to);
  while (!recipients.atEnd) {
    const recipient = recipients.enter('a recipient');
    const identifier = recipient.next('who it is for');
    const named = identifier.tag === contextTag(0) ? recipient.inside(identifier).octets('the key identifier') : recipient.bytes.subarray(identifier.offset, identifier.to);
    const wrapped = recipient.octets('the encrypted key');
    for (const key of candidates(keys, ({ agree }) => agree !== undefined, named, identifier.tag === contextTag(0) ? contextPrimitive(0) : TAG.sequence)) {
      const peer = peerFor(originator.content(ephemeral), key);
      if (peer === undefined) continue;
      using shared = await key.agree?.(peer).catch(unlessForAnother);
      if (shared === undefined) continue;
      const content = unwrapKey(agreedKey(shared.reveal(), hash, wrapIdentifier, ukm, wrapBytes), wrapped);
      if (content !== undefined) return { name: key.name, key: new SecretBytes(content) };
    }
  }
  return undefined;
}

/** The sender's ephemeral key as SubjectPublicKeyInfo; its curve may be left out, and is the recipient's then (RFC 5753 §3.1.1). @returns undefined for one on another curve */
function peerFor(originator: Uint8Array, { spki }: HeldKey): Buffer | undefined {
  const own = new DerReader(spki).enter('the key').next('its algorithm', TAG.sequence);
  const given = new DerReader(originator);
  const algorithm = given.next('the algorithm', TAG.sequence);
  const key = given.next('the key', TAG.bitString);
  const fields = given.inside(algorithm);
  const kind = fields.oid('the algorithm');
  const parameters = fields.atEnd ? undefined : fields.next('its parameters');
  const ownIdentifier = spki.subarray(own.offset, own.to);
  const fits = parameters === undefined || parameters.tag === TAG.null ? kind === new DerReader(spki, own.from, own.to).oid('the algorithm') : Buffer.compare(originator.subarray(algorithm.offset, algorithm.to), ownIdentifier) === 0;
  return fits ? derSequence(ownIdentifier, originator.subarray(key.offset, key.to)) : undefined;
}

async function withPassword(fields: DerReader, openers: Openers): Promise<Opened> {
  fields.smallInteger('the version', 0);
  const derivation = fields.enter('how the key is derived', contextTag(0));
  if (derivation.oid('how the key is derived') !== PBKDF2) throw malformed('The passphrase is used in a way that is not handled.', derivation.offset);
  const parameters = derivation.enter('the parameters of PBKDF2');
  const salt = parameters.octets('the salt');
  const rounds = parameters.smallInteger('the rounds', MOST_ROUNDS);
  if (parameters.peek() === TAG.integer) parameters.smallInteger('the length of the key', 64);
  const prf = parameters.atEnd ? 'sha1' : PRFS[parameters.enter('the function').oid('the function')];
  const encryption = fields.enter('how the key is encrypted');
  const kind = encryption.oid('how the key is encrypted');
  const cipher = kind === PWRI_KEK ? encryption.enter('the cipher') : undefined;
  const known = cipher === undefined ? undefined : CONTENT_CIPHERS[cipher.oid('the cipher')];
  if (cipher === undefined || known === undefined || prf === undefined || known.authenticated || !known.cipher.startsWith('aes')) throw malformed('The passphrase is used in a way that is not handled.', encryption.offset);
  const iv = cipher.octets('the initialization vector');
  const wrapped = fields.octets('the encrypted key');
  using passphrase = await openers.passphrase();
  const content = unwrapWithPassword(await passwordKey(passphrase.reveal(), salt, Math.max(1, rounds), known.keyBytes, prf), iv, wrapped);
  if (content === undefined) throw new KeywrightError('PIN_INCORRECT', because('secret.opens-no-file', {}));
  return { name: 'a passphrase', key: new SecretBytes(Buffer.from(content)) };
}
