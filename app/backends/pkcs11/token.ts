import type { PinKeeper } from '../../keystore/pins.ts';
import type { BackendDeps } from '../../keystore/registry.ts';
import type { Mechanism, Token, TokenFacts, TokenStatus } from '../../keystore/tokens.ts';
import type { TokenConnection } from './connection.ts';
import { MECHANISM_FLAGS } from './constants.ts';
import { TokenKeys } from './keys.ts';
import { keyStoreOf } from './key-store.ts';
import { actionsOf, manageToken, statusOf } from './manage.ts';
import { SeenKeys } from './seen.ts';

interface TokenOptions {
  readonly instance: string;
  readonly type: string;
  readonly scheme: string;
  readonly facts: TokenFacts;
  readonly pins: PinKeeper;
  /** Facts of the module, for the token's details. */
  readonly details: TokenStatus['details'];
  /** Its contents or its state changed by one of its verbs. */
  readonly changed: () => void;
}

/** One token of a module, as the house knows tokens. */
export function openToken(connection: TokenConnection, { instance, type, scheme, facts, pins, details, changed }: TokenOptions, deps: Pick<BackendDeps, 'storage'>): Token & { readonly keys: TokenKeys } {
  const keys = new TokenKeys(connection, pins, scheme, new SeenKeys(deps.storage, instance, connection.id), changed);
  return {
    facts, keys,
    store: keyStoreOf(keys, type, instance, deps),
    get actions() { return actionsOf(connection); },
    manage: manageToken(keys, pins, changed),
    status: () => statusOf(connection, details),
    contents: (call) => keys.contents(call),
    mechanisms: async () => connection.mechanisms.map(({ code, name, minimum, maximum, flags }): Mechanism => ({
      name, code, ...sizes(name, minimum, maximum), uses: MECHANISM_FLAGS.filter(([flag]) => (flags & flag) !== 0).map(([, use]) => use),
    })),
  };
}

/** Larger than any key: a module's word for "no limit". */
const NO_LIMIT = 0x7fff_ffff;

function sizes(name: string, smallest: number, largest: number): { minimumBits: number | null; maximumBits: number | null } {
  // AES keys and those of HMACs are counted in bytes (PKCS#11 v3.1 §6.13.2, §6.20.4).
  const unit = /^CKM_(AES_|SHA.*_HMAC)/.test(name) && largest < NO_LIMIT ? 8 : 1;
  const [minimum, maximum] = [smallest * unit, largest * unit];
  return maximum === 0 || maximum >= NO_LIMIT ? { minimumBits: minimum === 0 ? null : minimum, maximumBits: null } : { minimumBits: minimum, maximumBits: maximum };
}
