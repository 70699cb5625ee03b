import { createHash, createHmac, sign } from 'node:crypto';
import { keyUsageOf } from '../../certificates/making/extensions.ts';
import { type Forged, leaf, list, p256, pairOf, root } from '../../certificates/testing/forge.ts';
import { CANONICAL_FORMS, canonicalize, type CanonicalForm, EXCLUSIVE, INCLUSIVE } from '../../signing/xml/canonical.ts';
import { DSIG, ENVELOPED, SIGNED_PROPERTIES, XADES } from '../../signing/xml/names.ts';
import { parseXml } from '../../signing/xml/parse.ts';
import { elementsWithin } from '../../signing/xml/tree.ts';
import { type Asks, judgeFamily, Tables } from './testing/family.ts';

/** XML signatures and XAdES: enveloped, enveloping, of a part and detached; the canonical forms, the eight wrappings of the literature (XSW1 to 8), and what is said to be signed. */

const tables = new Tables();
const top = root();
const keys = { ec: p256(), rsa: pairOf('rsa', { modulusLength: 2048 }) };
const person = (name: string, pair: Forged['keys'], more: Parameters<typeof leaf>[1] = {}): Forged => leaf(top, { subject: `CN=${name}`, keys: pair, usage: keyUsageOf(['digital-signature']), purposes: null, san: null, ...more });
const ada = person('Ada', keys.ec);
const bob = person('Bob', keys.rsa);
const pem = ({ certificate }: Forged): Buffer => Buffer.from(certificate.toPem());
const roots = { roots: pem(top), format: 'xml' };
const MORE = 'http://www.w3.org/2001/04/xmldsig-more#';
const DIGESTS: Readonly<Record<string, string>> = { sha1: `${DSIG}sha1`, sha256: 'http://www.w3.org/2001/04/xmlenc#sha256', sha384: `${MORE}sha384`, sha512: 'http://www.w3.org/2001/04/xmlenc#sha512' };
const formOf = (uri: string): CanonicalForm => CANONICAL_FORMS.get(uri)!;

interface Reference { uri?: string | null; transforms?: readonly string[]; hash?: string; of?: string | Buffer; type?: string; method?: string }
interface Parts { by?: Forged; hash?: string; canonical?: string; references?: readonly Reference[]; method?: string; keyInfo?: string | null; objects?: string; id?: string; properties?: string | null; sign?: (info: Buffer) => Uint8Array; info?: (text: string) => string; value?: (text: string) => string }
const x509 = ({ certificate }: Pick<Forged, 'certificate'>): string => `<ds:KeyInfo><ds:X509Data><ds:X509Certificate>${Buffer.from(certificate.der).toString('base64')}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>`;
const canonical = (text: string, pick?: (element: { local: string }) => boolean, uri = EXCLUSIVE): Buffer => {
  const document = parseXml(text);
  return canonicalize(pick === undefined ? document : [...elementsWithin(document.root)].find(pick)!, formOf(uri));
};
/** A signature with any part as a test wants it; `of` is what a reference is of, in its canonical form. */
function signature({ by = ada, hash = 'sha256', canonical: uri = EXCLUSIVE, references = [], keyInfo = x509(by), objects = '', id, info = (same) => same, value = (same) => same, ...more }: Parts): string {
  const isRsa = by === bob;
  const method = more.method ?? (isRsa ? `${hash === 'sha1' ? DSIG : MORE}rsa-${hash}` : `${MORE}ecdsa-${hash}`);
  const list_ = references.map(({ uri: of, transforms = [], hash: own = 'sha256', of: content = '', type, method: digestMethod = DIGESTS[own]! }) =>
    `<ds:Reference${of === null ? '' : ` URI="${of ?? ''}"`}${type === undefined ? '' : ` Type="${type}"`}>${transforms.length === 0 ? '' : `<ds:Transforms>${transforms.map((one) => `<ds:Transform Algorithm="${one}"/>`).join('')}</ds:Transforms>`}<ds:DigestMethod Algorithm="${digestMethod}"/><ds:DigestValue>${createHash(own).update(content).digest('base64')}</ds:DigestValue></ds:Reference>`).join('');
  const signedInfo = info(`<ds:SignedInfo><ds:CanonicalizationMethod Algorithm="${uri}"/><ds:SignatureMethod Algorithm="${method}"/>${list_}</ds:SignedInfo>`);
  const whole = (text: string): string => `<ds:Signature xmlns:ds="${DSIG}"${id === undefined ? '' : ` Id="${id}"`}>${signedInfo}<ds:SignatureValue>${text}</ds:SignatureValue>${keyInfo ?? ''}${objects}</ds:Signature>`;
  const make = more.sign ?? ((bytes: Buffer) => sign(hash, bytes, { key: by.keys.privateKey, ...(isRsa ? {} : { dsaEncoding: 'ieee-p1363' as const }) }));
  return whole(value(Buffer.from(make(canonical(whole(''), ({ local }) => local === 'SignedInfo', uri))).toString('base64')));
}
const A = '<a xmlns:u="urn:u" k="1"><b Id="b">100</b>\n<c>©</c></a>';
const put = (document: string, what: string, where = '</a>'): string => document.replace(new RegExp(`${where}(?![\\s\\S]*${where})`), `${what}${where}`);
const whole = (document = A, form = EXCLUSIVE, hash = 'sha256'): Reference => ({ transforms: [ENVELOPED, form], of: canonical(document, undefined, form), hash });
const enveloped = (parts: Parts = {}, document = A): string => put(document, signature({ references: [whole(document)], ...parts }));
const good = (name: string, file: string | Buffer, says = 'trusted: by CN=', asks: Asks = roots): void => tables.good(name, { file, asks }, says);

