import { createCipheriv } from 'node:crypto';
import { readTlvs, tlv, valueOf } from '../../tlv.ts';
import { VirtualYubiKey, type YubiKeyOptions } from '../card.ts';

const SELECT_PIV = '00a4040005a000000308';
/** The PIN as VERIFY takes it. */
export const PIN = '313233343536ffff';
export const MANAGEMENT_KEY = Buffer.from('010203040506070801020304050607080102030405060708', 'hex');

/** A client that sends commands as hexadecimal, straight to the card, without reader and service. */
export class Client {
  readonly card: VirtualYubiKey;

  constructor(options: YubiKeyOptions) {
    this.card = new VirtualYubiKey(options);
    this.card.inserted();
    this.card.powerOn();
  }

  /** @returns response data and status word, GET RESPONSE included. */
  async send(hex: string): Promise<{ data: Buffer; status: string }> {
    let answer = Buffer.from(await this.card.transmit(Buffer.from(hex, 'hex')));
    const parts = [answer.subarray(0, -2)];
    while (answer.at(-2) === 0x61) {
      answer = Buffer.from(await this.card.transmit(Buffer.from('00c0000000', 'hex')));
      parts.push(answer.subarray(0, -2));
    }
    return { data: Buffer.concat(parts), status: answer.subarray(-2).toString('hex') };
  }

  async status(hex: string): Promise<string> {
    return (await this.send(hex)).status;
  }

  /** @throws Error unless the answer is 9000. */
  async must(hex: string): Promise<Buffer> {
    const { data, status } = await this.send(hex);
    if (status !== '9000') throw new Error(`${hex.slice(0, 10)} was answered with ${status}`);
    return data;
  }

  /** With data, chained where it is long. */
  async command(header: string, data: Buffer): Promise<{ data: Buffer; status: string }> {
    for (; data.length > 255; data = data.subarray(255)) await this.must(`10${header.slice(2)}ff${data.subarray(0, 255).toString('hex')}`);
    return this.send(`${header}${data.length === 0 ? '' : data.length.toString(16).padStart(2, '0')}${data.toString('hex')}`);
  }

  async select(): Promise<void> {
    await this.must(SELECT_PIV);
  }

  /** The client proves that it knows the key. @param algorithm 03 3DES, 08, 0a and 0c AES. */
  async authenticate(algorithm = '03', key = MANAGEMENT_KEY): Promise<string> {
    const cipher = { '03': 'des-ede3-ecb', '08': 'aes-128-ecb', '0a': 'aes-192-ecb', '0c': 'aes-256-ecb' }[algorithm] ?? '';
    const { data, status } = await this.send(`0087${algorithm}9b047c028100`);
    if (status !== '9000') return status;
    const challenge = valueOf(readTlvs(valueOf(readTlvs(data), 0x7c) ?? data), 0x81) as Buffer;
    const encrypt = createCipheriv(cipher, key, null).setAutoPadding(false);
    return (await this.command(`0087${algorithm}9b`, tlv(0x7c, tlv(0x82, encrypt.update(challenge))))).status;
  }

  async generate(slot: string, algorithm: string, policies = ''): Promise<{ data: Buffer; status: string }> {
    return this.command(`004700${slot}`, tlv(0xac, Buffer.from(`8001${algorithm}${policies}`, 'hex')));
  }

  async use(slot: string, algorithm: string, input: Buffer, tag = 0x81): Promise<{ data: Buffer; status: string }> {
    const answer = await this.command(`0087${algorithm}${slot}`, tlv(0x7c, tlv(0x82), tlv(tag, input)));
    return answer.status === '9000' ? { ...answer, data: valueOf(readTlvs(valueOf(readTlvs(answer.data), 0x7c) ?? Buffer.alloc(0)), 0x82) ?? Buffer.alloc(0) } : answer;
  }
}

/** @returns a client of a card in which PIV is selected. */
export async function opened(options: YubiKeyOptions): Promise<Client> {
  const client = new Client(options);
  await client.select();
  return client;
}
