import { constants, privateEncrypt, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type KeyAlgorithmName, SIGNATURE_ALGORITHMS, type SignatureAlgorithmFacts, type SignatureAlgorithmName, type SignatureFormatName } from '../../contract/index.ts';
import { curveOf } from '../../formats/curves.ts';
import { digestInfo, emsaPss } from '../../formats/emsa.ts';
import { parsePkcs8 } from '../../formats/private-parts.ts';
import { fingerprint, parseSpki } from '../../formats/spki.ts';
import { pairOf } from '../../formats/testing/keys.ts';
import type { Content } from '../../keystore/keystore.ts';
import { FileContent } from '../content.ts';
import type { KnownKey, SignatureVerdict, SigningKey, SignOptions, Trust } from '../format.ts';
import { recogniseSignature } from '../recognise.ts';
import { judgeFormat, SIGNATURE_FORMATS } from '../table.ts';

/** What the tests of this folder share: keys that sign digests as tokens do, and files to sign. */

/** A key that counts how often it is asked, and what it is asked to sign. */
export interface CountingKey extends SigningKey {
  readonly asked: { readonly algorithm: SignatureAlgorithmName; readonly content: Content }[];
}

export function signingKey(name: KeyAlgorithmName): CountingKey {
  const { spki } = pairOf(name);
  const asked: CountingKey['asked'][number][] = [];
  return { label: `Key ${name}`, algorithm: name, spki, created: new Date('2026-01-02T03:04:05Z'), asked, async sign(algorithm, content) {
    asked.push({ algorithm, content });
    return signAsTokensDo(name, algorithm, content);
  } };
}

/** Signs a digest where the scheme hashes first: raw RSA and ECDSA, as hardware has them. */
export async function signAsTokensDo(name: KeyAlgorithmName, algorithm: SignatureAlgorithmName, content: Content): Promise<Uint8Array> {
  const { privateKey, pkcs8 } = pairOf(name);
  const { hash, family }: SignatureAlgorithmFacts = SIGNATURE_ALGORITHMS[algorithm];
  if ('message' in content) return sign(hash, content.message, { key: privateKey, ...(family === 'rsa-pss' ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST } : {}) });
  if (hash === null) throw new Error('a pure scheme signs messages alone');
  if (family === 'ecdsa') {
    const parts = parsePkcs8(pkcs8);
    if (parts.kind !== 'ec') throw new Error('no EC key');
    return (await curveOf(name)).sign(content.digest, parts.scalar, { prehash: false, lowS: false, format: 'der' });
  }
  const length = (privateKey.asymmetricKeyDetails?.modulusLength as number) / 8;
  return family === 'rsa-pss' ? privateEncrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, emsaPss(hash, content.digest, length)) : privateEncrypt({ key: privateKey, padding: constants.RSA_PKCS1_PADDING }, digestInfo(hash, content.digest));
}

function knownKeyOf(name: KeyAlgorithmName, more: Partial<KnownKey> = {}): KnownKey {
  const { spki } = pairOf(name);
  return { uri: `pkcs8:${name}`, label: `Key ${name}`, version: 1, algorithm: name, fingerprint: fingerprint(spki), source: 'held', distrust: null, spki: async () => spki, ...more };
}

export function trusting(...names: readonly KeyAlgorithmName[]): Trust {
  return { keys: names.map((name) => knownKeyOf(name)), named: false, at: new Date() };
}

export function trustingSpki(spki: Uint8Array, more: Partial<Trust> = {}): Trust {
  const { algorithm } = parseSpki(spki);
  return { keys: [{ uri: null, label: null, version: null, algorithm, fingerprint: fingerprint(spki), source: 'named', distrust: null, spki: async () => spki }], named: true, at: new Date(), ...more };
}

const { signal } = new AbortController();

export function contentOf(folder: string, content: Uint8Array | string, name = 'file.txt'): Promise<FileContent> {
  writeFileSync(join(folder, name), content);
  return FileContent.open(join(folder, name), join(folder, name), { signal });
}

export async function signAs(format: SignatureFormatName, file: FileContent, key: SigningKey, options: Partial<SignOptions> = {}): Promise<Buffer> {
  const judged = judgeFormat(format, key.algorithm);
  if ('refused' in judged) throw new Error(judged.refused.detail);
  const made = await (await SIGNATURE_FORMATS[format].load()).sign(file, key, { algorithm: judged.algorithms[0] as SignatureAlgorithmName, ...options });
  if ('bytes' in made) return Buffer.from(made.bytes);
  const pieces: Buffer[] = [];
  await made.write(async (piece) => { pieces.push(Buffer.from(piece)); });
  return Buffer.concat(pieces);
}

/** Verifies as `files.verify` does: the format is told by content. */
export async function verifyAs(file: FileContent, signature: Uint8Array | null, trust: Trust, format?: SignatureFormatName): Promise<SignatureVerdict[]> {
  return (await SIGNATURE_FORMATS[format ?? recogniseSignature(signature ?? (await file.start()))].load()).verify(file, signature, trust);
}
