import { notSupported } from '../../formats/malformed.ts';
import { namespaceOf, XML_NAMESPACE, type XmlAttribute, type XmlComment, type XmlDocument, type XmlElement, type XmlInstruction, type XmlNode } from './tree.ts';

/**
 * Canonical XML 1.0 and 1.1 and Exclusive XML Canonicalization 1.0 (W3C): one spelling of what a document says, which is what
 * digests are of. Of a whole document, or of one element with all that is in it.
 */

export interface CanonicalForm {
  readonly exclusive: boolean;
  readonly comments: boolean;
  readonly version: '1.0' | '1.1';
}

const FORMS: readonly (readonly [string, CanonicalForm])[] = [
  ['http://www.w3.org/2001/10/xml-exc-c14n#', { exclusive: true, comments: false, version: '1.0' }],
  ['http://www.w3.org/2001/10/xml-exc-c14n#WithComments', { exclusive: true, comments: true, version: '1.0' }],
  ['http://www.w3.org/TR/2001/REC-xml-c14n-20010315', { exclusive: false, comments: false, version: '1.0' }],
  ['http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments', { exclusive: false, comments: true, version: '1.0' }],
  ['http://www.w3.org/2006/12/xml-c14n11', { exclusive: false, comments: false, version: '1.1' }],
  ['http://www.w3.org/2006/12/xml-c14n11#WithComments', { exclusive: false, comments: true, version: '1.1' }],
];
export const CANONICAL_FORMS: ReadonlyMap<string, CanonicalForm> = new Map(FORMS);
export const EXCLUSIVE = 'http://www.w3.org/2001/10/xml-exc-c14n#';
/** What is taken where a reference names none (XMLDSig §4.4.3.2). */
export const INCLUSIVE = 'http://www.w3.org/TR/2001/REC-xml-c14n-20010315';

interface CanonicalOptions extends CanonicalForm {
  /** @returns whether an element is left out with all that is in it: an enveloped signature. */
  readonly without?: ((element: XmlElement) => boolean) | undefined;
  /** Prefixes that the exclusive form treats as the inclusive one does; '' for the default. */
  readonly inclusivePrefixes?: readonly string[];
}

/** @returns UTF-8. @throws CAPABILITY_MISSING for xml:base above the apex in version 1.1 */
export function canonicalize(apex: XmlDocument | XmlElement, options: CanonicalOptions): Buffer {
  const pieces: string[] = [];
  const writer = new Writer(pieces, options);
  if (apex.kind === 'document') writer.document(apex);
  else if (!isLeftOut(apex, options)) writer.element(apex, new Map(), true);
  return Buffer.from(pieces.join(''), 'utf8');
}

/** @returns whether an element is left out, or lies in one that is. */
export function isLeftOut(element: XmlElement, { without }: Pick<CanonicalOptions, 'without'>): boolean {
  if (without !== undefined) for (let one: XmlElement | null = element; one !== null; one = one.parent) if (without(one)) return true;
  return false;
}

class Writer {
  readonly #pieces: string[];
  readonly #options: CanonicalOptions;

  constructor(pieces: string[], options: CanonicalOptions) {
    this.#pieces = pieces;
    this.#options = options;
  }

