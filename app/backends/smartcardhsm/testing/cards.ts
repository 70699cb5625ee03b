import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SMARTCARD_HSM_READER, startPcscd, type Pcscd } from '../../../../e2e/devices/pcscd.ts';
import type { VirtualSmartCardHsm } from '../../../../e2e/devices/smartcardhsm/card.ts';
import { Readers } from '../../../devices/index.ts';
import { RefusedSecrets } from '../../../keystore/pins.ts';
import { memoryKind } from '../../../storage/memory/index.ts';
import type { Storage } from '../../../storage/storage.ts';
import { parseCvcs } from '../cvc.ts';
import { discover } from '../discovery.ts';
import { SmartCardHsm } from '../hsm.ts';
import { Person } from './people.ts';

/** Two readers behind the real smart-card service, our connections to what is in them, a storage, a folder, and people at the prompts. */
export class CardBench implements AsyncDisposable {
  readonly pcscd: Pcscd;
  readonly storage: Storage;
  readonly #folder = mkdtempSync(join(tmpdir(), 'keywright-hsm-'));
  readonly #readers: Readers;
  readonly #listening: Disposable;

  private constructor(pcscd: Pcscd, readers: Readers, storage: Storage) {
    this.pcscd = pcscd;
    this.storage = storage;
    this.#readers = readers;
    this.#listening = readers.listen(() => undefined);
  }

  /** The process talks to this service from now on: one bench a process. */
  static async open(): Promise<CardBench> {
    const pcscd = await startPcscd({ readers: [SMARTCARD_HSM_READER] });
    process.env['PCSCLITE_CSOCK_NAME'] = pcscd.socket;
    return new CardBench(pcscd, new Readers(), await memoryKind.open({ folder: randomUUID(), create: true }));
  }

  /** @returns the path of a file of that name in the bench's folder. */
  file(name: string): string {
    return join(this.#folder, name);
  }

  /** @param types what they type, by purpose: {@link Person}. */
  person(types: ConstructorParameters<typeof Person>[1] = {}): Person {
    return new Person(this.storage, types);
  }

  /** Puts a card in, in place of what was there. @returns what we make of it. */
  async insert(card: VirtualSmartCardHsm, slot = 0, keepPinMinutes = 5): Promise<SmartCardHsm> {
    const reader = this.pcscd.reader('smartcardhsm', slot);
    await reader.remove();
    await this.#until(() => this.#atrIn(reader.name) === null);
    await reader.insert(card);
    await this.#until(() => this.#atrIn(reader.name) !== null);
    const connection = await this.#readers.connect(reader.name);
    const discovered = await connection.exclusively(discover);
    if (discovered === undefined) throw new Error('It was not recognised.');
    return new SmartCardHsm(connection, discovered, { instance: 'smartcardhsm', keepPinMinutes: () => keepPinMinutes, refused: new RefusedSecrets(), roots: parseCvcs(card.authority.root, 'the root') });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listening[Symbol.dispose]();
    await this.pcscd.stop();
    rmSync(this.#folder, { recursive: true });
  }

  /** null: none is in; undefined: one is, but not looked at yet. */
  #atrIn(name: string): Uint8Array | null {
    return this.#readers.list().find((reader) => reader.name === name)?.atr ?? null;
  }

  async #until(reached: () => boolean): Promise<void> {
    while (!reached()) await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
}