for (const [name, by] of [['P-256', ada], ['RSA', bob]] as const) for (const hash of ['sha256', 'sha384', 'sha512']) good(`enveloped, ${name} with ${hash}`, enveloped({ by, hash }));
for (const form of CANONICAL_FORMS.keys()) if (form !== EXCLUSIVE) good(`enveloped, by ${form.replace('http://www.w3.org/', '')}`, enveloped({ references: [whole(A, form)], canonical: EXCLUSIVE }));
for (const hash of ['sha384', 'sha512']) good(`the document hashed by ${hash}`, enveloped({ references: [whole(A, EXCLUSIVE, hash)] }));
for (const [name, text] of Object.entries({ 'quotes': A.replace('k="1"', "k='1'"), 'white space in tags': A.replace('k="1"', '\n  k="1" '), 'a letter by its number': A.replace('©', '&#169;'), 'a CDATA section': A.replace('100', '<![CDATA[100]]>'), 'lines that end as on Windows': A.replace('\n', '\r\n') })) good(`signed, then written otherwise: ${name}`, put(text, signature({ references: [whole()] })));
good('the signature at the beginning', A.replace('<b', `${signature({ references: [whole()] })}<b`));
good('of the document element by its id', put('<a Id="r"><b/></a>', signature({ references: [{ uri: '#r', transforms: [ENVELOPED, EXCLUSIVE], of: canonical('<a Id="r"><b/></a>') }] })));
good('enveloping', signature({ references: [{ uri: '#o', transforms: [EXCLUSIVE], of: `<ds:Object xmlns:ds="${DSIG}" Id="o">x</ds:Object>` }], objects: '<ds:Object Id="o">x</ds:Object>' }), 'trusted: what lies within the signature');
good('a part and the whole', put(A, signature({ references: [whole(), { uri: '#b', transforms: [EXCLUSIVE], of: '<b Id="b">100</b>' }] })));
good('a comment, which nobody signs', enveloped().replace('100', '100<!-- not 900 -->'), 'trusted: No signature covers the comment');
good('an instruction before the document', `<?xml version="1.0"?>\n${enveloped()}`);
good('a byte order mark', `\uFEFF${enveloped()}`);
const properties = (time = '2024-05-06T07:08:09Z', of: Forged = ada): string => `<xades:SignedProperties xmlns:xades="${XADES}" Id="p"><xades:SignedSignatureProperties><xades:SigningTime>${time}</xades:SigningTime><xades:SigningCertificateV2><xades:Cert><xades:CertDigest><ds:DigestMethod xmlns:ds="${DSIG}" Algorithm="${DIGESTS['sha256']}"></ds:DigestMethod><ds:DigestValue xmlns:ds="${DSIG}">${createHash('sha256').update(of.certificate.der).digest('base64')}</ds:DigestValue></xades:CertDigest></xades:Cert></xades:SigningCertificateV2></xades:SignedSignatureProperties></xades:SignedProperties>`;
const xades = ({ shown = properties(), signed = properties(), target = '#s', unsigned = false, ...parts }: Parts & { shown?: string; signed?: string; target?: string; unsigned?: boolean } = {}): string => enveloped({
  id: 's', references: [whole(), ...(unsigned ? [] : [{ uri: '#p', transforms: [EXCLUSIVE], of: canonical(signed), type: SIGNED_PROPERTIES }])], objects: `<ds:Object><xades:QualifyingProperties xmlns:xades="${XADES}" Target="${target}">${shown}</xades:QualifyingProperties></ds:Object>`, ...parts,
});
good('XAdES', xades(), 'trusted: at 2024-05-06T07:08:09.000Z according to the signer');
good('XAdES by RSA', xades({ by: bob, shown: properties(undefined, bob), signed: properties(undefined, bob) }));
const FILE = 'any content \0\u0001';
const detached = (parts: Parts = {}): string => `<?xml version="1.0"?>\n${signature({ references: [{ uri: 'file.txt', of: FILE }], ...parts })}`;
for (const [name, file, parts] of [['a file', FILE, {}], ['an empty file', '', { references: [{ uri: 'file.txt', of: '' }] }], ['by RSA', FILE, { by: bob }], ['under another name', FILE, { references: [{ uri: 'other.txt', of: FILE }] }], ['with SHA-512', FILE, { references: [{ uri: 'file.txt', of: FILE, hash: 'sha512' }] }]] as [string, string, Parts][]) tables.good(`detached: ${name}`, { file, signature: detached(parts), asks: { roots: roots.roots } });
good('by a key that is named, without a certificate', enveloped({ keyInfo: null }), 'trusted: by a key', { publicKey: keys.ec.publicKey.export({ type: 'spki', format: 'der' }), format: 'xml' });
good('SHA-1, intact and not to be trusted', enveloped({ references: [whole(A, EXCLUSIVE, 'sha1')] }), 'untrusted: SHA-1');

