import { createPublicKey, diffieHellman, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { KEY_ALGORITHMS, KeywrightError, SecretBytes, type KeyAlgorithmName } from '../../contract/index.ts';
import type { KeyAgreement } from '../../keystore/keystore.ts';
import { buildSpki, parseSpki } from '../../formats/spki.ts';
import type { SoftwareKeys } from '../software/keys.ts';
import { cannot, nameOf } from '../software/refusals.ts';

const diffieHellmanAsync = promisify(diffieHellman as (keys: { privateKey: KeyObject; publicKey: KeyObject }, done: (error: Error | null, secret: Buffer) => void) => void);

export function agreementOf(keys: SoftwareKeys): KeyAgreement {
  return {
    async agree(ref, peer, call) {
      const { head, key } = await keys.use(ref, 'agree', call);
      const { family } = KEY_ALGORITHMS[head.algorithm];
      if (family !== 'ec' && family !== 'xdh') throw cannot(ref, head.algorithm, 'agree on secrets', []);
      const parts = parseSpki(peer);
      if (parts.algorithm !== head.algorithm) {
        throw new KeywrightError('INVALID_INPUT', { detail: `The peer's key is ${parts.algorithm}, and ${nameOf(ref)} is ${head.algorithm}: both must be on one curve.`, where: '/peer' });
      }
      return agreeWith(head.algorithm, key, buildSpki(parts));
    },
  };
}

/**
 * ECDH (SEC 1 §3.3.1) or X25519/X448 (RFC 7748 §6).
 * @param peer SPKI, DER, on the key's own curve; that its point is on the curve has been checked.
 * @returns the x coordinate or the u coordinate, as long as the field; the caller wipes it.
 * @throws INVALID_INPUT when an X25519 or X448 secret is all zero: it would not depend on the private key (RFC 7748 §6.1, §6.2)
 */
export async function agreeWith(algorithm: KeyAlgorithmName, privateKey: KeyObject, peer: Uint8Array): Promise<SecretBytes> {
  let secret: Buffer;
  try {
    secret = await diffieHellmanAsync({ privateKey, publicKey: createPublicKey({ key: Buffer.from(peer), format: 'der', type: 'spki' }) });
  } catch {
    throw weakPeer(algorithm);
  }
  // On the EC curves a point with x = 0 is like any other, and no point has a small order.
  if (KEY_ALGORITHMS[algorithm].family === 'xdh' && secret.every((byte) => byte === 0)) throw weakPeer(algorithm);
  return new SecretBytes(secret);
}

function weakPeer(algorithm: KeyAlgorithmName): KeywrightError {
  return new KeywrightError('INVALID_INPUT', {
    detail: `With this public key, the shared secret of ${algorithm} would not depend on the private key.`, where: '/peer', remedy: 'Do not trust whoever sent it.',
  });
}
