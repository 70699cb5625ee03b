import { OpenPgpApplication } from './openpgp.ts';
import { PinLedger } from './pin-ledger.ts';
import { ApduTrace } from './trace.ts';
import type { VirtualCard } from './vpcd.ts';

/** What every virtual token has beside its own application. */
export abstract class VirtualToken implements VirtualCard {
  abstract readonly atr: Uint8Array;
  /** Every secret that was sent to it, and what became of it. */
  readonly ledger = new PinLedger();
  /** Every command and its status word. */
  readonly trace = new ApduTrace();
  /** Beside its own application, with tries of its own. */
  readonly openpgp = new OpenPgpApplication();
  readonly #misanswers = new Map<number, (answer: Buffer) => Uint8Array>();

  /** @returns what the token itself answers to a command APDU, status word included. */
  protected abstract answer(apdu: Uint8Array): Promise<Buffer>;
  abstract powerOn(): void;
  abstract powerOff(): void;

  inserted(): void {
    this.ledger.inserted();
  }

  async transmit(apdu: Uint8Array): Promise<Uint8Array> {
    const right = await this.answer(apdu);
    const given = this.#misanswers.get(apdu[1] ?? 0)?.(right) ?? right;
    this.trace.record(apdu, given);
    return given;
  }

  /** Answers to an instruction are changed by `change`, from now on until it is left out: malformed objects, wrong status words. */
  misanswer(ins: number, change?: (answer: Buffer) => Uint8Array): void {
    if (change === undefined) this.#misanswers.delete(ins);
    else this.#misanswers.set(ins, change);
  }

  /** Another program uses OpenPGP, and leaves that selected. */
  async useOpenPgp(): Promise<void> {
    await this.transmit(Buffer.from(`00a4040006${OpenPgpApplication.aid}00`, 'hex'));
  }
}
