import { createHash, createHmac, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Certificate } from '../../certificates/index.ts';
import { type KeyAlgorithmName, KeywrightError } from '../../contract/index.ts';
import { hasTool, pairOf, run, temporaryFolder } from '../../formats/testing/keys.ts';
import type { SignOptions, Trust } from '../format.ts';
import { certifiedKey, certify, trustingCertificates } from '../testing/certificates.ts';
import { contentOf, signAs, trusting, trustingSpki, verifyAs } from '../testing/keys.ts';
import { CANONICAL_FORMS, canonicalize, type CanonicalForm, EXCLUSIVE } from './canonical.ts';
import { parseXml } from './parse.ts';
import { elementsWithin } from './tree.ts';

const HAS_XMLSEC = hasTool('xmlsec1', '--version');
const DSIG = 'http://www.w3.org/2000/09/xmldsig#';
const DOCUMENT = '<?xml version="1.0" encoding="UTF-8"?>\r\n<?style  x?>\n<!-- before -->\n<invoice xmlns="urn:invoice" xmlns:x="urn:x" number=\'7\'  x:y="&lt;&#10;">\n  <total Id="total" currency="EUR">100<!-- not 900 --></total><empty/>\n  <text><![CDATA[a < b]]> &amp; ©</text>\n</invoice>\n<!-- after -->';

const certificates = new Map<KeyAlgorithmName, Certificate>();
let trust: Trust;
beforeAll(async () => {
  for (const name of ['ec-p256', 'rsa-2048'] as const) certificates.set(name, await certify(name, `CN=Ada with ${name}`));
  trust = trustingCertificates([...certificates.values()]);
});

async function signed(content: string | Uint8Array, options: Partial<SignOptions> = { detached: false }, key: KeyAlgorithmName = 'ec-p256'): Promise<string> {
  using folder = temporaryFolder();
  return (await signAs('xml', await contentOf(folder.path, content), await certifiedKey(key, certificates.get(key)), options)).toString();
}
async function judged(document: string | Uint8Array, by: Trust = trust, file?: string): Promise<string[]> {
  using folder = temporaryFolder();
  try {
    const verdicts = file === undefined ? await verifyAs(await contentOf(folder.path, document), null, by, 'xml') : await verifyAs(await contentOf(folder.path, file), Buffer.from(document), by, 'xml');
    return verdicts.map(({ intact, trustedBy, problem }) => (!intact ? `broken: ${problem}` : trustedBy === null ? `intact: ${problem}` : 'trusted'));
  } catch (thrown) {
    if (thrown instanceof KeywrightError) return [`${thrown.code}: ${thrown.message}`];
    throw thrown;
  }
}
const xmlsec = (folder: string, ...args: string[]): string => run('sh', ['-c', 'cd "$1" && shift && xmlsec1 "$@" 2>&1', 'sh', folder, ...args]).toString();

