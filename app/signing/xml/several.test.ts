import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Certificate } from '../../certificates/index.ts';
import type { KeyAlgorithmName } from '../../contract/index.ts';
import { hasTool, pairOf, run, temporaryFolder } from '../../formats/testing/keys.ts';
import type { Trust } from '../format.ts';
import { certifiedKey, certify, trustingCertificates } from '../testing/certificates.ts';
import { contentOf, signAs, verifyAs } from '../testing/keys.ts';

const DSIG = 'http://www.w3.org/2000/09/xmldsig#';
const DOCUMENT = '<invoice xmlns="urn:invoice">\n  <total currency="EUR">100</total>\n</invoice>\n';
const SIGNATURE = /<ds:Signature .*?<\/ds:Signature>/g;
const certificates = new Map<KeyAlgorithmName, Certificate>();
let trust: Trust;
beforeAll(async () => {
  for (const name of ['ec-p256', 'rsa-2048', 'ed25519'] as const) certificates.set(name, await certify(name, `CN=Ada with ${name}`));
  trust = trustingCertificates([...certificates.values()]);
});

async function signed(content: string, key: KeyAlgorithmName, asked?: () => void): Promise<string> {
  using folder = temporaryFolder();
  const signer = await certifiedKey(key, certificates.get(key));
  const watched = asked === undefined ? signer : { ...signer, sign: (...args: Parameters<typeof signer.sign>) => { asked(); return signer.sign(...args); } };
  return (await signAs('xml', await contentOf(folder.path, content), watched, { detached: false })).toString();
}
async function judged(document: string, by: Trust = trust): Promise<string[]> {
  using folder = temporaryFolder();
  const verdicts = await verifyAs(await contentOf(folder.path, document), null, by, 'xml');
  return verdicts.map(({ intact, trustedBy, problem, notes }) => (!intact ? `broken: ${problem}` : `${trustedBy === null ? 'intact' : 'trusted'}: ${notes.find((note) => note.startsWith('It signs')) ?? ''}`));
}

const FILTER = 'http://www.w3.org/2002/06/xmldsig-filter2';
/** Transforms as others write them. */
const byXPath = (expression: string): string => `<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><ds:XPath>${expression}</ds:XPath></ds:Transform>`;
const byFilter = (expression: string, kind = 'subtract'): string => `<ds:Transform Algorithm="${FILTER}"><f:XPath xmlns:f="${FILTER}" Filter="${kind}">${expression}</f:XPath></ds:Transform>`;
const OWN = `<ds:Transform Algorithm="${DSIG}enveloped-signature"/>`;

/** @returns a document that xmlsec1 signed within, at its end. */
function signedByXmlsec(document: string, transforms: string, node = 1): string {
  using folder = temporaryFolder();
  const template = `<ds:Signature xmlns:ds="${DSIG}"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/><ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/><ds:Reference URI=""><ds:Transforms>${transforms}<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/><ds:KeyInfo><ds:X509Data/></ds:KeyInfo></ds:Signature>`;
  writeFileSync(join(folder.path, 'a.xml'), document.replace('</invoice>', `${template}</invoice>`));
  writeFileSync(join(folder.path, 'key.pem'), pairOf('rsa-2048').privateKey.export({ type: 'pkcs8', format: 'pem' }));
  writeFileSync(join(folder.path, 'ada.pem'), certificates.get('rsa-2048')!.toPem());
  return run('sh', ['-c', 'cd "$1" && xmlsec1 sign --privkey-pem key.pem,ada.pem --node-xpath "(//*[local-name()=\'Signature\'])[$2]" a.xml', 'sh', folder.path, String(node)]).toString();
}

/** @returns what xmlsec1 says to one signature of a document; throws when it does not hold. */
function xmlsec(document: string, number: number, key: KeyAlgorithmName): string {
  using folder = temporaryFolder();
  writeFileSync(join(folder.path, 'a.xml'), document);
  writeFileSync(join(folder.path, 'root.pem'), certificates.get(key)!.toPem());
  return run('sh', ['-c', 'cd "$1" && xmlsec1 verify --trusted-pem root.pem --id-attr:Id http://uri.etsi.org/01903/v1.3.2#:SignedProperties --node-xpath "(//*[local-name()=\'Signature\'])[$2]" a.xml 2>&1', 'sh', folder.path, String(number)]).toString();
}

