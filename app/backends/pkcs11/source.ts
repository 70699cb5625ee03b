import { KeywrightError } from '../../contract/index.ts';
import { Readers } from '../../devices/index.ts';
import { PinKeeper, RefusedSecrets, type TokenSecretKind } from '../../keystore/pins.ts';
import type { BackendDeps, Finding } from '../../keystore/registry.ts';
import type { Token, TokenEvent, TokenFacts, TokenSource } from '../../keystore/tokens.ts';
import type { SecretBytes } from '../../contract/index.ts';
import type { CapabilitySet } from '../../keystore/keystore.ts';
import { Provider } from '../worker/provider.ts';
import { capabilitiesOf } from './capabilities.ts';
import { TokenConnection, type Deadlines } from './connection.ts';
import type { MechanismFacts, ModuleFacts, SlotState, SlotToken } from './messages.ts';
import type { Peculiarities } from './peculiarities.ts';
import { startWorker } from './start.ts';
import { openToken } from './token.ts';
import type { TokenKeys } from './keys.ts';

/** A module whose tokens are wanted, and how they are to be shown. Backends that stand on a module of their own give other words. */
export interface ModuleOptions {
  readonly instance: string;
  readonly type: string;
  /** Of the keys' URIs. */
  readonly scheme: string;
  readonly module: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly sessions: number;
  readonly deadlines: Deadlines;
  /** How long the module may take to come up. */
  readonly startSeconds?: number;
  /** Which slots are ours; all of them when left out. A slot without a token is never shown. */
  readonly accepts?: (slot: SlotState & { token: SlotToken }) => boolean;
  /** Changes what a token is called and looks like. */
  readonly present?: (slot: SlotState & { token: SlotToken }, facts: TokenFacts) => TokenFacts;
  /** Takes away what the module says it can do and cannot. */
  readonly limit?: (capabilities: CapabilitySet, slot: SlotState & { token: SlotToken }) => CapabilitySet;
  /** Instead of what the token is known for. */
  readonly peculiar?: Peculiarities;
  /** Keeps the PIN of a token to which there is another way too, which ends it. */
  readonly pins?: (slot: SlotState & { token: SlotToken }) => PinKeeper;
  /** The configured source of secrets. */
  readonly fromFile?: (kind: TokenSecretKind, token: SlotToken) => Promise<SecretBytes | undefined>;
}

/** A token of a module, with what a backend above needs of it. */
export type Pkcs11Token = Token & { readonly keys: TokenKeys };

interface Present {
  readonly token: Pkcs11Token;
  readonly connection: TokenConnection;
  readonly pins: PinKeeper;
  /** What tells this token from another in the same slot. */
  readonly identity: string;
  /** Of the slot: with smart cards the reader's name. */
  readonly description: string;
}

/** How often slots are looked at: those with something to take out, and fixed ones, whose tokens change by initialisation alone. */
const REMOVABLE_MS = 1_000;
const FIXED_MS = 15_000;
/** After the module failed: longer each time. */
const MOST_BACKOFF_MS = 60_000;
/** A card is powered up first. */
const AFTER_INSERTION_MS = [50, 400];
const START_SECONDS = 60;

/** The tokens of one PKCS#11 module, as they come and go. */
export class ModuleSource implements TokenSource {
  readonly #options: ModuleOptions;
  readonly #deps: BackendDeps;
  readonly #provider: Provider;
  readonly #listeners = new Set<(event: TokenEvent) => void>();
  /** By slot. */
  readonly #present = new Map<string, Present>();
  readonly #refused = new Map<string, RefusedSecrets>();
  readonly #stopped = new AbortController();
  #module: ModuleFacts | undefined;
  #twins: Finding[] = [];
  #looking: Promise<void> | undefined;
  #again: Promise<void> | undefined;
  /** By reader: how often what was in it was taken out. */
  readonly #removals = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #readers: Disposable | undefined;
  readonly #first: Promise<void>;

