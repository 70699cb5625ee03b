import { tlv } from '../../tlv.ts';
import { VirtualSmartCardHsm, type SmartCardHsmOptions } from '../card.ts';
import { CURVES, domainObjects } from '../curves.ts';
import { derOid } from '../../../../app/formats/der.ts';
import { ECDSA_SHA256, RSA_SHA256 } from '../cvc.ts';

export const PIN = '648219';
export const OFFICER_PIN = '3537363231383830';
export const SET_UP = { pin: PIN, officerPin: OFFICER_PIN } as const;
const SELECT = '00a404000be82b0601040181c31f0201';

export interface Answer {
  readonly data: Buffer;
  readonly status: string;
}

/** A client that sends commands straight to the card, without reader and service. */
export class Client {
  readonly card: VirtualSmartCardHsm;

  constructor(options: SmartCardHsmOptions | VirtualSmartCardHsm) {
    this.card = options instanceof VirtualSmartCardHsm ? options : new VirtualSmartCardHsm(options);
    this.card.inserted();
    this.card.powerOn();
  }

  async send(hex: string): Promise<Answer> {
    const answer = Buffer.from(await this.card.transmit(Buffer.from(hex, 'hex')));
    return { data: answer.subarray(0, -2), status: answer.subarray(-2).toString('hex') };
  }

  async status(hex: string): Promise<string> {
    return (await this.send(hex)).status;
  }

  /** With data, in extended form. */
  command(header: string, data: Uint8Array): Promise<Answer> {
    const length = data.length.toString(16).padStart(4, '0');
    return this.send(`${header}${data.length === 0 ? '000000' : `00${length}${Buffer.from(data).toString('hex')}0000`}`);
  }

  select(): Promise<Answer> {
    return this.send(SELECT);
  }

  async verify(pin = PIN): Promise<string> {
    this.card.ledger.entered(pin);
    return (await this.command('00200081', Buffer.from(pin))).status;
  }

  /** @param algorithm `rsa:2048`, or OpenSSL's name of a curve. */
  generate(id: number, algorithm: string): Promise<Answer> {
    const curve = CURVES.find(({ name }) => name === algorithm);
    const bits = Number(algorithm.replace('rsa:', ''));
    const publicKey = curve === undefined
      ? tlv(0x7f49, derOid(RSA_SHA256), tlv(0x82, Buffer.of(1, 0, 1)), tlv(0x02, Buffer.of(bits >> 8, bits & 0xff)))
      : tlv(0x7f49, derOid(ECDSA_SHA256), domainObjects(curve), tlv(0x87, Buffer.of(1)));
    return this.command(`0046${byte(id)}00`, Buffer.concat([tlv(0x5f29, Buffer.of(0)), tlv(0x42, Buffer.from('UTCA00001')), publicKey, tlv(0x5f20, Buffer.from('UTTM00001'))]));
  }

  initialise(options: { pin?: string; officerPin?: string; retries?: number; shares?: number; options?: string } = {}): Promise<Answer> {
    return this.command('80500000', Buffer.concat([
      tlv(0x80, Buffer.from(options.options ?? '0001', 'hex')), tlv(0x81, Buffer.from(options.pin ?? PIN)), tlv(0x82, Buffer.from(options.officerPin ?? OFFICER_PIN, 'hex')),
      tlv(0x91, Buffer.of(options.retries ?? 3)), ...(options.shares === undefined ? [] : [tlv(0x92, Buffer.of(options.shares))]),
    ]));
  }
}

export const byte = (value: number): string => value.toString(16).padStart(2, '0');

/** @returns a client of a card in which the application is selected. */
export async function opened(options: SmartCardHsmOptions | VirtualSmartCardHsm = { setUp: SET_UP }): Promise<Client> {
  const client = new Client(options);
  await client.select();
  return client;
}
