import { createCipheriv, createDecipheriv, createHash, createHmac, createPrivateKey, createPublicKey, decapsulate, diffieHellman, encapsulate, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { KeywrightError } from '../../contract/index.ts';
import { decodeBech32, encodeBech32 } from '../../formats/bech32.ts';
import { badHeader, toBase64 } from './header.ts';
import type { Identity, Recipient } from './stanzas.ts';
import { bytesArgument, requireArguments } from './wrapping.ts';
import { x25519Key, x25519Private, x25519Raw } from './x25519.ts';

/**
 * Post-quantum recipients of age (`age1pq1…`): HPKE (RFC 9180, base mode, HKDF-SHA256, ChaCha20-Poly1305) over ML-KEM-768 with X25519
 * (X-Wing, draft-connolly-cfrg-xwing-kem).
 */

const TYPE = 'mlkem768x25519';
const INFO = Buffer.from('age-encryption.org/mlkem768x25519');
const [ML_KEM_PUBLIC, ML_KEM_CIPHERTEXT, X] = [1184, 1088, 32];
const ENCAPSULATION = ML_KEM_CIPHERTEXT + X;
const ML_KEM_SPKI = Buffer.from('308204b2300b0609608648016503040402038204a100', 'hex');
/** The seed alone (RFC 9935 §6). */
const ML_KEM_PKCS8 = Buffer.from('3054020100300b060960864801650304040204428040', 'hex');
const XWING = Buffer.from('5c2e2f2f5e5c', 'hex');
const SUITE = Buffer.from('48504b45647a00010003', 'hex');
const PREFIX = 'age1pq';

/** @throws INVALID_INPUT */
export function hybridRecipient(text: string): Recipient {
  const { prefix, bytes } = decodeBech32(text);
  if (prefix !== PREFIX || bytes.length !== ML_KEM_PUBLIC + X) throw new KeywrightError('INVALID_INPUT', { detail: 'This is no post-quantum recipient of age.', remedy: 'Such a one begins with age1pq1.' });
  const mlKem = createPublicKey({ key: Buffer.concat([ML_KEM_SPKI, bytes.subarray(0, ML_KEM_PUBLIC)]), format: 'der', type: 'spki' });
  const x = bytes.subarray(ML_KEM_PUBLIC);
  return {
    name: text,
    postQuantum: true,
    wrap(fileKey) {
      const { ciphertext, sharedKey } = encapsulate(mlKem);
      const ephemeral = generateKeyPairSync('x25519');
      const share = x25519Raw(ephemeral.publicKey.export({ type: 'spki', format: 'der' }));
      const { key, nonce } = schedule(combine(sharedKey, agree(ephemeral.privateKey, x25519Key(x)), share, x));
      const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 });
      return { type: TYPE, args: [toBase64(Buffer.concat([ciphertext, share]))], body: Buffer.concat([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()]) };
    },
  };
}

export const isHybridRecipient = (text: string): boolean => text.toLowerCase().startsWith(`${PREFIX}1`);

/** An identity from its text, `AGE-SECRET-KEY-PQ-1…`. @throws INVALID_INPUT */
export function hybridIdentityOf(text: string): Identity {
  const { prefix, bytes: seed } = decodeBech32(text);
  if (prefix !== 'age-secret-key-pq-' || seed.length !== 32) throw new KeywrightError('INVALID_INPUT', { detail: 'This is no post-quantum identity of age.', remedy: 'Such a one begins with AGE-SECRET-KEY-PQ-1.' });
  const expanded = createHash('shake256', { outputLength: 96 }).update(seed).digest();
  const mlKem = createPrivateKey({ key: Buffer.concat([ML_KEM_PKCS8, expanded.subarray(0, 64)]), format: 'der', type: 'pkcs8' });
  const x = x25519Private(expanded.subarray(64));
  const own = x25519Raw(createPublicKey(x).export({ type: 'spki', format: 'der' }));
  const recipient = encodeBech32(PREFIX, Buffer.concat([createPublicKey(mlKem).export({ type: 'spki', format: 'der' }).subarray(ML_KEM_SPKI.length), own]));
  return {
    name: recipient,
    async unwrap(stanzas) {
      for (const { args, body } of stanzas.filter(({ type }) => type === TYPE)) {
        requireArguments(args, 1, TYPE);
        const encapsulated = bytesArgument(args[0] as string, ENCAPSULATION, 'the encapsulated key of a stanza');
        if (body.length !== 32) throw badHeader('the file key in a stanza has a wrong length');
        const share = encapsulated.subarray(ML_KEM_CIPHERTEXT);
        let shared: Buffer;
        try {
          shared = agree(x, x25519Key(share));
        } catch {
          throw badHeader('the share of a stanza is a point of low order');
        }
        const { key, nonce } = schedule(combine(decapsulate(mlKem, encapsulated.subarray(0, ML_KEM_CIPHERTEXT)), shared, share, own));
        const decipher = createDecipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 });
        decipher.setAuthTag(body.subarray(-16));
        try {
          return Buffer.concat([decipher.update(body.subarray(0, -16)), decipher.final()]);
        } catch {
          continue; // for another key
        }
      }
      return undefined;
    },
  };
}

function agree(privateKey: KeyObject, publicKey: KeyObject): Buffer {
  return diffieHellman({ privateKey, publicKey });
}

function combine(mlKemShared: Uint8Array, xShared: Uint8Array, share: Uint8Array, own: Uint8Array): Buffer {
  return createHash('sha3-256').update(mlKemShared).update(xShared).update(share).update(own).update(XWING).digest();
}

/** RFC 9180 §5.1. */
function schedule(shared: Uint8Array): { key: Buffer; nonce: Buffer } {
  const extract = (salt: Uint8Array, label: string, input: Uint8Array): Buffer => createHmac('sha256', salt).update(Buffer.concat([Buffer.from('HPKE-v1'), SUITE, Buffer.from(label), input])).digest();
  const nothing = Buffer.alloc(0);
  const context = Buffer.concat([Buffer.of(0), extract(nothing, 'psk_id_hash', nothing), extract(nothing, 'info_hash', INFO)]);
  const secret = extract(shared, 'secret', nothing);
  const expand = (label: string, length: number): Buffer => {
    const info = Buffer.concat([Buffer.of(0, length), Buffer.from('HPKE-v1'), SUITE, Buffer.from(label), context]);
    return createHmac('sha256', secret).update(info).update(Buffer.of(1)).digest().subarray(0, length); // one block serves
  };
  return { key: expand('key', 32), nonce: expand('base_nonce', 12) };
}
