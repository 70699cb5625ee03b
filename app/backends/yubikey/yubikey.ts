import { KeywrightError, type SecretBytes } from '../../contract/index.ts';
import { PinKeeper, type RefusedSecrets, type TokenSecretKind } from '../../keystore/pins.ts';
import type { TokenFacts } from '../../keystore/tokens.ts';
import type { Storage } from '../../storage/storage.ts';
import type { Card } from '../../devices/index.ts';
import type { Discovered } from './discovery.ts';
import { gatesOf, versionText, type Gates } from './firmware.ts';
import { SLOTS, type Slot } from './piv.ts';
import { PivSession } from './session.ts';
import type { SlotFacts } from './slots.ts';

export interface YubiKeyOptions {
  /** Of the configured backend: the first part of the token's id. */
  readonly instance: string;
  readonly storage: Storage;
  readonly keepPinMinutes: () => number;
  readonly refused: RefusedSecrets;
  readonly fromFile?: (kind: TokenSecretKind) => Promise<SecretBytes | undefined>;
  /** Attestation roots beyond those of Yubico, PEM. */
  readonly furtherRoots: () => Promise<readonly Uint8Array[]>;
  /** Contents or facts may have changed. */
  readonly onChange: () => void;
}

/** One YubiKey from its insertion to its removal: what all that is done with it shares. */
export class YubiKey implements Disposable {
  readonly facts: TokenFacts;
  readonly discovered: Discovered;
  readonly gates: Gates;
  readonly session: PivSession;
  readonly pins: PinKeeper;
  readonly options: YubiKeyOptions;
  /** Whether the card may hold a PIN or a management key as verified because of us: then it is reset when we leave. */
  trusted = false;
  /** Whether a wrong PIN or PUK has lowered the tries that are shown. */
  mistyped = false;
  /** What was read of the slots; emptied by whatever may change one. */
  readonly slots = new Map<string, SlotFacts>();

  /** @param card in which PIV is selected. */
  constructor(card: Card, discovered: Discovered, options: YubiKeyOptions) {
    const { serial, guid, firmware, model, form } = discovered;
    this.discovered = discovered;
    this.options = options;
    this.session = new PivSession(card, () => this.pins.tokenWasReset());
    this.gates = gatesOf(firmware, discovered.piv, discovered.hasFingerprints);
    this.pins = new PinKeeper({ keepMinutes: options.keepPinMinutes, refused: options.refused, ...(options.fromFile === undefined ? {} : { fromFile: options.fromFile }) });
    this.facts = { id: `${options.instance}-${serial ?? guid ?? 'unnamed'}`.toLowerCase(), model, serial, firmware: versionText(firmware), manufacturer: 'Yubico', label: null, reader: card.reader, form };
  }

  /** "YubiKey 5C NFC 12345678" */
  get title(): string {
    return `${this.facts.model} ${this.facts.serial ?? ''}`.trim();
  }

  /** What names this token in URIs and records: `serial=12345678`, else the CHUID's `guid=…`. */
  get name(): string {
    const { serial, guid } = this.discovered;
    return serial !== null ? `serial=${serial}` : guid !== null ? `guid=${guid}` : 'unnamed';
  }

  idOf(slot: Slot): string {
    return `${this.name};slot=${slot.name}`;
  }

  uriOf(slot: Slot): string {
    return `yubikey:${this.idOf(slot)}`;
  }

  /** @throws NOT_FOUND for a slot that this firmware lacks, with those that it has. */
  slot(name: string): Slot {
    const found = this.gates.slots.find((slot) => slot.name === name.toLowerCase());
    if (found !== undefined) return found;
    const why = SLOTS.some((slot) => slot.name === name.toLowerCase()) ? `firmware ${this.facts.firmware} has none` : 'PIV has none';
    throw new KeywrightError('NOT_FOUND', { detail: `There is no slot “${name}” in ${this.title}: ${why}.`, where: '/slot', alternatives: this.gates.slots.map((slot) => slot.name) });
  }

  /** @throws NOT_FOUND for what is no reference to a key of this token */
  slotOfKey(id: string): Slot {
    const found = this.gates.slots.find((slot) => this.idOf(slot) === id);
    if (found === undefined) throw new KeywrightError('NOT_FOUND', { detail: `There is no such key in ${this.title}.`, remedy: 'See what is in it with `keywright tokens slots`.' });
    return found;
  }

  /** Something was written: what was read is out of date. */
  changed(...slots: readonly Slot[]): void {
    if (slots.length === 0) this.slots.clear();
    for (const { name } of slots) this.slots.delete(name);
    this.options.onChange();
  }

  [Symbol.dispose](): void {
    this.pins[Symbol.dispose]();
    this.slots.clear();
  }
}
