import { createHash } from 'node:crypto';
import { type Beside, type Certificate, type VerifyPurpose } from '../../certificates/index.ts';
import { publicKeyInfo, verifySigned } from '../../certificates/signatures.ts';
import { readTime } from '../../certificates/reading/asn1.ts';
import { SIGNATURE_ALGORITHMS, type SignatureAlgorithmName } from '../../contract/index.ts';
import { DerReader, TAG } from '../../formats/der.ts';
import { vouched } from '../vouched.ts';
import { intactBy, notIntact, type SignatureVerdict, type Trust } from '../format.ts';
import { hashing } from '../raw.ts';
import { knownKey } from '../try-keys.ts';
import { CMS, DIGESTS, type DigestName } from './identifiers.ts';
import { type CmsAttribute, type CmsSigner, readSigner, whyBroken } from './read.ts';

/** Judges one signer of SignedData: the digest, each signed attribute, the signature, and who vouches for the certificate. */

export interface Signed {
  /** Digest of what was signed. */
  digest(name: DigestName): Promise<Uint8Array>;
  /** All of it: for signers without signed attributes. */
  whole(): Promise<Uint8Array>;
}

/** Which digest of the content goes with a curve's own hash. */
const EDWARDS_DIGESTS: Readonly<Record<string, DigestName>> = { ed25519: 'sha512', ed448: 'shake256' };

/** What a signer must be for besides: a timestamp's has rules of its own. */
interface JudgeOptions extends Beside {
  /** null for a counter-signature. */
  readonly contentType: string | null;
  /** The time at which the certificate must have been valid, where a timestamp says when it was; else the caller's. */
  readonly at?: Date;
  /** What the certificate must be for, where that is not the caller's to choose. */
  readonly purpose?: VerifyPurpose;
}

/** @returns the verdict on one SignerInfo (RFC 5652 §5.4, §5.6): first whether it is intact, then by whom, and who vouches for them. */
export async function judgeSigner(signer: CmsSigner, signed: Signed, options: JudgeOptions, trust: Trust): Promise<SignatureVerdict> {
  const certificate = certificateOf(signer, [...options.certificates, ...(trust.certificates?.between ?? []), ...(trust.certificates?.anchors ?? [])]);
  if (certificate === undefined) return notIntact('The signer’s certificate is not there, so that the signature cannot be checked.', { notes: ['Keep the certificate in the store, or name it among the roots.'] });
  const facts = { spki: certificate.spki, algorithm: nameOf(signer), known: knownKey(certificate.spki, trust) };
  const problem = await whyNotIntact(signer, signed, options, certificate);
  if (problem !== null) return notIntact(problem, facts);
  return trustedBy(signer, certificate, options, trust, { ...facts, time: timeOf(signer), notes: notesOf(signer, certificate) });
}

/** @returns what does not fit, in a sentence; null when all of it does. */
async function whyNotIntact(signer: CmsSigner, signed: Signed, { contentType }: JudgeOptions, certificate: Certificate): Promise<string | null> {
  const { digest, attributes, signedAttributes, algorithm, signature, unsigned } = signer;
  if (digest === null) return 'The signer names a digest that Keywright does not know.';
  if (signedAttributes === null) {
    if (contentType !== null && contentType !== CMS.data) return 'The signer has no signed attributes, which this type of content must have (RFC 5652 §5.3).';
    const content = await signed.whole();
    // Else the signed attributes of another file could be passed off as this one, with the same signature.
    if (content[0] === TAG.set && looksLikeAttributes(content)) return 'What is signed looks like the signed attributes of another signature: those were stripped from it.';
    return verifySigned(publicKeyInfo(certificate.spki), algorithm, content, signature) ? null : 'The signature does not fit this file: the file was changed, or something else was signed.';
  }
  const bound = EDWARDS_DIGESTS[algorithm.name];
  if (bound !== undefined && digest !== bound) return `A signature by ${algorithm.name} goes with ${bound} and no other digest (RFC 8419 §3.1).`;
  const twice = attributes.find(({ oid }, index) => attributes.findIndex((other) => other.oid === oid) !== index);
  if (twice !== undefined) return `The signed attribute ${twice.oid} is there twice (RFC 5652 §5.3).`;
  const told = only(attributes, CMS.messageDigest, TAG.octetString);
  if (told === undefined) return 'The signed attributes do not have one digest of the file (RFC 5652 §11.2).';
  if (contentType !== null) {
    const type = only(attributes, CMS.contentType, TAG.oid);
    if (type === undefined || oidText(type) !== contentType) return 'The signed attributes do not name the type of what is signed (RFC 5652 §11.1).';
  } else if (attributes.some(({ oid }) => oid === CMS.contentType)) return 'A counter-signature names a type of content, which it must not (RFC 5652 §11.4).';
  const strayed = unsigned.find(({ oid }) => oid === CMS.contentType || oid === CMS.messageDigest || oid === CMS.signingTime);
  if (strayed !== undefined) return `The attribute ${strayed.oid} is not signed, and must be (RFC 5652 §11).`;
  if (attributes.some(({ oid, values }) => oid === CMS.signingTime && values.length !== 1)) return 'The time of signing is not one value (RFC 5652 §11.3).';
  if (!verifySigned(publicKeyInfo(certificate.spki), algorithm, signedAttributes, signature)) return 'The signature does not fit its signed attributes: one of them was changed, or the certificate is not the signer’s.';
  if (!Buffer.from(contentOf(told)).equals(await signed.digest(digest))) return 'The file is not the one that was signed: its digest differs.';
  return whyNotMeant(attributes, certificate);
}