/** A signature of another making: any references, in any form, by a key of ours. */
interface Forgery {
  readonly references: readonly (readonly [uri: string, transforms: readonly string[], digest: Uint8Array, more?: { readonly method?: string; readonly value?: string }])[];
  readonly method?: string;
  readonly canonical?: string;
  readonly keyInfo?: string;
  readonly objects?: string;
  readonly sign?: (info: Buffer) => Uint8Array;
  readonly infoText?: (text: string) => string;
}
const SHA256 = 'http://www.w3.org/2001/04/xmlenc#sha256';
const ENVELOPED = `${DSIG}enveloped-signature`;
const form = (uri: string): CanonicalForm => CANONICAL_FORMS.get(uri) as CanonicalForm;
const keyInfo = (): string => `<ds:KeyInfo><ds:X509Data><ds:X509Certificate>${Buffer.from(certificates.get('ec-p256')!.der).toString('base64')}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>`;
const signEc = (info: Buffer): Uint8Array => sign('sha256', info, { key: pairOf('ec-p256').privateKey, dsaEncoding: 'ieee-p1363' });
function forged({ references, method = 'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256', canonical = EXCLUSIVE, keyInfo: keys = keyInfo(), objects = '', sign: by = signEc, infoText = (text) => text }: Forgery): string {
  const info = infoText(`<ds:SignedInfo><ds:CanonicalizationMethod Algorithm="${canonical}"/><ds:SignatureMethod Algorithm="${method}"/>${references.map(([uri, transforms, digest, more]) => `<ds:Reference${uri === 'none' ? '' : ` URI="${uri}"`}>${transforms.length === 0 ? '' : `<ds:Transforms>${transforms.map((one) => `<ds:Transform Algorithm="${one}"/>`).join('')}</ds:Transforms>`}<ds:DigestMethod Algorithm="${more?.method ?? SHA256}"/><ds:DigestValue>${more?.value ?? Buffer.from(digest).toString('base64')}</ds:DigestValue></ds:Reference>`).join('')}</ds:SignedInfo>`);
  const whole = (value: string): string => `<ds:Signature xmlns:ds="${DSIG}">${info}<ds:SignatureValue>${value}</ds:SignatureValue>${keys}${objects}</ds:Signature>`;
  const element = [...elementsWithin(parseXml(whole('')).root)].find(({ local }) => local === 'SignedInfo')!;
  return whole(Buffer.from(by(canonicalize(element, form(EXCLUSIVE)))).toString('base64'));
}
const sha = (bytes: Uint8Array | string, hash = 'sha256'): Buffer => createHash(hash).update(bytes).digest();
const exclusive = (text: string): Buffer => canonicalize(parseXml(text), form(EXCLUSIVE));
const within = (document: string, signature: string): string => document.replace(/<\/(\w+)>\s*$/, (end) => `${signature}${end}`);

describe.skipIf(!HAS_XMLSEC)('judged by xmlsec1 (skipped without it; EdDSA and PSS are judged by node:crypto)', () => {
  test.each([['ec-p256', 'ecdsa-sha256'], ['rsa-2048', 'rsa-pkcs1-sha512'], ['ec-p256', 'ecdsa-sha384']] as const)('enveloped, %s with %s', async (key, algorithm) => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, 'a.xml'), await signed(DOCUMENT, { detached: false, algorithm }, key));
    writeFileSync(join(folder.path, 'root.pem'), certificates.get(key)!.toPem());
    expect(xmlsec(folder.path, 'verify', '--trusted-pem', 'root.pem', '--id-attr:Id', 'http://uri.etsi.org/01903/v1.3.2#:SignedProperties', 'a.xml')).toContain('OK');
    writeFileSync(join(folder.path, 'a.xml'), (await signed(DOCUMENT, { detached: false, algorithm }, key)).replace('100<', '900<'));
    expect(() => xmlsec(folder.path, 'verify', '--trusted-pem', 'root.pem', '--id-attr:Id', 'http://uri.etsi.org/01903/v1.3.2#:SignedProperties', 'a.xml')).toThrow();
  });

  test.each([...CANONICAL_FORMS.keys()])('what xmlsec1 signs by %s is right, and wrong when it was changed', async (uri) => {
    using folder = temporaryFolder();
    const template = `<ds:Signature xmlns:ds="${DSIG}"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="${uri}"/><ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/><ds:Reference URI=""><ds:Transforms><ds:Transform Algorithm="${ENVELOPED}"/><ds:Transform Algorithm="${uri}"/></ds:Transforms><ds:DigestMethod Algorithm="${SHA256}"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/><ds:KeyInfo><ds:X509Data/></ds:KeyInfo></ds:Signature>`;
    writeFileSync(join(folder.path, 'a.xml'), DOCUMENT.replace('</invoice>', `<x:deep xml:lang="de">${template}</x:deep></invoice>`));
    writeFileSync(join(folder.path, 'key.pem'), pairOf('rsa-2048').privateKey.export({ type: 'pkcs8', format: 'pem' }));
    writeFileSync(join(folder.path, 'ada.pem'), certificates.get('rsa-2048')!.toPem());
    const made = run('sh', ['-c', 'cd "$1" && xmlsec1 sign --privkey-pem key.pem,ada.pem a.xml', 'sh', folder.path]).toString();
    expect(await judged(made)).toEqual(['trusted']);
    expect(await judged(made.replace('number="7"', 'number="8"'))).toEqual([expect.stringMatching(/^broken: The document was changed/)]);
  });
});

