import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KEY_ALGORITHM_NAMES, KEY_ALGORITHMS, type KeyAlgorithmName, KeywrightError, SecretBytes } from '../../contract/index.ts';
import type { KeyMaterial } from '../../keystore/keystore.ts';
import { readKeys } from '../read.ts';
import type { ReadKey, ReadKeysOptions } from '../types.ts';

/** What the tests of this folder share. */

/** RSA-8192 takes too long to make for each run, and differs from RSA-4096 by its length alone. */
export const PAIRS: readonly KeyAlgorithmName[] = KEY_ALGORITHM_NAMES.filter((name) => KEY_ALGORITHMS[name].kind === 'pair' && name !== 'rsa-8192');
export const SECRETS: readonly KeyAlgorithmName[] = KEY_ALGORITHM_NAMES.filter((name) => KEY_ALGORITHMS[name].kind === 'symmetric');

export interface Pair {
  readonly pkcs8: Buffer;
  readonly spki: Buffer;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}
const made = new Map<KeyAlgorithmName, Pair>();

/** @returns a key pair by node:crypto, the same one for each call in a test file. */
export function pairOf(name: KeyAlgorithmName): Pair {
  const known = made.get(name);
  if (known !== undefined) return known;
  const { family, bits, openssl } = KEY_ALGORITHMS[name];
  const { privateKey, publicKey } = (family === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: bits })
    : family === 'ec' ? generateKeyPairSync('ec', { namedCurve: openssl }) : generateKeyPairSync(openssl as 'ed25519')) as { privateKey: KeyObject; publicKey: KeyObject };
  const pair = {
    privateKey, publicKey,
    pkcs8: privateKey.export({ type: 'pkcs8', format: 'der' }) as Buffer, spki: publicKey.export({ type: 'spki', format: 'der' }) as Buffer,
  };
  made.set(name, pair);
  return pair;
}

export function materialOf(name: KeyAlgorithmName): KeyMaterial {
  const { kind, bits } = KEY_ALGORITHMS[name];
  return { algorithm: name, secret: new SecretBytes(kind === 'pair' ? Buffer.from(pairOf(name).pkcs8) : Buffer.alloc(bits / 8, 7)) };
}

/** Reads with a passphrase, or with none to give. */
export function read(content: Uint8Array | string, passphrase?: string, options: Partial<ReadKeysOptions> = {}): Promise<ReadKey[]> {
  return readKeys(typeof content === 'string' ? Buffer.from(content) : content, {
    signal: new AbortController().signal,
    passphrase: async () => {
      if (passphrase === undefined) throw new KeywrightError('PIN_REQUIRED', 'There is nobody to ask.');
      return SecretBytes.fromText(passphrase);
    },
    ...options,
  });
}

export async function readOne(content: Uint8Array | string, passphrase?: string, options: Partial<ReadKeysOptions> = {}): Promise<ReadKey> {
  const keys = await read(content, passphrase, options);
  if (keys.length !== 1) throw new Error(`${keys.length} keys instead of one`);
  return keys[0] as ReadKey;
}

/** @returns the error that `work` throws or rejects with; it must be ours. */
export async function failure(work: () => unknown): Promise<KeywrightError> {
  try {
    await work();
  } catch (thrown) {
    if (thrown instanceof KeywrightError) return thrown;
    throw thrown;
  }
  throw new Error('it did not fail');
}

export function hasTool(name: string, ...probe: string[]): boolean {
  try {
    execFileSync(name, probe, { stdio: 'ignore' });
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code !== 'ENOENT';
  }
}
export const HAS_OPENSSL = hasTool('openssl', 'version');
export const HAS_SSH_KEYGEN = hasTool('ssh-keygen', '-?');

export function run(tool: string, args: readonly string[], input?: Uint8Array): Buffer {
  return execFileSync(tool, args, { stdio: ['pipe', 'pipe', 'pipe'], ...(input === undefined ? {} : { input }) });
}

/** A folder that is gone after the `using` block. */
export function temporaryFolder(): { path: string; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(tmpdir(), 'keywright-formats-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
