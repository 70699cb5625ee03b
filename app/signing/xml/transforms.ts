import { DSIG } from './names.ts';
import { attributeOf, isElement, namespaceOf, type XmlElement } from './tree.ts';

/**
 * Transforms that leave signatures out of what is hashed. The enveloped-signature transform (XMLDSig 1.1 §6.6.4) leaves out its own
 * one alone, so that a signature which is added later breaks it. What leaves out all of them is written by XPath (§6.6.3) or by XPath
 * Filter 2.0: the few expressions that say so are known by their text. None is evaluated, so that no other can choose what is seen.
 */

/** The signature that the reference is in; or every signature, with what stands in it. */
export type LeftOut = 'own' | 'all';

/** What a filter subtracts to leave out all of them. */
export const ALL_SIGNATURES = '/descendant::ds:Signature';

/** Prefixes are written as `P` here, and all must be bound to XMLDSig. */
const BY_XPATH: ReadonlyMap<string, LeftOut> = new Map([
  ['not(ancestor-or-self::P:Signature)', 'all'],
  // XMLDSig's own way to say what enveloped-signature does (§6.6.4).
  ['count(ancestor-or-self::P:Signature|here()/ancestor::P:Signature[1])>count(ancestor-or-self::P:Signature)', 'own'],
]);
const BY_SUBTRACTING: ReadonlyMap<string, LeftOut> = new Map([
  ['/descendant::P:Signature', 'all'], ['//P:Signature', 'all'], ['/descendant-or-self::P:Signature', 'all'], ['/descendant-or-self::node()/P:Signature', 'all'],
  ['here()/ancestor::P:Signature[1]', 'own'],
]);

/** @returns what an expression of XPath leaves out; null: it is another one. */
export function leftOutByXPath(text: string, element: XmlElement): LeftOut | null {
  return BY_XPATH.get(spelled(text, element)) ?? null;
}

/** @returns what an expression of XPath Filter 2.0 leaves out; null: it is another one, or chooses what is kept. */
export function leftOutByFilter(text: string, element: XmlElement): LeftOut | null {
  return attributeOf(element, 'Filter') === 'subtract' ? (BY_SUBTRACTING.get(spelled(text, element)) ?? null) : null;
}

/** @returns which elements are left out, of a signature's reference. */
export function isOut(leftOut: LeftOut | null, own: XmlElement): ((element: XmlElement) => boolean) | undefined {
  if (leftOut === null) return undefined;
  return leftOut === 'own' ? (element) => element === own : (element) => isElement(element, DSIG, 'Signature');
}

/** White space means nothing between these tokens, none of which is a word beside a word. */
function spelled(text: string, element: XmlElement): string {
  return text.replaceAll(/[ \t\r\n]/g, '').replaceAll(/([A-Za-z_][\w.-]*):(?=Signature\b)/g, (whole, prefix: string) => (namespaceOf(element, prefix) === DSIG ? 'P:' : whole));
}
