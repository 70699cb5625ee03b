import { KEY_ALGORITHM_NAMES, KEY_ALGORITHMS, type Capability, type KeyAlgorithmName } from '../../contract/index.ts';
import type { CapabilitySet } from '../../keystore/keystore.ts';
import { CKF_DECRYPT, CKF_DERIVE, CKF_ENCRYPT, CKF_GENERATE, CKF_GENERATE_KEY_PAIR, CKF_SIGN, CKF_UNWRAP, CKF_WRAP, CKM } from './constants.ts';
import type { MechanismFacts, SlotToken } from './messages.ts';
import { peculiaritiesOf } from './peculiarities.ts';

/** What a token can do, from the mechanisms that it says it has. */

/** The most that any token does. */
export const PKCS11_CAPABILITIES: CapabilitySet = {
  algorithms: KEY_ALGORITHM_NAMES.filter((name) => ['rsa', 'ec', 'eddsa', 'aes', 'hmac'].includes(KEY_ALGORITHMS[name].family)),
  capabilities: ['sign', 'verify', 'encrypt', 'decrypt', 'wrap', 'unwrap', 'agree', 'mac', 'verify-mac', 'generate', 'import', 'export', 'copy', 'random'],
};

/** The mechanism info has no curves, sizes alone. Every token with EC of these sizes has these; the others are named where a module is known for them. */
const COMMON_CURVES: readonly KeyAlgorithmName[] = ['ec-p256', 'ec-p384', 'ec-p521'];
const FURTHER_CURVES: readonly { readonly manufacturer: RegExp; readonly curves: readonly KeyAlgorithmName[] }[] = [
  { manufacturer: /^SoftHSM/i, curves: ['ec-secp256k1', 'ec-brainpoolp256r1', 'ec-brainpoolp384r1', 'ec-brainpoolp512r1'] },
  { manufacturer: /CardContact/i, curves: ['ec-secp256k1', 'ec-brainpoolp256r1', 'ec-brainpoolp384r1', 'ec-brainpoolp512r1'] },
];

export function capabilitiesOf(token: SlotToken, mechanisms: readonly MechanismFacts[]): CapabilitySet {
  const byCode = new Map(mechanisms.map((mechanism) => [mechanism.code, mechanism]));
  const has = (code: number, flag: number): boolean => ((byCode.get(code)?.flags ?? 0) & flag) !== 0;
  const algorithms = PKCS11_CAPABILITIES.algorithms.filter((name) => name !== 'rsa-1024' && makes(name, token, byCode));
  const capabilities = new Set<Capability>();
  const add = (when: boolean, ...names: Capability[]): void => { if (when) for (const name of names) capabilities.add(name); };
  add([CKM.RSA_PKCS, CKM.RSA_X_509, CKM.RSA_PKCS_PSS, CKM.ECDSA, CKM.EDDSA].some((code) => has(code, CKF_SIGN)), 'sign', 'verify');
  const rsaDecrypts = [CKM.RSA_PKCS, CKM.RSA_X_509, CKM.RSA_PKCS_OAEP].some((code) => has(code, CKF_DECRYPT));
  const ecdh = has(CKM.ECDH1_DERIVE, CKF_DERIVE);
  const aes = [CKM.AES_GCM, CKM.AES_CBC_PAD, CKM.AES_CTR].some((code) => has(code, CKF_ENCRYPT));
  add(rsaDecrypts || ecdh || aes, 'encrypt', 'decrypt');
  const aesWraps = [CKM.AES_KEY_WRAP, CKM.AES_KEY_WRAP_KWP, CKM.AES_KEY_WRAP_PAD].some((code) => has(code, CKF_WRAP | CKF_UNWRAP));
  add(rsaDecrypts || aesWraps, 'wrap', 'unwrap');
  add(ecdh, 'agree');
  add([CKM.SHA256_HMAC, CKM.SHA384_HMAC, CKM.SHA512_HMAC].some((code) => has(code, CKF_SIGN)), 'mac', 'verify-mac');
  const writable = !token.flags.writeProtected;
  add(writable && algorithms.length > 0, 'generate', 'import');
  add([CKM.AES_KEY_WRAP_KWP, CKM.AES_KEY_WRAP_PAD].some((code) => has(code, CKF_WRAP)), 'export', 'copy');
  add(token.flags.rng, 'random');
  for (const name of peculiaritiesOf(token).lacks ?? []) capabilities.delete(name);
  return { algorithms, capabilities: PKCS11_CAPABILITIES.capabilities.filter((name) => capabilities.has(name)) };
}

function makes(name: KeyAlgorithmName, { manufacturer }: SlotToken, mechanisms: ReadonlyMap<number, MechanismFacts>): boolean {
  const { family, bits } = KEY_ALGORITHMS[name];
  const generates = (code: number, flag: number, size: number): boolean => {
    const mechanism = mechanisms.get(code);
    if (mechanism === undefined || (mechanism.flags & flag) === 0) return false;
    // Zeros: the token does not tell.
    return (mechanism.minimum === 0 && mechanism.maximum === 0) || (size >= mechanism.minimum && size <= mechanism.maximum);
  };
  switch (family) {
    case 'rsa': return generates(CKM.RSA_PKCS_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR, bits);
    case 'ec': {
      const offered = COMMON_CURVES.includes(name) || FURTHER_CURVES.some(({ manufacturer: of, curves }) => of.test(manufacturer) && curves.includes(name));
      return offered && generates(CKM.EC_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR, bits);
    }
    // Modules count the bits of a coordinate or of an encoded point.
    case 'eddsa': return generates(CKM.EC_EDWARDS_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR, bits) || generates(CKM.EC_EDWARDS_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR, name === 'ed25519' ? 256 : 456);
    // In bytes by the standard, in bits by some.
    case 'aes': return generates(CKM.AES_KEY_GEN, CKF_GENERATE, bits / 8) || generates(CKM.AES_KEY_GEN, CKF_GENERATE, bits);
    case 'hmac': return generates(CKM.GENERIC_SECRET_KEY_GEN, CKF_GENERATE, bits / 8) && mechanisms.has({ 'hmac-sha256': CKM.SHA256_HMAC, 'hmac-sha384': CKM.SHA384_HMAC, 'hmac-sha512': CKM.SHA512_HMAC }[name as 'hmac-sha256']);
    default: return false;
  }
}