const bad = (name: string, says: string, file: string, asks: Asks = roots): void => tables.bad(name, says, { file, asks });
const part = signature({ references: [{ uri: '#b', transforms: [EXCLUSIVE], of: '<b Id="b">100</b>' }] });
const right = enveloped();
const CHANGED = 'invalid: The document was changed';
for (const [name, from, to] of [['a text', '100', '900'], ['an attribute', 'k="1"', 'k="2"'], ['a name', /<(\/?)c>/g, '<$1d>'], ['a namespace', 'xmlns:u="urn:u" k', 'xmlns="urn:u" k'], ['white space', '\n<c>', '<c>'], ['an element more', '<c>', '<c/><c>'], ['an element fewer', '<b Id="b">100</b>', '']] as const) bad(`changed: ${name}`, CHANGED, right.replace(from, to));
bad('changed: an instruction more', CHANGED, `<?evil x?>\n${right}`);
// The eight wrappings of Somorovsky et al. (2012), on a signature of a part: where the signed part goes, and what stands in its place.
const SIGNED = '<b Id="b">100</b>';
const EVIL = '<b Id="e">900</b>';
const NOTHING = 'invalid: it signs nothing of the document';
const ALONE = 'invalid: it signs <b> with the id “b”';
bad('XSW1: the signed part within the signature, another in its place', NOTHING, `<a>${EVIL.replace('</b>', part.replace('</ds:Signature>', `<ds:Object>${SIGNED}</ds:Object></ds:Signature>`))}</b></a>`);
bad('XSW2: the signature before, the signed part beside the other', ALONE, `<a>${part}${SIGNED}${EVIL}</a>`);
bad('XSW3: the other first', ALONE, `<a>${EVIL}${SIGNED}${part}</a>`);
bad('XSW4: the signed part within the other', ALONE, `<a><b Id="e">900${SIGNED}</b>${part}</a>`);
bad('XSW5: the signed part at the end of the document', ALONE, `<a><b Id="e">900${part}</b>${SIGNED}</a>`);
bad('XSW6: the signed part in an object of the signature', NOTHING, `<a><b Id="e">900${part.replace('</ds:Signature>', `<ds:Object>${SIGNED}</ds:Object></ds:Signature>`)}</b></a>`);
bad('XSW7: the other in an extension that nobody reads', ALONE, `<a><ext>${EVIL}</ext>${SIGNED}${part}</a>`);
bad('XSW8: the signed part in an object, the other in an extension', NOTHING, `<a><ext>${EVIL}</ext>${part.replace('</ds:Signature>', `<ds:Object>${SIGNED}</ds:Object></ds:Signature>`)}</a>`);
bad('wrapping: two elements of one id', 'invalid: Two elements have the id “b”', `<a><b Id="b">900</b><x>${SIGNED}</x>${part}</a>`);
bad('wrapping: two elements of one id, written otherwise', 'invalid: Two elements have the id “b”', `<a><b ID="b">900</b><x>${SIGNED}</x>${part}</a>`);
bad('wrapping: the whole document in a new one', CHANGED, `<z>${EVIL}${right}</z>`);
bad('wrapping: an object more in what envelops', 'invalid: document is not signed, and may be anybody’s', signature({ references: [{ uri: '#o', transforms: [EXCLUSIVE], of: `<ds:Object xmlns:ds="${DSIG}" Id="o">x</ds:Object>` }], objects: '<ds:Object Id="o">x</ds:Object><ds:Object Id="e">y</ds:Object>' }));
bad('a comment that splits a text (CVE-2017-11427) changes no text', 'trusted: No signature covers the comment', right.replace('100', '1<!-- -->00'));
bad('no signature any more', 'unsigned: not signed: there is no signature in it', A);
const refused = (name: string, says: string, references: readonly Reference[], more: Parts = {}): void => bad(name, says, put(A, signature({ references, ...more })));
refused('nothing is signed', 'invalid: has no references', []);
refused('a reference of nothing', 'invalid: does not say what it is of', [{ uri: null, of: 'x' }]);
refused('XSLT', 'invalid: XSLT', [{ transforms: ['http://www.w3.org/TR/1999/REC-xslt-19991116'], of: 'x' }]);
refused('XPath that leaves out what it likes', 'INVALID_INPUT: XPath', [{ transforms: [ENVELOPED, 'http://www.w3.org/TR/1999/REC-xpath-19991116'], of: 'x' }]);
refused('base64', 'invalid: base64', [{ uri: '#b', transforms: [`${DSIG}base64`], of: 'x' }]);
refused('a transform that nobody knows', 'invalid: urn:eve', [{ transforms: ['urn:eve'], of: 'x' }]);
refused('XPointer', 'invalid: XPointer', [{ uri: '#xpointer(/a/b)', of: 'x' }]);
refused('an id that is not there', 'invalid: no element has the id “z”', [{ uri: '#z', of: 'x' }]);
refused('a file of this machine', 'invalid: another file, which is not in the document', [{ uri: 'file:///etc/passwd', of: 'x' }]);
refused('a page elsewhere', 'invalid: another file, which is not in the document', [{ uri: 'http://127.0.0.1:1/', of: 'x' }]);
refused('a digest of MD5', 'invalid: digest that Keywright does not know', [{ ...whole(), method: `${MORE}md5` }]);
refused('an HMAC with the public key', 'invalid: message authentication code', [whole()], { method: `${MORE}hmac-sha256`, sign: (info) => createHmac('sha256', keys.ec.publicKey.export({ type: 'spki', format: 'der' })).update(info).digest() });
refused('DSA', 'invalid: DSA', [whole()], { method: `${DSIG}dsa-sha1` });
refused('an algorithm that nobody knows', 'invalid: not known', [whole()], { method: 'urn:eve' });
refused('another algorithm than was used', 'invalid: does not fit what it says', [whole()], { method: `${MORE}ecdsa-sha384` });
refused('ECDSA in DER', 'invalid: does not fit what it says', [whole()], { sign: (info) => sign('sha256', info, keys.ec.privateKey) });
refused('a signature of zeros', 'invalid: does not fit what it says', [whole()], { sign: () => Buffer.alloc(64) });
refused('an empty signature', 'INVALID_INPUT: not base64', [whole()], { value: () => '' });
refused('signed in another canonical form than it names', 'invalid: does not fit what it says', [whole()], { canonical: INCLUSIVE, sign: (info) => sign('sha256', Buffer.concat([info, Buffer.from(' ')]), { key: keys.ec.privateKey, dsaEncoding: 'ieee-p1363' }) });
refused('the signature with SHA-1', 'untrusted: SHA-1', [whole()], { by: bob, hash: 'sha1' });
refused('the certificate of somebody else', 'invalid: does not fit what it says', [whole()], { keyInfo: x509(bob) });
refused('a key that the document brings along', 'invalid: is not believed', [whole()], { keyInfo: '<ds:KeyInfo><ds:KeyName>Ada</ds:KeyName></ds:KeyInfo>' });
bad('the digest changed', 'invalid: does not fit what it says', right.replace(/(<ds:DigestValue>)./, '$1/'));
bad('a comment within the digest', 'INVALID_INPUT: of DigestValue has something else within than text', right.replace(/(<ds:DigestValue>....)/, '$1<!-- -->'));
bad('a document type', 'CAPABILITY_MISSING: DTD', `<!DOCTYPE a [<!ENTITY x "y">]>${right}`);
bad('a document type from elsewhere', 'CAPABILITY_MISSING: DTD', `<!DOCTYPE a SYSTEM "http://127.0.0.1:1/x">${right}`);
bad('XAdES: another time', 'invalid: was changed', xades({ shown: properties('2020-01-01T00:00:00Z') }));
bad('XAdES: properties that are not signed', 'invalid: are not signed', xades({ unsigned: true }));
bad('XAdES: properties of another signature', 'invalid: of another signature', xades({ target: '#t' }));
bad('XAdES: another certificate than was meant', 'invalid: another certificate', xades({ shown: properties(undefined, bob), signed: properties(undefined, bob) }));
bad('a certificate that has ended', 'untrusted: [validity]', enveloped({ by: person('Ada', keys.ec, { from: '2020-01-01T00:00:00Z', to: '2021-01-01T00:00:00Z' }) }));
bad('a certificate that was revoked', 'untrusted: [revocation]', right, { ...roots, crl: [Buffer.from(list(top, { revoked: [{ serial: ada.certificate.serialText.replaceAll(':', ''), reason: 1 }] }).der)], at: '2024-02-01T00:00:00Z' });
bad('somebody whom nobody trusts', 'untrusted: [issuer]', right, { ...roots, roots: pem(root({ subject: 'CN=Other' })) });
tables.bad('detached: another file', 'invalid: not the one that was signed', { file: 'other', signature: detached(), asks: { roots: roots.roots } });
tables.bad('detached: a signature of the document that it lies in', 'invalid: of the document that it lies in', { file: FILE, signature: right, asks: { roots: roots.roots } });
bad('cut off', 'INVALID_INPUT: is not closed by its own end tag', right.slice(0, -9));

const wordsOf = (file: Buffer): string => {
  try {
    const document = parseXml(file.toString());
    const form = formOf(EXCLUSIVE);
    return canonicalize(document, { ...form, comments: false, without: ({ local }: { local: string }) => local === 'Signature' }).toString();
  } catch {
    return 'no XML';
  }
};
judgeFamily('xml', tables, { same: (mutant, original) => wordsOf(mutant) === wordsOf(original) });
