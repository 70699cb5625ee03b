import { createHash } from 'node:crypto';
import { Certificate } from '../certificates/index.ts';
import { KEY_ALGORITHMS, type KeyAlgorithmFacts, SIGNATURE_ALGORITHMS, type SignatureAlgorithmFacts, type SignatureAlgorithmName, signatureAlgorithmsOf, type KeyAlgorithmName } from '../contract/index.ts';
import { cborHead, type CborKey, CborTag, type CborValue, readCbor, writeCbor } from '../formats/cbor.ts';
import { ecdsaDerToP1363 } from '../formats/index.ts';
import { malformed, notSupported } from '../formats/malformed.ts';
import { fingerprint } from '../formats/spki.ts';
import type { Content } from '../keystore/keystore.ts';
import type { FileContent } from './content.ts';
import { type FormatModule, notIntact, type SignatureVerdict, type Trust } from './format.ts';
import { COSE_ALGORITHMS } from './names.ts';
import { chainFor } from './certificate-for.ts';
import { tryCertified } from './vouched.ts';

/** COSE (RFC 9052): COSE_Sign1 (§4.2) made and checked, COSE_Sign (§4.1) checked. ECDSA is r and s side by side (RFC 9053 §2.1). */

const [ALG, CRIT, CONTENT_TYPE, KID] = [1n, 2n, 3n, 4n] as const;
/** RFC 9360 §2. */
const [X5BAG, X5CHAIN, X5T] = [32n, 33n, 34n] as const;
const THUMBPRINTS: ReadonlyMap<CborValue, string> = new Map<CborValue, string>([[-16n, 'sha256'], [-43n, 'sha384'], [-44n, 'sha512']]);
const [SIGN1, SIGN] = [18n, 98n] as const;
const MAX_PAYLOAD = 64 * 1024 * 1024;

export const cose: FormatModule = {
  async sign(file, key, { algorithm, detached = true, payloadType, certificate }) {
    const chain = certificate === undefined ? [] : (await chainFor(key)).map(({ der }) => der);
    const headers = new Map<CborKey, CborValue>([[ALG, COSE_ALGORITHMS[algorithm]?.(key.algorithm) ?? 0n], ...(payloadType === undefined ? [] : [[CONTENT_TYPE, payloadType] as const]), ...(chain.length === 0 ? [] : [[X5CHAIN, chain.length === 1 ? chain[0] : chain] as const])]);
    const protectedBytes = writeCbor(headers);
    const before = Buffer.concat([cborHead(4, 4), writeCbor('Signature1'), writeCbor(protectedBytes), writeCbor(Buffer.alloc(0)), cborHead(2, file.bytes)]);
    const made = await key.sign(algorithm, await file.for(algorithm, { before }));
    const signature = SIGNATURE_ALGORITHMS[algorithm].family === 'ecdsa' ? ecdsaDerToP1363(made, KEY_ALGORITHMS[key.algorithm].bits) : made;
    const start = Buffer.concat([cborHead(6, SIGN1), cborHead(4, 4), writeCbor(protectedBytes), writeCbor(new Map([[KID, Buffer.from(fingerprint(key.spki).slice('SHA256:'.length), 'hex')]]))]);
    if (detached) return { bytes: Buffer.concat([start, writeCbor(null), writeCbor(signature)]) };
    return { async write(take) {
      await take(Buffer.concat([start, cborHead(2, file.bytes)]));
      await file.each(take);
      await take(writeCbor(signature));
    } };
  },

  async verify(file, signature, trust) {
    const { body, payload, signers } = read(signature ?? (await file.whole(MAX_PAYLOAD)));
    if (payload === null && signature === null) throw malformed('The payload is not in the COSE structure.', undefined, 'Name the file, and the signature’s file beside it.');
    if (signature !== null && payload !== null && !(await file.holds(payload))) return [notIntact('The COSE structure holds another file than this one.')];
    const verdicts: SignatureVerdict[] = [];
    for (const signer of signers) verdicts.push(await judge(signer, body, payload, file, trust));
    return verdicts;
  },
};

interface CoseSigner {
  /** null in COSE_Sign1, whose body's header is the signer's. */
  readonly own: Uint8Array | null;
  readonly headers: ReadonlyMap<CborKey, CborValue>;
  readonly signature: Uint8Array;
}

async function judge({ own, headers, signature }: CoseSigner, body: Uint8Array, payload: Uint8Array | null, file: FileContent, trust: Trust): Promise<SignatureVerdict> {
  const alg = headers.get(ALG);
  if (headers.has(CRIT)) return notIntact('The COSE structure asks for something that Keywright does not know, and says that it must not be ignored.');
  const possible = (key: KeyAlgorithmName): SignatureAlgorithmName[] => signatureAlgorithmsOf(key).filter((name) => isNamed(alg, name, key));
  const length = payload?.length ?? file.bytes;
  const before = Buffer.concat([
    cborHead(4, own === null ? 4 : 5), writeCbor(own === null ? 'Signature1' : 'Signature'), writeCbor(body), ...(own === null ? [] : [writeCbor(own)]), writeCbor(Buffer.alloc(0)), cborHead(2, length),
  ]);
  const content = async (algorithm: SignatureAlgorithmName): Promise<Content> => (payload === null ? file.for(algorithm, { before }) : { message: Buffer.concat([before, payload]) });
  const certificates = certificatesOf(headers);
  const thumbprint = headers.get(X5T);
  if (certificates[0] !== undefined && thumbprint !== undefined && !isOf(thumbprint, certificates[0])) return notIntact('The COSE structure was made for another certificate than the one that it carries.');
  return tryCertified({ signature, ecdsa: 'p1363', algorithms: (key) => possible(key.algorithm), content }, certificates, trust);
}

