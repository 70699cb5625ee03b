import { KeywrightError, type EncryptionAlgorithmName, type KeyAlgorithmName } from '../../../../contract/index.ts';
import { bytes, text, type TestGroup } from './corpus.ts';
import { imported, type Imported } from './stores.ts';
import { LeftOut, same, type Runner } from './tally.ts';

const keyOf = (group: TestGroup): Promise<Imported> => imported(`rsa-${String(group['keySize'])}` as KeyAlgorithmName, bytes(group, 'privateKeyPkcs8'));

export const oaep: Runner = async (group) => {
  if (group['mgfSha'] !== group['sha']) return new LeftOut('OAEP is offered with one hash for label and mask');
  const algorithm = `rsa-oaep-${text(group, 'sha').replace('-', '').toLowerCase()}` as EncryptionAlgorithmName;
  const key = await keyOf(group);
  return async (test) => {
    if (test['label'] !== undefined && test['label'] !== '') return new LeftOut('only the empty label is offered');
    return same(await key.store.decrypter!.decrypt(key.ref, algorithm, { ciphertext: bytes(test, 'ct') }, key.call()), bytes(test, 'msg'));
  };
};

const PADDING_REFUSALS = new Set<string>();

/** A wrong padding gives random bytes, always the same ones, or the one error of all that does not decrypt. */
export const pkcs1Decrypt: Runner = async (group) => {
  const key = await keyOf(group);
  return async (test) => {
    const decrypt = (): Promise<Uint8Array> => key.store.decrypter!.decrypt(key.ref, 'rsa-pkcs1', { ciphertext: bytes(test, 'ct') }, key.call());
    try {
      const plaintext = await decrypt();
      if (test.result === 'valid') return same(plaintext, bytes(test, 'msg'));
      return Buffer.from(plaintext).equals(await decrypt()) ? 'refused' : 'right';
    } catch (thrown) {
      if (thrown instanceof KeywrightError) PADDING_REFUSALS.add(thrown.message);
      if (PADDING_REFUSALS.size > 1) throw new Error('Two wordings of one refusal.', { cause: thrown });
      throw thrown;
    }
  };
};
