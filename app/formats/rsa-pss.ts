import { createPrivateKey, type KeyObject } from 'node:crypto';
import { HASH_SIZES, type HashName } from '../contract/index.ts';
import { contextTag, der, DerReader, derInteger, derNull, derOid, derSequence, TAG } from './der.ts';

const RSA = '1.2.840.113549.1.1';
const NIST = '2.16.840.1.101.3.4';

export const PSS_OID = `${RSA}.10`;
export const MGF1_OID = `${RSA}.8`;
const HASH_OID: Readonly<Record<HashName, string>> = { sha256: `${NIST}.2.1`, sha384: `${NIST}.2.2`, sha512: `${NIST}.2.3` };

/** @returns AlgorithmIdentifier of RSASSA-PSS, DER (RFC 4055 §3.1): one hash for the message and for MGF1, the salt as long as that. */
export function pssIdentifier(name: HashName): Buffer {
  const hash = derSequence(derOid(HASH_OID[name]), derNull());
  return derSequence(derOid(PSS_OID), derSequence(der(contextTag(0), hash), der(contextTag(1), derSequence(derOid(MGF1_OID), hash)), der(contextTag(2), derInteger(BigInt(HASH_SIZES[name])))));
}

/**
 * @param key an RSA private key.
 * @returns the same key, restricted to PSS with one hash (RFC 4055 §1.2): `crypto.sign` takes it bare. For a key within a record
 *   of padding and salt length it makes two errors and catches them, which takes ten times as long as the rest of the call.
 */
export function restrictedToPss(key: KeyObject, hash: HashName): KeyObject {
  const pkcs8 = key.export({ type: 'pkcs8', format: 'der' });
  const info = new DerReader(pkcs8).enter('the private key');
  info.smallInteger('the version', 1);
  info.enter('its algorithm');
  const secret = der(TAG.octetString, info.octets('the key itself'));
  const restricted = derSequence(derInteger(0n), pssIdentifier(hash), secret);
  try {
    return createPrivateKey({ key: restricted, format: 'der', type: 'pkcs8' });
  } finally {
    for (const bytes of [pkcs8, secret, restricted]) bytes.fill(0);
  }
}
