import { createHash } from 'node:crypto';
import { KEY_ALGORITHMS, SecretBytes, type KeyAlgorithmName } from '../../../../contract/index.ts';
import type { KeyCall, KeyDescription, KeyRef, KeyStore } from '../../../../keystore/keystore.ts';
import { callFor } from '../../../../keystore/testing/calls.ts';
import { openAes } from '../../../aes/index.ts';
import { openPkcs8 } from '../../../pkcs8/index.ts';
import { openInMemory } from '../open.ts';

export interface Imported {
  readonly store: KeyStore;
  readonly ref: KeyRef;
  readonly description: KeyDescription;
  call(): KeyCall;
}

const pairs = await openInMemory(openPkcs8);
const secrets = await openInMemory(openAes);
const known = new Map<string, Promise<Imported>>();

/**
 * Imports a key into a software key store, once: vectors use the same one again and again.
 * @param secret PKCS#8 DER or raw. @throws INVALID_INPUT, CAPABILITY_MISSING as the importer does
 */
export function imported(algorithm: KeyAlgorithmName, secret: Uint8Array): Promise<Imported> {
  const digest = createHash('sha256').update(algorithm).update(secret).digest('hex');
  let key = known.get(digest);
  if (key === undefined) known.set(digest, key = importInto(algorithm, secret, digest.slice(0, 32)));
  return key;
}

async function importInto(algorithm: KeyAlgorithmName, secret: Uint8Array, id: string): Promise<Imported> {
  const { kind, usages } = KEY_ALGORITHMS[algorithm];
  const { store, storage } = kind === 'pair' ? pairs : secrets;
  using held = new SecretBytes(Uint8Array.from(secret));
  const description = await store.importer!.importKey({ id, label: 'vector', usages, extractable: true }, { algorithm, secret: held }, callFor(storage));
  return { store, description, ref: { uri: description.uri, id, version: 1 }, call: () => callFor(storage) };
}
