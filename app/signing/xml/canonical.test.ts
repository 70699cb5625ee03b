import { describe, expect, test } from 'vitest';
import { CANONICAL_FORMS, canonicalize, type CanonicalForm } from './canonical.ts';
import { decodeXml, parseXml } from './parse.ts';
import { elementsWithin } from './tree.ts';

const form = (uri: string): CanonicalForm => CANONICAL_FORMS.get(uri) as CanonicalForm;
const INCLUSIVE = form('http://www.w3.org/TR/2001/REC-xml-c14n-20010315');
const WITH_COMMENTS = form('http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments');
const VERSION_11 = form('http://www.w3.org/2006/12/xml-c14n11');
const EXCLUSIVE = form('http://www.w3.org/2001/10/xml-exc-c14n#');
const canonical = (text: string, by: CanonicalForm = INCLUSIVE): string => canonicalize(parseXml(text), by).toString();
const part = (text: string, local: string, by: CanonicalForm, inclusivePrefixes: readonly string[] = []): string => canonicalize([...elementsWithin(parseXml(text).root)].find((one) => one.local === local)!, { ...by, inclusivePrefixes }).toString();

describe('the examples of Canonical XML 1.0 §3, without document types', () => {
  test('§3.1: instructions, comments, and what is outside of the document element', () => {
    const document = '<?xml version="1.0"?>\n\n<?xml-stylesheet   href="doc.xsl"\n   type="text/xsl"   ?>\n\n<doc>Hello, world!<!-- Comment 1 --></doc>\n\n<?pi-without-data     ?>\n\n<!-- Comment 2 -->\n\n<!-- Comment 3 -->';
    expect(canonical(document)).toBe('<?xml-stylesheet href="doc.xsl"\n   type="text/xsl"   ?>\n<doc>Hello, world!</doc>\n<?pi-without-data?>');
    expect(canonical(document, WITH_COMMENTS)).toBe('<?xml-stylesheet href="doc.xsl"\n   type="text/xsl"   ?>\n<doc>Hello, world!<!-- Comment 1 --></doc>\n<?pi-without-data?>\n<!-- Comment 2 -->\n<!-- Comment 3 -->');
  });

  test('§3.2: white space is kept', () => {
    const document = '<doc>\n   <clean>   </clean>\n   <dirty>   A   B   </dirty>\n   <mixed>\n      A\n      <clean>   </clean>\n      B\n      <dirty>   A   B   </dirty>\n      C\n   </mixed>\n</doc>';
    expect(canonical(document)).toBe(document);
    expect(canonical(document.replaceAll('\n', '\r\n'))).toBe(document);
  });

  test('§3.3: tags, namespaces and the order of attributes', () => {
    expect(canonical('<doc>\n   <e1   />\n   <e2   ></e2>\n   <e3   name = "elem3"   id="elem3"   />\n   <e4   name="elem4"   id="elem4"   ></e4>\n   <e5 a:attr="out" b:attr="sorted" attr2="all" attr="I\'m"\n      xmlns:b="http://www.ietf.org"\n      xmlns:a="http://www.w3.org"\n      xmlns="http://example.org"/>\n   <e6 xmlns="" xmlns:a="http://www.w3.org">\n      <e7 xmlns="http://www.ietf.org">\n         <e8 xmlns="" xmlns:a="http://www.w3.org">\n            <e9 xmlns="" xmlns:a="http://www.ietf.org"/>\n         </e8>\n      </e7>\n   </e6>\n</doc>'))
      .toBe('<doc>\n   <e1></e1>\n   <e2></e2>\n   <e3 id="elem3" name="elem3"></e3>\n   <e4 id="elem4" name="elem4"></e4>\n   <e5 xmlns="http://example.org" xmlns:a="http://www.w3.org" xmlns:b="http://www.ietf.org" attr="I\'m" attr2="all" b:attr="sorted" a:attr="out"></e5>\n   <e6 xmlns:a="http://www.w3.org">\n      <e7 xmlns="http://www.ietf.org">\n         <e8 xmlns="">\n            <e9 xmlns:a="http://www.ietf.org"></e9>\n         </e8>\n      </e7>\n   </e6>\n</doc>');
  });

  test('§3.4: characters, references and CDATA', () => {
    expect(canonical('<doc>\n   <text>First line&#x0d;&#10;Second line</text>\n   <value>&#x32;</value>\n   <compute><![CDATA[value>"0" && value<"10" ?"valid":"error"]]></compute>\n   <compute expr=\'value>"0" &amp;&amp; value&lt;"10" ?"valid":"error"\'>valid</compute>\n   <norm attr=\' &apos;   &#x20;&#13;&#xa;&#9;   &apos; \'/>\n</doc>'))
      .toBe('<doc>\n   <text>First line&#xD;\nSecond line</text>\n   <value>2</value>\n   <compute>value&gt;"0" &amp;&amp; value&lt;"10" ?"valid":"error"</compute>\n   <compute expr="value>&quot;0&quot; &amp;&amp; value&lt;&quot;10&quot; ?&quot;valid&quot;:&quot;error&quot;">valid</compute>\n   <norm attr=" \'    &#xD;&#xA;&#x9;   \' "></norm>\n</doc>');
  });

  test('§3.6: what comes out is UTF-8', () => {
    expect(canonicalize(parseXml('<doc>&#169;</doc>'), INCLUSIVE)).toEqual(Buffer.from('<doc>©</doc>'));
    expect(canonical(decodeXml(Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('<?xml version="1.0" encoding="UTF-16"?><doc>©</doc>', 'utf16le')])))).toBe('<doc>©</doc>');
  });
});

