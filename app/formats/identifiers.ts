import { KEY_ALGORITHM_NAMES, KEY_ALGORITHMS, type KeyAlgorithmFacts, type KeyAlgorithmName } from '../contract/index.ts';
import { type DerElement, type DerReader, derNull, derOid, derSequence, TAG } from './der.ts';
import { malformed, notSupported } from './malformed.ts';

/** AlgorithmIdentifier (RFC 5280 §4.1.1.2) of keys, and the names of those that we meet but do not handle. */

const RSA_OID = '1.2.840.113549.1.1.1';
const EC_OID = '1.2.840.10045.2.1';

/** Algorithms with one identifier and no parameters, and EC curves. RSA is told by its modulus. */
const BY_OID = new Map<string, KeyAlgorithmName>();
const BY_CURVE = new Map<string, KeyAlgorithmName>();
for (const name of KEY_ALGORITHM_NAMES) {
  const facts: KeyAlgorithmFacts = KEY_ALGORITHMS[name];
  if (facts.oid !== null && facts.family !== 'rsa') (facts.family === 'ec' ? BY_CURVE : BY_OID).set(facts.oid, name);
}

/** What others call them, so that a refusal can. */
const STRANGERS: Readonly<Record<string, string>> = {
  '1.2.840.10040.4.1': 'DSA', '1.2.840.113549.1.3.1': 'Diffie-Hellman (PKCS#3)', '1.2.840.10046.2.1': 'Diffie-Hellman (X9.42)',
  '1.2.840.113549.1.1.7': 'RSA restricted to OAEP', '1.2.840.113549.1.1.10': 'RSA restricted to PSS',
  '1.3.132.1.12': 'EC restricted to ECDH', '1.3.132.1.13': 'EC restricted to ECMQV',
  '1.2.643.7.1.1.1.1': 'GOST R 34.10-2012 with 256 bits', '1.2.643.7.1.1.1.2': 'GOST R 34.10-2012 with 512 bits',
  '1.2.840.113549.1.9.16.3.17': 'HSS/LMS', '1.3.6.1.5.5.7.6.34': 'XMSS', '1.3.6.1.5.5.7.6.35': 'XMSS^MT',
  '1.2.840.10045.3.1.1': 'P-192', '1.3.132.0.33': 'P-224', '1.3.132.0.28': 'secp128r1', '1.3.132.0.9': 'secp160k1', '1.3.132.0.8': 'secp160r1',
  '1.3.132.0.1': 'sect163k1', '1.3.132.0.15': 'sect163r2', '1.3.132.0.26': 'sect233k1', '1.3.132.0.27': 'sect233r1',
  '1.3.132.0.16': 'sect283k1', '1.3.132.0.17': 'sect283r1', '1.3.132.0.36': 'sect409k1', '1.3.132.0.37': 'sect409r1',
  '1.3.132.0.38': 'sect571k1', '1.3.132.0.39': 'sect571r1', '1.3.36.3.3.2.8.1.1.8': 'brainpoolP256t1', '1.3.36.3.3.2.8.1.1.12': 'brainpoolP384t1',
  '1.3.36.3.3.2.8.1.1.14': 'brainpoolP512t1', '1.2.156.10197.1.301': 'SM2',
};

type KeyIdentifier =
  | { readonly family: 'rsa' }
  | { readonly family: 'ec'; readonly algorithm: KeyAlgorithmName }
  | { readonly family: 'other'; readonly algorithm: KeyAlgorithmName };

/**
 * Reads the AlgorithmIdentifier of a key.
 * @throws INVALID_INPUT when it is malformed, CAPABILITY_MISSING naming the algorithm when it is one that we do not handle.
 */
