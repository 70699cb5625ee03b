import type { KeyAlgorithmName, SignatureAlgorithmName } from '../../../../contract/index.ts';
import { contextPrimitive, der, TAG } from '../../../../formats/der.ts';
import { ecdsaP1363ToDer } from '../../../../formats/index.ts';
import { buildPkcs8 } from '../../../../formats/private-parts.ts';
import { buildSpki } from '../../../../formats/spki.ts';
import { verifySignature } from '../../../../signing/verify.ts';
import { bytes, text, type TestGroup } from './corpus.ts';
import { imported } from './stores.ts';
import { LeftOut, same, type Runner, type Verdict } from './tally.ts';

const HASHES: Readonly<Record<string, string>> = { 'SHA-256': 'sha256', 'SHA-384': 'sha384', 'SHA-512': 'sha512' };
const hashNotOffered = (hash: string): LeftOut => new LeftOut(`signatures with ${hash} are not offered`);

/** Verification with a public key in SPKI, under one algorithm for the whole group. */
async function verdict(spki: Uint8Array, algorithm: string, message: Uint8Array, signature: Uint8Array): Promise<Verdict> {
  return await verifySignature(spki, algorithm as SignatureAlgorithmName, { message }, signature) ? 'right' : 'refused';
}

export const ecdsa: Runner = async (group) => {
  const hash = HASHES[text(group, 'sha')];
  if (hash === undefined) return hashNotOffered(text(group, 'sha'));
  const spki = bytes(group, 'publicKeyDer');
  const bits = { secp256r1: 256, secp256k1: 256, brainpoolP256r1: 256, secp384r1: 384, brainpoolP384r1: 384, brainpoolP512r1: 512, secp521r1: 521 }[curveOf(group)];
  if (bits === undefined) return new LeftOut(`the curve ${curveOf(group)} is not offered`);
  return async (test) => {
    const given = bytes(test, 'sig');
    const signature = group.type === 'EcdsaP1363Verify' ? ecdsaP1363ToDer(given, bits) : given;
    return verdict(spki, `ecdsa-${hash}`, bytes(test, 'msg'), signature);
  };
};

const curveOf = (group: TestGroup): string => (group['publicKey'] as { curve: string }).curve;

export const eddsa: Runner = async (group) => {
  const algorithm = (group['publicKey'] as { curve: string }).curve === 'edwards448' ? 'ed448' : 'ed25519';
  return async (test) => verdict(bytes(group, 'publicKeyDer'), algorithm, bytes(test, 'msg'), bytes(test, 'sig'));
};

export const rsaPkcs1: Runner = async (group) => {
  const hash = HASHES[text(group, 'sha')];
  if (hash === undefined) return hashNotOffered(text(group, 'sha'));
  return async (test) => verdict(bytes(group, 'publicKeyDer'), `rsa-pkcs1-${hash}`, bytes(test, 'msg'), bytes(test, 'sig'));
};

export const rsaPss: Runner = async (group) => {
  const hash = HASHES[text(group, 'sha')];
  if (hash === undefined) return hashNotOffered(text(group, 'sha'));
  if (group['mgfSha'] !== group['sha']) return new LeftOut('PSS is offered with one hash for message and mask');
  // Keys restricted to PSS are not offered, but their numbers make an ordinary RSA key.
  const { modulus, publicExponent } = group['publicKey'] as { modulus: string; publicExponent: string };
  const spki = buildSpki({ kind: 'rsa', algorithm: 'rsa-2048', n: BigInt(`0x${modulus}`), e: BigInt(`0x${publicExponent}`) });
  return async (test) => {
    if (test.comment?.startsWith('s_len changed') === true) return new LeftOut('PSS verifies with a salt of any length, since other programs choose others (OpenSSL the longest)');
    return verdict(spki, `rsa-pss-${hash}`, bytes(test, 'msg'), bytes(test, 'sig'));
  };
};

/** Our own signatures, which must be those of the vectors: PKCS#1 v1.5 is deterministic. */
export const rsaPkcs1Generate: Runner = async (group) => {
  const hash = HASHES[text(group, 'sha')];
  if (hash === undefined) return hashNotOffered(text(group, 'sha'));
  const key = await imported(`rsa-${String(group['keySize'])}` as KeyAlgorithmName, bytes(group, 'privateKeyPkcs8'));
  const algorithm = `rsa-pkcs1-${hash}` as SignatureAlgorithmName;
  return async (test) => same(await key.store.signer!.sign(key.ref, algorithm, { message: bytes(test, 'msg') }, key.call()), bytes(test, 'sig'));
};

const mlDsa = (name: string): KeyAlgorithmName & SignatureAlgorithmName => `ml-dsa-${name.split('_')[1] as '44'}`;
const NO_CONTEXT = new LeftOut('only the empty context is offered');

export const mlDsaVerify: Runner = async (group, { name }) => async (test) => {
  if (test['ctx'] !== undefined && test['ctx'] !== '') return NO_CONTEXT;
  return verdict(bytes(group, 'publicKeyDer'), mlDsa(name), bytes(test, 'msg'), bytes(test, 'sig'));
};

/** Our signatures are randomised (FIPS 204 §3.4): the vector's must verify, and so must the one that we make with its key. */
export const mlDsaSign: Runner = async (group, { name }) => async (test) => {
  if (test['ctx'] !== undefined && test['ctx'] !== '') return NO_CONTEXT;
  if (test['msg'] === undefined) return new LeftOut('signing the internal representation (mu) alone is not offered');
  const algorithm = mlDsa(name);
  // RFC 9881 §6: the seed, or the expanded key alone.
  const secret = group['privateSeed'] === undefined ? der(TAG.octetString, bytes(group, 'privateKey')) : der(contextPrimitive(0), bytes(group, 'privateSeed'));
  const pkcs8 = group['privateKeyPkcs8'] === undefined ? buildPkcs8({ kind: 'bytes', algorithm, secret }) : bytes(group, 'privateKeyPkcs8');
  const key = await imported(algorithm, pkcs8);
  const spki = key.description.versions[0]!.publicKey!;
  if (typeof group['publicKey'] === 'string' && !spki.subarray(-bytes(group, 'publicKey').length).every((byte, index) => byte === bytes(group, 'publicKey')[index])) return 'wrong';
  const message = bytes(test, 'msg');
  const ours = await key.store.signer!.sign(key.ref, algorithm, { message }, key.call());
  const both = await verifySignature(spki, algorithm, { message }, bytes(test, 'sig')) && await verifySignature(spki, algorithm, { message }, ours);
  return both ? 'right' : 'wrong';
};
