import { readFile } from 'node:fs/promises';
import { KeywrightError } from '../../contract/index.ts';
import { readSecretFile, type Card, type Readers } from '../../devices/index.ts';
import type { KeyStore } from '../../keystore/keystore.ts';
import type { BackendDeps, Finding } from '../../keystore/registry.ts';
import type { Token, TokenEvent } from '../../keystore/tokens.ts';
import { CardSource, type Inserted, type SecretFiles } from '../cards/source.ts';
import type { Pkcs11Token } from '../pkcs11/source.ts';
import { isSmartCardHsm, mayBeSmartCardHsm } from './applet.ts';
import { parseCvcs, type Cvc } from './cvc.ts';
import { discover } from './discovery.ts';
import { SmartCardHsm } from './hsm.ts';
import type { SmartCardHsmSettings } from './manifest.ts';
import { moduleMissing, openScModule, startOpenSc, type OpenSc } from './opensc.ts';
import { BUILT_IN_ROOTS } from './roots.ts';
import { cardStore } from './store.ts';
import { tokenOf } from './token.ts';

/** A card as OpenSC shows it now. */
interface Joined {
  readonly keys: Pkcs11Token;
  readonly store: KeyStore;
}

/** OpenSC's process starts, and reads the card, in about half a second. A token whose keys it does not show then is shown without them. */
const PATIENCE_MS = 5_000;

/** The SmartCard-HSMs in the readers of this machine: recognised over PC/SC, and joined with what OpenSC shows of them. */
export class SmartCardHsmSource extends CardSource<SmartCardHsm> {
  readonly #instance: string;
  readonly #settings: SmartCardHsmSettings;
  readonly #roots: readonly Cvc[];
  readonly #deps: BackendDeps;
  readonly #joined = new WeakMap<SmartCardHsm, Joined>();
  #starting: Promise<OpenSc> | undefined;
  #opensc: OpenSc | undefined;

  private constructor(instance: string, settings: SmartCardHsmSettings, roots: readonly Cvc[], deps: BackendDeps, readers: Readers) {
    super('smartcardhsm', readers);
    this.#instance = instance;
    this.#settings = settings;
    this.#roots = roots;
    this.#deps = deps;
    this.start();
  }

  /** @throws INVALID_INPUT when the file with further roots cannot be read */
  static async open(instance: string, settings: SmartCardHsmSettings, deps: BackendDeps, readers: Readers): Promise<SmartCardHsmSource> {
    return new SmartCardHsmSource(instance, settings, [...BUILT_IN_ROOTS, ...(await furtherRoots(settings.attestationRoots))], deps, readers);
  }