export function readKeyIdentifier(reader: DerReader): KeyIdentifier {
  const identifier = reader.enter('the algorithm identifier');
  const oid = identifier.oid('the algorithm');
  if (oid === RSA_OID) {
    const parameters = identifier.optional('the parameters', TAG.null);
    identifier.finish('the algorithm identifier');
    if (parameters !== undefined && parameters.to !== parameters.from) throw malformed('The parameters of RSA should be an empty NULL.', parameters.offset);
    return { family: 'rsa' };
  }
  if (oid === EC_OID) {
    const algorithm = readCurve(identifier);
    identifier.finish('the algorithm identifier');
    return { family: 'ec', algorithm };
  }
  const algorithm = BY_OID.get(oid);
  if (algorithm === undefined) throw strangeKey(oid);
  identifier.finish(`the algorithm identifier of ${algorithm}`); // RFC 8410 §3, RFC 9881 §2: parameters must be absent
  return { family: 'other', algorithm };
}

/** Reads ECParameters (RFC 5480 §2.1.1): a named curve. */
export function readCurve(reader: DerReader): KeyAlgorithmName {
  if (reader.peek() === TAG.sequence) {
    throw notSupported('This EC key spells out its curve instead of naming it (RFC 5480 §2.1.1 forbids that).', 'Convert it: openssl pkey -ec_param_enc named_curve.');
  }
  if (reader.peek() === TAG.null || reader.atEnd) throw malformed('The EC key does not say on which curve it is.', reader.offset);
  return curveByOid(reader.oid('the curve'));
}

function curveByOid(oid: string): KeyAlgorithmName {
  const algorithm = BY_CURVE.get(oid);
  if (algorithm === undefined) {
    throw notSupported(`Keys on the curve ${STRANGERS[oid] ?? oid} are not handled.`, 'Use a key on one of the curves named.', [...BY_CURVE.values()]);
  }
  return algorithm;
}

function strangeKey(oid: string): Error {
  const name = STRANGERS[oid];
  return notSupported(name === undefined ? `A key with the unknown algorithm ${oid}.` : `A key for ${name}, which Keywright does not handle.`,
    'Use a key of one of the algorithms named.', ['rsa-3072', 'ec-p256', 'ed25519', 'ml-dsa-65']);
}

/** @returns rsa-2048 and its siblings. @throws CAPABILITY_MISSING for other sizes. */
export function rsaBySize(bits: number): KeyAlgorithmName {
  const name = `rsa-${bits}`;
  if (name in KEY_ALGORITHMS) return name as KeyAlgorithmName;
  const listed = KEY_ALGORITHM_NAMES.filter((candidate) => KEY_ALGORITHMS[candidate].family === 'rsa');
  throw notSupported(
    bits < 2048 ? `An RSA key of ${bits} bits is too weak to be used any more (SP 800-131A).` : `An RSA key of ${bits} bits has a size that is not handled.`,
    'Use an RSA key of a size named, or an elliptic curve.', listed);
}

/** @returns the AlgorithmIdentifier of keys of `algorithm`, DER. */
export function keyIdentifier(algorithm: KeyAlgorithmName): Buffer {
  const { family, oid } = KEY_ALGORITHMS[algorithm];
  if (oid === null) throw notSupported(`A symmetric key (${algorithm}) has no form in PKCS#8 or as a public key.`, 'Use JWK or the raw bytes.', ['jwk', 'raw']);
  if (family === 'rsa') return derSequence(derOid(oid), derNull());
  return family === 'ec' ? derSequence(derOid(EC_OID), derOid(oid)) : derSequence(derOid(oid));
}

/** Reads AlgorithmIdentifier of anything. @returns its OID and its parameters, if any. */
export function readIdentifier(reader: DerReader, what: string): { oid: string; parameters: DerElement | undefined; inside: DerReader; offset: number } {
  const { offset } = reader;
  const inside = reader.enter(what);
  const oid = inside.oid(what);
  const parameters = inside.atEnd ? undefined : inside.next(`the parameters of ${what}`);
  inside.finish(what);
  return { oid, parameters, inside, offset };
}
