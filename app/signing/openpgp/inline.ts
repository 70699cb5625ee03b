import { inflateRawSync, inflateSync } from 'node:zlib';
import { malformed, notSupported } from '../../formats/malformed.ts';
import { openArmor, type Packet, readPackets } from '../../formats/openpgp-packets.ts';
import { SIGNATURE } from './signature.ts';

/** A message that holds what was signed (RFC 9580 §10.3), as `gpg --sign` writes it: signatures around literal data, all of it perhaps compressed. */

const [ONE_PASS, COMPRESSED, MARKER, LITERAL, PADDING] = [4, 8, 10, 11, 21];
/** Session keys, and what is encrypted with them. */
const ENCRYPTED: ReadonlySet<number> = new Set([1, 3, 9, 18, 20]);
const MAX_SIGNATURES = 100;

interface InlineSigned {
  readonly content: Buffer;
  /** There is text before or after the armour. */
  readonly outside: boolean;
  /** Bodies of Signature packets. */
  readonly signatures: readonly Uint8Array[];
}

/** @param start of a file, 64 bytes and more. @returns whether it may hold what {@link readInlineSigned} reads: it is armoured, or begins with one of the packets that a signed message begins with */
export function mayBeInlineSigned(start: Uint8Array): boolean {
  const first = start[0] ?? 0;
  if ((first & 0x80) === 0) return /^-----BEGIN PGP ([A-Z ]+)-----/m.exec(latin(start))?.[1] === 'MESSAGE';
  const isNew = (first & 0x40) !== 0;
  const body = start[1 + (isNew ? ((start[1] ?? 0) < 192 || ((start[1] ?? 0) >= 224 && start[1] !== 255) ? 1 : start[1] === 255 ? 5 : 2) : [1, 2, 4, 0][first & 3] as number)] ?? 0;
  switch (isNew ? first & 0x3f : (first >> 2) & 0x0f) {
    case ONE_PASS: return body === 3 || body === 6;
    case COMPRESSED: return body <= 3;
    case MARKER: return body === 0x50;
    default: return false;
  }
}

/**
 * @param most bytes of content, also once it is unpacked.
 * @throws INVALID_INPUT for what is no signed message, CAPABILITY_MISSING for what it may be and is not followed
 */
export function readInlineSigned(file: Uint8Array, most: number): InlineSigned {
  let packets = whole(readPackets(openArmor(file)));
  if (packets.length === 1 && packets[0]!.tag === COMPRESSED) packets = whole(readPackets(unpacked(packets[0]!.body, most)));
  if (packets.some(({ tag }) => ENCRYPTED.has(tag))) throw malformed('The message is encrypted: whether it is signed shows once it is open.', 0, 'Decrypt it: keywright files decrypt.');
  const at = packets.findIndex(({ tag }) => tag === LITERAL);
  if (at < 0) throw malformed('There is nothing in this OpenPGP file that was signed.', 0);
  const [before, after] = [packets.slice(0, at), packets.slice(at + 1)];
  const announced = before.filter(({ tag }) => tag === ONE_PASS);
  // Whatever else stands around the content could be shown by another program in its place.
  if (before.some(({ tag }) => tag !== ONE_PASS && tag !== SIGNATURE) || after.some(({ tag }) => tag !== SIGNATURE)) throw malformed('There is something else than signatures around the signed content.');
  // The last byte of each but the last one: 0 where the next signature is of the content as well, and not around this one too.
  if (announced.slice(0, -1).some(({ body }) => body.at(-1) !== 0)) throw notSupported('A signature of this message is of another signature, and not of the content alone, which is not followed.', 'Verify it with gpg --verify.');
  if (announced.length !== after.length) throw malformed(`The message announces ${announced.length} signatures, and ${after.length} follow: it was cut off or put together.`);
  const signatures = [...before.filter(({ tag }) => tag === SIGNATURE), ...after].map(({ body }) => body);
  if (signatures.length === 0) throw malformed('The message holds content without a signature.', 0);
  if (signatures.length > MAX_SIGNATURES) throw malformed(`There are more than ${MAX_SIGNATURES} signatures.`);
  const isArmored = ((file[0] ?? 0) & 0x80) === 0;
  return { content: literal(packets[at]!.body), outside: isArmored && !/^\s*-----BEGIN PGP MESSAGE-----(?:(?!-----END )[\s\S])*-----END PGP MESSAGE-----\s*$/.test(latin(file)), signatures };
}

const latin = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');

const whole = (packets: readonly Packet[]): Packet[] => packets.filter(({ tag }) => tag !== MARKER && tag !== PADDING);

/** RFC 9580 §5.9: format, name, date, content. The signature is of the content alone. */
function literal(body: Uint8Array): Buffer {
  const head = 6 + (body[1] ?? 0);
  if (body.length < head) throw malformed('The content of the message is cut off.');
  return Buffer.from(body.buffer, body.byteOffset + head, body.length - head);
}

/** RFC 9580 §5.6. */
function unpacked(body: Uint8Array, most: number): Buffer {
  const [algorithm = 0] = body;
  if (algorithm === 0) return Buffer.from(body.subarray(1));
  if (algorithm > 2) throw notSupported(`The message is compressed ${algorithm === 3 ? 'with bzip2' : 'in a way'} that is not handled.`, 'Have it signed without compression: gpg --sign --compress-algo zlib.');
  try {
    return (algorithm === 1 ? inflateRawSync : inflateSync)(body.subarray(1), { maxOutputLength: most });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw notSupported(`What is compressed in this message unpacks to more than ${most} bytes.`, 'Have it signed with a detached signature: gpg --detach-sign.');
    throw malformed('The content of the message is not compressed as it says.');
  }
}
