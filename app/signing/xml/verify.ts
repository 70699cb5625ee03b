import { createHash } from 'node:crypto';
import type { Certificate } from '../../certificates/index.ts';
import { publicKeyInfo, verifySigned } from '../../certificates/signatures.ts';
import { KEY_ALGORITHMS, type KeyAlgorithmName, SIGNATURE_ALGORITHMS, type SignatureAlgorithmName } from '../../contract/index.ts';
import { ecdsaP1363ToDer } from '../../formats/index.ts';
import { intactBy, notIntact, type SignatureVerdict, type Trust } from '../format.ts';
import { type Stamped, stampedBy } from '../timestamp/verify.ts';
import { knownKey } from '../try-keys.ts';
import { vouched } from '../vouched.ts';
import { canonicalize } from './canonical.ts';
import { type Content, contentOf, idsIn, type OutsideReference } from './content.ts';
import { methodOf, XADES, type XmlMethod } from './names.ts';
import { type CanonicalMethod, signaturesIn, type XmlSignature } from './read.ts';
import { describeElement, elementsWithin, isElement, isWithin, type XmlDocument, type XmlElement } from './tree.ts';

/**
 * Judges XML signatures (XMLDSig 1.1 §3.2) against wrapping: what a verdict is about is the very element that was hashed, and
 * a signature that does not sign the whole document says what it signs. Ids are looked up in the whole document and must be there once.
 */

/** What outside references turn out to be. */
export interface OutsideVerdict {
  readonly problem: string | null;
  readonly notes: readonly string[];
}

type JudgeOutside = (references: readonly OutsideReference[]) => Promise<OutsideVerdict>;

/** One signature of a document. */
export interface JudgedSignature {
  readonly verdict: SignatureVerdict;
  /** Whether it signs the whole document but for signatures. */
  readonly isWhole: boolean;
  /** The elements that it signs, when it is not. */
  readonly parts: readonly string[];
  readonly outside: readonly OutsideReference[];
}

/** @returns one for each signature, none for a document without. @throws INVALID_INPUT with the line */
export async function judgeXmlSignatures(document: XmlDocument, judgeOutside: JudgeOutside, trust: Trust): Promise<JudgedSignature[]> {
  const signatures = signaturesIn(document);
  const ids = idsIn(document);
  const judged: JudgedSignature[] = [];
  for (const signature of signatures) judged.push(await new Judge(document, contentOf(document, ids, signature), signature, signatures.length, trust).judge(judgeOutside));
  return judged;
}

class Judge {
  readonly #document: XmlDocument;
  readonly #content: Content | string;
  readonly #signature: XmlSignature;
  /** Signatures in the document. */
  readonly #count: number;
  readonly #trust: Trust;

  constructor(document: XmlDocument, content: Content | string, signature: XmlSignature, count: number, trust: Trust) {
    this.#document = document;
    this.#content = content;
    this.#signature = signature;
    this.#count = count;
    this.#trust = trust;
  }

