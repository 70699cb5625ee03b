import type { KeyAlgorithmName } from '../../../../contract/index.ts';
import { contextPrimitive, der, TAG } from '../../../../formats/der.ts';
import { buildPkcs8 } from '../../../../formats/private-parts.ts';
import { buildSpki, parseSpki } from '../../../../formats/spki.ts';
import { bytes, type TestVector } from './corpus.ts';
import { imported, type Imported } from './stores.ts';
import { LeftOut, same, type Runner, type Verdict } from './tally.ts';

const mlKem = (name: string): KeyAlgorithmName => `ml-kem-${name.split('_')[1] as '512'}`;

/** RFC 9935 §6: the seed, or the expanded key alone. */
const fromSeed = (algorithm: KeyAlgorithmName, test: TestVector): Promise<Imported> =>
  imported(algorithm, buildPkcs8({ kind: 'bytes', algorithm, secret: der(contextPrimitive(0), bytes(test, 'seed')) }));
const fromExpanded = (algorithm: KeyAlgorithmName, test: TestVector): Promise<Imported> =>
  imported(algorithm, buildPkcs8({ kind: 'bytes', algorithm, secret: der(TAG.octetString, bytes(test, 'dk')) }));

const publicBytes = ({ description }: Imported): Uint8Array => {
  const parts = parseSpki(description.versions[0]!.publicKey!);
  return parts.kind === 'rsa' ? new Uint8Array() : parts.bytes;
};

async function opens(key: Imported, test: TestVector): Promise<Verdict> {
  if (test['ek'] !== undefined && same(publicBytes(key), bytes(test, 'ek')) !== 'right') return 'wrong';
  using secret = await key.store.encapsulator!.decapsulate(key.ref, bytes(test, 'c'), key.call());
  return test['K'] === undefined ? 'right' : same(secret.reveal(), bytes(test, 'K'));
}

export const decapsulate: Runner = async (_group, { name }) => async (test) => opens(await fromSeed(mlKem(name), test), test);

export const decapsulateExpanded: Runner = async (_group, { name }) => async (test) => opens(await fromExpanded(mlKem(name), test), test);

/** The seed gives the public key, and the expanded private one that an export holds. */
export const keyGeneration: Runner = async (_group, { name }) => async (test) => {
  const key = await fromSeed(mlKem(name), test);
  using secret = (await key.store.exporter!.exportKey(key.ref, key.call())).secret;
  return same(publicBytes(key), bytes(test, 'ek')) === 'right' && Buffer.from(secret.reveal()).includes(bytes(test, 'dk')) ? 'right' : 'wrong';
};

/** Encapsulation draws its own randomness: what can be tried is that a bad public key is refused. */
export const encapsulate: Runner = async (_group, { name }) => async (test) => {
  if (test.result === 'valid') return new LeftOut('encapsulation draws its own randomness, and takes none');
  parseSpki(buildSpki({ kind: 'bytes', algorithm: mlKem(name), bytes: bytes(test, 'ek') }));
  return bytes(test, 'm').length === 32 ? 'right' : new LeftOut('encapsulation draws its own randomness, and takes none');
};
