/** An XML document as it was parsed: what canonical forms and signatures need of it (XML 1.0, Namespaces in XML 1.0). */

export interface XmlAttribute {
  readonly prefix: string;
  readonly local: string;
  /** Of its namespace; '' without a prefix. */
  readonly uri: string;
  readonly value: string;
}

export interface XmlElement {
  readonly kind: 'element';
  readonly prefix: string;
  readonly local: string;
  readonly uri: string;
  readonly attributes: readonly XmlAttribute[];
  /** Declared on this element: by prefix, '' for the default. */
  readonly declared: ReadonlyMap<string, string>;
  readonly parent: XmlElement | null;
  readonly children: XmlNode[];
  /** Where it begins in the text. */
  readonly from: number;
  /** Where its end tag begins; for `<a/>` where the slash is. */
  endTag: number;
  /** Whether it is written `<a/>`. */
  isEmptyTag: boolean;
}

interface XmlText { readonly kind: 'text'; readonly value: string }
export interface XmlComment { readonly kind: 'comment'; readonly value: string }
export interface XmlInstruction { readonly kind: 'instruction'; readonly target: string; readonly value: string }
export type XmlNode = XmlElement | XmlText | XmlComment | XmlInstruction;

export interface XmlDocument {
  readonly kind: 'document';
  readonly before: readonly (XmlComment | XmlInstruction)[];
  readonly root: XmlElement;
  readonly after: readonly (XmlComment | XmlInstruction)[];
  readonly text: string;
}

export const XML_NAMESPACE = 'http://www.w3.org/XML/1998/namespace';
export const XMLNS_NAMESPACE = 'http://www.w3.org/2000/xmlns/';

export function* elementsWithin(element: XmlElement): Generator<XmlElement> {
  yield element;
  for (const child of element.children) if (child.kind === 'element') yield* elementsWithin(child);
}

export const isElement = (element: XmlElement, uri: string, local: string): boolean => element.uri === uri && element.local === local;

export function isWithin(element: XmlElement, ancestor: XmlElement): boolean {
  for (let one: XmlElement | null = element; one !== null; one = one.parent) if (one === ancestor) return true;
  return false;
}

/** @returns a namespace's URI for a prefix; undefined: it is not declared. */
export function namespaceOf(element: XmlElement | null, prefix: string): string | undefined {
  if (prefix === 'xml') return XML_NAMESPACE;
  for (let one = element; one !== null; one = one.parent) {
    const uri = one.declared.get(prefix);
    if (uri !== undefined) return uri;
  }
  return prefix === '' ? '' : undefined;
}

export function attributeOf(element: XmlElement, local: string): string | undefined {
  return element.attributes.find((one) => one.uri === '' && one.local === local)?.value;
}

export function lineOf(text: string, at: number): number {
  let line = 1;
  for (let found = text.indexOf('\n'); found >= 0 && found < at; found = text.indexOf('\n', found + 1)) line += 1;
  return line;
}

/** @returns how a person finds an element: its name, its id if it has one, and its line. */
export function describeElement(element: XmlElement, text: string): string {
  const name = element.prefix === '' ? element.local : `${element.prefix}:${element.local}`;
  const id = idOf(element);
  return `<${name.slice(0, 100)}>${id === undefined ? '' : ` with the id “${id.slice(0, 100)}”`} in line ${lineOf(text, element.from)}`;
}

/** Attributes that are taken for ids without a document type that says so. */
function idOf({ attributes }: XmlElement): string | undefined {
  return attributes.find(isId)?.value;
}

export function isId({ uri, local }: XmlAttribute): boolean {
  return (uri === '' && (local === 'Id' || local === 'ID' || local === 'id')) || (uri === XML_NAMESPACE && local === 'id');
}