  document({ before, root, after }: XmlDocument): void {
    for (const node of before) if (this.#aside(node)) this.#pieces.push('\n');
    if (this.#options.without?.(root) !== true) this.element(root, new Map(), true);
    for (const node of after) {
      if (node.kind === 'comment' && !this.#options.comments) continue;
      this.#pieces.push('\n');
      this.#aside(node);
    }
  }

  #aside(node: XmlComment | XmlInstruction): boolean {
    if (node.kind === 'comment' && !this.#options.comments) return false;
    this.#pieces.push(node.kind === 'comment' ? `<!--${node.value.replaceAll('\r', '&#xD;')}-->` : `<?${node.target}${node.value === '' ? '' : ` ${node.value.replaceAll('\r', '&#xD;')}`}?>`);
    return true;
  }

  /** @param rendered namespaces that elements around it have in the output. */
  element(element: XmlElement, rendered: ReadonlyMap<string, string>, isApex: boolean): void {
    const name = element.prefix === '' ? element.local : `${element.prefix}:${element.local}`;
    let now = rendered;
    const namespaces: [string, string][] = [];
    for (const prefix of this.#prefixesOf(element, isApex)) {
      const uri = namespaceOf(element, prefix);
      if (uri === undefined || prefix === 'xml' || (now.get(prefix) ?? '') === uri) continue;
      now = new Map(now).set(prefix, uri);
      namespaces.push([prefix, uri]);
    }
    this.#pieces.push('<', name);
    if (namespaces.length > 1) namespaces.sort(([a], [b]) => compare(a, b));
    for (const [prefix, uri] of namespaces) this.#pieces.push(` ${prefix === '' ? 'xmlns' : `xmlns:${prefix}`}="${escapeAttribute(uri)}"`);
    for (const { prefix, local, value } of this.#attributesOf(element, isApex)) this.#pieces.push(` ${prefix === '' ? local : `${prefix}:${local}`}="${escapeAttribute(value)}"`);
    this.#pieces.push('>');
    for (const child of element.children) this.#node(child, now);
    this.#pieces.push('</', name, '>');
  }

  #node(node: XmlNode, rendered: ReadonlyMap<string, string>): void {
    if (node.kind === 'text') this.#pieces.push(escapeText(node.value));
    else if (node.kind !== 'element') this.#aside(node);
    else if (this.#options.without?.(node) !== true) this.element(node, rendered, false);
  }

  #attributesOf(element: XmlElement, isApex: boolean): readonly XmlAttribute[] {
    const own = element.attributes;
    const all = isApex && !this.#options.exclusive ? [...own, ...this.#inherited(element)] : own;
    return all.length < 2 ? all : [...all].sort((a, b) => compare(a.uri, b.uri) || compare(a.local, b.local));
  }

  /** Which namespaces may have to be told on an element. */
  #prefixesOf(element: XmlElement, isApex: boolean): Iterable<string> {
    const { exclusive, inclusivePrefixes = [] } = this.#options;
    if (exclusive && element.attributes.length === 0 && inclusivePrefixes.length === 0) return [element.prefix];
    if (exclusive) return new Set([element.prefix, ...element.attributes.flatMap(({ prefix }) => (prefix === '' ? [] : [prefix])), ...inclusivePrefixes]);
    if (!isApex) return element.declared.keys();
    const all = new Set<string>();
    for (let one: XmlElement | null = element; one !== null; one = one.parent) for (const prefix of one.declared.keys()) all.add(prefix);
    return all;
  }

  /** Attributes of XML's own that count for what is within: xml:lang, xml:space, and all of them in version 1.0 (C14N §2.4, C14N 1.1 §2.4). */
  #inherited(apex: XmlElement): XmlAttribute[] {
    const found = new Map<string, XmlAttribute>();
    for (let one = apex.parent; one !== null; one = one.parent) {
      for (const attribute of one.attributes) {
        const { uri, local } = attribute;
        if (uri !== XML_NAMESPACE || found.has(local) || apex.attributes.some((own) => own.uri === uri && own.local === local)) continue;
        if (this.#options.version === '1.1' && local === 'base') throw notSupported('An element with xml:base is around what was signed, and Canonical XML 1.1 joins such addresses, which is not done here.');
        if (this.#options.version === '1.0' || local === 'lang' || local === 'space') found.set(local, attribute);
      }
    }
    return [...found.values()];
  }
}

/** By code points, which are in the order of their UTF-8. */
function compare(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
}

const ATTRIBUTE_ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '"': '&quot;', '\t': '&#x9;', '\n': '&#xA;', '\r': '&#xD;' };
const TEXT_ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#xD;' };
export const escapeAttribute = (value: string): string => value.replaceAll(/[&<"\t\n\r]/g, (one) => ATTRIBUTE_ESCAPES[one] as string);
const escapeText = (value: string): string => value.replaceAll(/[&<>\r]/g, (one) => TEXT_ESCAPES[one] as string);