  constructor(options: ModuleOptions, deps: BackendDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#provider = new Provider({
      title: `The PKCS#11 module ${options.module}`, instance: options.instance, settings: { module: options.module, sessions: options.sessions },
      start: () => startWorker(options.module, options.environment), startSeconds: options.startSeconds ?? START_SECONDS,
      onChange: () => this.#tell({ type: 'findings' }),
    });
    this.#first = this.look();
  }

  tokens(): Pkcs11Token[] {
    return [...this.#present.values()].map(({ token }) => token);
  }

  findings(): Finding[] {
    const { finding } = this.#provider;
    return [...(finding === undefined ? [] : [finding]), ...this.#twins];
  }

  ready(): Promise<void> {
    return this.#first;
  }

  onChange(listener: (event: TokenEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    clearTimeout(this.#timer);
    this.#readers?.[Symbol.dispose]();
    for (const slot of [...this.#present.keys()]) this.#leave(slot);
    this.#listeners.clear();
    await this.#provider[Symbol.asyncDispose]();
    await this.#looking;
  }

  /**
   * Has the module read everything anew: its process is ended, and a new one looks. For what was changed in a token by another way than
   * this one, and what a module takes no notice of. What is in flight in its other tokens fails.
   */
  async restart(): Promise<void> {
    this.#provider.stop();
    await this.look();
  }

  /** Looks at the slots now. Resolves when what is there is known, by a look that began no earlier than this; never fails. */
  look(): Promise<void> {
    if (this.#looking !== undefined) return (this.#again ??= this.#looking.then(() => (this.#stopped.signal.aborted ? undefined : this.look())));
    this.#again = undefined;
    clearTimeout(this.#timer);
    this.#looking = this.#look().finally(() => {
      this.#looking = undefined;
      if (!this.#stopped.signal.aborted && this.#again === undefined) this.#schedule();
    });
    return this.#looking;
  }

  /**
   * What was in a reader is out, by the smart-card service's word. It ends that insertion alone: what comes next is another one, also when it comes
   * back before the module has noticed, and what the module tells of the time before is not believed.
   */
  removed(reader: string): void {
    this.#removals.set(reader, this.#removalsOf(reader) + 1);
    for (const [slot, { description }] of [...this.#present]) if (description === reader) this.#leave(slot);
  }

  #removalsOf(reader: string): number {
    return this.#removals.get(reader) ?? 0;
  }

  async #look(): Promise<void> {
    const { signal } = this.#stopped;
    let up = false;
    try {
      this.#module = (await this.#provider.hello()).facts as ModuleFacts;
      up = true;
      const before = new Map(this.#removals);
      const slots = await this.#provider.call('slots.list', {}, { signal, seconds: this.#options.deadlines.seconds }) as SlotState[];
      this.#failures = 0;
      this.#followReaders(slots);
      await this.#enter(slots.filter(({ description }) => (before.get(description) ?? 0) === this.#removalsOf(description)));
    } catch {
      // What failed is the provider's finding.
      if (signal.aborted) return;
      this.#failures += 1;
      // A module that does not come up has no tokens for us; one that crashed or was busy just now still has.
      if (!up || this.#failures > 2) for (const slot of [...this.#present.keys()]) this.#leave(slot);
      this.#tell({ type: 'findings' });
    }
  }

  async #enter(slots: readonly SlotState[]): Promise<void> {
    const wanted = slots.filter((slot): slot is SlotState & { token: SlotToken } => slot.token !== null && (this.#options.accepts?.(slot as SlotState & { token: SlotToken }) ?? true));
    const identities = new Map(wanted.map((slot) => [slot.slot, identityOf(slot)]));
    for (const [slot, { identity }] of [...this.#present]) if (identities.get(slot) !== identity) this.#leave(slot);
    const twins: Finding[] = [];
    for (const slot of wanted) {
      const present = this.#present.get(slot.slot);
      if (present !== undefined) {
        const before = JSON.stringify(present.connection.state);
        present.connection.state = slot.token;
        if (before !== JSON.stringify(slot.token)) this.#tell({ type: 'changed', id: present.token.facts.id });
        continue;
      }
      const id = this.#idOf(slot);
      if ([...this.#present.values()].some(({ token }) => token.facts.id === id)) {
        twins.push({ level: 'warning', code: 'pkcs11.same-serial', detail: `There are two tokens of the same serial: the one in “${slot.description}” is not used.`, remedy: 'Take one of them out.' });
        continue;
      }
      await this.#insert(slot, id);
    }
    if (JSON.stringify(twins) !== JSON.stringify(this.#twins)) {
      this.#twins = twins;
      this.#tell({ type: 'findings' });
    }
  }

  async #insert(slot: SlotState & { token: SlotToken }, id: string): Promise<void> {
    const options = this.#options;
    const { token } = slot;
    const removals = this.#removalsOf(slot.description);
    // Sessions of what was in this slot before are none any more.
    await this.#provider.call('slots.forget', { slot: slot.slot }, { signal: this.#stopped.signal, seconds: options.deadlines.seconds });
    const mechanisms = await this.#provider.call('token.mechanisms', { slot: slot.slot }, { signal: this.#stopped.signal, seconds: options.deadlines.seconds }) as MechanismFacts[];
    const facts = this.#factsOf(slot, id);
    const title = `${facts.model}${facts.label === null ? '' : ` “${facts.label}”`}`;
    const all = capabilitiesOf(token, mechanisms);
    const connection = new TokenConnection(this.#provider, { id, title, slot: slot.slot, state: token, removable: slot.removable, mechanisms, capabilities: options.limit?.(all, slot) ?? all, deadlines: options.deadlines, ...(options.peculiar === undefined ? {} : { peculiar: options.peculiar }) });
    const pins = options.pins?.(slot) ?? this.#pinsOf(id, connection);
    const opened = openToken(connection, {
      instance: options.instance, type: options.type, scheme: options.scheme, facts, pins, details: this.#details(slot),
      changed: () => {
        this.#tell({ type: 'changed', id });
        void this.look();
      },
    }, this.#deps);
    if (removals !== this.#removalsOf(slot.description)) return;
    this.#present.set(slot.slot, { token: opened, connection, pins, identity: identityOf(slot), description: slot.description });
    this.#tell({ type: 'inserted', token: opened });
  }

  #pinsOf(id: string, connection: TokenConnection): PinKeeper {
    const { fromFile } = this.#options;
    const keepMinutes = this.#deps.keepPinMinutes;
    if (fromFile === undefined) return new PinKeeper({ keepMinutes, refused: new RefusedSecrets() });
    // The same secret comes again from the file: what was refused once is remembered beyond the insertion.
    const refused = this.#refused.get(id) ?? new RefusedSecrets();
    this.#refused.set(id, refused);
    return new PinKeeper({ keepMinutes, refused, fromFile: (kind) => fromFile(kind, connection.state) });
  }

  #factsOf(slot: SlotState & { token: SlotToken }, id: string): TokenFacts {
    const { token } = slot;
    const none = (value: string): string | null => (value === '' ? null : value);
    const facts: TokenFacts = {
      id, model: token.model === '' ? this.#module?.library ?? 'PKCS#11 token' : token.model, serial: none(token.serial), firmware: token.firmware === '0.0' ? null : token.firmware,
      manufacturer: none(token.manufacturer), label: none(token.label), reader: slot.description === '' ? `slot ${slot.slot}` : slot.description, form: slot.removable ? 'card' : slot.hardware ? 'hsm' : 'other', ...(token.flags.initialised ? {} : { blank: true as const }),
    };
    return this.#options.present?.(slot, facts) ?? facts;
  }

  #details(slot: SlotState): { name: string; value: string }[] {
    const module = this.#module as ModuleFacts;
    return [
      { name: 'Module', value: this.#options.module }, { name: 'Library', value: `${module.library} ${module.version} (${module.manufacturer})` }, { name: 'PKCS#11', value: module.cryptoki },
      { name: 'Slot', value: `${slot.slot} ${slot.description}` },
    ];
  }

  /** The same in any reader; a token that has no serial yet goes by its slot. */
  #idOf({ slot, token }: SlotState & { token: SlotToken }): string {
    const serial = token.serial.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-|-$/g, '');
    return `${this.#options.instance}-${serial === '' || !token.flags.initialised ? `slot-${slotNumber(slot)}` : serial}`;
  }

  #leave(slot: string): void {
    const present = this.#present.get(slot);
    if (present === undefined) return;
    this.#present.delete(slot);
    present.connection.leave();
    if (this.#options.pins === undefined) present.pins[Symbol.dispose]();
    this.#tell({ type: 'removed', id: present.token.facts.id });
  }

  /** Where tokens can be taken out, the smart-card service tells of it at once. */
  #followReaders(slots: readonly SlotState[]): void {
    if (this.#readers !== undefined || !slots.some(({ removable }) => removable)) return;
    this.#readers = Readers.shared().listen((event) => {
      if (event.type !== 'inserted' && event.type !== 'removed') return;
      if (event.type === 'removed') this.removed(event.reader);
      for (const delay of event.type === 'removed' ? [0] : AFTER_INSERTION_MS) setTimeout(() => { if (!this.#stopped.signal.aborted) void this.look(); }, delay).unref();
    });
  }

  #schedule(): void {
    const regular = [...this.#present.values()].every(({ connection }) => !connection.removable) && this.#present.size > 0 ? FIXED_MS : REMOVABLE_MS;
    const delay = this.#failures === 0 ? regular : Math.min(1000 * 2 ** this.#failures, MOST_BACKOFF_MS);
    this.#timer = setTimeout(() => void this.look(), delay);
    this.#timer.unref();
  }

  #tell(event: TokenEvent): void {
    if (this.#stopped.signal.aborted && event.type === 'findings') return;
    for (const listener of this.#listeners) listener(event);
  }
}

function identityOf({ token }: SlotState & { token: SlotToken }): string {
  return JSON.stringify([token.serial, token.label, token.manufacturer, token.model, token.flags.initialised]);
}

/** A slot's handle is a CK_SLOT_ID as it lies in memory. */
function slotNumber(hex: string): string {
  const handle = Buffer.from(hex, 'hex');
  return (handle.length === 8 ? handle.readBigUInt64LE() : BigInt(handle.readUInt32LE())).toString();
}

/** The settings that every backend on a PKCS#11 module has, parsed. @throws INVALID_INPUT */
export function environmentOf(text: string | undefined): Record<string, string> {
  return Object.fromEntries((text ?? '').split(/[\n;]/).filter((line) => line.trim() !== '').map((line) => {
    const equals = line.indexOf('=');
    const name = line.slice(0, equals).trim();
    if (equals <= 0 || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new KeywrightError('INVALID_INPUT', { detail: 'An environment variable is written NAME=value; several are parted by “;”.', where: '/settings/environment' });
    return [name, line.slice(equals + 1)] as const;
  }));
}
