import { StatusWord, SW, type Command } from '../apdu.ts';
import { tlv, valueOf } from '../tlv.ts';
import { FILE, objectsOf, PREFIX, type Hsm } from './state.ts';

const LARGEST = 8192;
/** End of file reached before as many bytes were read as were asked for (ISO/IEC 7816-4 §5.6). */
const END_OF_FILE = 0x6282;

function isReadable(hsm: Hsm, file: number): boolean {
  return file >> 8 !== PREFIX.protectedData || hsm.session.userVerified;
}

export function selectFile(hsm: Hsm, { data }: Command): Buffer {
  const file = data.length === 2 ? data.readUInt16BE(0) : -1;
  const isKey = file >> 8 === PREFIX.key && hsm.memory.keys.has(file & 0xff);
  const content = hsm.memory.files.get(file);
  if (content === undefined && !isKey) throw new StatusWord(SW.fileNotFound);
  hsm.session.file = file;
  const length = Buffer.alloc(2);
  length.writeUInt16BE(content?.length ?? 0);
  return tlv(0x62, tlv(0x80, length), tlv(0x82, Buffer.of(isKey ? 0x10 : 0x01)), tlv(0x83, data));
}

/** READ BINARY with an offset object. @returns what there is, and whether the end came first. */
export function readBinary(hsm: Hsm, { p1, p2, data, le = 256 }: Command): { data: Buffer; status: number } {
  const file = fileOf(hsm, p1, p2);
  const content = hsm.memory.files.get(file);
  if (content === undefined) throw new StatusWord(SW.fileNotFound);
  if (!isReadable(hsm, file)) throw new StatusWord(SW.securityStatus);
  const offset = offsetIn(data);
  if (offset > content.length) throw new StatusWord(SW.wrongP1P2);
  const part = content.subarray(offset, offset + le);
  return { data: Buffer.from(part), status: part.length < le && le <= 256 ? END_OF_FILE : SW.success };
}

/** UPDATE BINARY with an offset object: makes the file when there is none. */
export function updateBinary(hsm: Hsm, { p1, p2, data }: Command): Buffer {
  if (!hsm.session.userVerified) throw new StatusWord(SW.securityStatus);
  const file = fileOf(hsm, p1, p2);
  if (file === FILE.deviceCertificate || file >> 8 === PREFIX.key) throw new StatusWord(SW.securityStatus);
  const before = hsm.memory.files.get(file) ?? Buffer.alloc(0);
  const offset = offsetIn(data);
  const content = valueOf(objectsOf(data), 0x53);
  if (content === undefined || offset > before.length) throw new StatusWord(SW.wrongData);
  if (offset + content.length > LARGEST) throw new StatusWord(SW.notEnoughMemory);
  hsm.memory.files.set(file, Buffer.concat([before.subarray(0, offset), content, before.subarray(offset + content.length)]));
  hsm.session.file = file;
  return Buffer.alloc(0);
}

/** DELETE FILE: a file, or a key. */
export function deleteFile(hsm: Hsm, { p1, p2, data }: Command): Buffer {
  if (p1 !== 2 || p2 !== 0 || data.length !== 2) throw new StatusWord(SW.wrongParameters);
  if (!hsm.session.userVerified) throw new StatusWord(SW.securityStatus);
  const file = data.readUInt16BE(0);
  if (file === FILE.deviceCertificate || file === PREFIX.key << 8) throw new StatusWord(SW.securityStatus);
  const gone = file >> 8 === PREFIX.key ? hsm.memory.keys.delete(file & 0xff) : hsm.memory.files.delete(file);
  if (!gone) throw new StatusWord(SW.fileNotFound);
  if (hsm.session.file === file) hsm.session.file = undefined;
  return Buffer.alloc(0);
}

/** ENUMERATE OBJECTS: the identifiers of keys, the device's own first, and of files. */
export function enumerate({ memory }: Hsm): Buffer {
  const ids = [...[...memory.keys.keys()].sort((a, b) => a - b).map((id) => (PREFIX.key << 8) | id), ...memory.files.keys()];
  return Buffer.concat(ids.map((id) => Buffer.of(id >> 8, id & 0xff)));
}

/** P1 and P2 name the file; zeros mean the current one. */
function fileOf({ session }: Hsm, p1: number, p2: number): number {
  const file = (p1 << 8) | p2;
  if (file !== 0) return file;
  if (session.file === undefined) throw new StatusWord(SW.fileNotFound);
  return session.file;
}

function offsetIn(data: Buffer): number {
  const offset = valueOf(objectsOf(data), 0x54);
  if (offset === undefined || offset.length !== 2) throw new StatusWord(SW.wrongData);
  return offset.readUInt16BE(0);
}
