import { createHash } from 'node:crypto';
import { CANONICAL_FORMS, canonicalize, type CanonicalForm, INCLUSIVE, isLeftOut } from './canonical.ts';
import type { XmlHash } from './names.ts';
import type { XmlReference, XmlSignature } from './read.ts';
import { isOut } from './transforms.ts';
import { attributeOf, describeElement, elementsWithin, isId, isWithin, type XmlDocument, type XmlElement } from './tree.ts';

/** Follows the references of a signature within its document (XMLDSig 1.1 §3.2.1, §4.4.3): whether each digest fits, and what they cover. */

/** A reference to something outside of the document. */
export interface OutsideReference {
  readonly uri: string;
  readonly hash: XmlHash;
  readonly digest: Buffer;
}

/** What a signature is of, where every digest fits. */
export interface Content {
  readonly covered: readonly (XmlElement | XmlDocument)[];
  readonly outside: readonly OutsideReference[];
  readonly weak: string | null;
  /** `own`: the whole document but for this signature; `all`: but for every signature in it; `held`: all that the signature holds, which is the document. Null: a part. */
  readonly whole: 'own' | 'all' | 'held' | null;
}

/** @returns each id with the elements that have it. */
export function idsIn({ root }: XmlDocument): Map<string, XmlElement[]> {
  const ids = new Map<string, XmlElement[]>();
  for (const element of elementsWithin(root)) for (const attribute of element.attributes) if (isId(attribute)) ids.set(attribute.value, [...(ids.get(attribute.value) ?? []), element]);
  return ids;
}

/** @returns what a signature is of; or in a sentence what does not fit, or is not followed. */
export function contentOf(document: XmlDocument, ids: ReadonlyMap<string, readonly XmlElement[]>, { references, qualifying, element, objects }: XmlSignature): Content | string {
  const { root } = document;
  if (references.length === 0) return 'The signature signs nothing: it has no references.';
  const covered: (XmlElement | XmlDocument)[] = [];
  const outside: OutsideReference[] = [];
  let weak: string | null = null;
  let whole: Content['whole'] = null;
  for (const reference of references) {
    const { uri, hash, digest, problem, leftOut } = reference;
    if (problem !== null) return problem;
    if (uri === null) return 'A reference does not say what it is of.';
    if (hash === null) return 'A reference names a digest that Keywright does not know.';
    if (hash === 'sha1') weak = 'What was signed is hashed by SHA-1, which is broken: another document with the same digest can be made.';
    if (uri !== '' && !uri.startsWith('#')) {
      if (leftOut !== null || reference.canonical !== null) return `The reference to “${uri.slice(0, 100)}” changes the file before it is hashed. That is not followed.`;
      outside.push({ uri, hash, digest });
      continue;
    }
    const target = uri === '' ? document : targetOf(uri, document, ids);
    if (typeof target === 'string') return target;
    if (isLeftOut(target.kind === 'document' ? root : target, { without: isOut(leftOut, element) })) return 'A reference leaves out all that it is of: nothing would be signed by it.';
    if (!createHash(hash).update(canonicalTarget(target, reference, element)).digest().equals(digest)) return `${target.kind === 'document' ? 'The document' : `The element ${describeElement(target, document.text)}`} was changed after it was signed.`;
    covered.push(target);
    if ((target === document || target === root) && whole !== 'own') whole = leftOut ?? 'own';
  }
  if (qualifying !== null) {
    if (qualifying.signedProperties === null || !covered.includes(qualifying.signedProperties)) return 'The XAdES properties of the signature (its time, its certificate) are not signed: somebody may have added them.';
    if (qualifying.target !== undefined && qualifying.target !== `#${attributeOf(element, 'Id')}`) return 'The XAdES properties are those of another signature.';
  }
  const own = covered.filter((one) => one.kind === 'element' && (one === qualifying?.signedProperties || one.local === 'KeyInfo' && isWithin(one, element)));
  if (covered.length === own.length && outside.length === 0) return 'The signature signs nothing but its own properties.';
  return { covered, outside, weak, whole: whole ?? (element === root && holdsAll(objects, covered, qualifying?.signedProperties ?? null) ? 'held' : null) };
}

/** Whether all that a signature holds is signed, but for the object with its properties. */
function holdsAll(objects: readonly XmlElement[], covered: readonly (XmlElement | XmlDocument)[], properties: XmlElement | null): boolean {
  const held = objects.filter((one) => properties === null || !isWithin(properties, one));
  return held.length > 0 && held.every((one) => covered.includes(one));
}

function targetOf(uri: string, { text }: XmlDocument, ids: ReadonlyMap<string, readonly XmlElement[]>): XmlElement | string {
  const id = uri.slice(1);
  if (/[()]/.test(id)) return 'A reference finds what it is of by XPointer, which is not followed.';
  const [found, second] = ids.get(id) ?? [];
  if (found === undefined) return `What the signature is of is not there: no element has the id “${id.slice(0, 100)}”.`;
  return second === undefined ? found : `Two elements have the id “${id.slice(0, 100)}”, ${describeElement(found, text)} and ${describeElement(second, text)}: which one was signed cannot be told.`;
}

function canonicalTarget(target: XmlElement | XmlDocument, { leftOut, canonical }: XmlReference, own: XmlElement): Buffer {
  const { form, inclusivePrefixes } = canonical ?? { form: CANONICAL_FORMS.get(INCLUSIVE) as CanonicalForm, inclusivePrefixes: [] };
  // References of this kind leave comments out, whatever the canonical form (XMLDSig §4.4.3.3).
  return canonicalize(target, { ...form, inclusivePrefixes, comments: false, without: isOut(leftOut, own) });
}
