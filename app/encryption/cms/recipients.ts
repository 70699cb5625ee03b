import { constants, createHash, createPublicKey, diffieHellman, generateKeyPairSync, publicEncrypt, randomBytes, type KeyObject } from 'node:crypto';
import { KEY_ALGORITHMS, KeywrightError } from '../../contract/index.ts';
import { contextPrimitive, contextTag, der, derInteger, derNull, derOid, DerReader, derSequence, TAG } from '../../formats/der.ts';
import { wrapKey } from '../key-wrap.ts';
import type { Party, PublicParty } from '../parties.ts';
import { AES256_CBC, AES256_WRAP, ECDH_SHA256, HMAC_SHA256, MGF1, PBKDF2, PWRI_KEK, RSAES_OAEP, SHA256, SUBJECT_KEY_IDENTIFIER } from './identifiers.ts';
import { agreedKey, passwordKey, wrapWithPassword } from './key-encryption.ts';

/** RecipientInfo (RFC 5652 §6.2) for each party. */

/** At least what OWASP wants of PBKDF2 with SHA-256 in 2023; the same as for keys of our own. */
const ROUNDS = 600_000;
const KEK_BYTES = 32;

/** @param contentKey 32 bytes. @returns RecipientInfo, DER. @throws CAPABILITY_MISSING for a key that CMS cannot encrypt to */
export async function recipientInfo(party: Party, contentKey: Uint8Array): Promise<Buffer> {
  if (party.kind === 'passphrase') return forPassword(party, contentKey);
  if (party.kind === 'age') throw new KeywrightError('CAPABILITY_MISSING', { detail: `${party.name} is a recipient of age, which CMS does not know.`, remedy: 'Encrypt with --format age, or name a certificate or a public key.', alternatives: ['age'] });
  if (party.kind === 'secret') throw new KeywrightError('CAPABILITY_MISSING', { detail: `“${party.name}” is a symmetric key, for which CMS is not encrypted here.`, remedy: 'Encrypt as JWE.', alternatives: ['jwe'] });
  const { family } = KEY_ALGORITHMS[party.algorithm];
  if (family === 'rsa') return keyTransport(party, contentKey);
  if (family === 'ec' || party.algorithm === 'x25519') return keyAgreement(party, contentKey);
  throw new KeywrightError('CAPABILITY_MISSING', { detail: `CMS cannot encrypt for “${party.name}”: ${party.algorithm} neither decrypts nor agrees on secrets.`, remedy: 'Choose an RSA, EC or X25519 key.', alternatives: ['rsa-3072', 'ec-p256', 'x25519'] });
}

const sha256Identifier = (): Buffer => derSequence(derOid(SHA256), derNull());

/** KeyTransRecipientInfo with RSAES-OAEP (RFC 3560 §3). */
function keyTransport(party: PublicParty, contentKey: Uint8Array): Buffer {
  const key = createPublicKey({ key: Buffer.from(party.spki), format: 'der', type: 'spki' });
  const encrypted = publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }, contentKey);
  const oaep = derSequence(derOid(RSAES_OAEP), derSequence(der(contextTag(0), sha256Identifier()), der(contextTag(1), derSequence(derOid(MGF1), sha256Identifier()))));
  const names = issuerAndSerialOf(party.certificate);
  const identifier = names ?? der(contextPrimitive(0), keyIdentifierOf(party));
  return derSequence(derInteger(names === undefined ? 2n : 0n), identifier, oaep, der(TAG.octetString, encrypted));
}