test('who signs later keeps what was signed before, and each signature says that it covers no other', async () => {
  const first = await signed(DOCUMENT, 'ec-p256');
  expect(await judged(first)).toEqual([expect.stringMatching(/^trusted: .*but for the signature itself/)]);
  const all = await signed(await signed(first, 'rsa-2048'), 'ed25519');
  expect(all.replaceAll(SIGNATURE, '')).toBe(DOCUMENT);
  expect(all.match(SIGNATURE)?.[0]).toBe(first.match(SIGNATURE)?.[0]);
  expect(await judged(all)).toEqual(Array.from({ length: 3 }, () => expect.stringMatching(/^trusted: .*but for the signatures in it/)));
  // Any of them may be taken out again; a stranger's does not count; none holds when the document changes.
  expect(await judged(all.replace(all.match(SIGNATURE)![1]!, ''))).toHaveLength(2);
  expect((await judged(all, trustingCertificates([certificates.get('ec-p256')!]))).map((one) => one.split(':')[0])).toEqual(['trusted', 'intact', 'intact']);
  expect(await judged(all.replace('100<', '900<'))).toEqual(Array.from({ length: 3 }, () => expect.stringMatching(/^broken: The document was changed/)));
});

test('a copy of a signature, or one of another document, is noticed beside those that hold', async () => {
  const both = await signed(await signed(DOCUMENT, 'ec-p256'), 'rsa-2048');
  const [first = '', second = ''] = both.match(SIGNATURE) ?? [];
  expect(await judged(both.replace(second, second + first))).toEqual([expect.stringMatching(/^broken: Two elements/), expect.stringMatching(/^trusted/), expect.stringMatching(/^broken: Two elements/)]);
  const [other = ''] = (await signed(DOCUMENT.replace('100', '101'), 'rsa-2048')).match(SIGNATURE) ?? [];
  expect(await judged(both.replace(second, other))).toEqual([expect.stringMatching(/^trusted/), expect.stringMatching(/^broken: The document was changed/)]);
});

test('what somebody puts into a signature, where no other covers it, is told', async () => {
  using folder = temporaryFolder();
  const notes = async (document: string): Promise<string> => (await verifyAs(await contentOf(folder.path, document), null, trust, 'xml')).flatMap((one) => one.notes).join(' ');
  const made = await signed(DOCUMENT, 'ec-p256');
  expect(await notes(made)).not.toContain('nobody signed');
  expect(await notes(made.replace('</ds:Signature>', '<ds:Object><invoice xmlns="urn:invoice"><total>900</total></invoice></ds:Object></ds:Signature>'))).toContain('holds something else that nobody signed');
  expect(await notes(made.replace('</xades:QualifyingProperties>', '</xades:QualifyingProperties>900'))).toContain('holds something else that nobody signed');
});

test('a document that cannot take another signature is refused before the key is asked', async () => {
  let asked = 0;
  const sign = (document: string): Promise<string> => signed(document, 'ec-p256', () => { asked += 1; });
  const made = await signed(DOCUMENT, 'rsa-2048');
  await expect(sign(made.replace('100<', '900<'))).rejects.toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('does not fit it') });
  await expect(sign(made.match(SIGNATURE)![0])).rejects.toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('itself a signature') });
  await expect(sign(made.replace('<ds:KeyInfo>', 'x<ds:KeyInfo>'))).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  const [one = ''] = made.match(SIGNATURE) ?? [];
  const many = Array.from({ length: 100 }, (_, index) => one.replaceAll(/(?<=[srvp]0?-)[0-9a-f]{29}/g, (id) => id.slice(0, 26) + String(index).padStart(3, '0'))).join('');
  await expect(sign(made.replace(one, many))).rejects.toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('100 signatures already') });
  expect(asked).toBe(0);
});

test('a reference that leaves out what it is of signs nothing', async () => {
  const made = await signed(DOCUMENT, 'ec-p256');
  const digest = createHash('sha256').update('').digest('base64');
  const only = made.match(SIGNATURE)![0].replace(/(URI="".*?<ds:DigestValue>)[^<]*/, `$1${digest}`);
  expect((await judged(only))[0]).toMatch(/^broken/);
});

