import type { SignatureAlgorithmInfo } from '../../certificates/signatures.ts';
import { HASH_SIZES, SIGNATURE_ALGORITHMS, type SignatureAlgorithmFacts, type SignatureAlgorithmName } from '../../contract/index.ts';

/** Names of XML signatures (XMLDSig 1.1, RFC 9231) and XAdES (ETSI EN 319 132-1). */

export const DSIG = 'http://www.w3.org/2000/09/xmldsig#';
export const XADES = 'http://uri.etsi.org/01903/v1.3.2#';
const MORE_2001 = 'http://www.w3.org/2001/04/xmldsig-more#';
const MORE_2007 = 'http://www.w3.org/2007/05/xmldsig-more#';
const MORE_2021 = 'http://www.w3.org/2021/04/xmldsig-more#';
const XMLENC = 'http://www.w3.org/2001/04/xmlenc#';
export const SIGNED_PROPERTIES = 'http://uri.etsi.org/01903#SignedProperties';
export const ENVELOPED = `${DSIG}enveloped-signature`;
export const XPATH = 'http://www.w3.org/TR/1999/REC-xpath-19991116';
export const XPATH_FILTER = 'http://www.w3.org/2002/06/xmldsig-filter2';

/** What can be made; each also be checked. */
export const XML_ALGORITHMS: Readonly<Partial<Record<SignatureAlgorithmName, string>>> = {
  'rsa-pkcs1-sha256': `${MORE_2001}rsa-sha256`, 'rsa-pkcs1-sha384': `${MORE_2001}rsa-sha384`, 'rsa-pkcs1-sha512': `${MORE_2001}rsa-sha512`,
  'rsa-pss-sha256': `${MORE_2007}sha256-rsa-MGF1`, 'rsa-pss-sha384': `${MORE_2007}sha384-rsa-MGF1`, 'rsa-pss-sha512': `${MORE_2007}sha512-rsa-MGF1`,
  'ecdsa-sha256': `${MORE_2001}ecdsa-sha256`, 'ecdsa-sha384': `${MORE_2001}ecdsa-sha384`, 'ecdsa-sha512': `${MORE_2001}ecdsa-sha512`,
  ed25519: `${MORE_2021}eddsa-ed25519`, ed448: `${MORE_2021}eddsa-ed448`,
};

const SHA1_WEAK = 'The signature is by SHA-1, which is broken: two documents with one signature can be made.';

/** A signature's algorithm as it is checked. */
export type XmlMethod = Pick<SignatureAlgorithmInfo, 'name' | 'kind' | 'hash'> & { readonly saltLength?: number; readonly weak?: string };

const METHODS: ReadonlyMap<string, XmlMethod> = new Map([
  ...(Object.entries(XML_ALGORITHMS) as [SignatureAlgorithmName, string][]).map(([name, uri]): [string, XmlMethod] => {
    const { hash, family }: SignatureAlgorithmFacts = SIGNATURE_ALGORITHMS[name];
    const kind = family === 'rsa-pss' ? 'rsa-pss' : family === 'rsa-pkcs1' ? 'rsa' : family === 'ecdsa' ? 'ec' : (name as 'ed25519' | 'ed448');
    return [uri, { name, kind, hash, ...(kind === 'rsa-pss' && hash !== null ? { saltLength: HASH_SIZES[hash] } : {}) }];
  }),
  [`${DSIG}rsa-sha1`, { name: 'RSA PKCS#1 with SHA-1', kind: 'rsa', hash: 'sha1', weak: SHA1_WEAK }], [`${MORE_2001}ecdsa-sha1`, { name: 'ECDSA with SHA-1', kind: 'ec', hash: 'sha1', weak: SHA1_WEAK }],
  [`${MORE_2007}sha1-rsa-MGF1`, { name: 'RSA PSS with SHA-1', kind: 'rsa-pss', hash: 'sha1', saltLength: 20, weak: SHA1_WEAK }],
  [`${MORE_2001}rsa-sha224`, { name: 'RSA PKCS#1 with SHA-224', kind: 'rsa', hash: 'sha224' }], [`${MORE_2001}ecdsa-sha224`, { name: 'ECDSA with SHA-224', kind: 'ec', hash: 'sha224' }],
]);

/** @returns how to check a signature; in a sentence why it proves nothing or cannot be checked. */
export function methodOf(uri: string): XmlMethod | string {
  if (/hmac/i.test(uri)) return 'It is a message authentication code and no signature: whoever can check it could have made it, so that it proves nothing.';
  return METHODS.get(uri) ?? (uri === `${DSIG}dsa-sha1` ? 'The signature is by DSA, which is no longer approved (FIPS 186-5).' : `The signature is by an algorithm that is not known: ${uri.slice(0, 100)}.`);
}

export type XmlHash = 'sha1' | 'sha224' | 'sha256' | 'sha384' | 'sha512' | 'sha3-256' | 'sha3-384' | 'sha3-512';
const DIGESTS: ReadonlyMap<string, XmlHash> = new Map<string, XmlHash>([
  [`${DSIG}sha1`, 'sha1'], [`${MORE_2001}sha224`, 'sha224'], [`${XMLENC}sha256`, 'sha256'], [`${MORE_2001}sha384`, 'sha384'], [`${XMLENC}sha512`, 'sha512'],
  [`${MORE_2007}sha3-256`, 'sha3-256'], [`${MORE_2007}sha3-384`, 'sha3-384'], [`${MORE_2007}sha3-512`, 'sha3-512'],
]);
export const digestByUri = (uri: string): XmlHash | undefined => DIGESTS.get(uri);
export const uriOfDigest = (hash: 'sha256' | 'sha384' | 'sha512'): string => [...DIGESTS].find(([, name]) => name === hash)?.[0] as string;

/** The digest that goes with a signature; SHA-512 for Ed25519, and for Ed448, whose SHAKE256 has no name here. */
export function xmlDigestFor(algorithm: SignatureAlgorithmName): 'sha256' | 'sha384' | 'sha512' {
  return (SIGNATURE_ALGORITHMS[algorithm] as SignatureAlgorithmFacts).hash ?? 'sha512';
}

const TRANSFORM_NAMES: readonly (readonly [RegExp, string])[] = [[/xslt/i, 'XSLT'], [/xpath/i, 'XPath'], [/base64/i, 'base64'], [/decrypt/i, 'decryption']];
/** @returns what a transform is called that is not done. */
export const transformName = (uri: string): string => TRANSFORM_NAMES.find(([pattern]) => pattern.test(uri))?.[1] ?? uri.slice(0, 100);
