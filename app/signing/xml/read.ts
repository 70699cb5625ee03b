import { Certificate } from '../../certificates/index.ts';
import type { KeywrightError } from '../../contract/index.ts';
import { malformedAt } from '../../formats/malformed.ts';
import { CANONICAL_FORMS, type CanonicalForm, INCLUSIVE } from './canonical.ts';
import { digestByUri, DSIG, ENVELOPED, transformName, XADES, XPATH, XPATH_FILTER, type XmlHash } from './names.ts';
import { attributeOf, elementsWithin, isElement as is, isWithin, lineOf, type XmlDocument, type XmlElement } from './tree.ts';
import { type LeftOut, leftOutByFilter, leftOutByXPath } from './transforms.ts';

/** Reads ds:Signature (XMLDSig 1.1 §4) and its XAdES properties (ETSI EN 319 132-1 §4, §5) as they are written. What they are worth is judged in `verify.ts`. */

export interface CanonicalMethod {
  readonly form: CanonicalForm;
  readonly inclusivePrefixes: readonly string[];
}

export interface XmlReference {
  readonly element: XmlElement;
  /** null: it is not there, and the reference is of whatever the reader takes it for. */
  readonly uri: string | null;
  /** What a transform takes out of it before it is hashed; null: nothing. */
  readonly leftOut: LeftOut | null;
  /** null: none is named. */
  readonly canonical: CanonicalMethod | null;
  /** null: it is not known. */
  readonly hash: XmlHash | null;
  readonly digest: Buffer;
  /** Why it is not followed, in a sentence. */
  readonly problem: string | null;
}

export interface XmlSignature {
  readonly element: XmlElement;
  readonly id: string | undefined;
  readonly signedInfo: XmlElement;
  /** null: it is not known. */
  readonly canonical: CanonicalMethod | null;
  readonly method: string;
  readonly references: readonly XmlReference[];
  readonly valueElement: XmlElement;
  readonly value: Buffer;
  readonly certificates: readonly Certificate[];
  readonly objects: readonly XmlElement[];
  readonly qualifying: QualifyingProperties | null;
}

export interface QualifyingProperties {
  readonly target: string | undefined;
  readonly signedProperties: XmlElement | null;
  readonly signingTime: string | undefined;
  /** Digests of the signer's certificate, the first of each list. */
  readonly signingCertificates: readonly { readonly hash: XmlHash | null; readonly digest: Buffer }[];
  /** Timestamps of the signature's value. */
  readonly timestamps: readonly { readonly token: Buffer; readonly canonical: CanonicalMethod | null }[];
  readonly hasCounterSignature: boolean;
}

export const MAX_SIGNATURES = 100;
const MAX_REFERENCES = 10_000;
const MAX_CERTIFICATES = 100;
const MAX_PREFIXES = 100;

/** @returns each signature of a document that does not lie within another one. @throws INVALID_INPUT with the line */
export function signaturesIn(document: XmlDocument): XmlSignature[] {
  const found: XmlElement[] = [];
  for (const element of elementsWithin(document.root)) {
    if (!is(element, DSIG, 'Signature') || found.some((outer) => isWithin(element, outer))) continue;
    if (found.length === MAX_SIGNATURES) throw malformedAt(`line ${lineOf(document.text, element.from)}`, `There are more than ${MAX_SIGNATURES} signatures.`);
    found.push(element);
  }
  return found.map((element) => new Reader(document.text).signature(element));
}