describe('signing', () => {
  test('changes no other byte of the document, also of one that is a single tag', async () => {
    const made = await signed(DOCUMENT);
    expect(made.replace(/<ds:Signature .*<\/ds:Signature>/, '')).toBe(DOCUMENT);
    expect(await judged(made)).toEqual(['trusted']);
    for (const single of ['<a/>', '<p:a xmlns:p="urn:p" x="1" />', '\ufeff<a>\u00e4</a>']) expect([single, await judged(await signed(single))]).toEqual([single, ['trusted']]);
  });

  test('says exactly what was signed', async () => {
    using folder = temporaryFolder();
    const [verdict] = await verifyAs(await contentOf(folder.path, await signed(DOCUMENT)), null, trust, 'xml');
    expect(verdict).toMatchObject({ name: 'CN=Ada with ec-p256', time: { according: 'signer' }, notes: expect.arrayContaining([expect.stringContaining('the whole document, <invoice> in line 4'), expect.stringContaining('3 comments')]) });
  });

  test('detached, the file may have any name and any content', async () => {
    for (const content of ['', '\0\u0001binary', '<a']) {
      const made = await signed(content, {});
      expect(await judged(made, trust, content)).toEqual(['trusted']);
      expect(await judged(made, trust, `${content}!`)).toEqual([expect.stringContaining('not the one that was signed')]);
    }
    const made = await signed('x', {});
    expect(await judged(made)).toEqual([expect.stringMatching(/^broken: .*another file/)]);
  });

  test('by RSA-PSS, as node:crypto sees it', async () => {
    const made = await signed(DOCUMENT, { detached: false, algorithm: 'rsa-pss-sha384' }, 'rsa-2048');
    expect(made).toContain('#sha384-rsa-MGF1');
    expect(await judged(made)).toEqual(['trusted']);
  });

  test('what cannot be signed within is refused with what would help', async () => {
    await expect(signed('no xml')).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(signed('<!DOCTYPE a><a/>')).rejects.toMatchObject({ code: 'CAPABILITY_MISSING' });
    await expect(signed(Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('<a/>', 'utf16le')]))).rejects.toMatchObject({ code: 'CAPABILITY_MISSING', message: expect.stringContaining('UTF-16') });
  });
});

