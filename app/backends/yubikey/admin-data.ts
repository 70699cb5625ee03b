import { findTlv, parseTlv, parseTlvs, tlv } from '../../devices/index.ts';
import { putObject, tryObject } from './objects.ts';
import { OBJECT } from './piv.ts';
import type { PivChannel } from './session.ts';

/** What Yubico's programs note of how a token is managed (object 5fff00): flags 81, salt of a derived management key 82, time of the PIN's change 83. */
interface AdminData {
  readonly pukBlocked: boolean;
  readonly isProtected: boolean;
  readonly salt: Uint8Array | undefined;
  /** Kept as it is. */
  readonly pinChangedAt: Uint8Array | undefined;
}

const PUK_BLOCKED = 0x01;
const PROTECTED = 0x02;

/** @returns what is noted; nothing when there is no object, or it is damaged or refused. */
export async function readAdminData(piv: PivChannel): Promise<AdminData> {
  const nothing: AdminData = { pukBlocked: false, isProtected: false, salt: undefined, pinChangedAt: undefined };
  const object = await tryObject(piv, OBJECT.adminData);
  if (object === undefined || typeof object === 'number') return nothing;
  try {
    const inner = parseTlvs(parseTlv(object, 0x80, 'the object'), 'the object');
    const flags = findTlv(inner, 0x81)?.[0] ?? 0;
    const salt = findTlv(inner, 0x82);
    return { pukBlocked: (flags & PUK_BLOCKED) !== 0, isProtected: (flags & PROTECTED) !== 0, salt: salt?.length === 16 ? salt : undefined, pinChangedAt: findTlv(inner, 0x83) };
  } catch {
    return nothing;
  }
}

export function writeAdminData(piv: PivChannel, { pukBlocked, isProtected, salt, pinChangedAt }: AdminData): Promise<void> {
  const flags = (pukBlocked ? PUK_BLOCKED : 0) | (isProtected ? PROTECTED : 0);
  const parts = [
    ...(flags === 0 ? [] : [tlv(0x81, Buffer.of(flags))]), ...(salt === undefined ? [] : [tlv(0x82, salt)]), ...(pinChangedAt === undefined ? [] : [tlv(0x83, pinChangedAt)]),
  ];
  return putObject(piv, OBJECT.adminData, parts.length === 0 ? new Uint8Array(0) : tlv(0x80, ...parts), 'How the token is managed was not noted');
}