class Reader {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  #fault(detail: string, { from }: XmlElement): KeywrightError {
    return malformedAt(`line ${lineOf(this.#text, from)}`, detail);
  }

  signature(element: XmlElement): XmlSignature {
    const parts = this.#children(element);
    const [signedInfo, valueElement, ...rest] = parts;
    if (signedInfo === undefined || !is(signedInfo, DSIG, 'SignedInfo') || valueElement === undefined || !is(valueElement, DSIG, 'SignatureValue')) throw this.#fault('A signature should begin with SignedInfo and SignatureValue.', element);
    const keyInfo = rest[0] !== undefined && is(rest[0], DSIG, 'KeyInfo') ? rest.shift() : undefined;
    const stranger = rest.find((one) => !is(one, DSIG, 'Object'));
    if (stranger !== undefined) throw this.#fault(`A signature has a part that is not one of its own: ${stranger.local.slice(0, 60)}.`, stranger);
    const [canonicalization, method, ...references] = this.#children(signedInfo);
    if (canonicalization === undefined || !is(canonicalization, DSIG, 'CanonicalizationMethod') || method === undefined || !is(method, DSIG, 'SignatureMethod')) throw this.#fault('SignedInfo should begin with its two methods.', signedInfo);
    const other = references.find((one) => !is(one, DSIG, 'Reference'));
    if (other !== undefined) throw this.#fault(`SignedInfo has a part that is no reference: ${other.local.slice(0, 60)}.`, other);
    if (references.length > MAX_REFERENCES) throw this.#fault(`There are more than ${MAX_REFERENCES} references.`, signedInfo);
    return {
      element, id: attributeOf(element, 'Id'), signedInfo, valueElement, value: this.#base64(valueElement), method: this.#algorithm(method), canonical: this.#canonical(canonicalization),
      references: references.map((one) => this.#reference(one)), certificates: keyInfo === undefined ? [] : this.#certificates(keyInfo), objects: rest, qualifying: this.#qualifying(rest),
    };
  }

  /** Child elements; anything else but white space and comments is refused. */
  #children(element: XmlElement): XmlElement[] {
    const stray = element.children.find((one) => one.kind === 'text' && one.value.trim() !== '');
    if (stray !== undefined) throw this.#fault(`Text stands in ${element.local}, which has none.`, element);
    return element.children.filter((one) => one.kind === 'element');
  }

  #child(element: XmlElement, uri: string, local: string): XmlElement | undefined {
    return element.children.find((one): one is XmlElement => one.kind === 'element' && is(one, uri, local));
  }

  /** A value as one piece of text: what readers make of comments within differs. */
  #value(element: XmlElement): string {
    if (element.children.some(({ kind }) => kind !== 'text')) throw this.#fault(`The value of ${element.local} has something else within than text.`, element);
    return element.children.map((one) => (one.kind === 'text' ? one.value : '')).join('');
  }

  #base64(element: XmlElement): Buffer {
    const text = this.#value(element).replaceAll(/[ \t\r\n]/g, '');
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text) || text.length % 4 !== 0) throw this.#fault(`The value of ${element.local} is not base64.`, element);
    return Buffer.from(text, 'base64');
  }

  #algorithm(element: XmlElement): string {
    const algorithm = attributeOf(element, 'Algorithm');
    if (algorithm === undefined) throw this.#fault(`${element.local} names no algorithm.`, element);
    return algorithm;
  }

  #canonical(element: XmlElement): CanonicalMethod | null {
    const form = CANONICAL_FORMS.get(this.#algorithm(element));
    if (form === undefined) return null;
    const list = this.#child(element, 'http://www.w3.org/2001/10/xml-exc-c14n#', 'InclusiveNamespaces');
    const prefixes = list === undefined ? [] : (attributeOf(list, 'PrefixList') ?? '').split(/[ \t\r\n]+/).filter((one) => one !== '');
    if (prefixes.length > MAX_PREFIXES) throw this.#fault(`There are more than ${MAX_PREFIXES} inclusive prefixes.`, element);
    return { form, inclusivePrefixes: form.exclusive ? prefixes.map((one) => (one === '#default' ? '' : one)) : [] };
  }

  #reference(element: XmlElement): XmlReference {
    const parts = this.#children(element);
    const transforms = parts[0] !== undefined && is(parts[0], DSIG, 'Transforms') ? this.#children(parts.shift() as XmlElement) : [];
    const [method, value, more] = parts;
    if (method === undefined || !is(method, DSIG, 'DigestMethod') || value === undefined || !is(value, DSIG, 'DigestValue') || more !== undefined) throw this.#fault('A reference should have one digest and its method.', element);
    let leftOut: LeftOut | null = null;
    let canonical: CanonicalMethod | null = null;
    let problem: string | null = null;
    for (const transform of transforms) {
      const algorithm = this.#algorithm(transform);
      const method2 = this.#canonical(transform);
      if (!is(transform, DSIG, 'Transform')) problem ??= 'A reference has a transform that is none of the standard.';
      else if (algorithm === ENVELOPED && canonical === null && leftOut === null) leftOut = 'own';
      else if ((algorithm === XPATH || algorithm === XPATH_FILTER) && canonical === null) {
        const found = this.#filter(transform, algorithm);
        if (found === null) problem ??= 'A reference chooses by an XPath expression what is hashed, and the expression is none of those that leave signatures out: what was signed would not be what you see. That is not followed.';
        else leftOut = leftOut === 'all' ? 'all' : found;
      }
      else if (method2 !== null && canonical === null) canonical = method2;
      else if (algorithm === ENVELOPED || algorithm === XPATH || algorithm === XPATH_FILTER || method2 !== null) problem ??= 'A reference has its transforms in an order that makes no sense.';
      else problem ??= `A reference changes what it is of by ${transformName(algorithm)} before it is hashed: what was signed would not be what you see. That is not followed.`;
    }
    return { element, uri: attributeOf(element, 'URI') ?? null, leftOut, canonical, hash: digestByUri(this.#algorithm(method)) ?? null, digest: this.#base64(value), problem };
  }

  /** @returns what a transform by one XPath expression leaves out; null: something else than signatures. */
  #filter(transform: XmlElement, algorithm: string): LeftOut | null {
    const uri = algorithm === XPATH ? DSIG : XPATH_FILTER;
    const [expression, more] = this.#children(transform);
    if (expression === undefined || more !== undefined || !is(expression, uri, 'XPath')) throw this.#fault('A transform by XPath should have one expression.', transform);
    return uri === DSIG ? leftOutByXPath(this.#value(expression), expression) : leftOutByFilter(this.#value(expression), expression);
  }

  /** Certificates in KeyInfo help to find the signer's; keys that stand there alone are never taken. What cannot be read is none. */
  #certificates(keyInfo: XmlElement): Certificate[] {
    const found: Certificate[] = [];
    for (const element of elementsWithin(keyInfo)) {
      if (!is(element, DSIG, 'X509Certificate') || found.length === MAX_CERTIFICATES) continue;
      const bytes = this.#base64(element);
      try {
        found.push(new Certificate(bytes));
      } catch { /* it is nobody's */ }
    }
    return found;
  }

  #qualifying(objects: readonly XmlElement[]): QualifyingProperties | null {
    const all = objects.flatMap((one) => one.children.filter((child): child is XmlElement => child.kind === 'element' && is(child, XADES, 'QualifyingProperties')));
    const [properties, second] = all;
    if (properties === undefined) return null;
    if (second !== undefined) throw this.#fault('A signature has two sets of XAdES properties.', second);
    const signedProperties = this.#child(properties, XADES, 'SignedProperties') ?? null;
    const ofSignature = signedProperties === null ? undefined : this.#child(signedProperties, XADES, 'SignedSignatureProperties');
    const time = ofSignature === undefined ? undefined : this.#child(ofSignature, XADES, 'SigningTime');
    const unsigned = this.#child(properties, XADES, 'UnsignedProperties');
    const ofUnsigned = unsigned === undefined ? undefined : this.#child(unsigned, XADES, 'UnsignedSignatureProperties');
    return {
      target: attributeOf(properties, 'Target'), signedProperties, signingTime: time === undefined ? undefined : this.#value(time).trim(),
      signingCertificates: ofSignature === undefined ? [] : this.#signingCertificates(ofSignature),
      timestamps: ofUnsigned === undefined ? [] : ofUnsigned.children.flatMap((one) => (one.kind === 'element' && is(one, XADES, 'SignatureTimeStamp') ? this.#timestamp(one) : [])),
      hasCounterSignature: ofUnsigned !== undefined && this.#child(ofUnsigned, XADES, 'CounterSignature') !== undefined,
    };
  }

  /** SigningCertificateV2 and SigningCertificate (EN 319 132-1 §5.2.2, TS 101 903 §7.2.2): the first certificate is the signer's. */
  #signingCertificates(properties: XmlElement): QualifyingProperties['signingCertificates'] {
    return ['SigningCertificateV2', 'SigningCertificate'].flatMap((name) => {
      const list = this.#child(properties, XADES, name);
      const digest = list === undefined ? undefined : this.#child(this.#child(list, XADES, 'Cert') ?? list, XADES, 'CertDigest');
      if (list === undefined) return [];
      const method = digest === undefined ? undefined : this.#child(digest, DSIG, 'DigestMethod');
      const value = digest === undefined ? undefined : this.#child(digest, DSIG, 'DigestValue');
      if (method === undefined || value === undefined) throw this.#fault(`${name} names no certificate.`, list);
      return [{ hash: digestByUri(this.#algorithm(method)) ?? null, digest: this.#base64(value) }];
    });
  }

  #timestamp(element: XmlElement): { token: Buffer; canonical: CanonicalMethod | null }[] {
    const method = this.#child(element, DSIG, 'CanonicalizationMethod');
    const canonical = method === undefined ? { form: CANONICAL_FORMS.get(INCLUSIVE) as CanonicalForm, inclusivePrefixes: [] } : this.#canonical(method);
    return element.children.flatMap((one) => (one.kind === 'element' && is(one, XADES, 'EncapsulatedTimeStamp') ? [{ token: this.#base64(one), canonical }] : []));
  }
}
