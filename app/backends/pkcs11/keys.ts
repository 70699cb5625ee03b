import { randomBytes } from 'node:crypto';
import { asKeywrightError, KeywrightError, type Call, type KeyAlgorithmName } from '../../contract/index.ts';
import type { KeyCall, KeyDescription } from '../../keystore/keystore.ts';
import type { PinKeeper } from '../../keystore/pins.ts';
import { confirmDestruction } from '../../keystore/token-prompts.ts';
import { formatPkcs11Path, matchesPkcs11Path, parsePkcs11Uri, type Pkcs11Path } from '../../keystore/pkcs11-uri.ts';
import type { TokenContents, TokenSlot } from '../../keystore/tokens.ts';
import type { TokenConnection } from './connection.ts';
import { asWriter } from './login.ts';
import type { KeySelector } from './messages.ts';
import type { KeyObject, TokenObjects } from './module/objects.ts';
import type { SeenKey, SeenKeys } from './seen.ts';
import { usagesIn } from '../worker/key-store.ts';

export type HeldKey = SeenKey;

export const selectorOf = ({ kind, id, label }: HeldKey): KeySelector => ({ kind, id, label });

/** What the worker read, and whether everything showed. */
type ReadObjects = TokenObjects & { readonly loggedIn: boolean };

/** The keys of one token: found by their paths, described as the house does. What was read last serves until something changes. */
export class TokenKeys {
  readonly token: TokenConnection;
  readonly pins: PinKeeper;
  readonly scheme: string;
  readonly #seen: SeenKeys;
  readonly #changed: () => void;
  #held: Promise<SeenKey[]> | undefined;
  #objects: ReadObjects | undefined;
  /** What was read last, by what follows the scheme. */
  #byRef: ReadonlyMap<string, HeldKey> = new Map();

  constructor(token: TokenConnection, pins: PinKeeper, scheme: string, seen: SeenKeys, changed: () => void) {
    this.token = token;
    this.pins = pins;
    this.scheme = scheme;
    this.#seen = seen;
    this.#changed = changed;
  }

