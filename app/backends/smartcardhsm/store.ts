import { KeywrightError } from '../../contract/index.ts';
import type { KeyDescription, KeyStore, Signer } from '../../keystore/keystore.ts';
import { REFERENCE } from './applet.ts';
import type { SmartCardHsm } from './hsm.ts';
import { pinState } from './session.ts';

/**
 * OpenSC 0.23 takes the signatures of a curve of 521 bits for those of a shorter one when both numbers are small, once in sixteen times, and fails.
 * ECDSA gives another signature each time; so often in a row it never happens.
 */
const MOST_SIGNATURES = 12;

/** @returns the store of a token as OpenSC shows it, with what is different about a SmartCard-HSM. */
export function cardStore(module: KeyStore, hsm: SmartCardHsm): KeyStore {
  const store = explained(module, hsm);
  const { signer } = store;
  return {
    ...store,
    async list(query, call) {
      const page = await store.list(query, call);
      return { ...page, items: page.items.map(asTheCardHasIt) };
    },
    get: async (id, call) => asTheCardHasIt(await store.get(id, call)),
    generate: async (request, call) => asTheCardHasIt(await store.generate(request, call)),
    ...(signer === undefined ? {} : { signer: patient(signer, store) }),
  };
}

/** No key asks for a touch, and which were made on the card only their attestation tells. */
export function asTheCardHasIt(key: KeyDescription): KeyDescription {
  return { ...key, ...(key.hardware === undefined ? {} : { hardware: { ...key.hardware, touchPolicy: 'never', madeOnDevice: null } }) };
}

/** What OpenSC fails with when the card was pulled under it tells nothing: the card itself is asked whether it is still there. */
function explained(store: KeyStore, hsm: SmartCardHsm): KeyStore {
  const guarded = <T extends object>(object: T): T => Object.fromEntries(Object.entries(object).map(([name, value]: [string, unknown]) => {
    if (typeof value === 'function') return [name, (...given: unknown[]) => Promise.resolve((value as (...given: unknown[]) => unknown).apply(object, given)).catch((thrown: unknown) => explain(thrown, hsm))];
    return [name, FACETS.has(name) ? guarded(value as object) : value];
  })) as T;
  return { ...guarded(store), [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
}

const FACETS: ReadonlySet<string> = new Set<string & keyof KeyStore>(['signer', 'encrypter', 'decrypter', 'wrapper', 'agreement', 'remover', 'random']);

async function explain(thrown: unknown, { session }: SmartCardHsm): Promise<never> {
  if (thrown instanceof KeywrightError && thrown.code === 'BACKEND_UNAVAILABLE') await session.run((channel) => pinState(channel, REFERENCE.pin));
  throw thrown;
}

function patient(signer: Signer, store: KeyStore): Signer {
  return {
    async sign(key, algorithm, content, call) {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await signer.sign(key, algorithm, content, call);
        } catch (thrown) {
          const misread = thrown instanceof KeywrightError && thrown.code === 'INVALID_INPUT' && attempt < MOST_SIGNATURES && (await store.get(key.id, call)).algorithm === 'ec-p521';
          if (!misread) throw thrown;
        }
      }
    },
  };
}
