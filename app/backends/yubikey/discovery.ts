import { findTlv, leadingTlvs, parseTlvs, SW, type Channel } from '../../devices/index.ts';
import type { TokenFacts } from '../../keystore/tokens.ts';
import { isAtLeast, type Version } from './firmware.ts';
import { getObject } from './objects.ts';
import { AID, INS, OBJECT, PIN_REFERENCE } from './piv.ts';
import { select, selectPiv } from './session.ts';

/** What is learnt of a YubiKey when it is put in, without a secret and without a touch. */
export interface Discovered {
  readonly firmware: Version;
  /** What the PIV application says of itself: the firmware, but for a NEO. */
  readonly piv: Version;
  /** Decimal, as it is printed on the token; null when no application tells it. */
  readonly serial: string | null;
  /** Of the CHUID, in hex: names the card where the serial cannot. */
  readonly guid: string | null;
  readonly model: string;
  readonly form: TokenFacts['form'];
  /** In words, as attestations say it too. */
  readonly formFactor: string | null;
  readonly nfc: boolean;
  readonly fips: boolean;
  readonly hasFingerprints: boolean;
  /** Whether the token tells policies, origin and public key of a slot (Yubico's GET METADATA). */
  readonly hasMetadata: boolean;
}

interface FormFactor {
  readonly name: string;
  readonly form: TokenFacts['form'];
  /** Of a YubiKey 5; with NFC. */
  readonly model: string;
  readonly withNfc?: string;
}

/** Yubico's codes, in the management application and in attestations. */
const FORM_FACTORS: Readonly<Record<number, FormFactor>> = {
  1: { name: 'USB-A keychain', form: 'usb-a', model: 'YubiKey 5A', withNfc: 'YubiKey 5 NFC' },
  2: { name: 'USB-A nano', form: 'nano', model: 'YubiKey 5 Nano' },
  3: { name: 'USB-C keychain', form: 'usb-c', model: 'YubiKey 5C', withNfc: 'YubiKey 5C NFC' },
  4: { name: 'USB-C nano', form: 'nano', model: 'YubiKey 5C Nano' },
  5: { name: 'USB-C and Lightning', form: 'usb-c', model: 'YubiKey 5Ci' },
  6: { name: 'USB-A with fingerprint reader', form: 'usb-a', model: 'YubiKey Bio' },
  7: { name: 'USB-C with fingerprint reader', form: 'usb-c', model: 'YubiKey C Bio' },
};
const FIPS_FLAG = 0x80;

/** @returns the form factor's name, of a code whose upper bits are flags. */
export const formFactorName = (code: number): string | null => FORM_FACTORS[code & 0x0f]?.name ?? null;

/** Cards of others whose answers to reset are known: they are left alone. SmartCard-HSM and its kin call themselves HSM. */
const FOREIGN_ATR = /8031815448534d31738021408107/;

export const mayBeYubiKey = (atr: Uint8Array): boolean => !FOREIGN_ATR.test(Buffer.from(atr).toString('hex'));

interface DeviceInformation {
  readonly firmware?: Version | undefined;
  readonly serial?: string | undefined;
  readonly formFactor?: number | undefined;
  readonly nfc?: boolean;
}

/** Asks a card whether it is a YubiKey with PIV, and which. PIV is selected afterwards. @returns undefined when it is something else. */
export async function discover(channel: Channel): Promise<Discovered | undefined> {
  if ((await selectPiv(channel)).sw !== SW.ok) return undefined;
  const piv = versionIn(await read(channel, INS.version));
  // Other PIV cards do not have the command.
  if (piv === undefined) return undefined;
  const pivSerial = serialIn(await read(channel, INS.serial));
  const management = await managementInformation(channel);
  const otp = management.serial === undefined && pivSerial === undefined ? await otpInformation(channel) : {};
  await selectPiv(channel);
  const hasMetadata = (await read(channel, INS.metadata, 0, PIN_REFERENCE)) !== undefined;
  const serial = pivSerial ?? management.serial ?? otp.serial ?? null;
  // A NEO's PIV application has a version of its own, below 3.
  const firmware = piv[0] >= 3 ? piv : (management.firmware ?? otp.firmware ?? [3, 0, 0]);
  const code = management.formFactor ?? 0;
  const { guid } = serial === null ? await chuidOf(channel) : { guid: null };
  return {
    firmware, piv, serial, guid, hasMetadata, nfc: management.nfc ?? false, fips: (code & FIPS_FLAG) !== 0, hasFingerprints: (code & 0x0f) === 6 || (code & 0x0f) === 7, formFactor: formFactorName(code),
    ...modelOf(firmware, code, management.nfc ?? false),
  };
}