/** KeyAgreeRecipientInfo with an ephemeral key (RFC 5753 §3.1). */
function keyAgreement(party: PublicParty, contentKey: Uint8Array): Buffer {
  const peer = createPublicKey({ key: Buffer.from(party.spki), format: 'der', type: 'spki' });
  const { publicKey, privateKey } = (party.algorithm === 'x25519' ? generateKeyPairSync('x25519') : generateKeyPairSync('ec', { namedCurve: KEY_ALGORITHMS[party.algorithm].openssl })) as { publicKey: KeyObject; privateKey: KeyObject };
  const wrap = derSequence(derOid(AES256_WRAP));
  const kek = agreedKey(diffieHellman({ privateKey, publicKey: peer }), 'sha256', wrap, undefined, KEK_BYTES);
  // OriginatorPublicKey is SubjectPublicKeyInfo but for its implicit tag.
  const originator = publicKey.export({ type: 'spki', format: 'der' });
  const content = new DerReader(originator).next('the key');
  const names = issuerAndSerialOf(party.certificate);
  const identifier = names ?? der(contextTag(0), der(TAG.octetString, keyIdentifierOf(party)));
  return der(contextTag(1),
    derInteger(3n), der(contextTag(0), der(contextTag(1), originator.subarray(content.from, content.to))),
    derSequence(derOid(ECDH_SHA256), wrap), derSequence(derSequence(identifier, der(TAG.octetString, wrapKey(kek, contentKey)))));
}

/** PasswordRecipientInfo (RFC 5652 §6.2.4, RFC 3211). */
async function forPassword({ ask }: Extract<Party, { kind: 'passphrase' }>, contentKey: Uint8Array): Promise<Buffer> {
  const [salt, iv] = [randomBytes(16), randomBytes(16)];
  using passphrase = await ask();
  const kek = await passwordKey(passphrase.reveal(), salt, ROUNDS, KEK_BYTES, 'sha256');
  const parameters = derSequence(der(TAG.octetString, salt), derInteger(BigInt(ROUNDS)), derSequence(derOid(HMAC_SHA256), derNull()));
  const derivation = Buffer.concat([derOid(PBKDF2), parameters]);
  const encryption = derSequence(derOid(PWRI_KEK), derSequence(derOid(AES256_CBC), der(TAG.octetString, iv)));
  return der(contextTag(3), derInteger(0n), der(contextTag(0), derivation), encryption, der(TAG.octetString, wrapWithPassword(kek, iv, contentKey)));
}

/** @returns IssuerAndSerialNumber, DER. @throws INVALID_INPUT for what is no certificate */
export function issuerAndSerialOf(certificate: Uint8Array | undefined): Buffer | undefined {
  if (certificate === undefined) return undefined;
  const fields = new DerReader(certificate).enter('the certificate').enter('what is certified');
  fields.optional('the version', contextTag(0));
  const serial = fields.next('the serial number', TAG.integer);
  fields.next('the signature algorithm', TAG.sequence);
  const issuer = fields.next('the issuer', TAG.sequence);
  return derSequence(certificate.subarray(issuer.offset, issuer.to), certificate.subarray(serial.offset, serial.to));
}

/** @returns the subject key identifier of a certificate, or by method 1 of RFC 5280 §4.2.1.2: SHA-1 of the public key. */
export function keyIdentifierOf({ spki, certificate }: Pick<PublicParty, 'spki' | 'certificate'>): Buffer {
  const stated = certificate === undefined ? undefined : statedIdentifier(certificate);
  if (stated !== undefined) return stated;
  const key = new DerReader(spki).enter('the key');
  key.next('its algorithm', TAG.sequence);
  return createHash('sha1').update(key.bits('the key itself')).digest();
}

function statedIdentifier(certificate: Uint8Array): Buffer | undefined {
  const fields = new DerReader(certificate).enter('the certificate').enter('what is certified');
  for (;;) {
    if (fields.atEnd) return undefined;
    const element = fields.next('a field');
    if (element.tag !== contextTag(3)) continue;
    const extensions = fields.inside(element).enter('the extensions');
    while (!extensions.atEnd) {
      const extension = extensions.enter('an extension');
      if (extension.oid('its kind') !== SUBJECT_KEY_IDENTIFIER) continue;
      extension.optional('whether it is critical', TAG.boolean);
      return Buffer.from(new DerReader(extension.octets('its value')).octets('the key identifier'));
    }
    return undefined;
  }
}

