import { StatusWord, SW, type Command } from '../apdu.ts';
import { tlv, valueOf, type Tlv } from '../tlv.ts';
import { objectsIn } from './slots.ts';
import type { Piv } from './state.ts';

const DISCOVERY = 0x7e;
const DISCOVERY_CONTENT = Buffer.from('4f0ba0000003080000100001005f2f024000', 'hex');
/** Fingerprints, facial image, printed information and iris images are read with the PIN alone (SP 800-73-4 part 1, table 2). */
const PIN_PROTECTED: readonly number[] = [0x5fc103, 0x5fc108, 0x5fc109, 0x5fc121];

function identifier(objects: readonly Tlv[]): number {
  const name = valueOf(objects, 0x5c);
  if (name === undefined || name.length === 0 || name.length > 3) throw new StatusWord(SW.wrongData);
  return name.readUIntBE(0, name.length);
}

/** GET DATA (SP 800-73-4 part 2 §3.1.2). An empty object is not found, whether the PIN was verified or not. */
export function getData(piv: Piv, { p1, p2, data }: Command): Buffer {
  if (p1 !== 0x3f || p2 !== 0xff) throw new StatusWord(SW.wrongParameters);
  const id = identifier(objectsIn(data));
  if (id === DISCOVERY) return tlv(DISCOVERY, DISCOVERY_CONTENT);
  const content = piv.memory.objects.get(id);
  if (content === undefined) throw new StatusWord(SW.fileNotFound);
  if (PIN_PROTECTED.includes(id) && !piv.session.pinVerified) throw new StatusWord(SW.securityStatus);
  return tlv(0x53, content);
}

/** PUT DATA (§3.3.1). What is put is not looked at; an empty object is deleted. Yubico takes any identifier from 5f0000 to 5fffff. */
export function putData(piv: Piv, { p1, p2, data }: Command): Buffer {
  if (!piv.session.managementAuthenticated) throw new StatusWord(SW.securityStatus);
  if (p1 !== 0x3f || p2 !== 0xff) throw new StatusWord(SW.wrongParameters);
  const objects = objectsIn(data);
  const id = identifier(objects);
  const content = valueOf(objects, 0x53);
  if (id < 0x5f0000 || id > 0x5fffff || content === undefined) throw new StatusWord(SW.wrongData);
  const others = [...piv.memory.objects].reduce((sum, [other, { length }]) => sum + (other === id ? 0 : length), 0);
  if (others + content.length > piv.model.storage) throw new StatusWord(SW.notEnoughMemory);
  if (content.length === 0) piv.memory.objects.delete(id);
  else piv.memory.objects.set(id, content);
  return Buffer.alloc(0);
}