describe('an element of a document', () => {
  // Exclusive XML Canonicalization 1.0 §2.2.
  const outer = (more: string): string => `<n0:local xmlns:n0="http://foobar.org" xmlns:n3="ftp://example.org">\n  <n1:elem2 xmlns:n1="http://example.net" xml:lang="en">\n    <n3:stuff xmlns:n3="ftp://example.org"/>\n  </n1:elem2>${more}</n0:local>`;

  test('carries its surroundings along in the inclusive form, and leaves them in the exclusive one', () => {
    expect(part(outer(''), 'elem2', INCLUSIVE)).toBe('<n1:elem2 xmlns:n0="http://foobar.org" xmlns:n1="http://example.net" xmlns:n3="ftp://example.org" xml:lang="en">\n    <n3:stuff></n3:stuff>\n  </n1:elem2>');
    expect(part(outer(''), 'elem2', EXCLUSIVE)).toBe('<n1:elem2 xmlns:n1="http://example.net" xml:lang="en">\n    <n3:stuff xmlns:n3="ftp://example.org"></n3:stuff>\n  </n1:elem2>');
    expect(part(outer(''), 'elem2', EXCLUSIVE, ['n0'])).toContain('<n1:elem2 xmlns:n0="http://foobar.org" xmlns:n1="http://example.net" xml:lang="en">');
  });

  test('inherits attributes of XML’s own: all in version 1.0, language and space in 1.1', () => {
    const document = '<a xml:lang="en" xml:id="x" xml:space="preserve"><b xml:lang="de"/></a>';
    expect(part(document, 'b', INCLUSIVE)).toBe('<b xml:id="x" xml:lang="de" xml:space="preserve"></b>');
    expect(part(document, 'b', VERSION_11)).toBe('<b xml:lang="de" xml:space="preserve"></b>');
    expect(part(document, 'b', EXCLUSIVE)).toBe('<b xml:lang="de"></b>');
  });

  test('a default namespace that was taken back is told where it counts', () => {
    expect(part('<a xmlns="urn:a"><b xmlns=""><c xmlns="urn:c"><d xmlns=""/></c></b></a>', 'b', EXCLUSIVE)).toBe('<b><c xmlns="urn:c"><d xmlns=""></d></c></b>');
  });
});

describe('what is not well-formed is refused, with the line', () => {
  test.each([
    ['nothing', ''], ['text alone', 'x'], ['two roots', '<a/><b/>'], ['text behind', '<a/>x'], ['an element that does not end', '<a>'], ['end tags crossed', '<a><b></a></b>'], ['another end tag', '<a></b>'],
    ['an attribute twice', '<a x="1" x="2"/>'], ['an attribute twice by namespace', '<a xmlns:p="u" xmlns:q="u" p:x="1" q:x="2"/>'], ['no quotes', '<a x=1/>'], ['< in a value', '<a x="<"/>'], ['no space between', '<a x="1"y="2"/>'],
    ['a prefix that is not declared', '<p:a/>'], ['one of an attribute', '<a p:x="1"/>'], ['xmlns declared', '<a xmlns:xmlns="u"/>'], ['a prefix taken back', '<a xmlns:p="u"><b xmlns:p=""/></a>'],
    ['an entity', '<a>&eve;</a>'], ['a reference that does not end', '<a>&#x41</a>'], ['a reference to nothing', '<a>&#0;</a>'], ['half a character', '<a>&#xD800;</a>'], ['beyond Unicode', '<a>&#x110000;</a>'], ['an ampersand', '<a>a & b</a>'],
    [']]> in text', '<a>]]></a>'], ['a control character', '<a>\u0001</a>'], ['a comment with --', '<a><!-- a -- b --></a>'], ['a comment that does not end', '<a><!-- '], ['a declaration within', '<a><?xml version="1.0"?></a>'], ['CDATA that does not end', '<a><![CDATA[x</a>'], ['too deep', '<a>'.repeat(300)],
  ])('%s', (_, text) => {
    expect(() => parseXml(text)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
  });

  test('document types are not read at all: no entity grows, nothing is fetched', () => {
    const laughs = `<!DOCTYPE lolz [<!ENTITY lol "lol">${Array.from({ length: 9 }, (_, n) => `<!ENTITY lol${n + 1} "${`&lol${n === 0 ? '' : n};`.repeat(10)}">`).join('')}]><lolz>&lol9;</lolz>`;
    for (const text of [laughs, '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', '<!DOCTYPE a SYSTEM "http://127.0.0.1/a.dtd"><a/>', '<?xml version="1.0"?><!-- c --><!DOCTYPE a><a/>']) expect(() => parseXml(text)).toThrow(expect.objectContaining({ code: 'CAPABILITY_MISSING', message: expect.stringContaining('DTD') }));
  });

  test('encodings that are not what they say', () => {
    for (const bytes of [Buffer.from([0x3c, 0x61, 0xff, 0x2f, 0x3e]), Buffer.from('<?xml version="1.0" encoding="UTF-16"?><a/>'), Buffer.from('<?xml version="1.0" encoding="ISO-8859-1"?><a>\u00e4</a>', 'latin1')]) expect(() => decodeXml(bytes)).toThrow(expect.objectContaining({ code: expect.stringMatching(/INVALID_INPUT|CAPABILITY_MISSING/) }));
    expect(() => parseXml('<?xml version="1.1"?><a/>')).toThrow(expect.objectContaining({ code: 'CAPABILITY_MISSING' }));
  });

  test('large documents take time and memory in proportion', () => {
    const many = `<a>${'<b x="1">text &amp; more</b>'.repeat(20_000)}</a>`;
    expect(canonical(many)).toBe(many);
    expect(() => parseXml(`<a>${'<b/>'.repeat(500_001)}</a>`)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
    expect(() => parseXml(`<a ${Array.from({ length: 2000 }, (_, n) => `x${n}=""`).join(' ')}/>`)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
  });
});
