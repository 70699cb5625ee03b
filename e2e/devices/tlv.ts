/** BER-TLV as smart cards use it (ISO/IEC 7816-4 §5.2.2): tags of one to three bytes, lengths of up to three. */

export interface Tlv {
  readonly tag: number;
  readonly value: Buffer;
}

/** @returns one object: tag, shortest length, content. */
export function tlv(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const n = content.length;
  const length = n < 0x80 ? [n] : n < 0x100 ? [0x81, n] : [0x82, n >> 8, n & 0xff];
  const name = tag > 0xffff ? [tag >> 16, (tag >> 8) & 0xff, tag & 0xff] : tag > 0xff ? [tag >> 8, tag & 0xff] : [tag];
  return Buffer.concat([Buffer.from([...name, ...length]), content]);
}

/** @returns the objects that `bytes` consist of, in their order. @throws RangeError when one reaches past the end, or its length has more than three bytes. */
export function readTlvs(bytes: Uint8Array): Tlv[] {
  const found: Tlv[] = [];
  let at = 0;
  const next = (): number => {
    const byte = bytes[at];
    if (byte === undefined) throw new RangeError(`The object at offset ${at} is cut off.`);
    at += 1;
    return byte;
  };
  while (at < bytes.length) {
    let tag = next();
    if ((tag & 0x1f) === 0x1f) {
      do tag = tag * 256 + next();
      while ((tag & 0x80) !== 0 && tag <= 0xffff);
    }
    let length = next();
    if (length >= 0x80) {
      const count = length & 0x7f;
      if (count === 0 || count > 3) throw new RangeError(`The length at offset ${at - 1} has ${count} bytes.`);
      length = 0;
      for (let i = 0; i < count; i += 1) length = length * 256 + next();
    }
    if (at + length > bytes.length) throw new RangeError(`The object with tag ${tag.toString(16)} reaches past the end.`);
    found.push({ tag, value: Buffer.from(bytes.subarray(at, at + length)) });
    at += length;
  }
  return found;
}

/** @returns the content of the first object with this tag, or undefined. */
export function valueOf(objects: readonly Tlv[], tag: number): Buffer | undefined {
  return objects.find((one) => one.tag === tag)?.value;
}
