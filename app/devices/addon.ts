import { KeywrightError } from '../contract/index.ts';

/**
 * The PC/SC addon, loaded when the first reader is asked for: what we use of it, in our own words, so that another one can take its
 * place. Its shortcomings are made up for in `link.ts` and `readers.ts` and listed in docs/decisions/0005.
 */
export interface Addon {
  newClient(): AddonClient;
  /** @returns the platform's code for SCardControl (PC/SC part 10 §2.2 for readers' features). */
  controlCode(code: number): number;
  /** Readers that one watcher can follow. */
  readonly MAX_READERS: number;
}

export interface AddonClient {
  connect(reader: string, mode: number, protocol?: number): Promise<AddonSession>;
  /** @throws when there is no smart-card service. */
  start(onChange: (reader: string, status: number) => void, onError: (error: Error & { code?: string }) => void): void;
  stop(): void;
}

export interface AddonSession {
  transmit(protocol: number | undefined, command: Uint8Array, answer?: ArrayBuffer): Promise<Uint8Array>;
  control(code: number, command: Uint8Array | undefined, answer?: ArrayBuffer): Promise<Uint8Array>;
  transaction(): Promise<{ end(then: number): Promise<void> }>;
  state(): Promise<{ readonly atr: Uint8Array }>;
  /** SCARD_PROTOCOL_*, as agreed on with the card. */
  protocol(): number;
  reconnect(mode: number, then: number): Promise<number>;
  disconnect(then: number): Promise<void>;
}

/** SCARD_SHARE_* and SCARD_*_CARD (PC/SC part 5 §3.1). */
export const SHARE = { exclusive: 1, shared: 2, direct: 3 } as const;
export const DISPOSITION = { leave: 0, reset: 1, unpower: 2 } as const;

/** SCARD_PROTOCOL_T0 (PC/SC part 5 §3.1). */
export const PROTOCOL_T0 = 1;

/** SCARD_STATE_* (PC/SC part 5 §3.1.4); the upper half of the number counts insertions and removals. */
export const READER_STATE = { unknown: 0x0004, unavailable: 0x0008, empty: 0x0010, present: 0x0020, exclusive: 0x0080, inUse: 0x0100, mute: 0x0200 } as const;

/** Clients that are not collected yet. */
const clients = new Set<WeakRef<AddonClient>>();
const orphans: AddonClient[] = [];

/** @returns a client that {@link keepOrphans} knows of. */
export function newClient(addon: Addon): AddonClient {
  const client = addon.newClient();
  for (const known of clients) if (known.deref() === undefined) clients.delete(known);
  clients.add(new WeakRef(client));
  return client;
}

/** The service went: its clients must never be collected, since giving back what is gone throws an error into the process that nobody can catch. */
export function keepOrphans(): void {
  for (const known of clients) {
    const client = known.deref();
    if (client !== undefined) orphans.push(client);
  }
  clients.clear();
}

let loading: Promise<Addon> | undefined;

/** @throws BACKEND_UNAVAILABLE when the addon or the system's PC/SC library is missing. */
export function loadAddon(): Promise<Addon> {
  loading ??= load();
  return loading;
}

async function load(): Promise<Addon> {
  try {
    // The raw addon and not its wrapper: that one gives a reader only after it has watched, and then for one connection context at a time.
    const module = await import('pcsc-mini/build/addon.node.js') as { readonly default?: Addon } & Addon;
    return module.default ?? module;
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    if (/libpcsclite/.test(text)) {
      throw new KeywrightError('BACKEND_UNAVAILABLE', { detail: 'The system’s library for smart cards (libpcsclite) is not installed.', remedy: 'Install it: `apt install libpcsclite1 pcscd`, or `pcsc-lite` on Fedora and Arch.', cause });
    }
    throw new KeywrightError('BACKEND_UNAVAILABLE', { detail: 'The part of Keywright that talks to smart-card readers is not there for this system.', remedy: 'Install Keywright anew with its optional parts (`npm ci` without `--omit=optional`).', cause });
  }
}
