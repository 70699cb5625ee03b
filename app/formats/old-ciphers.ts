import { malformed } from './malformed.ts';

/** RC2 in CBC mode (RFC 2268) and RC4, to open old files alone: Node's OpenSSL does not load them. */

/**
 * @param bits effective bits of the key (RFC 2268 §2). @returns the plaintext with its padding; the caller takes that off.
 * The library is loaded when such a file is met.
 */
export async function rc2Decrypt(key: Uint8Array, bits: number, iv: Uint8Array, encrypted: Uint8Array): Promise<Buffer> {
  const { default: forge } = await import('node-forge');
  const buffer = (bytes: Uint8Array): ReturnType<typeof forge.util.createBuffer> => forge.util.createBuffer(Buffer.from(bytes).toString('latin1'));
  const cipher = (forge as { rc2: { createDecryptionCipher(key: string, bits: number): Rc2 } }).rc2.createDecryptionCipher(Buffer.from(key).toString('latin1'), bits);
  cipher.start(Buffer.from(iv).toString('latin1'));
  cipher.update(buffer(encrypted));
  cipher.finish(() => true);
  return Buffer.from(cipher.output.getBytes(), 'latin1');
}

interface Rc2 {
  start(iv: string): void;
  update(input: unknown): void;
  finish(unpad: () => boolean): boolean;
  readonly output: { getBytes(): string };
}

/** @returns as many bytes as went in. */
export function rc4(key: Uint8Array, input: Uint8Array): Buffer {
  if (key.length === 0) throw malformed('An RC4 key is empty.');
  const state = Uint8Array.from({ length: 256 }, (_, index) => index);
  const swap = (a: number, b: number): void => { [state[a], state[b]] = [state[b] as number, state[a] as number]; };
  for (let i = 0, j = 0; i < 256; i++) {
    j = (j + (state[i] as number) + (key[i % key.length] as number)) & 255;
    swap(i, j);
  }
  const output = Buffer.alloc(input.length);
  for (let at = 0, i = 0, j = 0; at < input.length; at++) {
    i = (i + 1) & 255;
    j = (j + (state[i] as number)) & 255;
    swap(i, j);
    output[at] = (input[at] as number) ^ (state[((state[i] as number) + (state[j] as number)) & 255] as number);
  }
  return output;
}
