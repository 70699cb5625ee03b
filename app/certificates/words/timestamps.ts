import { DerReader } from '../../formats/der.ts';
import { malformed } from '../../formats/malformed.ts';
import { hexOf } from '../reading/text.ts';

/** Signed certificate timestamps (RFC 6962 §3.2, §3.3), in the encoding of TLS within an OCTET STRING. */
export function timestampLines(value: Uint8Array): string[] {
  const outer = new DerReader(value);
  const list = Buffer.from(outer.octets('the list of timestamps'));
  outer.finish('the list of timestamps');
  if (list.length < 2 || list.readUInt16BE(0) !== list.length - 2) throw malformed('The list of timestamps does not have the length that it says.');
  const lines: string[] = [];
  for (let at = 2; at < list.length; ) {
    if (at + 2 > list.length || at + 2 + list.readUInt16BE(at) > list.length) throw malformed('A timestamp does not have the length that it says.', at);
    const length = list.readUInt16BE(at);
    const one = list.subarray(at + 2, at + 2 + length);
    at += 2 + length;
    if (one[0] !== 0 || one.length < 43) {
      lines.push(`a timestamp of version ${(one[0] ?? 0) + 1}`);
      continue;
    }
    const when = Number(one.readBigUInt64BE(33));
    lines.push(`${when < 8.64e15 ? new Date(when).toISOString() : when} by log ${hexOf(one.subarray(1, 33))}`);
  }
  return lines;
}
