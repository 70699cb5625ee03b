import type { KeyAlgorithmName } from '../../../../contract/index.ts';
import { der, TAG } from '../../../../formats/der.ts';
import { readKeys, readPublicKey } from '../../../../formats/index.ts';
import { buildPkcs8, ecParts } from '../../../../formats/private-parts.ts';
import { buildSpki } from '../../../../formats/spki.ts';
import { bytes, text, type TestVector } from './corpus.ts';
import { imported } from './stores.ts';
import { same, type Runner } from './tally.ts';

/** ECDH, X25519 and X448: the peer's key comes in as a file of its form would, and the key is imported. */

const CURVES: Readonly<Record<string, KeyAlgorithmName>> = {
  secp256r1: 'ec-p256', secp384r1: 'ec-p384', secp521r1: 'ec-p521', secp256k1: 'ec-secp256k1', brainpoolP256r1: 'ec-brainpoolp256r1', brainpoolP384r1: 'ec-brainpoolp384r1',
  brainpoolP512r1: 'ec-brainpoolp512r1', curve25519: 'x25519', curve448: 'x448', 'P-256': 'ec-p256', 'P-256K': 'ec-secp256k1',
};

interface Pair {
  readonly privateKey: Uint8Array;
  readonly peer: Uint8Array;
}

type Reader = (algorithm: KeyAlgorithmName, test: TestVector) => Promise<Pair>;

const agreeing = (read: Reader): Runner => async (group) => {
  const algorithm = CURVES[text(group, 'curve')];
  if (algorithm === undefined) throw new TypeError(`unknown curve ${text(group, 'curve')}`);
  return async (test) => {
    const { privateKey, peer } = await read(algorithm, test);
    const key = await imported(algorithm, privateKey);
    using secret = await key.store.agreement!.agree(key.ref, peer, key.call());
    return same(secret.reveal(), bytes(test, 'shared'));
  };
};

const ecPrivate = (algorithm: KeyAlgorithmName, test: TestVector): Uint8Array => buildPkcs8(ecParts(algorithm, bytes(test, 'private')));

/** The peer as SPKI. */
export const ecdh = agreeing(async (algorithm, test) => ({ privateKey: ecPrivate(algorithm, test), peer: bytes(test, 'public') }));

/** The peer as a bare point. */
export const ecdhPoint = agreeing(async (algorithm, test) => ({ privateKey: ecPrivate(algorithm, test), peer: buildSpki({ kind: 'ec', algorithm, bytes: bytes(test, 'public') }) }));

/** Raw coordinates. */
export const xdh = agreeing(async (algorithm, test) => ({
  privateKey: buildPkcs8({ kind: 'bytes', algorithm, secret: der(TAG.octetString, bytes(test, 'private')) }),
  peer: buildSpki({ kind: 'bytes', algorithm, bytes: bytes(test, 'public') }),
}));

/** PKCS#8 and SPKI, DER in hex. */
export const xdhAsn = agreeing(async (_algorithm, test) => ({ privateKey: bytes(test, 'private'), peer: bytes(test, 'public') }));

/** P-256K was the name of secp256k1 in drafts of RFC 8812. */
const asFile = (value: unknown): Uint8Array => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value).replace('"P-256K"', '"secp256k1"'), 'utf8');

async function privateFromFile(content: Uint8Array, algorithm: KeyAlgorithmName): Promise<Uint8Array> {
  const [key] = await readKeys(content, { algorithm, passphrase: () => Promise.reject(new TypeError('not encrypted')), signal: new AbortController().signal });
  return key!.material.secret.reveal();
}

/** PEM or JWK on both sides, as files. */
export const fromFiles = agreeing(async (algorithm, test) => ({
  privateKey: await privateFromFile(asFile(test['private']), algorithm), peer: readPublicKey(asFile(test['public'])).spki,
}));

/** The private key as a bare scalar in EC files of PEM, where the peer is PEM. */
export const ecdhPem = agreeing(async (algorithm, test) => {
  const value = text(test, 'private');
  const privateKey = value.startsWith('-----') ? await privateFromFile(asFile(value), algorithm) : ecPrivate(algorithm, test);
  return { privateKey, peer: readPublicKey(asFile(test['public'])).spki };
});

