import { KeywrightError } from '../../contract/index.ts';
import { parseTlv, parseTlvs, tlv } from '../../devices/index.ts';

/**
 * A wrapped key as a file, in the form of `sc-hsm-tool`: SEQUENCE of the blob (OCTET STRING), the key's PKCS#15 description, and what is kept
 * beside it: an X.509 certificate, or the request that the device has signed. Both may be missing.
 */
export interface WrappedKey {
  /** Encrypted and authenticated under the DKEK: only a card with the same one reads it. */
  readonly blob: Uint8Array;
  /** PrivateKeyInfo of PKCS#15 (ISO/IEC 7816-15 §8.4): label, identifier, usage. */
  readonly description: Uint8Array | null;
  readonly certificate: Uint8Array | null;
}

const TAG = { sequence: 0x30, octets: 0x04 } as const;
const VALUE_CHECK_LENGTH = 8;
/** Key check value, type, four counted fields, two blocks of 16 at least, and the MAC. */
const SHORTEST_BLOB = VALUE_CHECK_LENGTH + 1 + 8 + 32 + 16;

export function writeWrappedKey({ blob, description, certificate }: WrappedKey): Buffer {
  return tlv(TAG.sequence, tlv(TAG.octets, blob), ...(description === null ? [] : [description]), ...(certificate === null ? [] : [certificate]));
}

/** @throws INVALID_INPUT with the offset */
export function readWrappedKey(file: Uint8Array): WrappedKey {
  const what = 'the wrapped key';
  const content = parseTlv(file, TAG.sequence, what);
  const base = content.byteOffset - file.byteOffset;
  const [blob, description, certificate, more] = parseTlvs(content, what, base);
  if (blob?.tag !== TAG.octets || blob.value.length < SHORTEST_BLOB) throw new KeywrightError('INVALID_INPUT', { detail: 'This is no key that a SmartCard-HSM wrapped: its first part is no key blob.', where: `offset ${base}`, remedy: 'Choose the file that was written when the key was wrapped.' });
  if (more !== undefined) throw new KeywrightError('INVALID_INPUT', { detail: 'More follows the wrapped key than its description and its certificate.', where: `offset ${more.offset}` });
  const whole = (element: typeof description): Uint8Array | null => (element === undefined ? null : content.subarray(element.offset - base, element.value.byteOffset - content.byteOffset + element.value.length));
  return { blob: blob.value, description: whole(description), certificate: whole(certificate) };
}

/** @returns the key check value of the DKEK that a key is wrapped under, 16 hexadecimal digits in capitals as tools show it. */
export const keyCheckValueOf = ({ blob }: WrappedKey): string => Buffer.from(blob.subarray(0, VALUE_CHECK_LENGTH)).toString('hex').toUpperCase();