/** The GUID of the CHUID (SP 800-73-4 part 1 §3.1.2), in hex. */
export function guidIn(chuid: Uint8Array): string | null {
  const guid = findTlv(leadingTlvs(chuid, 'the CHUID'), 0x34);
  return guid?.length === 16 && guid.some((byte) => byte !== 0) ? Buffer.from(guid).toString('hex') : null;
}

async function chuidOf(channel: Channel): Promise<{ guid: string | null }> {
  const chuid = await getObject(channel, OBJECT.chuid).catch(() => undefined);
  return { guid: chuid === undefined ? null : guidIn(chuid) };
}

function modelOf(firmware: Version, code: number, nfc: boolean): { model: string; form: TokenFacts['form'] } {
  const known = FORM_FACTORS[code & 0x0f];
  const fips = (code & FIPS_FLAG) !== 0 ? ' FIPS' : '';
  if (firmware[0] < 4) return { model: 'YubiKey NEO', form: 'usb-a' };
  if (firmware[0] === 4) return { model: isAtLeast(firmware, 4, 4, 0) ? 'YubiKey FIPS (4 series)' : 'YubiKey 4', form: known?.form ?? 'usb-a' };
  if (known === undefined) return { model: `YubiKey ${firmware[0]}${fips}`, form: 'other' };
  return { model: `${(nfc ? known.withNfc : undefined) ?? known.model}${fips}`, form: known.form };
}

async function read(channel: Channel, ins: number, p1 = 0, p2 = 0): Promise<Buffer | undefined> {
  const { data, sw } = await channel.transmit({ ins, p1, p2, le: 0 });
  return sw === SW.ok ? data : undefined;
}

function versionIn(bytes: Buffer | undefined): Version | undefined {
  return bytes === undefined || bytes.length < 3 ? undefined : [bytes[0] as number, bytes[1] as number, bytes[2] as number];
}

function serialIn(bytes: Uint8Array | undefined): string | undefined {
  if (bytes?.length !== 4) return undefined;
  const serial = Buffer.from(bytes).readUInt32BE(0);
  // A device whose serial is hidden gives zeros.
  return serial === 0 ? undefined : String(serial);
}

/** The management application: SELECT answers with the firmware in text, READ CONFIG (from 4.1) with the device's facts. */
async function managementInformation(channel: Channel): Promise<DeviceInformation> {
  const selected = await select(channel, AID.management);
  if (selected.sw !== SW.ok) return {};
  const text = /(\d+)\.(\d+)\.(\d+)/.exec(selected.data.toString('latin1'));
  const firmware: Version | undefined = text === null ? undefined : [Number(text[1]), Number(text[2]), Number(text[3])];
  const answer = await read(channel, 0x1d);
  if (answer === undefined || answer[0] !== answer.length - 1) return { firmware };
  try {
    const facts = parseTlvs(answer.subarray(1), 'the device’s facts');
    const nfc = findTlv(facts, 0x0d)?.some((byte) => byte !== 0) ?? false;
    return { firmware: versionIn(asBuffer(findTlv(facts, 0x05))) ?? firmware, serial: serialIn(findTlv(facts, 0x02)), formFactor: findTlv(facts, 0x04)?.[0], nfc };
  } catch {
    return { firmware };
  }
}

/** The one-time-password application: SELECT answers with the firmware, INS 01 with P1 10 with the serial. */
async function otpInformation(channel: Channel): Promise<DeviceInformation> {
  const selected = await select(channel, AID.otp);
  if (selected.sw !== SW.ok) return {};
  return { firmware: versionIn(selected.data), serial: serialIn(await read(channel, 0x01, 0x10)) };
}

function asBuffer(bytes: Uint8Array | undefined): Buffer | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes);
}
