import { createHash } from 'node:crypto';
import type { Certificate } from '../../certificates/index.ts';
import { publicKeyInfo, verifySigned } from '../../certificates/signatures.ts';
import { KEY_ALGORITHMS, type KeyAlgorithmName, SIGNATURE_ALGORITHMS, type SignatureAlgorithmName } from '../../contract/index.ts';
import { ecdsaP1363ToDer } from '../../formats/index.ts';
import { intactBy, notIntact, type SignatureVerdict, type Trust } from '../format.ts';
import { type Stamped, stampedBy } from '../timestamp/verify.ts';
import { knownKey } from '../try-keys.ts';
import { vouched } from '../vouched.ts';
import { CANONICAL_FORMS, canonicalize, type CanonicalForm, INCLUSIVE } from './canonical.ts';
import { methodOf, type XmlHash, type XmlMethod } from './names.ts';
import { type CanonicalMethod, signaturesIn, type XmlReference, type XmlSignature } from './read.ts';
import { attributeOf, describeElement, elementsWithin, isId, isWithin, type XmlDocument, type XmlElement } from './tree.ts';

/**
 * Judges XML signatures (XMLDSig 1.1 §3.2) against wrapping: what a verdict is about is the very element that was hashed, and
 * a signature that does not sign the whole document says what it signs. Ids are looked up in the whole document and must be there once.
 */

/** A reference to something outside of the document. */
export interface OutsideReference {
  readonly uri: string;
  readonly hash: XmlHash;
  readonly digest: Buffer;
}

/** What outside references turn out to be. */
export interface OutsideVerdict {
  readonly problem: string | null;
  readonly notes: readonly string[];
}

export type JudgeOutside = (references: readonly OutsideReference[]) => Promise<OutsideVerdict>;

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
  const ids = signatures.length === 0 ? new Map<string, XmlElement[]>() : idsIn(document);
  const judged: JudgedSignature[] = [];
  for (const signature of signatures) judged.push(await new Judge(document, ids, signature, trust).judge(judgeOutside));
  return judged;
}

function idsIn({ root }: XmlDocument): Map<string, XmlElement[]> {
  const ids = new Map<string, XmlElement[]>();
  for (const element of elementsWithin(root)) for (const attribute of element.attributes) if (isId(attribute)) ids.set(attribute.value, [...(ids.get(attribute.value) ?? []), element]);
  return ids;
}

/** What fits so far, and what else is to be said. */
interface Content {
  readonly covered: readonly (XmlElement | XmlDocument)[];
  readonly outside: readonly OutsideReference[];
  readonly weak: string | null;
}

class Judge {
  readonly #document: XmlDocument;
  readonly #ids: ReadonlyMap<string, readonly XmlElement[]>;
  readonly #signature: XmlSignature;
  readonly #trust: Trust;

