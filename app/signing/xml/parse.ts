import type { KeywrightError } from '../../contract/index.ts';
import { malformedAt, notSupported } from '../../formats/malformed.ts';
import { lineOf, namespaceOf, XML_NAMESPACE, type XmlAttribute, type XmlComment, type XmlDocument, type XmlElement, type XmlInstruction, XMLNS_NAMESPACE } from './tree.ts';

/**
 * Parses XML 1.0 with namespaces, strictly and without any document type: no entity but the five of XML itself is ever
 * expanded and nothing outside is fetched, so that neither XXE nor entities that grow without bounds exist here. What is not
 * well-formed is refused: programs that mend it mend it in different ways, and a signature is of one reading.
 */
export const MAX_XML = 16 * 1024 * 1024;
const MAX_DEPTH = 200;
const MAX_ATTRIBUTES = 1000;
const MAX_NODES = 500_000;

const NAME_START = 'A-Z_a-z\\u00C0-\\u00D6\\u00D8-\\u00F6\\u00F8-\\u02FF\\u0370-\\u037D\\u037F-\\u1FFF\\u200C\\u200D\\u2070-\\u218F\\u2C00-\\u2FEF\\u3001-\\uD7FF\\uF900-\\uFDCF\\uFDF0-\\uFFFD\\u{10000}-\\u{EFFFF}';
const NC_NAME = `[${NAME_START}][${NAME_START}\\-.0-9\\u00B7\\u0300-\\u036F\\u203F-\\u2040]*`;
const QUALIFIED = new RegExp(`(?:(${NC_NAME}):)?(${NC_NAME})`, 'uy');
const ATTRIBUTE = new RegExp(`([ \\t\\r\\n]+)(?:(${NC_NAME}):)?(${NC_NAME})[ \\t\\r\\n]*=[ \\t\\r\\n]*(?:"([^"<]*)"|'([^'<]*)')`, 'uy');
const TAG_END = /[ \t\r\n]*(\/?>)/y;
const DECLARATION = /^\uFEFF?<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:"([^"]*)"|'([^']*)')(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?:"([^"]*)"|'([^']*)'))?(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:"(?:yes|no)"|'(?:yes|no)'))?[ \t\r\n]*\?>/;
const NO_CHARACTER = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;
const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/** @returns the text of a file in UTF-8 or UTF-16. A byte order mark stays in it. @throws INVALID_INPUT, CAPABILITY_MISSING for other encodings */
export function decodeXml(bytes: Uint8Array): string {
  if (bytes.length > MAX_XML) throw malformedAt('offset 0', `The XML document has ${bytes.length} bytes; ${MAX_XML} are the most here.`, 'Sign it detached.');
  const [first = 0, second = 0] = bytes;
  const encoding = first === 0xfe && second === 0xff ? 'utf-16be' : first === 0xff && second === 0xfe ? 'utf-16le' : 'utf-8';
  let text: string;
  try {
    text = new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw malformedAt('offset 0', `The XML document is not in ${encoding.toUpperCase()}.`, 'Convert it to UTF-8, and say so in its first line.');
  }
  const [, , , double, single] = DECLARATION.exec(text) ?? [];
  const told = (double ?? single)?.toLowerCase();
  if (told !== undefined && told !== encoding && !(encoding === 'utf-8' && told === 'us-ascii' && bytes.every((byte) => byte < 0x80)) && !(encoding.startsWith('utf-16') && told === 'utf-16')) throw notSupported(`The XML document says that it is in ${told.slice(0, 40)}.`, 'Convert it to UTF-8, and say so in its first line.');
  return text;
}

/** @throws INVALID_INPUT with the line for what is not well-formed, CAPABILITY_MISSING for a document type */
export function parseXml(text: string): XmlDocument {
  return new Parser(text).document();
}

class Parser {
  readonly #text: string;
  #at = 0;
  #nodes = 0;

  constructor(text: string) {
    this.#text = text;
  }

