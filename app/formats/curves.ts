import type { KeyAlgorithmName } from '../contract/index.ts';

type Curve = typeof import('@noble/curves/nist.js')['p256'];

/** @returns the curve of an EC algorithm for ready digests, which node:crypto can neither sign nor verify. Loaded when first needed. */
export async function curveOf(algorithm: KeyAlgorithmName): Promise<Curve> {
  if (algorithm === 'ec-secp256k1') return (await import('@noble/curves/secp256k1.js')).secp256k1;
  if (algorithm.startsWith('ec-brainpool')) {
    const { brainpoolP256r1, brainpoolP384r1, brainpoolP512r1 } = await import('@noble/curves/misc.js');
    return algorithm === 'ec-brainpoolp256r1' ? brainpoolP256r1 : algorithm === 'ec-brainpoolp384r1' ? brainpoolP384r1 : brainpoolP512r1;
  }
  const { p256, p384, p521 } = await import('@noble/curves/nist.js');
  return algorithm === 'ec-p256' ? p256 : algorithm === 'ec-p384' ? p384 : p521;
}
