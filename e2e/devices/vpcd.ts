import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A smart card as its reader sees it. It keeps what it holds when it is taken out, and may come back in another reader. */
export interface VirtualCard {
  /** The answer to reset (ISO/IEC 7816-3 §8). */
  readonly atr: Uint8Array;
  /** Power comes on, or the reader resets the card: whatever the card forgets without power is forgotten by now. */
  powerOn(): void;
  /** Power goes off, when the reader turns it off or the card is taken out. */
  powerOff(): void;
  /** The card was put into a reader: once an insertion, while power comes and goes. */
  inserted?(): void;
  /** @returns the response APDU, status word included. @param apdu the command APDU, in short or extended form. */
  transmit(apdu: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

const QUICK_LINE = join(import.meta.dirname, 'quick-line.pl');

/** The one-byte messages of vpcd; whatever is longer is an APDU. */
const CONTROL = { off: 0, on: 1, reset: 2, atr: 4 } as const;

/** Where a card is pulled: before it sees the command, or when it has done as told and the answer is on its way. */
type PullPoint = 'before' | 'after';

/** A card that is in a reader. */
interface Insertion {
  readonly card: VirtualCard;
  readonly line: ChildProcess;
  /** Settles once the reader has noticed the card. */
  readonly noticed: Promise<void>;
  powered: boolean;
}

/**
 * One slot of a virtual reader of vpcd. Our card is the client: to insert is to connect, to remove is to close.
 * pcscd looks for cards every 400 ms, and so notices both that late.
 */
export class VirtualReader {
  /** The reader's name as PC/SC lists it. */
  readonly name: string;
  /** The TCP port on which vpcd waits for the card of this slot. */
  readonly port: number;
  /** Milliseconds that each command takes longer than it needs to. */
  delay = 0;
  /** Commands that came for the card that is in, or was last. */
  commands = 0;
  #insertion: Insertion | undefined;
  #pull: { left: number; point: PullPoint } | undefined;

  constructor(name: string, port: number) {
    this.name = name;
    this.port = port;
  }

  get card(): VirtualCard | undefined {
    return this.#insertion?.card;
  }

  /** Puts a card in. @returns once the reader has noticed it. @throws Error when one is in already, or no vpcd waits on the port. */
  async insert(card: VirtualCard): Promise<void> {
    if (this.#insertion !== undefined) throw new Error(`A card is in ${this.name} already.`);
    const line = spawn('perl', [QUICK_LINE, String(this.port)], { stdio: ['pipe', 'pipe', 'pipe'] });
    const insertion: Insertion = { card, line, noticed: this.#serve(card, line), powered: false };
    this.#insertion = insertion;
    this.commands = 0;
    card.inserted?.();
    try {
      await insertion.noticed;
    } catch (error) {
      await this.remove();
      throw error;
    }
  }

  /** Takes the card out, whatever it is doing. Does nothing when none is in. @returns the card that was in. */
  async remove(): Promise<VirtualCard | undefined> {
    const insertion = this.#insertion;
    if (insertion === undefined) return undefined;
    this.#insertion = undefined;
    this.#pull = undefined;
    const closed = insertion.line.exitCode === null && insertion.line.signalCode === null ? once(insertion.line, 'close') : undefined;
    insertion.line.kill('SIGKILL');
    if (insertion.powered) insertion.card.powerOff();
    insertion.powered = false;
    await closed;
    return insertion.card;
  }

  /** Takes the card out at the n-th command from now; 1 is the next one. */
  pullAt(n: number, point: PullPoint = 'before'): void {
    this.#pull = { left: n, point };
  }

  /** Whether a pull that was asked for is still to come: false when the work took fewer commands. */
  get pullPending(): boolean {
    return this.#pull !== undefined;
  }

  /** @returns once the reader asked for the first time. @throws Error when the line broke before. */
  #serve(card: VirtualCard, line: ChildProcess): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let received = Buffer.alloc(0);
    let complaint = '';
    let turn: Promise<void> = Promise.resolve();
    line.stderr?.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
    line.stdin?.on('error', () => undefined);
    line.stdout?.on('data', (chunk: Buffer) => {
      resolve();
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const message = Buffer.from(received.subarray(2, 2 + received.readUInt16BE(0)));
        received = received.subarray(2 + message.length);
        turn = turn.then(() => this.#answer(card, line, message)).catch((error: unknown) => {
          // A card that throws is a fault of the card's code: it must not look like a card that was pulled.
          console.error(`The virtual card in ${this.name} failed:`, error);
          if (this.#insertion?.line === line) void this.remove();
        });
      }
    });
    line.on('error', reject);
    line.on('close', () => {
      reject(new Error(`No reader took the card on port ${this.port}: ${complaint.trim() || 'the line was closed'}`));
      const insertion = this.#insertion;
      if (insertion?.line !== line) return;
      if (insertion.powered) card.powerOff();
      // The smart-card service ended: the card stays where it is, without power, until it is removed or the service is back.
      insertion.powered = false;
    });
    return promise;
  }

  async #answer(card: VirtualCard, line: ChildProcess, message: Buffer): Promise<void> {
    const insertion = this.#insertion;
    if (insertion?.line !== line) return;
    if (message.length === 1) return this.#control(insertion, message[0] ?? -1);
    if (message.length === 0) return;
    this.commands += 1;
    const pulled = this.#pull !== undefined && (this.#pull.left -= 1) === 0 ? this.#pull.point : undefined;
    if (pulled === 'before') return void (await this.remove());
    if (this.delay > 0) await sleep(this.delay);
    const answer = await card.transmit(new Uint8Array(message));
    if (pulled === 'after') return void (await this.remove());
    if (this.#insertion === insertion) send(line, answer);
  }

  #control(insertion: Insertion, control: number): void {
    const { card, line } = insertion;
    if (control === CONTROL.atr) return send(line, card.atr);
    if (control === CONTROL.off || control === CONTROL.reset) {
      if (insertion.powered) card.powerOff();
      insertion.powered = false;
    }
    if (control === CONTROL.on || control === CONTROL.reset) {
      if (!insertion.powered) card.powerOn();
      insertion.powered = true;
    }
  }
}

function send(line: ChildProcess, content: Uint8Array): void {
  const message = Buffer.alloc(2 + content.length);
  message.writeUInt16BE(content.length);
  message.set(content, 2);
  line.stdin?.write(message);
}