/** ESSCertID and ESSCertIDv2 (RFC 2634 §5.4, RFC 5035 §4): the first is the signer's certificate. */
function whyNotMeant(attributes: readonly CmsAttribute[], certificate: Certificate): string | null {
  for (const { oid, values } of attributes) {
    if (oid !== CMS.signingCertificate && oid !== CMS.signingCertificateV2) continue;
    const reader = new DerReader(values[0] ?? Buffer.alloc(0)).enter('the signing certificate').enter('the certificates').enter('the certificate');
    const isFirstVersion = oid === CMS.signingCertificate;
    const named = !isFirstVersion && reader.peek() === TAG.sequence ? DIGESTS[reader.enter('the digest algorithm').oid('the digest algorithm') as keyof typeof DIGESTS] : undefined;
    const hash = isFirstVersion ? 'sha1' : named ?? 'sha256';
    if (hash === 'shake128' || hash === 'shake256') return 'The signed attributes name the signer’s certificate by a digest that is not usual.';
    const digest = reader.octets('the certificate’s digest');
    if (!createHash(hash).update(certificate.der).digest().equals(digest)) return 'The signature was made for another certificate than the one that it carries.';
  }
  return null;
}

function trustedBy(signer: CmsSigner, certificate: Certificate, options: JudgeOptions, trust: Trust, facts: Partial<SignatureVerdict>): SignatureVerdict {
  const verdict = { ...intactBy(certificate.spki, nameOf(signer) as SignatureAlgorithmName, knownKey(certificate.spki, trust), facts), algorithm: nameOf(signer) };
  // The signature may be as strong as it likes: of the content it signs the digest alone.
  const weak = signer.algorithm.weak ?? (signer.signedAttributes === null ? undefined : whyBroken(signer.digest));
  if (weak !== undefined) return { ...verdict, trustedBy: null, problem: weak };
  return vouched(verdict, certificate, options, trust);
}

/** @returns the certificate that the signer names, whatever else lies beside it. */
export function certificateOf({ sid }: Pick<CmsSigner, 'sid'>, certificates: readonly Certificate[]): Certificate | undefined {
  return certificates.find((one) => ('keyIdentifier' in sid ? one.subjectKeyIdentifier !== undefined && Buffer.from(sid.keyIdentifier).equals(one.subjectKeyIdentifier) : Buffer.from(sid.serial).equals(one.serial) && Buffer.from(sid.issuer).equals(one.issuer.der)));
}

/** Counter-signatures (RFC 5652 §11.4) sign the signature of the signer whom they are of. */
export async function judgeCounterSignatures(signer: CmsSigner, beside: Beside, trust: Trust): Promise<SignatureVerdict[]> {
  const verdicts: SignatureVerdict[] = [];
  const signed: Signed = { digest: async (name) => digestOf(name, signer.signature), whole: async () => signer.signature };
  for (const value of signer.unsigned.filter(({ oid }) => oid === CMS.counterSignature).flatMap(({ values }) => values)) {
    const verdict = await judgeSigner(readSigner(new DerReader(value)), signed, { ...beside, contentType: null }, trust);
    verdicts.push({ ...verdict, notes: ['It is a counter-signature: it signs the signature and not the file.', ...verdict.notes] });
  }
  return verdicts;
}

export function digestOf(name: DigestName, data: Uint8Array): Buffer {
  return hashing(name).update(data).digest();
}

function timeOf({ attributes }: CmsSigner): SignatureVerdict['time'] {
  const [value] = attributes.find(({ oid }) => oid === CMS.signingTime)?.values ?? [];
  return value === undefined ? null : { at: readTime(new DerReader(value), 'the time of signing').date.toISOString(), according: 'signer', by: null };
}

function notesOf({ signedAttributes, algorithm }: CmsSigner, certificate: Certificate): string[] {
  return [
    `The certificate says: ${certificate.subject.text || 'nothing'}, issued by ${certificate.issuer.text || 'nobody'}, valid until ${certificate.notAfter.date.toISOString()}.`,
    ...(signedAttributes === null ? ['The signature has no signed attributes: it says neither when nor with which certificate it was made.'] : []),
    ...(nameOfAlgorithm(algorithm.name) === null ? [`The signature is by ${algorithm.name}.`] : []),
  ];
}

const nameOf = ({ algorithm }: CmsSigner): SignatureAlgorithmName | null => nameOfAlgorithm(algorithm.name);
const nameOfAlgorithm = (name: string): SignatureAlgorithmName | null => (Object.hasOwn(SIGNATURE_ALGORITHMS, name) ? (name as SignatureAlgorithmName) : null);

/** @returns an attribute's one value, of the type it must have. */
function only(attributes: readonly CmsAttribute[], wanted: string, tag: number): Uint8Array | undefined {
  const { values = [] } = attributes.find(({ oid }) => oid === wanted) ?? {};
  return values.length === 1 && values[0]?.[0] === tag ? values[0] : undefined;
}

function contentOf(element: Uint8Array): Uint8Array {
  const reader = new DerReader(element);
  return reader.content(reader.next('a value'));
}

function oidText(element: Uint8Array): string {
  return new DerReader(element).oid('a value');
}

function looksLikeAttributes(content: Uint8Array): boolean {
  try {
    const outer = new DerReader(content);
    const attributes = outer.enter('', TAG.set);
    outer.finish('');
    attributes.enter('').oid('');
    return true;
  } catch {
    return false;
  }
}