describe('thirty documents, valid and tampered', () => {
  const swap = (from: string | RegExp, to: string) => (document: string): string => {
    expect(document).toMatch(from);
    return document.replace(from, to);
  };
  const SIGNATURE = /<ds:Signature .*<\/ds:Signature>/;
  const cases: readonly (readonly [string, (document: string) => string, RegExp])[] = [
    ['as it was made', (document) => document, /^trusted$/],
    ['written otherwise: quotes, order, empty tags, references', swap('number=\'7\'  x:y="&lt;&#10;"', 'x:y="&#60;&#x0A;"\n number="&#55;"'), /^trusted$/],
    ['with the signature elsewhere in it', (document) => { const [signature = ''] = SIGNATURE.exec(document) ?? []; return document.replace(SIGNATURE, '').replace('<empty/>', `<empty>${signature}</empty>`); }, /^trusted$/],
    ['with a comment changed, which no signature covers', swap('not 900', 'really 900'), /^trusted$/],
    ['a value changed', swap('>100<', '>900<'), /The document was changed/],
    ['an attribute changed', swap('EUR', 'USD'), /The document was changed/],
    ['white space added', swap('</total><empty/>', '</total> <empty/>'), /The document was changed/],
    ['an element added', swap('<empty/>', '<empty/><more/>'), /The document was changed/],
    ['an element taken out', swap('<empty/>', ''), /The document was changed/],
    ['a namespace changed', swap('urn:invoice', 'urn:other'), /The document was changed/],
    ['an instruction changed', swap('<?style  x?>', '<?style y?>'), /The document was changed/],
    ['the time of signing changed', swap(/<xades:SigningTime>2/, '<xades:SigningTime>1'), /SignedProperties.* was changed/],
    ['the certificate’s digest changed', swap(/(<xades:CertDigest>.*?<ds:DigestValue>)../, '$1AB'), /another certificate/],
    ['the digest of the document changed', swap(/(URI="".*?<ds:DigestValue>)./, '$1/'), /does not fit what it says/],
    ['the signature’s value changed', swap(/(<ds:SignatureValue[^>]*>)..../, '$1AAAA'), /does not fit what it says/],
    ['the signature’s value cut short', swap(/(<ds:SignatureValue[^>]*>)..../, '$1'), /does not fit what it says/],
    ['the algorithm changed', swap('#ecdsa-sha256', '#ecdsa-sha512'), /does not fit what it says/],
    ['a MAC instead, with the public key as its key', (document) => document.replace('xmldsig-more#ecdsa-sha256', 'xmldsig-more#hmac-sha256').replace(/(<ds:SignatureValue[^>]*>)[^<]*/, `$1${createHmac('sha256', pairOf('ec-p256').spki).update('x').digest('base64')}`), /message authentication code/],
    ['the certificate of somebody else', (document) => document.replace(/(<ds:X509Certificate>)[^<]*/, `$1${Buffer.from(certificates.get('rsa-2048')!.der).toString('base64')}`), /does not fit|^trusted$/],
    ['without a signature', swap(SIGNATURE, ''), /not signed/],
    ['without its properties', swap(/<ds:Object>.*<\/ds:Object>/, ''), /no element has the id/],
    ['with a second set of properties', swap(/(<ds:Object>.*<\/ds:Object>)/, '$1$1'), /two sets of XAdES properties|Two elements have the id/],
    ['with properties of another signature', swap(/Target="#s-/, 'Target="#t-'), /those of another signature/],
    ['with an element of the same id as its properties', (document) => document.replace('<empty/>', `<empty Id="${/<xades:SignedProperties Id="([^"]*)"/.exec(document)?.[1]}"/>`), /Two elements have the id|The document was changed/],
    ['two signatures, the second a copy', (document) => document.replace(SIGNATURE, (one) => one + one), /Two elements|was changed/],
    ['a comment within the digest', swap(/(<ds:DigestValue>....)/, '$1<!-- x -->'), /something else within than text/],
    ['a comment within the signature’s value', swap(/(<ds:SignatureValue[^>]*>....)/, '$1<!-- x -->'), /something else within than text/],
    ['a document type in front', swap('<!-- before -->', '<!DOCTYPE invoice [<!ENTITY x SYSTEM "file:///etc/passwd">]>'), /^CAPABILITY_MISSING.*DTD/],
    ['an external document type', swap('<!-- before -->', '<!DOCTYPE invoice SYSTEM "http://127.0.0.1:1/x.dtd">'), /^CAPABILITY_MISSING.*DTD/],
    ['cut off', (document) => document.slice(0, -30), /^INVALID_INPUT/],
    ['text within the signature', swap('<ds:KeyInfo>', 'x<ds:KeyInfo>'), /^INVALID_INPUT/],
    ['the signature’s parts in another order', swap(/(<ds:SignedInfo>.*<\/ds:SignedInfo>)(<ds:SignatureValue.*<\/ds:SignatureValue>)/, '$2$1'), /^INVALID_INPUT/],
  ];
  test('there are thirty', () => expect(cases.length).toBeGreaterThanOrEqual(30));
  test.each(cases)('%s', async (_, change, expected) => {
    const verdicts = await judged(change(await signed(DOCUMENT)));
    expect(verdicts.length).toBeGreaterThan(0);
    for (const one of verdicts) expect(one).toMatch(expected);
  });
});

describe('signatures of other making', () => {
  const A = '<a><b Id="b">100</b></a>';
  const partOf = (text: string): Buffer => sha(canonicalize([...elementsWithin(parseXml(text).root)].find(({ local }) => local === 'b')!, form(EXCLUSIVE)));

  test('wrapping: what is signed is told by element, and the rest is nobody’s', async () => {
    const signature = forged({ references: [['#b', [EXCLUSIVE], partOf(A)]] });
    // The signed element is moved aside, and another stands where it was.
    expect(await judged(`<a><b Id="evil">900</b><old><b Id="b">100</b></old>${signature}</a>`)).toEqual([expect.stringMatching(/^broken: The signature fits, but it signs <b> with the id “b” in line 1 alone/)]);
    expect(await judged(`<a><b Id="b">900</b><old><b Id="b">100</b></old>${signature}</a>`)).toEqual([expect.stringContaining('Two elements have the id “b”')]);
    for (const other of ['ID', 'id', 'xml:id']) expect(await judged(`<a><b ${other}="b">900</b><old><b Id="b">100</b></old>${signature}</a>`)).toEqual([expect.stringContaining('Two elements have the id “b”')]);
    expect(await judged(within(A, signature))).toEqual([expect.stringMatching(/^broken: .*<b> with the id “b”/)]);
    // Of the document element itself it is of the whole document.
    const root = '<b Id="b">100</b>';
    expect(await judged(within(root, forged({ references: [['#b', [ENVELOPED, EXCLUSIVE], sha(exclusive(root))]] })))).toEqual(['trusted']);
  });

  test('a signature that holds what it signs is of that, and of all that it holds', async () => {
    const object = (id: string, text: string): string => `<ds:Object Id="${id}">${text}</ds:Object>`;
    const digest = sha(`<ds:Object xmlns:ds="${DSIG}" Id="o">x</ds:Object>`);
    expect(await judged(forged({ references: [['#o', [EXCLUSIVE], digest]], objects: object('o', 'x') }))).toEqual(['trusted']);
    expect(await judged(forged({ references: [['#o', [EXCLUSIVE], digest]], objects: object('o', 'x') + object('evil', 'y') }))).toEqual([expect.stringMatching(/^broken/)]);
    expect(await judged(forged({ references: [['#o', [EXCLUSIVE], digest]], objects: object('o', 'y') }))).toEqual([expect.stringMatching(/was changed/)]);
  });

  test.each([
    ['no references', { references: [] }, /has no references/],
    ['a reference without URI', { references: [['none', [], sha('x')]] }, /does not say what it is of/],
    ['XSLT', { references: [['', ['http://www.w3.org/TR/1999/REC-xslt-19991116'], sha('x')]] }, /XSLT/],
    ['XPath', { references: [['', ['http://www.w3.org/TR/1999/REC-xpath-19991116'], sha('x')]] }, /XPath/],
    ['XPath Filter 2', { references: [['', ['http://www.w3.org/2002/06/xmldsig-filter2'], sha('x')]] }, /./],
    ['base64', { references: [['#b', [`${DSIG}base64`], sha('x')]] }, /base64/],
    ['a transform that nobody knows', { references: [['', ['urn:eve'], sha('x')]] }, /urn:eve/],
    ['transforms in another order', { references: [['', [EXCLUSIVE, ENVELOPED], sha('x')]] }, /order that makes no sense/],
    ['XPointer', { references: [['#xpointer(/a)', [], sha('x')]] }, /XPointer/],
    ['an id that is not there', { references: [['#c', [], sha('x')]] }, /no element has the id/],
    ['a digest that nobody knows', { references: [['', [], sha('x'), { method: 'http://www.w3.org/2001/04/xmldsig-more#md5' }]] }, /digest that Keywright does not know/],
    ['DSA', { references: [['', [ENVELOPED], sha('x')]], method: `${DSIG}dsa-sha1` }, /DSA/],
    ['HMAC', { references: [['', [ENVELOPED], sha('x')]], method: `${DSIG}hmac-sha1` }, /message authentication code/],
    ['an algorithm that nobody knows', { references: [['', [ENVELOPED], sha('x')]], method: 'urn:eve' }, /not known/],
    ['a canonical form that nobody knows', { references: [['', [ENVELOPED], sha('x')]], canonical: 'urn:eve' }, /canonical form/],
    ['another file', { references: [['file:///etc/passwd', [], sha('x')]] }, /another file/],
    ['another part within SignedInfo', { references: [['', [ENVELOPED], sha('x')]], infoText: (text: string) => text.replace('</ds:SignedInfo>', '<ds:Eve/></ds:SignedInfo>') }, /^INVALID_INPUT/],
    ['no base64', { references: [['', [ENVELOPED], sha('x'), { value: '@@@@' }]] }, /^INVALID_INPUT/],
  ] satisfies readonly (readonly [string, Forgery, RegExp])[])('%s is refused with a sentence', async (_, forgery, expected) => {
    expect(await judged(within(A, forged(forgery as Forgery)))).toEqual([expect.stringMatching(expected)]);
    expect(await judged(within(A, forged(forgery as Forgery)))).toEqual([expect.not.stringMatching(/trusted/)]);
  });

  test('SHA-1 fits and is not trusted, in the digest and in the signature', async () => {
    const digest = createHash('sha1').update(exclusive(A)).digest();
    const references: Forgery['references'] = [['', [ENVELOPED, EXCLUSIVE], digest, { method: `${DSIG}sha1` }]];
    expect(await judged(within(A, forged({ references })))).toEqual([expect.stringMatching(/^intact: .*SHA-1/)]);
    const weak: Forgery = { references: [['', [ENVELOPED, EXCLUSIVE], sha(exclusive(A))]], method: 'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1', sign: (info) => sign('sha1', info, { key: pairOf('ec-p256').privateKey, dsaEncoding: 'ieee-p1363' }) };
    expect(await judged(within(A, forged(weak)))).toEqual([expect.stringMatching(/^intact: .*SHA-1/)]);
  });

  test('a key that the document brings is not believed; one that is named or held here is', async () => {
    const { x, y } = pairOf('ec-p256').publicKey.export({ format: 'jwk' });
    const value = `<ds:KeyInfo><ds:KeyValue><e:ECKeyValue xmlns:e="http://www.w3.org/2009/xmldsig11#"><e:PublicKey>${Buffer.concat([Buffer.from([4]), Buffer.from(x!, 'base64url'), Buffer.from(y!, 'base64url')]).toString('base64')}</e:PublicKey></e:ECKeyValue></ds:KeyValue></ds:KeyInfo>`;
    const document = within(A, forged({ references: [['', [ENVELOPED, EXCLUSIVE], sha(exclusive(A))]], keyInfo: value }));
    expect(await judged(document, trustingCertificates([]))).toEqual([expect.stringMatching(/^broken: .*is not believed/)]);
    expect(await judged(document, trusting('ec-p256'))).toEqual(['trusted']);
    expect(await judged(document, trustingSpki(pairOf('ec-p256').spki))).toEqual(['trusted']);
    expect(await judged(document, trustingSpki(pairOf('ec-p384').spki))).toEqual([expect.stringMatching(/^broken/)]);
    expect(await judged(document, { ...trusting('ec-p256'), rootsNamed: true })).toEqual([expect.stringMatching(/^intact: .*no root/)]);
  });

  test('ECDSA in DER, or with a half of zeros, is no XML signature', async () => {
    const references: Forgery['references'] = [['', [ENVELOPED, EXCLUSIVE], sha(exclusive(A))]];
    for (const by of [(info: Buffer) => sign('sha256', info, pairOf('ec-p256').privateKey), () => Buffer.alloc(64), () => Buffer.alloc(0x10000)]) expect(await judged(within(A, forged({ references, sign: by })))).toEqual([expect.stringMatching(/^broken/)]);
  });

  test('who is not trusted stays intact', async () => {
    expect(await judged(await signed(DOCUMENT), trustingCertificates([]))).toEqual([expect.stringMatching(/^intact: /)]);
  });
});

test('cut off at every length it is refused', async () => {
  const made = await signed('<a>x</a>');
  for (let length = 1; length < made.length; length += 13) expect([length, await judged(made.slice(0, length))]).toEqual([length, [expect.stringMatching(/^(INVALID_INPUT|broken)/)]]);
});