  async judge(judgeOutside: JudgeOutside): Promise<JudgedSignature> {
    const refused = (problem: string, facts: Partial<SignatureVerdict> = {}): JudgedSignature => ({ verdict: notIntact(problem, facts), isWhole: false, parts: [], outside: [] });
    const { canonical, method: uri, qualifying, certificates } = this.#signature;
    const method = methodOf(uri);
    if (typeof method === 'string') return refused(method);
    if (canonical === null) return refused('The signature’s canonical form is not one of the standard.');
    const signer = await this.#signer(method, canonicalOf(this.#signature.signedInfo, canonical));
    if (typeof signer === 'string') return refused(signer);
    const { spki, certificate } = signer;
    const known = knownKey(spki, this.#trust);
    const algorithm = nameOf(method);
    const content = this.#content;
    if (typeof content === 'string') return refused(content, { spki, known, algorithm });
    const { covered, outside, weak } = content;
    const isWhole = content.whole !== null;
    const outer = outside.length === 0 ? { problem: null, notes: [] } : await judgeOutside(outside);
    if (outer.problem !== null) return refused(outer.problem, { spki, known, algorithm });
    const own = this.#signature.element;
    const parts = isWhole ? [] : covered.filter((one) => one.kind === 'element' && !isWithin(one, own)).map((one) => describeElement(one as XmlElement, this.#document.text));
    const stamp = await this.#stamp();
    const notes = [...(certificate === null ? [] : [`The certificate says: ${certificate.subject.text || 'nothing'}, issued by ${certificate.issuer.text || 'nobody'}, valid until ${certificate.notAfter.date.toISOString()}.`]), ...outer.notes, ...this.#notes(content)];
    const verdict = { ...intactBy(spki, algorithm as SignatureAlgorithmName, known, { notes, time: timeOf(qualifying?.signedProperties === null ? undefined : qualifying?.signingTime) }), algorithm };
    const oldness = method.weak ?? weak;
    const judged = certificate === null ? this.#byKey(verdict) : vouched(verdict, certificate, { certificates, ...(stamp.at === undefined ? {} : { at: stamp.at }) }, this.#trust);
    const stamped = stamp.apply(judged);
    return { verdict: oldness === null || oldness === undefined ? stamped : { ...stamped, trustedBy: null, problem: oldness }, isWhole, parts, outside };
  }

  /** A key without a certificate is trusted when it is one that counts, and never because the document brings it. */
  #byKey(verdict: SignatureVerdict): SignatureVerdict {
    return this.#trust.rootsNamed === true ? { ...verdict, trustedBy: null, problem: 'The signature has no certificate, so that no root that you named vouches for the signer.' } : verdict;
  }

  /** @returns whose key fits: by the certificate that the signed properties name, by one that is there, or by a key that counts; or why none does. */
  async #signer(method: XmlMethod, signed: Buffer): Promise<{ spki: Uint8Array; certificate: Certificate | null } | string> {
    const { certificates, value, qualifying } = this.#signature;
    const fits = (spki: Uint8Array): boolean => {
      const der = method.kind === 'ec' ? derOf(spki, value) : value;
      return der !== null && verifySigned(publicKeyInfo(spki), { ...method, oid: '', der: Buffer.alloc(0) }, signed, der);
    };
    const candidates = [...certificates, ...(this.#trust.certificates?.between ?? []), ...(this.#trust.certificates?.anchors ?? [])];
    const meant = qualifying?.signingCertificates ?? [];
    const named = candidates.filter((one) => meant.every(({ hash, digest }) => hash !== null && createHash(hash).update(one.der).digest().equals(digest)));
    const certificate = named.find(({ spki }) => fits(spki));
    if (certificate !== undefined) return { spki: certificate.spki, certificate };
    if (candidates.some(({ spki }) => fits(spki))) return 'The signature was made for another certificate than the one that it carries.';
    for (const key of this.#trust.keys) {
      const spki = await key.spki();
      if (fits(spki)) return { spki, certificate: null };
    }
    return certificates.length > 0 ? 'The signature does not fit what it says that it signs: it was changed, or the certificate is not the signer’s.' : 'No certificate is there, and no key that counts made the signature. A key that the document itself brings is not believed.';
  }

  #notes({ covered, whole }: Content): string[] {
    const { qualifying, objects } = this.#signature;
    const { root, before, after, text } = this.#document;
    const comments = text.includes('<!--') ? [...elementsWithin(root)].reduce((sum, one) => sum + one.children.filter(({ kind }) => kind === 'comment').length, [...before, ...after].filter(({ kind }) => kind === 'comment').length) : 0;
    const loose = objects.filter((one) => !covered.includes(one) && one.children.some((child) => (child.kind === 'element' ? !isElement(child, XADES, 'QualifyingProperties') && !covered.includes(child) : child.kind === 'text' && child.value.trim() !== '')));
    return [
      ...(whole === null ? [] : whole === 'held' ? ['It signs what lies within the signature.'] : [this.#wholeSentence(whole)]),
      ...(loose.length > 0 && whole !== 'held' ? ['The signature holds something else that nobody signed: anybody may have put it there.'] : []),
      ...(comments > 0 && covered.some((one) => one !== qualifying?.signedProperties) ? [`No signature covers the ${comments === 1 ? 'comment' : `${comments} comments`} in it: anybody may have written ${comments === 1 ? 'it' : 'them'}.`] : []),
      ...(qualifying === null ? ['The signature has no XAdES properties: it says neither when nor with which certificate it was made.'] : []),
      ...(qualifying?.hasCounterSignature === true ? ['It carries a counter-signature, which is not judged here.'] : []),
    ];
  }

  /** Where there are several, whether a signature covers the others is what tells them apart. */
  #wholeSentence(whole: 'own' | 'all'): string {
    const what = describeElement(this.#document.root, this.#document.text);
    if (this.#count === 1) return `It signs the whole document, ${what}, but for the signature itself.`;
    return whole === 'all' ? `It signs the whole document, ${what}, but for the signatures in it: others can be added, and it says nothing about them.` : `It signs the whole document, ${what}, and the other signatures in it: they were there before it.`;
  }

  async #stamp(): Promise<Stamped> {
    const { qualifying, valueElement, certificates } = this.#signature;
    const [stamp] = qualifying?.timestamps ?? [];
    if (stamp === undefined) return { apply: (verdict) => verdict };
    if (stamp.canonical === null) return { apply: (verdict) => ({ ...verdict, trustedBy: null, problem: verdict.problem ?? 'Its timestamp is of a canonical form that is not one of the standard.' }) };
    return stampedBy(stamp.token, canonicalOf(valueElement, stamp.canonical), { certificates }, this.#trust);
  }
}

function canonicalOf(element: XmlElement, { form, inclusivePrefixes }: CanonicalMethod): Buffer {
  return canonicalize(element, { ...form, inclusivePrefixes });
}

/** XML has ECDSA's two numbers side by side, each as long as the curve's order (RFC 9231 §2.3.6). @returns null for what is no signature on this curve */
function derOf(spki: Uint8Array, value: Buffer): Uint8Array | null {
  const { name } = publicKeyInfo(spki);
  const bits = Object.hasOwn(KEY_ALGORITHMS, name) ? KEY_ALGORITHMS[name as KeyAlgorithmName].bits : 0;
  try {
    return value.length === 2 * Math.ceil(bits / 8) ? ecdsaP1363ToDer(value, bits) : null;
  } catch {
    return null;
  }
}

const nameOf = ({ name }: XmlMethod): SignatureAlgorithmName | null => (Object.hasOwn(SIGNATURE_ALGORITHMS, name) ? (name as SignatureAlgorithmName) : null);

function timeOf(told: string | undefined): SignatureVerdict['time'] {
  const date = new Date(told !== undefined && /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/.test(told) ? told : Number.NaN);
  return Number.isNaN(date.getTime()) ? null : { at: date.toISOString(), according: 'signer', by: null };
}
