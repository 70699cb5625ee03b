import { createHash, createPublicKey, verify } from 'node:crypto';
import { KEY_ALGORITHMS, type KeyAlgorithmName, type PinPolicy, type TouchPolicy } from '../../../contract/index.ts';
import type { KeyDescription } from '../../../keystore/keystore.ts';
import { plug, type Answers, type Plugged, type PlugOptions } from './plug.ts';

const MESSAGE = Buffer.from('hello');
export const digest = createHash('sha256').update(MESSAGE).digest();

/** Makes a key in a slot. @param answers by purpose */
export function generate({ token, call }: Plugged, slot: string, algorithm: KeyAlgorithmName = 'ec-p256', answers: Answers = {}): Promise<KeyDescription> {
  return token.store.generate({ id: '', label: '', extractable: false, algorithm, slot, usages: KEY_ALGORITHMS[algorithm].usages }, call(answers));
}

interface Made { readonly slot?: string; readonly algorithm?: KeyAlgorithmName; readonly pinPolicy?: PinPolicy; readonly touchPolicy?: TouchPolicy }

/** A virtual YubiKey with a key in it. */
type WithKey = Plugged & { readonly key0: KeyDescription; sign(answers?: Answers, how?: Parameters<Plugged['call']>[1]): Promise<Uint8Array> };

export async function withKey(made: Made, options: PlugOptions = {}): Promise<WithKey> {
  const plugged = await plug(options);
  const { algorithm = 'ec-p256', slot = '9a', ...policies } = made;
  const key0 = await plugged.token.store.generate({ id: '', label: '', extractable: false, algorithm, slot, usages: KEY_ALGORITHMS[algorithm].usages, ...policies }, plugged.call({ confirm: true, 'management-key': '0102030405060708'.repeat(3) }));
  plugged.taken();
  const ref = { uri: key0.uri, id: key0.id, version: 1, label: 'Release' };
  return { ...plugged, key0, sign: (answers, how) => plugged.token.store.signer!.sign(ref, algorithm === 'ed25519' ? 'ed25519' : 'ecdsa-sha256', { message: MESSAGE }, plugged.call(answers, how)) };
}

export const holds = ({ versions }: KeyDescription, signature: Uint8Array): boolean => verify('sha256', MESSAGE, createPublicKey({ key: Buffer.from(versions[0]!.publicKey!), format: 'der', type: 'spki' }), signature);

