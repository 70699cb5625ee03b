import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { askSecret, KEY_ALGORITHMS, KeywrightError, SIGNATURE_ALGORITHMS, type KeyAlgorithmName, type SecretBytes } from '../../contract/index.ts';
import type { GenerateKey, KeyCall, KeyDescription, KeyStore } from '../keystore.ts';
import { PinKeeper, RefusedSecrets, type TokenSecret } from '../pins.ts';
import { pinTitle } from '../token-prompts.ts';
import type { BackendManifest } from '../registry.ts';
import type { ActionState, Attestation, Token, TokenContents, TokenEvent, TokenFacts, TokenSource, TokenStatus } from '../tokens.ts';

/**
 * A token for tests of what stands above the backends: faces, dispatcher, inventory. It is made of memory, keeps P-256 and Ed25519 keys
 * in four slots, and has every verb. Real drivers are tested with the devices of `e2e/devices`.
 */
const SLOTS = { '9a': 'Authentication', '9c': 'Digital signature', '9d': 'Key management', '9e': 'Card authentication' } as const;
const CURVES: Partial<Record<KeyAlgorithmName, () => KeyObject>> = {
  'ec-p256': () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  ed25519: () => generateKeyPairSync('ed25519').privateKey,
};
const CAPABILITIES = { algorithms: ['ec-p256', 'ed25519'] as KeyAlgorithmName[], capabilities: ['sign', 'verify', 'generate', 'import'] as const };
const ACTIONS: readonly ActionState['action'][] = [
  'initialize', 'change-pin', 'unblock-pin', 'change-puk', 'change-so-pin', 'set-management-key', 'set-retries', 'reset', 'set-identifiers', 'move-key', 'delete-key', 'attest',
  'put-certificate', 'delete-certificate', 'create-dkek-share', 'import-dkek-share', 'wrap-key', 'unwrap-key',
];

interface InSlot {
  readonly key: KeyObject;
  readonly algorithm: KeyAlgorithmName;
  certificate: Uint8Array | null;
}

/** What the token holds: it outlives its insertions. */
export class FakeToken {
  readonly serial: string;
  readonly slots = new Map<string, InSlot>();
  pin = '123456';
  puk = '12345678';
  triesLeft = 3;
  readonly refused = new RefusedSecrets();

  constructor(serial: string) {
    this.serial = serial;
  }
}

/** The source of one instance: `insert` and `remove` are a person's hands. */
export class FakeTokens implements TokenSource {
  readonly #listeners = new Set<(event: TokenEvent) => void>();
  readonly #present = new Map<string, InsertedToken>();