  #fault(detail: string, at = this.#at): KeywrightError {
    return malformedAt(`line ${lineOf(this.#text, at)}`, `The XML is not well-formed: ${detail}`);
  }

  document(): XmlDocument {
    const bad = NO_CHARACTER.exec(this.#text);
    if (bad !== null) throw this.#fault('a character is in it that XML does not have.', bad.index);
    const declaration = DECLARATION.exec(this.#text);
    if (declaration !== null) {
      if ((declaration[1] ?? declaration[2]) !== '1.0') throw notSupported('The document is of another version of XML than 1.0.');
      this.#at = declaration[0].length;
    } else if (this.#text.startsWith('\uFEFF')) this.#at = 1;
    const before = this.#aside();
    if (this.#text[this.#at] !== '<') throw this.#fault('there is no element.');
    const root = this.#elements();
    const after = this.#aside();
    if (this.#at < this.#text.length) throw this.#fault('something follows the document’s element.');
    return { kind: 'document', before, root, after, text: this.#text };
  }

  /** Comments and instructions beside the root. */
  #aside(): (XmlComment | XmlInstruction)[] {
    const found: (XmlComment | XmlInstruction)[] = [];
    for (;;) {
      while (/[ \t\r\n]/.test(this.#text[this.#at] ?? '')) this.#at += 1;
      if (this.#text.startsWith('<!--', this.#at)) found.push(this.#comment());
      else if (this.#text.startsWith('<?', this.#at)) found.push(this.#instruction());
      else if (this.#text.startsWith('<!DOCTYPE', this.#at)) throw notSupported('The document has a document type (DTD), which could change what it says by entities, and fetch from elsewhere. It is not read.', 'Take the <!DOCTYPE …> out; signed XML needs none.');
      else return found;
    }
  }

  #count(): void {
    if ((this.#nodes += 1) > MAX_NODES) throw this.#fault(`it has more than ${MAX_NODES} parts.`);
  }

  #until(end: string, what: string): string {
    const to = this.#text.indexOf(end, this.#at);
    if (to < 0) throw this.#fault(`${what} does not end.`);
    const content = this.#text.slice(this.#at, to);
    this.#at = to + end.length;
    return content;
  }

  #comment(): XmlComment {
    this.#count();
    this.#at += 4;
    const value = this.#until('--', 'a comment');
    if (this.#text[this.#at] !== '>') throw this.#fault('a comment has two hyphens within.');
    this.#at += 1;
    return { kind: 'comment', value: newlines(value) };
  }

  #instruction(): XmlInstruction {
    this.#count();
    const from = this.#at;
    this.#at += 2;
    const [, target = '', , value = ''] = new RegExp(`^(${NC_NAME})([ \\t\\r\\n]+([^]*))?$`, 'u').exec(this.#until('?>', 'an instruction')) ?? [];
    if (target === '' || target.toLowerCase() === 'xml') throw this.#fault('an instruction has no name, or one that it must not have.', from);
    return { kind: 'instruction', target, value: newlines(value) };
  }

  /** The root and all within, without recursion. */
  #elements(): XmlElement {
    const root = this.#startTag(null);
    let open: XmlElement | null = root.isEmptyTag ? null : root;
    let depth = 1;
    while (open !== null) {
      if (this.#at >= this.#text.length) throw this.#fault(`<${open.local}> does not end.`);
      if (this.#text[this.#at] !== '<') {
        this.#characters(open);
      } else if (this.#text.startsWith('</', this.#at)) {
        this.#endTag(open);
        open = open.parent;
        depth -= 1;
      } else if (this.#text.startsWith('<!--', this.#at)) open.children.push(this.#comment());
      else if (this.#text.startsWith('<![CDATA[', this.#at)) {
        this.#at += 9;
        this.#addText(open, newlines(this.#until(']]>', 'a CDATA section')));
      } else if (this.#text.startsWith('<?', this.#at)) open.children.push(this.#instruction());
      else {
        const child = this.#startTag(open);
        open.children.push(child);
        if (child.isEmptyTag) continue;
        open = child;
        if ((depth += 1) > MAX_DEPTH) throw this.#fault(`its elements lie in each other more than ${MAX_DEPTH} deep.`);
      }
    }
    return root;
  }

  #startTag(parent: XmlElement | null): XmlElement {
    this.#count();
    const from = this.#at;
    QUALIFIED.lastIndex = from + 1;
    const name = QUALIFIED.exec(this.#text);
    if (name === null) throw this.#fault('a tag has no name.');
    this.#at = QUALIFIED.lastIndex;
    const written: { prefix: string; local: string; value: string }[] = [];
    const declared = new Map<string, string>();
    for (;;) {
      ATTRIBUTE.lastIndex = this.#at;
      const found = ATTRIBUTE.exec(this.#text);
      if (found === null) break;
      const [, , prefix = '', local = '', double, single] = found;
      const value = this.#expand(attributeSpace(double ?? single ?? ''), this.#at);
      if (prefix === 'xmlns' || (prefix === '' && local === 'xmlns')) this.#declare(declared, prefix === '' ? '' : local, value);
      else written.push({ prefix, local, value });
      this.#at = ATTRIBUTE.lastIndex;
      if (written.length + declared.size > MAX_ATTRIBUTES) throw this.#fault(`an element has more than ${MAX_ATTRIBUTES} attributes.`);
    }
    TAG_END.lastIndex = this.#at;
    const end = TAG_END.exec(this.#text);
    if (end === null) throw this.#fault(`the tag <${(name[2] as string).slice(0, 50)}> is malformed.`);
    this.#at = TAG_END.lastIndex;
    const [, prefix = '', local = ''] = name;
    const isEmptyTag = end[1] === '/>';
    const bare = { kind: 'element' as const, prefix, local, uri: '', attributes: [] as XmlAttribute[], declared, parent, children: [], from, endTag: isEmptyTag ? this.#at - 2 : -1, isEmptyTag };
    const uriOf = (of: string): string => {
      const uri = of === 'xmlns' ? undefined : namespaceOf(bare, of);
      if (uri === undefined) throw this.#fault(`the prefix ${of} is not declared.`, from);
      return uri;
    };
    bare.uri = uriOf(prefix);
    if (written.length === 0) return bare;
    const seen = new Set<string>();
    for (const one of written) {
      const uri = one.prefix === '' ? '' : uriOf(one.prefix);
      const key = `${uri} ${one.local}`;
      if (seen.has(key)) throw this.#fault(`the attribute ${one.local} is there twice.`, from);
      seen.add(key);
      bare.attributes.push({ ...one, uri });
    }
    return bare;
  }

  #declare(declared: Map<string, string>, prefix: string, uri: string): void {
    const isXml = prefix === 'xml' || uri === XML_NAMESPACE;
    if (declared.has(prefix) || prefix === 'xmlns' || uri === XMLNS_NAMESPACE || (prefix !== '' && uri === '') || (isXml && !(prefix === 'xml' && uri === XML_NAMESPACE))) throw this.#fault(`the namespace of the prefix “${prefix}” must not be declared so.`);
    if (!isXml) declared.set(prefix, uri);
  }

  #endTag(open: XmlElement): void {
    const name = open.prefix === '' ? open.local : `${open.prefix}:${open.local}`;
    open.endTag = this.#at;
    const rest = this.#text.slice(this.#at + 2, this.#at + 2 + name.length);
    TAG_END.lastIndex = this.#at + 2 + name.length;
    const end = TAG_END.exec(this.#text);
    if (rest !== name || end === null || end[1] !== '>') throw this.#fault(`<${name.slice(0, 50)}> is not closed by its own end tag.`);
    this.#at = TAG_END.lastIndex;
  }

  #characters(parent: XmlElement): void {
    const to = this.#text.indexOf('<', this.#at);
    if (to < 0) throw this.#fault(`<${parent.local}> does not end.`);
    const raw = this.#text.slice(this.#at, to);
    if (raw.includes(']]>')) throw this.#fault(']]> stands in text.');
    this.#addText(parent, this.#expand(newlines(raw), this.#at));
    this.#at = to;
  }

  /** Text and CDATA beside each other are one. */
  #addText(parent: XmlElement, value: string): void {
    const last = parent.children.at(-1);
    if (last?.kind === 'text') parent.children[parent.children.length - 1] = { kind: 'text', value: last.value + value };
    else {
      this.#count();
      parent.children.push({ kind: 'text', value });
    }
  }

  #expand(raw: string, at: number): string {
    if (!raw.includes('&')) return raw;
    return raw.replaceAll(/&(?:#(\d{1,7});|#x([0-9A-Fa-f]{1,6});|(\w+);)?/g, (_, decimal?: string, hex?: string, name?: string) => {
      if (name !== undefined && Object.hasOwn(ENTITIES, name)) return ENTITIES[name] as string;
      if (name !== undefined) throw this.#fault(`the entity &${name.slice(0, 40)}; is not one of XML’s own.`, at);
      const code = decimal === undefined && hex === undefined ? Number.NaN : decimal === undefined ? Number.parseInt(hex as string, 16) : Number(decimal);
      const character = code <= 0x10ffff ? String.fromCodePoint(code) : '';
      if (character === '' || (code >= 0xd800 && code <= 0xdfff) || NO_CHARACTER.test(character)) throw this.#fault('a character reference names no character.', at);
      return character;
    });
  }
}

/** Line ends are one line feed each (XML 1.0 §2.11). */
function newlines(text: string): string {
  return text.includes('\r') ? text.replaceAll(/\r\n?/g, '\n') : text;
}

/** White space in attributes is a space, unless it is written as a reference (XML 1.0 §3.3.3). */
function attributeSpace(text: string): string {
  return newlines(text).replaceAll(/[\t\n]/g, ' ');
}