/** `x5chain`, the signer's first, and what `x5bag` holds besides (RFC 9360 §2). */
function certificatesOf(headers: ReadonlyMap<CborKey, CborValue>): Certificate[] {
  const read = (key: CborKey): Certificate[] => {
    const value = headers.get(key);
    const list = value === undefined ? [] : Array.isArray(value) ? (value as CborValue[]) : [value];
    if (list.length > 100) throw malformed('The COSE structure brings more than 100 certificates.', 0);
    return list.map((one) => new Certificate(byteString(one)));
  };
  const chain = read(X5CHAIN);
  return chain.length === 0 ? [] : [...chain, ...read(X5BAG)];
}

function isOf(thumbprint: CborValue, certificate: Certificate): boolean {
  const [algorithm, digest] = Array.isArray(thumbprint) ? (thumbprint as CborValue[]) : [];
  const hash = THUMBPRINTS.get(algorithm);
  return hash !== undefined && digest instanceof Uint8Array && createHash(hash).update(certificate.der).digest().equals(digest);
}

/** On making, each curve has the one algorithm that the table names; RFC 9053 §2.1 lets readers meet others. */
function isNamed(alg: CborValue, name: SignatureAlgorithmName, key: KeyAlgorithmName): boolean {
  if (COSE_ALGORITHMS[name]?.(key) === alg) return true;
  const facts: KeyAlgorithmFacts = KEY_ALGORITHMS[key];
  const { hash, family }: SignatureAlgorithmFacts = SIGNATURE_ALGORITHMS[name];
  return family === 'ecdsa' && facts.jwkCurve !== undefined && ((alg === -7n && hash === 'sha256') || (alg === -35n && hash === 'sha384') || (alg === -36n && hash === 'sha512'));
}

function read(bytes: Uint8Array): { body: Uint8Array; payload: Uint8Array | null; signers: CoseSigner[] } {
  const item = readCbor(bytes);
  const [tag, value] = item instanceof CborTag ? [item.tag, item.value] : [Array.isArray(item) && Array.isArray(item[3]) ? SIGN : SIGN1, item];
  if (tag !== SIGN1 && tag !== SIGN) throw notSupported(`This is CBOR with the tag ${tag}, and no COSE signature.`, 'Check that it is the right file.', ['COSE_Sign1 (18)', 'COSE_Sign (98)']);
  if (!Array.isArray(value) || value.length !== 4) throw malformed('A COSE signature should be an array of four.', 0);
  const [body, unprotectedHeaders, payload, last] = value as CborValue[];
  if (!(body instanceof Uint8Array)) throw malformed('The protected header should be a byte string.', 0);
  if (payload !== null && !(payload instanceof Uint8Array)) throw malformed('The payload should be a byte string or null.', 0);
  const bodyHeaders = merged(body, unprotectedHeaders);
  if (tag === SIGN1) return { body: emptied(body), payload, signers: [{ own: null, headers: bodyHeaders, signature: byteString(last) }] };
  if (!Array.isArray(last) || last.length === 0 || last.length > 100) throw malformed('There should be signatures, 1 to 100.', 0);
  return { body: emptied(body), payload, signers: last.map((one: CborValue) => {
    if (!Array.isArray(one) || one.length !== 3 || !(one[0] instanceof Uint8Array)) throw malformed('A COSE signer should be an array of three.', 0);
    return { own: emptied(one[0]), headers: merged(one[0], one[1]), signature: byteString(one[2]) };
  }) };
}

/** An empty header may be an empty string or an empty map; signed is the string (RFC 9052 §4.4). */
function emptied(header: Uint8Array): Uint8Array {
  return header.length === 1 && header[0] === 0xa0 ? Buffer.alloc(0) : header;
}

function merged(protectedBytes: Uint8Array, others: CborValue): Map<CborKey, CborValue> {
  const own = protectedBytes.length === 0 ? new Map<CborKey, CborValue>() : readCbor(protectedBytes);
  if (!(own instanceof Map) || !(others instanceof Map)) throw malformed('The headers of COSE should be maps.', 0);
  for (const key of others.keys()) if (own.has(key)) throw malformed('A COSE header is there twice, protected and not.', 0);
  return new Map([...others, ...own]);
}

function byteString(value: CborValue): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw malformed('A signature or certificate of COSE should be a byte string.', 0);
}
