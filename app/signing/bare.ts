import { KEY_ALGORITHMS, SIGNATURE_ALGORITHMS, type SignatureAlgorithmFacts } from '../contract/index.ts';
import { ecdsaDerToP1363 } from '../formats/index.ts';
import { malformed } from '../formats/malformed.ts';
import type { FormatModule } from './format.ts';
import { tryKeys } from './try-keys.ts';

/**
 * `raw`: the bare signature in a file of its own, as `openssl dgst -sign` writes it; in base64 as `cosign sign-blob --key` does.
 * ECDSA in DER (RFC 3279 §2.2.3) or P1363. It says neither by which key nor with which algorithm.
 */
export const bare: FormatModule = {
  async sign(file, key, { algorithm, encoding, form }) {
    const { hash }: SignatureAlgorithmFacts = SIGNATURE_ALGORITHMS[algorithm];
    const message = hash === null ? undefined : await file.small();
    const der = await key.sign(algorithm, message === undefined ? await file.for(algorithm) : { message });
    const signature = encoding === 'p1363' && SIGNATURE_ALGORITHMS[algorithm].family === 'ecdsa' ? ecdsaDerToP1363(der, KEY_ALGORITHMS[key.algorithm].bits) : der;
    return { bytes: form === 'base64' ? Buffer.from(`${Buffer.from(signature).toString('base64')}\n`) : signature };
  },

  async verify(file, signature, trust) {
    if (signature === null) throw malformed('The file holds no signature that Keywright knows.', undefined, 'Name the signature’s file.');
    const text = signature.length < 1_000_000 ? Buffer.from(signature).toString('latin1').trim() : '';
    const inBase64 = text.length >= 64 && /^[A-Za-z0-9+/\r\n]+={0,2}$/.test(text) ? Buffer.from(text, 'base64') : undefined;
    const small = await file.small();
    const verdict = await tryKeys({ signature: inBase64 ?? signature, content: async (algorithm) => (small === undefined ? file.for(algorithm) : { message: small }), ecdsa: trust.encoding ?? 'either' }, trust);
    return [verdict];
  },
};
