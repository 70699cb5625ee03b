import { asKeywrightError, type CoreEvent, type HygieneFinding } from '../../contract/index.ts';
import type { Finding } from '../../keystore/registry.ts';
import type { Token, TokenStatus } from '../../keystore/tokens.ts';
import type { Storage, StorageTransaction } from '../../storage/storage.ts';
import type { Ports } from '../ports.ts';
import { jsonBytes, jsonOf } from '../unit.ts';

/** What the last check of all keys found. */
export interface LastCheck {
  readonly at: string;
  readonly keys: number;
  readonly certificates: number;
  readonly compared: number;
  readonly notes: readonly string[];
  readonly findings: readonly HygieneFinding[];
}

/** What a look at backends found, with the backend that it was found of. */
export interface LookedAt {
  readonly finding: Finding;
  readonly backend: string | null;
}

interface Kept {
  /** Ids of findings, with when they were hidden. */
  readonly hidden: Readonly<Record<string, string>>;
  /** When a backup was written last. */
  readonly backupAt: string | null;
}

const KEPT = 'health/kept';
const CHECK = 'health/check';
const MOST_HIDDEN = 5000;
const NOTHING: Kept = { hidden: {}, backupAt: null };

/** What is remembered of the store's health: what was hidden, the last backup and check of the keys (in the store), and what was seen of backends and tokens since it was unlocked. */
export class HealthNotes {
  readonly #storage: Storage;
  readonly #emit: (event: CoreEvent) => void;
  readonly #log: Ports['log'];
  readonly #tokens = new Map<string, { readonly token: Token; readonly status: TokenStatus }>();
  #loaded: Promise<void> | undefined;
  #kept: Kept = NOTHING;
  #check: LastCheck | null = null;
  #look: { readonly at: string; readonly found: readonly LookedAt[] } | null = null;
  #damage: readonly { readonly record: string; readonly detail: string }[] = [];

  constructor(storage: Storage, emit: (event: CoreEvent) => void, log: Ports['log']) {
    this.#storage = storage;
    this.#emit = emit;
    this.#log = log;
  }

  /** Reads what is kept in the store, once: most commands need none of it. */
  ready(): Promise<void> {
    return (this.#loaded ??= this.#load());
  }

  get check(): LastCheck | null {
    return this.#check;
  }

  get look(): { readonly at: string; readonly found: readonly LookedAt[] } | null {
    return this.#look;
  }

  get backupAt(): string | null {
    return this.#kept.backupAt;
  }

  /** What the last `store verify` found. */
  get damage(): readonly { readonly record: string; readonly detail: string }[] {
    return this.#damage;
  }

  isHidden(id: string): boolean {
    return Object.hasOwn(this.#kept.hidden, id);
  }

  /** @returns makes it visible, once the unit has committed. */
  async hide(id: string, hidden: boolean, unit: StorageTransaction): Promise<() => void> {
    const { [id]: _before, ...others } = this.#kept.hidden;
    // The newest first, and not for ever: what was hidden may be long gone.
    const next: Kept = { ...this.#kept, hidden: hidden ? Object.fromEntries([[id, new Date().toISOString()], ...Object.entries(others)].slice(0, MOST_HIDDEN)) : others };
    await unit.put(KEPT, jsonBytes(next), { ifRevision: 'any' });
    return () => {
      this.#kept = { ...this.#kept, hidden: next.hidden };
      this.#tell();
    };
  }

  /** A backup was written. That it cannot be noted (a store that is read-only) makes the backup no worse. */
  async backedUp(at: string): Promise<void> {
    await this.ready();
    this.#kept = { ...this.#kept, backupAt: at };
    await this.#put(KEPT, this.#kept);
    this.#tell();
  }

  async checked(check: LastCheck): Promise<void> {
    await this.ready();
    this.#check = check;
    await this.#put(CHECK, check);
    this.#tell();
  }

  looked(at: string, found: readonly LookedAt[]): void {
    this.#look = { at, found };
    this.#tell();
  }

  verified(problems: readonly { readonly record: string; readonly detail: string }[]): void {
    this.#damage = problems;
    this.#tell();
  }

  /** What a token told of its secrets when somebody asked it. */
  sawToken(id: string, token: Token, status: TokenStatus): void {
    const before = this.#tokens.get(id);
    this.#tokens.set(id, { token, status });
    if (before?.token !== token || JSON.stringify([before.status.secrets, before.status.findings]) !== JSON.stringify([status.secrets, status.findings])) this.#tell();
  }

  /** @returns what that very token told last: one that was out meanwhile may be another since. */
  statusOf(id: string, token: Token): TokenStatus | undefined {
    const known = this.#tokens.get(id);
    return known?.token === token ? known.status : undefined;
  }

  async #load(): Promise<void> {
    // What is damaged is among the store's problems; without it, nothing is hidden.
    const [kept, check] = await Promise.all([KEPT, CHECK].map(async (key) => {
      try {
        const record = await this.#storage.get(key);
        return record === undefined ? undefined : jsonOf(record);
      } catch {
        return undefined;
      }
    }));
    this.#kept = (kept as Kept | undefined) ?? NOTHING;
    this.#check = (check as LastCheck | undefined) ?? null;
  }

  async #put(key: string, value: unknown): Promise<void> {
    try {
      await this.#storage.put(key, jsonBytes(value), { ifRevision: 'any' });
    } catch (error) {
      this.#log('warning', 'it could not be noted for the health view', { operation: 'health.list', error: asKeywrightError(error) });
    }
  }

  #tell(): void {
    this.#emit({ type: 'health.changed' });
  }
}
