import { Card, type CardOptions } from '../card.ts';
import type { CardLink } from '../link.ts';

/** PC/SC's errors as the addon throws them. */
export const pcscError = (code: string): Error => Object.assign(new Error(code), { code });

/**
 * A connection to a card that is a function, for tests. `log` has what was done: `begin`, `end`, `reconnect`, `leave`, `reset`,
 * and each APDU in hex.
 */
export class MemoryLink implements CardLink {
  readonly log: string[] = [];
  isT0 = false;
  readonly #answer: (apdu: Buffer) => Uint8Array | Promise<Uint8Array>;
  /** Errors that the next calls end with, by call. */
  readonly faults: Partial<Record<'transmit' | 'control' | 'begin' | 'end' | 'reconnect' | 'disconnect', (Error | Promise<void>)[]>> = {};
  features: (code: number, data: Uint8Array) => Uint8Array | Promise<Uint8Array> = () => { throw pcscError('UnsupportedFeature'); };

  constructor(answer: (apdu: Buffer) => Uint8Array | Promise<Uint8Array>) {
    this.#answer = answer;
  }

  async transmit(apdu: Buffer): Promise<Uint8Array> {
    this.log.push(apdu.toString('hex'));
    const sent = Buffer.from(apdu);
    apdu.fill(0);
    await this.#fault('transmit');
    return this.#answer(sent);
  }

  async control(code: number, data: Uint8Array): Promise<Uint8Array> {
    await this.#fault('control');
    return this.features(code, data);
  }

  controlCode(functionNumber: number): number {
    return 0x4200_0000 + functionNumber;
  }

  begin(): Promise<void> {
    return this.#note('begin');
  }

  end(): Promise<void> {
    return this.#note('end');
  }

  reconnect(): Promise<void> {
    return this.#note('reconnect');
  }

  async disconnect(then: 'leave' | 'reset' | 'unpower'): Promise<void> {
    this.log.push(then);
    await this.#fault('disconnect');
  }

  async #note(call: 'begin' | 'end' | 'reconnect'): Promise<void> {
    this.log.push(call);
    await this.#fault(call);
  }

  async #fault(call: keyof MemoryLink['faults']): Promise<void> {
    const fault = this.faults[call]?.shift();
    if (fault instanceof Error) throw fault;
    await fault;
  }
}

/** @returns a card whose answers a function gives. */
export function memoryCard(answer: (apdu: Buffer) => Uint8Array | Promise<Uint8Array>, options: Partial<CardOptions> = {}): { card: Card; link: MemoryLink } {
  const link = new MemoryLink(answer);
  return { link, card: new Card(link, { reader: 'Memory reader', atr: Buffer.from('3b00', 'hex'), ...options }) };
}
