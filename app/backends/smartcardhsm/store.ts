import { KEY_ALGORITHMS, KeywrightError, type Capability } from '../../contract/index.ts';
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
  const { capabilities } = store.capabilities;
  return {
    ...store,
    async list(query, call) {
      const page = await store.list(query, call);
      return { ...page, items: page.items.map((key) => asTheCardHasIt(key, capabilities)) };
    },
    get: async (id, call) => asTheCardHasIt(await store.get(id, call), capabilities),
    async generate(request, call) {
      const usages = KEY_ALGORITHMS[request.algorithm].usages.filter((usage) => capabilities.includes(usage));
      // The card enforces nothing of the sort, and OpenSC takes every key for one that signs and decrypts.
      if (store.capabilities.algorithms.includes(request.algorithm) && request.usages.every((usage) => (KEY_ALGORITHMS[request.algorithm].usages as readonly string[]).includes(usage)) && usages.some((usage) => !request.usages.includes(usage))) {
        throw new KeywrightError('CAPABILITY_MISSING', { detail: `A SmartCard-HSM cannot restrict what an ${request.algorithm} key is used for.`, remedy: 'Leave the usages out.', alternatives: usages });
      }
      return asTheCardHasIt(await store.generate(request, call), capabilities);
    },
    ...(signer === undefined ? {} : { signer: patient(signer, store) }),
  };
}

/**
 * OpenSC shows what it has read of a key, which before login is half of it. On the card every key may do all that its algorithm can, none asks for a touch,
 * and which were made there only their attestation tells.
 */
export function asTheCardHasIt(key: KeyDescription, capabilities: readonly Capability[]): KeyDescription {
  const usages = KEY_ALGORITHMS[key.algorithm].usages.filter((usage) => capabilities.includes(usage));
  return { ...key, usages, ...(key.hardware === undefined ? {} : { hardware: { ...key.hardware, touchPolicy: 'never', madeOnDevice: null } }) };
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