  /** Reads the token. */
  read(call: Pick<Call, 'signal'>): Promise<SeenKey[]> {
    const held = this.#read(call);
    this.#held = held;
    held.catch(() => { if (this.#held === held) this.#held = undefined; });
    return held;
  }

  /** @throws NOT_FOUND */
  async find(id: string, call: Pick<Call, 'signal'>): Promise<HeldKey> {
    await (this.#held ?? this.read(call));
    const found = this.#byRef.get(id) ?? this.#named(await this.read(call), id);
    if (found === undefined) throw new KeywrightError('NOT_FOUND', { detail: `There is no key ${this.scheme}:${id} in ${this.token.title}.`, remedy: `See \`keywright tokens slots ${this.token.id}\`.` });
    return found;
  }

  /** @returns what shows of a key once somebody is logged in: before that it may be its public half alone. */
  async whole(key: HeldKey, call: Pick<Call, 'signal'>): Promise<HeldKey> {
    if (key.seen) return key;
    return (await this.read(call)).find(({ kind, id, publicKey }) => kind === key.kind && id === key.id && publicKey === key.publicKey) ?? key;
  }

  /** @returns the key that was just made. @param id CKA_ID in hex. */
  async made(id: string, algorithm: KeyAlgorithmName, call: Pick<Call, 'signal'>): Promise<HeldKey> {
    const found = (await this.read(call)).find((key) => key.id === id && key.algorithm === algorithm);
    this.#changed();
    if (found === undefined) throw new KeywrightError('BACKEND_UNAVAILABLE', { detail: `${this.token.title} says that it made the key, and does not show it.`, remedy: `See \`keywright tokens slots ${this.token.id}\`.` });
    return found;
  }

  /** @param wanted CKA_ID in hex. @throws ALREADY_EXISTS */
  async freeId(wanted: string | undefined, call: Pick<Call, 'signal'>): Promise<string> {
    const taken = new Set((await (this.#held ?? this.read(call))).map(({ id }) => id));
    const { places } = this.token.peculiar;
    if (wanted === undefined && places === undefined) return randomBytes(8).toString('hex');
    const id = wanted === undefined ? [...places!.keys()].find((one) => !taken.has(one)) : wanted.length % 2 === 0 ? wanted : `0${wanted}`;
    if (id === undefined || (places !== undefined && !places.has(id))) {
      throw new KeywrightError('CAPABILITY_MISSING', { detail: id === undefined ? `${this.token.title} has no place left for a key.` : `${this.token.title} has no place ${id} for a key.`, where: '/slot', remedy: 'Choose one that is free.', alternatives: [...places!.keys()].filter((one) => !taken.has(one)) });
    }
    if (taken.has(id)) throw new KeywrightError('ALREADY_EXISTS', { detail: `${this.token.title} has a key with the id ${id} already.`, where: '/slot', remedy: 'Leave the slot out: a free id is chosen.' });
    return id;
  }

  /** Where what is in a place may not show, a person says that nothing is. @throws CANCELLED, INVALID_INPUT, PIN_REQUIRED */
  async confirmPlace(id: string, call: Call): Promise<void> {
    const { hidesKeys, places } = this.token.peculiar;
    if (hidesKeys !== true) return;
    const place = places?.get(id) ?? id;
    await confirmDestruction({
      title: `Make a key in ${place}`, token: this.token.title, action: 'Make it there', typed: place,
      note: 'Nothing shows there, but this module does not show a key that has no certificate. If there is one, it would be overwritten, and nothing brings it back.',
    }, call);
  }

  /** @throws NOT_FOUND */
  async remove(id: string, call: KeyCall): Promise<void> {
    const key = await this.find(id, call);
    await asWriter(this.token, this.pins, `Destroy “${nameOfKey(key)}”`, call, () => this.token.call('keys.remove', { key: selectorOf(key) }, call));
    await this.read(call);
    this.#changed();
  }

  async contents(call: Call): Promise<TokenContents> {
    const keys = await this.read(call);
    const { keys: shown, certificates, loggedIn: all } = this.#objects as ReadObjects;
    const slots: TokenSlot[] = keys.map((key) => {
      const { hardware } = this.describe(key);
      return {
        slot: slotOf(key), title: this.#titleOf(key) ?? `Key ${slotOf(key)}`, state: 'key', key: this.refOf(key), note: null, certificate: certificateOf(certificates, key.id),
        pinPolicy: hardware!.pinPolicy, touchPolicy: 'unknown', madeOnDevice: key.local,
      };
    });
    const empty = { key: null, pinPolicy: null, touchPolicy: null, madeOnDevice: null } as const;
    for (const key of shown) {
      if (key.algorithm === null) slots.push({ ...empty, pinPolicy: 'unknown', touchPolicy: 'unknown', slot: slotOf(key), title: key.label === '' ? `Key ${slotOf(key)}` : key.label, state: 'unsupported', note: key.note, certificate: certificateOf(certificates, key.id) });
    }
    for (const { id, label, der } of certificates) {
      if (id !== '' && shown.some((key) => key.id === id)) continue;
      const slot = id === '' ? Buffer.from(label).toString('hex').slice(0, 128) || '00' : id;
      slots.push({ ...empty, slot, title: label === '' ? `Certificate ${slot}` : label, state: 'certificate-only', note: null, certificate: Buffer.from(der, 'base64url') });
    }
    return { complete: all || !this.token.state.flags.loginRequired, slots: unique(slots), keys: keys.map((key) => this.describe(key)) };
  }

  /** The certificates that were read last. */
  get certificates(): TokenObjects['certificates'] {
    return this.#objects?.certificates ?? [];
  }

  describe(key: HeldKey): KeyDescription {
    const id = this.refOf(key);
    return {
      uri: `${this.scheme}:${id}`, id, label: key.label === '' ? null : key.label, algorithm: key.algorithm, usages: key.usages, extractable: key.extractable,
      protection: this.token.removable ? 'token' : 'hsm',
      versions: [{ version: 1, createdAt: key.since, publicKey: key.publicKey === null ? null : new Uint8Array(Buffer.from(key.publicKey, 'base64url')) }],
      hardware: { slot: slotOf(key), slotTitle: this.#titleOf(key), pinPolicy: !this.token.state.flags.loginRequired ? 'never' : key.alwaysAuthenticate ? 'always' : 'once', touchPolicy: 'unknown', madeOnDevice: key.local },
    };
  }

  #titleOf({ id, label }: HeldKey): string | null {
    return this.token.peculiar.places?.get(id) ?? (label === '' ? null : label);
  }

  /** What follows the scheme in a key's URI. */
  refOf(key: HeldKey): string {
    return formatPkcs11Path(this.#pathOf(key));
  }

  #pathOf({ kind, id, label }: KeySelector): Pkcs11Path {
    const { label: token, serial } = this.token.state;
    return { token, serial, object: label, id: new Uint8Array(Buffer.from(id, 'hex')), type: kind };
  }

  /** By fewer attributes, or in another order. */
  #named(keys: readonly SeenKey[], id: string): SeenKey | undefined {
    let wanted: Pkcs11Path;
    try {
      wanted = parsePkcs11Uri(id);
    } catch {
      return undefined;
    }
    if (Object.keys(wanted).length === 0) return undefined;
    const found = keys.filter((key) => matchesPkcs11Path(wanted, this.#pathOf(key)));
    return found.length === 1 ? found[0] : undefined;
  }

  async #read(call: Pick<Call, 'signal'>): Promise<SeenKey[]> {
    if (call.signal.aborted) throw asKeywrightError(call.signal.reason);
    this.token.notice(this.pins);
    const objects = asTheyAre(await this.token.call('token.objects', {}, call) as ReadObjects, this.token);
    this.#objects = objects;
    const keys = await this.#seen.update(objects, objects.loggedIn || !this.token.state.flags.loginRequired);
    this.#byRef = new Map(keys.map((key) => [this.refOf(key), key]));
    return keys;
  }
}

/** Read with the token's peculiarities in mind. */
function asTheyAre(objects: ReadObjects, { peculiar: { places, notOfKeys, usagesAreFixed }, capabilities }: TokenConnection): ReadObjects {
  return {
    ...objects,
    certificates: notOfKeys === undefined ? objects.certificates : objects.certificates.filter(({ label }) => !notOfKeys.test(label)),
    // The labels of places are no names of keys, and differ between the halves of a pair.
    keys: objects.keys.filter(({ id }) => places?.has(id) !== false).map((key) => ({
      ...key, label: places === undefined ? key.label : '', usages: usagesAreFixed === true && key.algorithm !== null ? usagesIn(key.algorithm, capabilities.capabilities) : key.usages,
    })),
  };
}

/** What a key is called: its label, else its id. */
export const nameOfKey = ({ id, label }: Pick<KeyObject, 'id' | 'label'>): string => (label === '' ? id : label);

/** CKA_ID in hex; where an object has none, its label takes the place. */
export function slotOf({ id, label }: Pick<KeyObject, 'id' | 'label'>): string {
  return id !== '' ? id.slice(0, 128) : Buffer.from(label).toString('hex').slice(0, 128) || '00';
}

function certificateOf(certificates: TokenObjects['certificates'], id: string): Uint8Array | null {
  const found = id === '' ? undefined : certificates.find((one) => one.id === id);
  return found === undefined ? null : Buffer.from(found.der, 'base64url');
}

/** Two objects of one id (a key pair and a secret key, say) would be one slot: the second says so. */
function unique(slots: readonly TokenSlot[]): TokenSlot[] {
  const taken = new Set<string>();
  return slots.map((slot) => {
    let name = slot.slot;
    while (taken.has(name)) name = `${name}00`;
    taken.add(name);
    return name === slot.slot ? slot : { ...slot, slot: name };
  });
}
