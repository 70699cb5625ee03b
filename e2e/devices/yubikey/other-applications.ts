import { StatusWord, SW, type Command } from '../apdu.ts';
import { tlv } from '../tlv.ts';
import { atLeast, type Model } from './model.ts';

/** What the applications beside PIV tell of the device: as much of them as a client needs to know which device it has. */
export interface Device {
  readonly model: Model;
  readonly serial: number;
  readonly formFactor: number;
  readonly nfc: boolean;
}

const OTP_SLOT_SERIAL = 0x10;

function serialBytes(serial: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(serial);
  return bytes;
}

/** @returns the answer to SELECT of the management application. */
export function selectManagement({ model }: Device): Buffer {
  return Buffer.from(`Virtual mgr - FW version ${model.firmware.join('.')}`);
}

/** Management application: READ CONFIG (1D), from firmware 4.1. */
export function management(device: Device, { ins, p1 }: Command): Buffer {
  if (ins !== 0x1d || !device.model.has.readConfig) throw new StatusWord(SW.instruction);
  if (p1 !== 0) throw new StatusWord(SW.wrongParameters);
  const { model, serial, formFactor, nfc } = device;
  const five = atLeast(model.firmware, 5, 0, 0);
  // Applications: OTP 01, U2F 02, OpenPGP 08, PIV 10, OATH 20, and FIDO2 200 from 5.0.
  const applications = five ? Buffer.of(0x02, 0x3b) : Buffer.of(0x3b);
  const content = Buffer.concat([
    tlv(0x01, applications),
    tlv(0x02, serialBytes(serial)),
    tlv(0x03, applications),
    ...(five ? [tlv(0x04, Buffer.of(formFactor)), tlv(0x05, Buffer.from(model.firmware))] : []),
    tlv(0x06, Buffer.of(0, 0)),
    tlv(0x07, Buffer.of(15)),
    tlv(0x08, Buffer.of(0)),
    tlv(0x0a, Buffer.of(0)),
    ...(nfc && five ? [tlv(0x0d, applications), tlv(0x0e, applications)] : []),
  ]);
  return Buffer.concat([Buffer.of(content.length), content]);
}

/** @returns the answer to SELECT of the OTP application, and to its READ STATUS: firmware, programming sequence, touch level. */
export function selectOtp({ model }: Device): Buffer {
  return Buffer.concat([otpStatus(model), Buffer.of(0x06, 0x0f, 0, 0)]);
}

function otpStatus({ firmware }: Model): Buffer {
  return Buffer.from([...firmware, 1, 0, 0]);
}

/** OTP application: READ STATUS (03), and the serial number by INS 01 with P1 10. */
export function otp({ model, serial }: Device, { ins, p1 }: Command): Buffer {
  if (ins === 0x03) return otpStatus(model);
  if (ins === 0x01 && p1 === OTP_SLOT_SERIAL) return serialBytes(serial);
  throw new StatusWord(ins === 0x01 ? SW.wrongParameters : SW.instruction);
}
