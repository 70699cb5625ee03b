import { KeywrightError } from '../../contract/index.ts';
import { parseTlv, statusError, SW, tlv } from '../../devices/index.ts';
import { INS } from './piv.ts';
import { reading, type PivChannel, type Transmitter } from './session.ts';

/** Data objects (SP 800-73-4 part 2 §3.1.2, §3.3.1). */

const name = (id: number): Buffer => tlv(0x5c, Buffer.from(id.toString(16), 'hex'));

/**
 * GET DATA. @returns the content; undefined when there is no such object or it is empty.
 * @throws PIN_REQUIRED for one that is read after the PIN alone; BACKEND_UNAVAILABLE when the answer is malformed.
 */
export async function getObject(piv: Transmitter, id: number): Promise<Uint8Array | undefined> {
  const read = await tryObject(piv, id);
  if (typeof read === 'number') throw statusError(read, `Object ${id.toString(16)} was not read`);
  return read;
}

/** Like {@link getObject}, and @returns the status word when the card refuses. */
export async function tryObject(piv: Transmitter, id: number): Promise<Uint8Array | number | undefined> {
  const { data, sw } = await piv.transmit({ ins: INS.getData, p1: 0x3f, p2: 0xff, data: name(id), le: 0 });
  if (sw === SW.fileNotFound || sw === SW.notFound) return undefined;
  if (sw !== SW.ok) return sw;
  if (data.length === 0) return undefined;
  const content = reading(`Object ${id.toString(16)} cannot be read`, () => parseTlv(data, 0x53, 'its data'));
  return content.length === 0 ? undefined : content;
}

/** PUT DATA, after the management key. An empty object is deleted. @throws STORAGE_FULL, CAPABILITY_MISSING when it is too large */
export async function putObject(piv: PivChannel, id: number, content: Uint8Array, what: string): Promise<void> {
  const { sw } = await piv.transmit({ ins: INS.putData, p1: 0x3f, p2: 0xff, data: Buffer.concat([name(id), tlv(0x53, content)]) });
  if (sw === SW.wrongLength) throw new KeywrightError('CAPABILITY_MISSING', { detail: `${what}: ${content.length} bytes are more than the card takes for one object.`, remedy: 'Use a smaller one.' });
  if (sw !== SW.ok) throw statusError(sw, what);
}