  insert(card: FakeToken): Token {
    const token = new InsertedToken(card, (event) => this.#tell(event));
    this.#present.set(token.facts.id, token);
    this.#tell({ type: 'inserted', token });
    return token;
  }

  remove(card: FakeToken): void {
    const id = idOf(card);
    const token = this.#present.get(id);
    this.#present.delete(id);
    token?.leave();
    this.#tell({ type: 'removed', id });
  }

  tokens(): Token[] {
    return [...this.#present.values()];
  }

  findings(): [] {
    return [];
  }

  async ready(): Promise<void> {}

  onChange(listener: (event: TokenEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const token of this.#present.values()) token.leave();
  }

  #tell(event: TokenEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

/** A backend type `fake` whose one instance sees these tokens. */
export function fakeTokenManifest(tokens: FakeTokens): BackendManifest {
  return {
    type: 'fake', scheme: 'fake', title: 'Token for tests', summary: 'A token made of memory.', config: z.strictObject({}), capabilities: CAPABILITIES, host: 'core', builtIn: true, tokens: true,
    load: async () => ({ openTokens: async () => tokens }),
  };
}

const idOf = ({ serial }: FakeToken): string => `fake-${serial}`;

class InsertedToken implements Token {
  readonly facts: TokenFacts;
  readonly store: KeyStore;
  readonly actions: readonly ActionState[] = ACTIONS.map((action) => ({ action, available: true, reason: null }));
  readonly manage: Token['manage'];
  readonly #card: FakeToken;
  readonly #pins: PinKeeper;
  #gone = false;

  constructor(card: FakeToken, tell: (event: TokenEvent) => void) {
    this.#card = card;
    this.#pins = new PinKeeper({ keepMinutes: () => 5, refused: card.refused });
    this.facts = { id: idOf(card), model: 'Fake token', serial: card.serial, firmware: '1.0.0', manufacturer: 'Nobody', label: null, reader: 'Fake reader', form: 'card' };
    const changed = (): void => tell({ type: 'changed', id: this.facts.id });
    this.store = this.#store(changed);
    this.manage = this.#manage(changed);
  }

  leave(): void {
    this.#gone = true;
    this.#pins[Symbol.dispose]();
  }

  async status(): Promise<TokenStatus> {
    this.#check();
    const secret = (kind: 'pin' | 'puk', isDefault: boolean) => ({ kind, state: isDefault ? 'default' as const : 'set' as const, triesLeft: this.#card.triesLeft, triesAtMost: 3, note: null });
    return { initialised: true, secrets: [secret('pin', this.#card.pin === '123456'), secret('puk', this.#card.puk === '12345678')], findings: [], details: [{ name: 'Made of', value: 'memory' }] };
  }

  async mechanisms(): Promise<{ name: string; code: number; minimumBits: number; maximumBits: number; uses: string[] }[]> {
    return [{ name: 'CKM_ECDSA', code: 0x1041, minimumBits: 256, maximumBits: 256, uses: ['sign'] }];
  }

  async contents(): Promise<TokenContents> {
    this.#check();
    return {
      complete: true,
      keys: [...this.#card.slots.keys()].map((slot) => this.#describe(slot)),
      slots: Object.entries(SLOTS).map(([slot, title]) => {
        const held = this.#card.slots.get(slot);
        return {
          slot, title, state: held === undefined ? 'empty' as const : 'key' as const, key: held === undefined ? null : this.#ref(slot), note: null, certificate: held?.certificate ?? null,
          pinPolicy: 'once' as const, touchPolicy: 'never' as const, madeOnDevice: held === undefined ? null : true,
        };
      }),
    };
  }

  #store(changed: () => void): KeyStore {
    const put = (request: Pick<GenerateKey, 'slot'>, key: KeyObject, algorithm: KeyAlgorithmName): KeyDescription => {
      const slot = request.slot ?? Object.keys(SLOTS).find((name) => !this.#card.slots.has(name)) ?? '9a';
      this.#card.slots.set(slot, { key, algorithm, certificate: null });
      changed();
      return this.#describe(slot);
    };
    return {
      name: this.facts.id, type: 'fake', capabilities: CAPABILITIES,
      list: async () => ({ items: [...this.#card.slots.keys()].map((slot) => this.#describe(slot)) }),
      get: async (id) => this.#describe(id.replace(/.*slot=/, '')),
      generate: async (request) => put(request, CURVES[request.algorithm]!(), request.algorithm),
      importer: {
        importKey: async (request, material) => put(request, createPrivateKey({ key: Buffer.from(material.secret.reveal()), format: 'der', type: 'pkcs8' }), material.algorithm),
        importVersion: () => Promise.reject(new KeywrightError('CAPABILITY_MISSING', 'A token has no versions.')),
      },
      signer: {
        sign: async (ref, algorithm, content, call) => {
          const held = this.#in(ref.id.replace(/.*slot=/, ''));
          if ('digest' in content) throw new KeywrightError('CAPABILITY_MISSING', 'This token hashes by itself.');
          await this.#withPin(pinTitle('sign', ref), call);
          this.#check();
          return sign(SIGNATURE_ALGORITHMS[algorithm].hash, content.message, held.key);
        },
      },
      async [Symbol.asyncDispose]() {},
    };
  }

  #manage(changed: () => void): Token['manage'] {
    const card = this.#card;
    const own = async (call: KeyCall, purpose: 'new-pin' | 'new-puk', title: string): Promise<string> => {
      using secret = await askSecret({ kind: 'new-secret', purpose, title, minLength: 6, maxLength: 8, form: 'pin' }, call);
      return Buffer.from(secret.reveal()).toString();
    };
    const done = async (): Promise<void> => changed();
    return {
      initialize: async () => { card.slots.clear(); changed(); },
      changePin: async (call) => {
        await this.#withPin('Change the PIN', call);
        card.pin = await own(call, 'new-pin', 'Choose a new PIN');
        this.#pins.changed('pin');
        changed();
      },
      unblockPin: async (call) => { card.pin = await own(call, 'new-pin', 'Choose a new PIN'); card.triesLeft = 3; changed(); },
      changePuk: async (call) => { card.puk = await own(call, 'new-puk', 'Choose a new PUK'); changed(); },
      changeSoPin: done,
      setManagementKey: done,
      setRetries: done,
      reset: async () => { card.slots.clear(); card.pin = '123456'; changed(); },
      setIdentifiers: done,
      moveKey: async ({ from, to }) => {
        card.slots.set(to, this.#in(from));
        card.slots.delete(from);
        changed();
        return this.#describe(to);
      },
      deleteKey: async (slot) => { this.#in(slot); card.slots.delete(slot); changed(); },
      attest: async (slot): Promise<Attestation> => ({ verified: false, statements: ['Made in this token.'], problems: [`Nobody vouches for slot ${slot}.`], chain: [], chainFormat: 'x509' }),
      putCertificate: async (slot, certificate) => { this.#in(slot).certificate = certificate; changed(); },
      deleteCertificate: async (slot) => { this.#in(slot).certificate = null; changed(); },
      createDkekShare: async () => ({ file: Buffer.from('share'), keyCheckValue: '0011223344556677' }),
      importDkekShare: async () => ({ outstanding: 0, keyCheckValue: '0011223344556677' }),
      wrapKey: async (slot) => createPublicKey(this.#in(slot).key).export({ type: 'spki', format: 'der' }),
      unwrapKey: async (request, call) => this.store.generate({ id: '', algorithm: 'ec-p256', label: 'unwrapped', usages: ['sign', 'verify'], extractable: false, ...(request.slot === undefined ? {} : { slot: request.slot }) }, call),
    };
  }

  async #withPin(title: string, call: KeyCall): Promise<void> {
    this.#check();
    if (this.#pins.isVerified('pin', call)) return;
    await this.#pins.use(this.#secret, { title, keep: 'insertion' }, call, (value) => this.#verify(value));
  }

  readonly #secret: TokenSecret = {
    kind: 'pin', token: 'Fake token', remedyWhenBlocked: 'Unblock it.',
    problemOf: (value) => (value.length >= 6 && value.length <= 8 ? null : 'A PIN has 6 to 8 characters.'),
    triesLeft: async () => this.#card.triesLeft,
  };

  async #verify(value: SecretBytes): Promise<void> {
    this.#check();
    if (Buffer.from(value.reveal()).toString() === this.#card.pin) {
      this.#card.triesLeft = 3;
      return;
    }
    this.#card.triesLeft -= 1;
    throw new KeywrightError('PIN_INCORRECT', { detail: `Wrong PIN. ${this.#card.triesLeft} tries left.`, triesLeft: this.#card.triesLeft });
  }

  #in(slot: string): InSlot {
    this.#check();
    const held = this.#card.slots.get(slot);
    if (held === undefined) throw new KeywrightError('NOT_FOUND', `There is no key in slot ${slot}.`);
    return held;
  }

  #check(): void {
    if (this.#gone) throw new KeywrightError('TOKEN_REMOVED', { detail: 'The token was removed.', remedy: 'Put it back and try again.' });
  }

  #ref(slot: string): string {
    return `serial=${this.#card.serial};slot=${slot}`;
  }

  #describe(slot: string): KeyDescription {
    const { key, algorithm } = this.#in(slot);
    return {
      uri: `fake:${this.#ref(slot)}`, id: this.#ref(slot), label: null, algorithm, usages: KEY_ALGORITHMS[algorithm].usages.filter((usage) => usage === 'sign' || usage === 'verify'), extractable: false, protection: 'token',
      versions: [{ version: 1, createdAt: '2026-01-01T00:00:00.000Z', publicKey: createPublicKey(key).export({ type: 'spki', format: 'der' }) }],
      hardware: { slot, slotTitle: SLOTS[slot as keyof typeof SLOTS] ?? slot, pinPolicy: 'once', touchPolicy: 'never', madeOnDevice: true },
    };
  }
}
