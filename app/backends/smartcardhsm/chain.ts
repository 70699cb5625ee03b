import { KeywrightError } from '../../contract/index.ts';
import { keyOf, parseRequest, verifies, type Cvc, type CvcRequest, type VerifyingKey } from './cvc.ts';

/** A device's certificates, judged. */
export interface DeviceChain {
  /** The device's own key, when its certificate and all above it hold. */
  readonly key: VerifyingKey | null;
  /** Its own first, up to the root where that is known. */
  readonly certificates: readonly Cvc[];
  /** Why it does not hold; empty when it does. */
  readonly problems: readonly string[];
}

/**
 * Verifies what EF.C_DevAut holds: the device's certificate and its issuer's, up to a root (TR-03110 part 3, §2.3).
 * @param certificates as the card gives them. @param roots that are trusted, self-signed.
 */
export function verifyDevice(certificates: readonly Cvc[], roots: readonly Cvc[]): DeviceChain {
  const [device, issuer] = certificates;
  if (device === undefined) return { key: null, certificates, problems: ['The token has no device certificate.'] };
  if (issuer === undefined || issuer.holder !== device.authority) return { key: null, certificates, problems: [`The token does not have the certificate of ${device.authority}, which issued its own.`] };
  const root = roots.find(({ holder }) => holder === issuer.authority);
  if (root === undefined) return { key: null, certificates, problems: [`The token’s issuer ${issuer.holder} was certified by ${issuer.authority}, which is no root that is trusted here.`] };
  const chain = [device, issuer, root];
  try {
    const rootKey = keyOf(root);
    if (!verifies(rootKey, root.body, root.signature)) return { key: null, certificates: chain, problems: [`The signature of the root ${root.holder} on itself does not hold.`] };
    if (!verifies(rootKey, issuer.body, issuer.signature)) return { key: null, certificates: chain, problems: [`The signature of ${root.holder} on the certificate of ${issuer.holder} does not hold.`] };
    const issuerKey = keyOf(issuer, rootKey);
    if (!verifies(issuerKey, device.body, device.signature)) return { key: null, certificates: chain, problems: [`The signature of ${issuer.holder} on the device certificate does not hold.`] };
    return { key: keyOf(device, issuerKey), certificates: chain, problems: [] };
  } catch (thrown) {
    if (!(thrown instanceof KeywrightError)) throw thrown;
    return { key: null, certificates: chain, problems: [`A certificate of the token holds a key that is none: ${thrown.facts.detail}`] };
  }
}

/** What is said of one key. */
interface KeyVerdict {
  readonly request: CvcRequest | null;
  /** Whether the device has signed that the key was made in it. */
  readonly holds: boolean;
  readonly problems: readonly string[];
}

/**
 * Judges a request that a device has signed for one of its keys.
 * @param bytes of the file beside the key. @param spki of the key that it must be for. @param chain of the device that it is in.
 */
export function verifyRequest(bytes: Uint8Array, spki: Uint8Array, chain: DeviceChain): KeyVerdict {
  let request: CvcRequest | null = null;
  try {
    request = parseRequest(bytes, 'the token’s request for this key');
    const key = keyOf(request.request);
    const problems: string[] = [];
    if (!Buffer.from(key.spki).equals(spki)) problems.push('What the token has signed is for another key.');
    if (!verifies(key, request.request.body, request.request.signature)) problems.push('The key’s own signature on the request does not hold.');
    const device = chain.certificates[0];
    if (device === undefined || request.device !== device.holder) problems.push(`The key was made in another token, ${request.device}, and brought here wrapped. That token’s certificate is not here, so its signature cannot be checked.`);
    else if (chain.key === null) problems.push('The token’s signature was not checked, since its own certificate does not hold.');
    else if (!verifies(chain.key, request.signed, request.signature)) problems.push('The token’s signature on the request does not hold.');
    return { request, holds: problems.length === 0, problems };
  } catch (thrown) {
    if (!(thrown instanceof KeywrightError)) throw thrown;
    return { request, holds: false, problems: [`The token’s request for this key cannot be read: ${thrown.facts.detail}${thrown.facts.where === undefined ? '' : ` (${thrown.facts.where})`}`] };
  }
}
