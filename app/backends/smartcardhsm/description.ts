import { KeywrightError } from '../../contract/index.ts';
import { parseTlvs, tlv, type Tlv } from '../../devices/index.ts';

/**
 * What PKCS#15 says of a private key (ISO/IEC 7816-15 §8.4): OpenSC writes one beside each key. Of it we need what OpenSC names the key by.
 */
interface PrivateKeyDescription {
  readonly label: string | null;
  /** Becomes CKA_ID. */
  readonly id: Uint8Array;
}

const TAG = { sequence: 0x30, utf8: 0x0c, octets: 0x04 } as const;

/** @throws INVALID_INPUT with the offset */
export function readDescription(bytes: Uint8Array, what: string): PrivateKeyDescription {
  const { common, own } = partsOf(bytes, what);
  const label = common.find(({ tag }) => tag === TAG.utf8)?.value;
  const id = own.find(({ tag }) => tag === TAG.octets)?.value;
  if (id === undefined || id.length === 0) throw new KeywrightError('INVALID_INPUT', { detail: `${what} names no identifier.`, where: 'offset 0' });
  return { label: label === undefined ? null : Buffer.from(label).toString('utf8'), id };
}

/** @returns the description with another identifier. @throws INVALID_INPUT with the offset */
export function withIdentifier(bytes: Uint8Array, id: Uint8Array, what: string): Buffer {
  const { outer, parts, own } = partsOf(bytes, what);
  const renamed = tlv(TAG.sequence, ...own.map(({ tag, value }) => tlv(tag, tag === TAG.octets ? id : value)));
  return tlv(outer.tag, ...parts.map(({ tag, value }, index) => (index === 1 ? renamed : tlv(tag, value))));
}

function partsOf(bytes: Uint8Array, what: string): { outer: Tlv; parts: Tlv[]; common: Tlv[]; own: Tlv[] } {
  const [outer, more] = parseTlvs(bytes, what);
  if (outer === undefined || more !== undefined) throw new KeywrightError('INVALID_INPUT', { detail: `${what} is not one object.`, where: 'offset 0' });
  const parts = parseTlvs(outer.value, what);
  const [common, own] = parts;
  if (common?.tag !== TAG.sequence || own?.tag !== TAG.sequence) throw new KeywrightError('INVALID_INPUT', { detail: `${what} lacks the attributes of a key.`, where: 'offset 0' });
  return { outer, parts, common: parseTlvs(common.value, what), own: parseTlvs(own.value, what) };
}
