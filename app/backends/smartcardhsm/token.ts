import { KeywrightError, type Call } from '../../contract/index.ts';
import type { KeyCall, KeyDescription, KeyStore } from '../../keystore/keystore.ts';
import type { ActionState, Token, TokenAction, TokenContents } from '../../keystore/tokens.ts';
import type { Pkcs11Token } from '../pkcs11/source.ts';
import { createShare, importShare, unwrapKey, wrapKey } from './backup.ts';
import { attest, deleteCertificate, deleteKey, putCertificate } from './certificates.ts';
import { discover } from './discovery.ts';
import type { SmartCardHsm } from './hsm.ts';
import { changePin, changeSoPin, initialize, unblockPin } from './setup.ts';
import { statusOf } from './status.ts';
import { asTheCardHasIt } from './store.ts';

/** What is done through OpenSC, and how OpenSC learns of what was done without it. */
interface KeysOfCard {
  /** The token as OpenSC shows it; undefined while it does not: OpenSC is missing, or the card was never set up. */
  readonly token: Pkcs11Token | undefined;
  /** Its store; the same one as long as it is the same token. */
  readonly store: KeyStore | undefined;
  /** Why, and what to do. */
  readonly missing: KeywrightError;
  /** The card was changed without OpenSC, which must read it anew. */
  refresh(): Promise<void>;
}

const NOT_HERE: Partial<Record<TokenAction, string>> = {
  'change-puk': 'A SmartCard-HSM has no PUK: its SO PIN sets a new PIN.', 'set-management-key': 'A SmartCard-HSM has no management key.', 'set-retries': 'How many tries a PIN has is set when the token is initialised.',
  reset: 'A SmartCard-HSM is not reset: initialise it instead.', 'set-identifiers': 'Only PIV cards have these.', 'move-key': 'Keys in a SmartCard-HSM stay under their id.',
};
const HERE: readonly TokenAction[] = ['initialize', 'change-pin', 'unblock-pin', 'change-so-pin', 'delete-key', 'attest', 'put-certificate', 'delete-certificate', 'create-dkek-share', 'import-dkek-share', 'wrap-key', 'unwrap-key'];

/** @returns one SmartCard-HSM as the house knows tokens: keys and their use through OpenSC, everything else over PC/SC. @param changed its contents or facts may have. */
export function tokenOf(hsm: SmartCardHsm, keys: KeysOfCard, changed: () => void): Token {
  const token = (): Pkcs11Token => {
    if (keys.token === undefined) throw keys.missing;
    return keys.token;
  };

  /** Runs a verb after which OpenSC must read the card anew: also when it failed, since it may have got half way. */
  async function altering<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } finally {
      // OpenSC's own login and what it has read are worth nothing now.
      await keys.refresh();
      changed();
    }
  }

  async function contentsOf(call: Call): Promise<TokenContents> {
    const there = token();
    const contents = await there.contents(call);
    return {
      ...contents, keys: contents.keys.map(asTheCardHasIt),
      slots: contents.slots.map((slot) => (slot.state === 'key' ? { ...slot, touchPolicy: 'never', madeOnDevice: null } : slot)),
    };
  }

  const keyIn = async (slot: string, call: KeyCall): Promise<KeyDescription> => {
    const { keys: described } = await contentsOf(call);
    const found = described.find(({ hardware }) => hardware?.slot === slot);
    if (found === undefined) throw new KeywrightError('NOT_FOUND', { detail: `There is no key ${slot} in ${hsm.title}.`, where: '/slot', alternatives: described.flatMap(({ hardware }) => hardware?.slot ?? []) });
    return found;
  };

  return {
    get facts() { return hsm.facts; },
    get store() { return keys.store ?? emptyStore(hsm, keys); },
    get actions() { return actionsOf(hsm); },
    status: (call) => statusOf(hsm, call),
    async contents(call): Promise<TokenContents> {
      return keys.token === undefined ? { complete: false, slots: [], keys: [] } : contentsOf(call);
    },
    async mechanisms(call) {
      return (await token().mechanisms?.(call)) ?? [];
    },
    manage: {
      initialize: (request, call) => altering(async () => {
        try {
          await initialize(hsm, request, call);
        } finally {
          // What it says of itself is another thing now; if it left meanwhile, nobody asks any more.
          const discovered = await hsm.session.card.exclusively(discover).catch(() => undefined);
          if (discovered !== undefined) hsm.rediscovered(discovered);
        }
      }),
      changePin: (call) => altering(() => changePin(hsm, call)),
      changeSoPin: (call) => changeSoPin(hsm, call),
      unblockPin: (call) => altering(() => unblockPin(hsm, call)),
      deleteKey: (slot, call, label) => altering(async () => deleteKey(hsm, await keyIn(slot, call), slot, call, label)),
      attest: async (slot, call) => attest(hsm, await keyIn(slot, call), slot, call),
      putCertificate: (slot, certificate, call, label) => altering(async () => putCertificate(hsm, await keyIn(slot, call), slot, certificate, call, label)),
      deleteCertificate: (slot, call, label) => altering(async () => deleteCertificate(hsm, await keyIn(slot, call), slot, call, label)),
      createDkekShare: ({ passwordShares }, call) => createShare(hsm, passwordShares, call),
      async importDkekShare(file, { passwordShares }, call) {
        const done = await importShare(hsm, file, passwordShares, call);
        changed();
        return done;
      },
      wrapKey: (slot, call, label) => wrapKey(hsm, slot, call, label),
      async unwrapKey({ slot, wrapped }, call) {
        const id = await altering(() => unwrapKey(hsm, wrapped, slot, call));
        return keyIn(id, call);
      },
    },
  };
}

function actionsOf(hsm: SmartCardHsm): ActionState[] {
  const { initialised, mayReset } = hsm.discovered;
  return [
    ...HERE.map((action): ActionState => {
      const reason = !initialised && action !== 'initialize' ? 'The token was never set up: initialise it first.' : action === 'unblock-pin' && !mayReset ? 'The token was set up so that the SO PIN cannot set a new PIN.' : null;
      return { action, available: reason === null, reason };
    }),
    ...Object.entries(NOT_HERE).map(([action, reason]): ActionState => ({ action: action as TokenAction, available: false, reason })),
  ];
}

/** A token whose keys are out of reach. */
function emptyStore(hsm: SmartCardHsm, keys: KeysOfCard): KeyStore {
  return {
    name: hsm.facts.id, type: 'smartcardhsm', capabilities: { algorithms: [], capabilities: [] },
    list: async () => ({ items: [] }),
    get: async () => { throw keys.missing; },
    generate: async () => { throw keys.missing; },
    async [Symbol.asyncDispose]() {},
  };
}
