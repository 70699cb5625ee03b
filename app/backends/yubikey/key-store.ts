import { KeywrightError } from '../../contract/index.ts';
import type { CapabilitySet, KeyDescription, KeyStore } from '../../keystore/keystore.ts';
import { CAPABILITIES } from './capabilities.ts';
import { agreementOf, decrypterOf, encrypterOf, wrapperOf } from './decrypter.ts';
import { heldKey } from './held.ts';
import { generate, importKey } from './make-key.ts';
import { ATTESTATION_SLOT } from './piv.ts';
import { signerOf } from './signer.ts';
import { describe, slotFacts } from './slots.ts';
import type { YubiKey } from './yubikey.ts';

/** The keys in the slots of one YubiKey. Keys cannot be given away, and a slot has one version. */
export function keyStoreOf(key: YubiKey): KeyStore {
  const capabilities: CapabilitySet = { algorithms: key.gates.algorithms, capabilities: CAPABILITIES };
  return {
    name: key.facts.id, type: 'yubikey', capabilities,
    async list({ limit, cursor }) {
      const keys: KeyDescription[] = [];
      for (const slot of key.gates.slots) {
        if (slot === ATTESTATION_SLOT) continue;
        const facts = await slotFacts(key, slot);
        if (facts.key !== null) keys.push(describe(key, facts, facts.key));
      }
      const from = cursor === undefined ? 0 : Number(cursor);
      const items = keys.slice(from, from + limit);
      return from + limit < keys.length ? { items, cursor: String(from + limit) } : { items };
    },
    async get(id) {
      const { slot, held } = await heldKey(key, { id });
      return describe(key, { slot }, held);
    },
    generate: (request, call) => generate(key, request, call),
    importer: {
      importKey: (request, material, call) => importKey(key, request, material, call),
      importVersion: () => Promise.reject(new KeywrightError('CAPABILITY_MISSING', { detail: 'A slot of a YubiKey holds one key without versions.', remedy: 'Import the newest version as a key of its own.' })),
    },
    signer: signerOf(key),
    encrypter: encrypterOf(key),
    decrypter: decrypterOf(key),
    agreement: agreementOf(key),
    wrapper: wrapperOf(key),
    async [Symbol.asyncDispose]() {},
  };
}