  constructor(document: XmlDocument, ids: ReadonlyMap<string, readonly XmlElement[]>, signature: XmlSignature, trust: Trust) {
    this.#document = document;
    this.#ids = ids;
    this.#signature = signature;
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
    const content = this.#content();
    if (typeof content === 'string') return refused(content, { spki, known, algorithm });
    const { covered, outside, weak } = content;
    const outer = outside.length === 0 ? { problem: null, notes: [] } : await judgeOutside(outside);
    if (outer.problem !== null) return refused(outer.problem, { spki, known, algorithm });
    const isWhole = this.#isWhole(covered);
    const own = this.#signature.element;
    const parts = isWhole ? [] : covered.filter((one) => one.kind === 'element' && !isWithin(one, own)).map((one) => describeElement(one as XmlElement, this.#document.text));
    const stamp = await this.#stamp();
    const notes = [...(certificate === null ? [] : [`The certificate says: ${certificate.subject.text || 'nothing'}, issued by ${certificate.issuer.text || 'nobody'}, valid until ${certificate.notAfter.date.toISOString()}.`]), ...outer.notes, ...this.#notes(covered, isWhole)];
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

  /** Follows each reference within the document. @returns what does not fit, in a sentence. */
  #content(): Content | string {
    const { references, qualifying, element } = this.#signature;
    if (references.length === 0) return 'The signature signs nothing: it has no references.';
    const covered: (XmlElement | XmlDocument)[] = [];
    const outside: OutsideReference[] = [];
    let weak: string | null = null;
    for (const reference of references) {
      const { uri, hash, digest, problem } = reference;
      if (problem !== null) return problem;
      if (uri === null) return 'A reference does not say what it is of.';
      if (hash === null) return 'A reference names a digest that Keywright does not know.';
      if (hash === 'sha1') weak = 'What was signed is hashed by SHA-1, which is broken: another document with the same digest can be made.';
      if (uri !== '' && !uri.startsWith('#')) {
        if (reference.isEnveloped || reference.canonical !== null) return `The reference to “${uri.slice(0, 100)}” changes the file before it is hashed. That is not followed.`;
        outside.push({ uri, hash, digest });
        continue;
      }
      const target = this.#target(uri);
      if (typeof target === 'string') return target;
      if (!createHash(hash).update(this.#canonicalTarget(target, reference)).digest().equals(digest)) return `${target.kind === 'document' ? 'The document' : `The element ${describeElement(target, this.#document.text)}`} was changed after it was signed.`;
      covered.push(target);
    }
    if (qualifying !== null) {
      if (qualifying.signedProperties === null || !covered.includes(qualifying.signedProperties)) return 'The XAdES properties of the signature (its time, its certificate) are not signed: somebody may have added them.';
      if (qualifying.target !== undefined && qualifying.target !== `#${attributeOf(element, 'Id')}`) return 'The XAdES properties are those of another signature.';
    }
    const own = covered.filter((one) => one.kind === 'element' && (one === qualifying?.signedProperties || one.local === 'KeyInfo' && isWithin(one, element)));
    return covered.length === own.length && outside.length === 0 ? 'The signature signs nothing but its own properties.' : { covered, outside, weak };
  }

  #target(uri: string): XmlElement | XmlDocument | string {
    if (uri === '') return this.#document;
    const id = uri.slice(1);
    if (/[()]/.test(id)) return 'A reference finds what it is of by XPointer, which is not followed.';
    const [found, second] = this.#ids.get(id) ?? [];
    if (found === undefined) return `What the signature is of is not there: no element has the id “${id.slice(0, 100)}”.`;
    return second === undefined ? found : `Two elements have the id “${id.slice(0, 100)}”, ${describeElement(found, this.#document.text)} and ${describeElement(second, this.#document.text)}: which one was signed cannot be told.`;
  }

  #canonicalTarget(target: XmlElement | XmlDocument, { isEnveloped, canonical }: XmlReference): Buffer {
    const { form, inclusivePrefixes } = canonical ?? { form: CANONICAL_FORMS.get(INCLUSIVE) as CanonicalForm, inclusivePrefixes: [] };
    // References of this kind leave comments out, whatever the canonical form (XMLDSig §4.4.3.3).
    return canonicalize(target, { ...form, inclusivePrefixes, comments: false, without: isEnveloped ? this.#signature.element : undefined });
  }

  /** Whether nothing of the document but signatures is left unsigned: all of it, its root, or in a signature that holds what it signs each of its objects. */
  #isWhole(covered: readonly (XmlElement | XmlDocument)[]): boolean {
    const { root } = this.#document;
    const { element, objects, qualifying } = this.#signature;
    if (covered.includes(this.#document) || covered.includes(root)) return true;
    if (element !== root) return false;
    const held = objects.filter((one) => qualifying?.signedProperties === null || qualifying === null || !isWithin(qualifying.signedProperties as XmlElement, one));
    return held.length > 0 && held.every((one) => covered.includes(one));
  }

  #notes(covered: readonly (XmlElement | XmlDocument)[], isWhole: boolean): string[] {
    const { qualifying, element } = this.#signature;
    const { root, before, after, text } = this.#document;
    const comments = text.includes('<!--') ? [...elementsWithin(root)].reduce((sum, one) => sum + one.children.filter(({ kind }) => kind === 'comment').length, [...before, ...after].filter(({ kind }) => kind === 'comment').length) : 0;
    return [
      ...(isWhole && element !== root ? [`It signs the whole document, ${describeElement(root, text)}, but for the signature itself.`] : []),
      ...(isWhole && element === root ? ['It signs what lies within the signature.'] : []),
      ...(comments > 0 && covered.some((one) => one !== qualifying?.signedProperties) ? [`No signature covers the ${comments === 1 ? 'comment' : `${comments} comments`} in it: anybody may have written ${comments === 1 ? 'it' : 'them'}.`] : []),
      ...(qualifying === null ? ['The signature has no XAdES properties: it says neither when nor with which certificate it was made.'] : []),
      ...(qualifying?.hasCounterSignature === true ? ['It carries a counter-signature, which is not judged here.'] : []),
    ];
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