describe.skipIf(!hasTool('xmlsec1', '--version'))('judged by xmlsec1 (skipped without it)', () => {
  test('each of ours holds, and none when the document was changed', async () => {
    const both = await signed(await signed(DOCUMENT, 'rsa-2048'), 'ec-p256');
    expect(xmlsec(both, 1, 'rsa-2048')).toContain('OK');
    expect(xmlsec(both, 2, 'ec-p256')).toContain('OK');
    for (const [number, key] of [[1, 'rsa-2048'], [2, 'ec-p256']] as const) expect(() => xmlsec(both.replace('100<', '900<'), number, key)).toThrow();
  });

  test.each([
    ['XPath', byXPath('not(ancestor-or-self::ds:Signature)')],
    ['XPath, spaced and by another prefix', `<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><ds:XPath xmlns:d="${DSIG}">\n  not( ancestor-or-self::d:Signature )\n</ds:XPath></ds:Transform>`],
    ['the enveloped transform and XPath', OWN + byXPath('not(ancestor-or-self::ds:Signature)')],
    ['XPath Filter 2', byFilter('/descendant::ds:Signature')],
    ['XPath Filter 2, by the short form', byFilter('//ds:Signature')],
  ])('by %s: theirs holds, ours is added, and both hold', async (_, transforms) => {
    const theirs = signedByXmlsec(DOCUMENT, transforms);
    expect(await judged(theirs)).toEqual([expect.stringMatching(/^trusted/)]);
    const both = await signed(theirs, 'ec-p256');
    expect(await judged(both)).toEqual([expect.stringMatching(/^trusted: .*but for the signatures in it/), expect.stringMatching(/^trusted/)]);
    expect(xmlsec(both, 1, 'rsa-2048') + xmlsec(both, 2, 'ec-p256')).toMatch(/OK[\s\S]*OK/);
    // And they after us.
    const after = signedByXmlsec(await signed(DOCUMENT, 'ec-p256'), transforms, 2);
    expect((await judged(after)).map((one) => one.split(':')[0])).toEqual(['trusted', 'trusted']);
    expect(await judged(after.replace('100<', '900<'))).toEqual([expect.stringMatching(/^broken/), expect.stringMatching(/^broken/)]);
  });

  test.each([['the enveloped transform', OWN], ['XPath that says the same', byXPath('count(ancestor-or-self::ds:Signature | here()/ancestor::ds:Signature[1]) &gt; count(ancestor-or-self::ds:Signature)')], ['XPath Filter 2 that says the same', byFilter('here()/ancestor::ds:Signature[1]')]])('by %s theirs covers those before it, and takes none after it', async (_, transforms) => {
    const both = signedByXmlsec(await signed(DOCUMENT, 'ec-p256'), transforms, 2);
    expect(await judged(both)).toEqual([expect.stringMatching(/^trusted: .*but for the signatures in it/), expect.stringMatching(/^trusted: .*and the other signatures in it: they were there before it/)]);
    expect(await judged(both.replace(/<ds:Signature [^>]*Id="s-[\s\S]*?<\/ds:Signature>/, ''))).toEqual([expect.stringMatching(/^broken: The document was changed/)]);
    await expect(signed(both, 'ed25519')).rejects.toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('another one within would break it') });
  });

  test.each([
    ['another expression', byXPath('not(ancestor-or-self::ds:Signature) and not(self::text())')],
    ['one that chooses a part', byXPath('ancestor-or-self::node()[local-name()="total"]')],
    ['a filter that keeps a part', byFilter('/descendant::*[local-name()="total"]', 'intersect')],
    ['a filter that takes out more', byFilter('/descendant::*[local-name()="total"]')],
    ['a prefix of another namespace', `<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><ds:XPath xmlns:d="urn:invoice">not(ancestor-or-self::d:Signature)</ds:XPath></ds:Transform>`],
  ])('by %s: it is not followed', async (_, transforms) => {
    expect(await judged(signedByXmlsec(DOCUMENT, transforms + (transforms.includes('urn:invoice"') ? OWN : '')))).toEqual([expect.stringMatching(/^broken: A reference chooses by an XPath expression/)]);
  });

  test('a filter of two expressions is refused', async () => {
    const two = `<ds:Transform Algorithm="${FILTER}"><f:XPath xmlns:f="${FILTER}" Filter="subtract">/descendant::ds:Signature</f:XPath><f:XPath xmlns:f="${FILTER}" Filter="union">/</f:XPath></ds:Transform>`;
    await expect(judged(signedByXmlsec(DOCUMENT, OWN + two))).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });
});