  override findings(): Finding[] {
    const some = this.inserted().length > 0;
    return [
      ...super.findings(),
      ...(some && openScModule(this.#settings.module) === null ? [moduleMissing(this.#settings.module)] : []),
      ...(some ? this.#opensc?.source.findings() ?? [] : []),
    ];
  }

  protected override mayBeOurs(atr: Uint8Array): boolean {
    return mayBeSmartCardHsm(atr);
  }

  protected override async recognise(card: Card): Promise<SmartCardHsm | undefined> {
    const discovered = await card.exclusively((channel) => discover(channel, isSmartCardHsm(card.atr)));
    if (discovered === undefined) return undefined;
    const { serial } = discovered;
    const { pinFile, pinFor } = this.#settings;
    const fromFile: SecretFiles | undefined = pinFile === undefined || pinFor?.toLowerCase() !== serial.toLowerCase() ? undefined : async (kind) => (kind === 'pin' ? readSecretFile(pinFile) : undefined);
    return new SmartCardHsm(card, discovered, { instance: this.#instance, keepPinMinutes: this.#deps.keepPinMinutes, roots: this.#roots, refused: this.refusedBy(serial, fromFile), ...(fromFile === undefined ? {} : { fromFile }) });
  }

  protected override tokenOf(inserted: () => Inserted<SmartCardHsm>, hsm: SmartCardHsm): Token {
    return tokenOf(hsm, this.#keysOf(inserted), () => this.tell({ type: 'changed', id: hsm.facts.id }));
  }

  protected override trusts(): boolean {
    return true;
  }

  /** Waits until OpenSC shows the card. */
  protected override async complete(inserted: Inserted<SmartCardHsm>): Promise<void> {
    if (!inserted.device.discovered.initialised) return;
    const opensc = await this.#openSc();
    if (opensc === undefined) return;
    await opensc.source.look();
    for (let waited = 0; waited < PATIENCE_MS && !inserted.gone.aborted && !this.closed; waited += 100) {
      this.#match(inserted);
      if (this.#joined.has(inserted.device) || opensc.source.findings().some(({ level }) => level === 'problem')) return;
      await new Promise((resolve) => { setTimeout(resolve, 100); });
    }
  }

  /** What OpenSC has shown of this insertion must not be taken for the next one's. */
  protected override left({ reader }: Inserted<SmartCardHsm>): void {
    this.#opensc?.source.removed(reader);
  }

  protected override async close(): Promise<void> {
    await (await this.#starting)?.[Symbol.asyncDispose]();
  }

  /** OpenSC is started for the first card, and at work as long as this source. */
  async #openSc(): Promise<OpenSc | undefined> {
    const module = openScModule(this.#settings.module);
    if (module === null || this.closed) return undefined;
    this.#starting ??= startOpenSc({
      instance: this.#instance, module,
      accepts: (slot) => this.#cardIn(slot.description, slot.token.serial) !== undefined,
      pins: (slot) => (this.#cardIn(slot.description, slot.token.serial) as Inserted<SmartCardHsm>).device.pins,
      present: (slot, facts) => this.#cardIn(slot.description, slot.token.serial)?.device.facts ?? facts,
    }, this.#deps).then((opensc) => {
      this.#opensc = opensc;
      opensc.source.onChange((event) => this.#followOpenSc(event));
      return opensc;
    });
    return this.#starting;
  }

  #cardIn(reader: string, serial: string): Inserted<SmartCardHsm> | undefined {
    return this.inserted().find((one) => one.reader === reader && one.device.facts.serial === serial && !one.shadowed);
  }

  #match({ reader, device }: Inserted<SmartCardHsm>): void {
    const keys = this.#opensc?.source.tokens().find(({ facts }) => facts.reader === reader && facts.serial === device.facts.serial);
    if (keys === this.#joined.get(device)?.keys) return;
    if (keys === undefined) this.#joined.delete(device);
    else this.#joined.set(device, { keys, store: cardStore(keys.store, device) });
  }

  /** OpenSC's process ended and came back, or shows a card that it did not show before: the same token, with other keys at hand. */
  #followOpenSc(event: TokenEvent): void {
    if (event.type === 'findings') this.tell({ type: 'findings' });
    for (const inserted of this.inserted()) {
      const before = this.#joined.get(inserted.device);
      this.#match(inserted);
      if (inserted.shown && before !== this.#joined.get(inserted.device)) this.tell({ type: 'changed', id: inserted.device.facts.id });
    }
  }

  #keysOf(inserted: () => Inserted<SmartCardHsm>): Parameters<typeof tokenOf>[1] {
    const source = this;
    const joined = (): Joined | undefined => source.#joined.get(inserted().device);
    return {
      get token() { return joined()?.keys; },
      get store() { return joined()?.store; },
      get missing() { return source.#whyNoKeys(inserted().device); },
      async refresh() {
        const { device, card } = inserted();
        if (card.failure !== undefined) return;
        device.pins.tokenWasReset();
        const opensc = await source.#openSc();
        await opensc?.source.restart();
        await source.complete(inserted());
      },
    };
  }

  #whyNoKeys(hsm: SmartCardHsm): KeywrightError {
    if (hsm.session.card.failure !== undefined) return hsm.session.card.failure;
    if (!hsm.discovered.initialised) return new KeywrightError('CONFLICT', { detail: `${hsm.title} was never set up, so that it takes no keys.`, remedy: 'Set it up first: `keywright tokens initialize`.' });
    const [problem] = openScModule(this.#settings.module) === null ? [moduleMissing(this.#settings.module)] : this.#opensc?.source.findings() ?? [];
    return new KeywrightError('BACKEND_UNAVAILABLE', { detail: problem?.detail ?? `OpenSC does not show the keys of ${hsm.title}.`, remedy: problem?.remedy ?? 'Take the token out and put it back.' });
  }
}

/** @param path of a file with CVCs one after another, as configured. @throws INVALID_INPUT when it cannot be read */
async function furtherRoots(path: string | undefined): Promise<Cvc[]> {
  if (path === undefined) return [];
  try {
    return parseCvcs(await readFile(path), 'the file with further roots');
  } catch (cause) {
    throw new KeywrightError('INVALID_INPUT', { detail: 'The file with further roots cannot be read as card verifiable certificates.', where: '/settings/attestationRoots', remedy: 'Mend the setting: `keywright backends show smartcardhsm`.', cause });
  }
}
