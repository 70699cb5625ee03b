import type { KeyStore } from '../../keystore/keystore.ts';
import type { BackendDeps } from '../../keystore/registry.ts';
import { openSoftwareKeyStore } from '../software/key-store.ts';
import { agreementOf } from './agreement.ts';
import { encapsulatorOf } from './encapsulation.ts';
import { decrypterOf, encrypterOf, wrapperOf } from './encryption.ts';
import { PAIRS } from './pairs.ts';
import { signerOf } from './signer.ts';

/** Key pairs in the sealed store. @param instance its name; `software` is the built-in one. */
export function openPkcs8(instance: string, deps: Pick<BackendDeps, 'storage'>): KeyStore {
  return openSoftwareKeyStore(PAIRS, instance, deps, (keys) => ({
    signer: signerOf(keys),
    encrypter: encrypterOf(keys),
    decrypter: decrypterOf(keys),
    agreement: agreementOf(keys),
    wrapper: wrapperOf(keys),
    encapsulator: encapsulatorOf(keys),
  }));
}
