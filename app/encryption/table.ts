import { because, KEY_ALGORITHMS, type FileEncryptionFormat, type KeyAlgorithmName, type Told } from '../contract/index.ts';
import { receivesInOpenpgp } from '../formats/openpgp-encryption-key.ts';
import { AGREEING } from './jwe/algorithms.ts';

/** Which kind of key can be a recipient in which format: what each format's own module makes recipients of. */

const familyOf = (algorithm: KeyAlgorithmName): string => KEY_ALGORITHMS[algorithm].family;

const RECEIVES: Readonly<Record<FileEncryptionFormat, (algorithm: KeyAlgorithmName) => boolean>> = {
  age: (algorithm) => algorithm === 'x25519' || algorithm === 'ec-p256' || algorithm === 'ed25519' || familyOf(algorithm) === 'rsa',
  cms: (algorithm) => algorithm === 'x25519' || familyOf(algorithm) === 'ec' || familyOf(algorithm) === 'rsa',
  jwe: (algorithm) => AGREEING.includes(algorithm) || familyOf(algorithm) === 'rsa' || familyOf(algorithm) === 'aes',
  openpgp: receivesInOpenpgp,
};
const NAMES: Readonly<Record<FileEncryptionFormat, string>> = { age: 'age', cms: 'CMS', jwe: 'JWE', openpgp: 'OpenPGP' };

/** @returns why keys of `algorithm` are no recipients in a format; null when they are. */
export function whyNoRecipient(format: FileEncryptionFormat, algorithm: KeyAlgorithmName): Told | null {
  return RECEIVES[format](algorithm) ? null : because('recipient.no-kind', { format: NAMES[format], algorithm });
}
