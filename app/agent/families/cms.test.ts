import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { keyUsageOf } from '../../certificates/making/extensions.ts';
import { signatureIdentifier } from '../../certificates/signatures.ts';
import { authority, type Forged, forged, leaf, list, p256, pairOf, root } from '../../certificates/testing/forge.ts';
import { contextPrimitive, der, derInteger, derNull, derOid, derSequence, TAG } from '../../formats/der.ts';
import { HAS_OPENSSL } from '../../formats/testing/keys.ts';
import { CMS, digestIdentifier } from '../../signing/cms/identifiers.ts';
import { attribute, byKeyIdentifier, contentType, messageDigest, set, signedDataOf, type SignedParts, signer, type SignerParts, signingCertificate, signingTime, sorted } from './testing/cms.ts';
import { judgeFamily, Tables } from './testing/family.ts';

/** CMS and CAdES: every field of SignerInfo, every rule on attributes (RFC 5652 §5, §11), certificates and their paths, and S/MIME around it. */

const TEXT = Buffer.from('The Magic Words are Squeamish Ossifrage\n');
const tables = new Tables();
const signing = { usage: keyUsageOf(['digital-signature']), purposes: null, san: null };
const top = root();
const middle = authority(top);
const keys = { rsa: pairOf('rsa', { modulusLength: 2048 }), ec: p256(), p384: pairOf('ec', { namedCurve: 'P-384' }), ed: pairOf('ed25519') };
const person = (name: string, pair: Forged['keys'], by: Forged = top): Forged => leaf(by, { subject: `CN=${name}`, keys: pair, ...signing });
const ada = person('Ada', keys.ec);
const bob = person('Bob', keys.rsa);
const cleo = person('Cleo', keys.ed);
const dan = person('Dan', keys.p384, middle);
const pem = ({ certificate }: Forged): Buffer => Buffer.from(certificate.toPem());
const roots = pem(top);
const made = (parts: Partial<SignerParts> = {}, around: Partial<SignedParts> = {}): Buffer => {
  const by = parts.by ?? ada;
  return signedDataOf({ signers: [signer({ content: TEXT, ...parts, by }).info], certificates: [by.certificate], ...around });
};
const good = (name: string, signature: Buffer, says?: string, asks: Record<string, string | Buffer | Buffer[]> = { roots }): void => tables.good(name, { file: TEXT, signature, asks }, says);
const inside = (name: string, file: Buffer | string, says?: string, asks: Record<string, string | Buffer> = { roots }): void => tables.good(name, { file, asks }, says);

for (const [name, by, hashes] of [['RSA', bob, ['sha256', 'sha384', 'sha512']], ['P-256', ada, ['sha256', 'sha384', 'sha512']], ['P-384', dan, ['sha384']], ['Ed25519', cleo, ['sha512']]] as const) {
  for (const digest of hashes) good(`${name} with ${digest}`, made({ by, digest }, { certificates: [by.certificate, middle.certificate], digests: [digestIdentifier(digest)] }), `trusted: by ${by.certificate.subject.text}`);
}
good('RSA-PSS', made({ by: bob, pss: true }));
good('the signature algorithm named with its hash', made({ by: bob, algorithmId: signatureIdentifier('rsa-pkcs1-sha256') }));
good('by the key identifier', made({ sid: byKeyIdentifier(ada), version: 3n }));
good('without signed attributes', made({ attributes: null }), 'trusted: neither when nor with which certificate');
good('with a time of signing', made({ attributes: [contentType(), messageDigest(TEXT), signingTime('2024-05-06T07:08:09Z')] }), 'trusted: at 2024-05-06T07:08:09.000Z according to the signer');
good('with the signing certificate, SHA-256', made({ attributes: [contentType(), messageDigest(TEXT), signingCertificate(ada.certificate)] }));
good('with the signing certificate, SHA-1', made({ attributes: [contentType(), messageDigest(TEXT), signingCertificate(ada.certificate, 1)] }));
good('with an attribute that nobody knows', made({ attributes: [contentType(), messageDigest(TEXT), attribute('1.3.6.1.4.1.55555.7', derNull())] }));
good('with an unsigned attribute that nobody knows', made({ unsigned: [attribute('1.3.6.1.4.1.55555.7', derNull())] }));
good('without the certificate, which is given beside', made({}, { certificates: [] }), undefined, { roots, untrusted: [pem(ada)] });
good('two signers', signedDataOf({ signers: [ada, bob].map((by) => signer({ by, content: TEXT }).info), certificates: [ada.certificate, bob.certificate] }), 'trusted: by CN=Ada & by CN=Bob');
good('an authority between, inside', made({ by: dan, digest: 'sha384' }, { digests: [digestIdentifier('sha384')], certificates: [middle.certificate, dan.certificate] }));
good('an authority between, beside', made({ by: dan, digest: 'sha384' }, { digests: [digestIdentifier('sha384')], certificates: [dan.certificate] }), undefined, { roots, untrusted: [pem(middle)] });
const first = signer({ by: ada, content: TEXT });
const countered = (by: Forged, more: Partial<SignerParts> = {}, of: Buffer = first.signature): Buffer =>
  signedDataOf({ signers: [signer({ by: ada, content: TEXT, change: () => first.signature, unsigned: [attribute(CMS.counterSignature, signer({ by, content: of, attributes: [messageDigest(of)], ...more }).info)] }).info], certificates: [ada.certificate, bob.certificate] });
good('a counter-signature', countered(bob), 'trusted: by CN=Ada & by CN=Bob & counter-signature');
good('a counter-signature without attributes', countered(bob, { attributes: null }));
inside('inside, DER', made({}, { content: TEXT }));
inside('inside, without attributes', made({ attributes: null }, { content: TEXT }));
const armored = (bytes: Buffer, label = 'CMS'): Buffer => Buffer.from(`-----BEGIN ${label}-----\n${bytes.toString('base64').replaceAll(/.{64}/g, '$&\n')}\n-----END ${label}-----\n`);
inside('inside, PEM', armored(made({}, { content: TEXT })));
inside('inside, PEM as PKCS7', armored(made({}, { content: TEXT }), 'PKCS7'));
good('detached, PEM', armored(made()));
good('detached, PEM of gpgsm', armored(made(), 'SIGNED MESSAGE'));
const mail = (content: string, signature: Buffer, { before = '', after = '', headers = '' } = {}): string =>
  `MIME-Version: 1.0\n${headers}Content-Type: multipart/signed; protocol="application/pkcs7-signature"; micalg="sha-256"; boundary="XX"\n\n${before}--XX\n${content}\n--XX\nContent-Type: application/pkcs7-signature; name="smime.p7s"\nContent-Transfer-Encoding: base64\n\n${signature.toString('base64').replaceAll(/.{64}/g, '$&\n')}\n\n--XX--\n${after}`;
const PART = 'Content-Type: text/plain\n\nThe Magic Words';
const CANONICAL = Buffer.from(PART.replaceAll('\n', '\r\n'));
const signedPart = signedDataOf({ signers: [signer({ by: ada, content: CANONICAL }).info], certificates: [ada.certificate] });
inside('a signed mail of two parts', mail(PART, signedPart));
inside('a signed mail as it travelled, with CR and LF', mail(PART, signedPart, { headers: 'Received: from a\n by b\nFrom: ada@example.com\n' }).replaceAll('\n', '\r\n'), 'trusted: such as From and Subject, are not signed');
inside('a mail that holds it all', `MIME-Version: 1.0\nContent-Type: application/pkcs7-mime; smime-type=signed-data\nContent-Transfer-Encoding: base64\n\n${made({}, { content: TEXT }).toString('base64')}\n`);
good('a key that is named counts, whatever its certificate', made(), undefined, { publicKey: keys.ec.publicKey.export({ type: 'spki', format: 'der' }) });
good('judged at a time when the certificate was valid', made({ by: leaf(top, { subject: 'CN=Old', keys: keys.ec, ...signing, from: '2020-01-01T00:00:00Z', to: '2021-01-01T00:00:00Z' }) }), undefined, { roots, at: '2020-06-01T00:00:00Z' });
good('a list of revocations inside that does not have it', made({}, { crls: [list(top, { revoked: [] }).der] }), undefined, { roots, at: '2024-02-01T00:00:00Z' });
const sha1 = made({ by: bob, digest: 'sha1' }, { digests: [digestIdentifier('sha1')] });
good('with SHA-1, intact and not to be trusted', sha1, 'untrusted: SHA1 is broken');

const folder = mkdtempSync(join(tmpdir(), 'keywright-family-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
if (HAS_OPENSSL) {
  const at = (name: string): string => join(folder, name);
  writeFileSync(at('file'), TEXT);
  for (const [name, one] of Object.entries({ ada, bob, dan })) {
    writeFileSync(at(`${name}.pem`), pem(one));
    writeFileSync(at(`${name}.key`), one.keys.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  }
  const openssl = (by: string, ...options: string[]): Buffer => execFileSync('openssl', ['cms', '-sign', '-binary', '-in', at('file'), '-signer', at(`${by}.pem`), '-inkey', at(`${by}.key`), '-outform', 'DER', ...options], { stdio: 'pipe' });
  good('by openssl', openssl('bob'));
  good('by openssl, CAdES', openssl('bob', '-cades'));
  good('by openssl, PSS', openssl('bob', '-keyopt', 'rsa_padding_mode:pss'));
  good('by openssl, by key identifier and SHA-512', openssl('ada', '-keyid', '-md', 'sha512'));
  good('by openssl, without attributes', openssl('ada', '-noattr'));
  inside('by openssl, inside, in BER as a stream', openssl('bob', '-nodetach', '-stream', '-indef'));
  inside('by openssl, a signed mail', execFileSync('openssl', ['cms', '-sign', '-text', '-in', at('file'), '-signer', at('ada.pem'), '-inkey', at('ada.key')], { stdio: 'pipe' }));
}

const bad = (name: string, says: string, signature: Buffer, file: Buffer = TEXT, asks: Record<string, string | Buffer | Buffer[]> = { roots }): void => tables.bad(name, says, { file, signature, asks });
const holder = (name: string, says: string, file: Buffer | string): void => tables.bad(name, says, { file, asks: { roots } });
const OTHER = Buffer.from('Pay 1000\n');
bad('another file', 'invalid: its digest differs', made(), OTHER);
bad('another file, without attributes', 'invalid: does not fit this file', made({ attributes: null }), OTHER);
bad('the file inside is not the one beside', 'invalid: holds another file', made({}, { content: TEXT }), OTHER);
holder('the content inside changed', 'invalid: its digest differs', made({}, { content: OTHER }));
bad('signed attributes stripped, and shown as the file', 'invalid: looks like the signed attributes', made({ signs: set(...sorted([contentType(), messageDigest(TEXT)])), attributes: null }), set(...sorted([contentType(), messageDigest(TEXT)])));
bad('signed attributes stripped', 'invalid: does not fit this file', made({ shown: null }));
bad('attributes signed in another order than DER has them', 'invalid: does not fit its signed attributes', made({ signs: set(...sorted([contentType(), messageDigest(TEXT), signingTime('2024-01-01T00:00:00Z')]).reverse()), attributes: [contentType(), messageDigest(TEXT), signingTime('2024-01-01T00:00:00Z')] }));
bad('signed with the tag that they are written under', 'invalid: does not fit its signed attributes', made({ signs: der(0xa0, ...sorted([contentType(), messageDigest(TEXT)])) }));
bad('the digest signed instead of the attributes', 'invalid: does not fit its signed attributes', made({ signs: TEXT }));
bad('no message digest', 'invalid: do not have one digest', made({ attributes: [contentType(), signingTime('2024-01-01T00:00:00Z')] }));
bad('two message digests', 'invalid: is there twice', made({ attributes: [contentType(), messageDigest(OTHER), messageDigest(TEXT)] }));
bad('a message digest of two values', 'invalid: do not have one digest', made({ attributes: [contentType(), attribute(CMS.messageDigest, der(TAG.octetString, Buffer.alloc(32)), der(TAG.octetString, Buffer.alloc(32, 1)))] }));
bad('a message digest of no value', 'invalid: do not have one digest', made({ attributes: [contentType(), attribute(CMS.messageDigest)] }));
bad('a message digest that is no octet string', 'invalid: do not have one digest', made({ attributes: [contentType(), attribute(CMS.messageDigest, derInteger(1n))] }));
bad('a message digest cut short', 'invalid: its digest differs', made({ attributes: [contentType(), attribute(CMS.messageDigest, der(TAG.octetString, Buffer.alloc(16)))] }));
bad('no content type', 'invalid: do not name the type', made({ attributes: [messageDigest(TEXT)] }));
bad('another content type', 'invalid: do not name the type', made({ attributes: [contentType(CMS.signedData), messageDigest(TEXT)] }));
bad('two content types', 'invalid: is there twice', made({ attributes: [contentType(), contentType(CMS.signedData), messageDigest(TEXT)] }));
bad('a time of signing of two values', 'invalid: not one value', made({ attributes: [contentType(), messageDigest(TEXT), attribute(CMS.signingTime, ...[1, 2].map((day) => der(0x17, Buffer.from(`24010${day}000000Z`))))] }));
bad('the digest among the unsigned attributes', 'invalid: is not signed, and must be', made({ unsigned: [messageDigest(OTHER)] }));
bad('a time of signing among the unsigned attributes', 'invalid: is not signed, and must be', made({ unsigned: [signingTime('2020-01-01T00:00:00Z')] }));
bad('no attributes where the content is no data', 'invalid: which this type of content must have', made({ attributes: null }, { type: '1.2.840.113549.1.9.16.1.1', content: TEXT }));
bad('a digest of SHA-1 under a signature with SHA-256', 'untrusted: SHA1', made({ by: bob, digest: 'sha1', hash: 'sha256', algorithmId: signatureIdentifier('rsa-pkcs1-sha256') }, { digests: [digestIdentifier('sha1')] }));
bad('a digest of SHA-1 under ECDSA with SHA-256', 'untrusted: SHA1', made({ digest: 'sha1', hash: 'sha256' }, { digests: [digestIdentifier('sha1')] }));
bad('a digest of MD5', 'untrusted: MD5', made({ by: bob, digest: 'md5' }, { digests: [digestIdentifier('md5')] }));
bad('another digest named than was used', 'invalid: its digest differs', made({ digestId: digestIdentifier('sha384') }));
bad('a digest that nobody knows', 'invalid: a digest that Keywright does not know', made({ digestId: derSequence(derOid('1.3.6.1.4.1.55555.8')) }));
bad('Ed25519 with SHA-256 (RFC 8419 §3.1)', 'invalid: goes with sha512', made({ by: cleo, digest: 'sha256' }));
bad('a signature algorithm of another key', 'invalid: does not fit its signed attributes', made({ algorithmId: signatureIdentifier('rsa-pkcs1-sha256') }));
bad('PSS named, PKCS#1 used', 'invalid: does not fit its signed attributes', made({ by: bob, algorithmId: signatureIdentifier('rsa-pss-sha256') }));
bad('one bit of the signature', 'invalid: does not fit its signed attributes', made({ change: (signature) => { const turned = Buffer.from(signature); turned[turned.length - 1]! ^= 1; return turned; } }));
bad('no signature', 'invalid: does not fit its signed attributes', made({ change: () => Buffer.alloc(0) }));
bad('a signature of zeros', 'invalid: does not fit its signed attributes', made({ change: () => derSequence(derInteger(0n), derInteger(0n)) }));
const stranger = root({ subject: 'CN=Root', keys: p256() });
const eve = person('Ada', p256(), stranger);
bad('by a certificate of a root that has the name of a trusted one', 'untrusted: is not that of “Root” & [issuer]', made({ by: eve }, { certificates: [eve.certificate, stranger.certificate] }));
bad('somebody else’s certificate written in', 'invalid: does not fit its signed attributes', made({ sid: der(TAG.sequence, bob.certificate.issuer.der, der(TAG.integer, bob.certificate.serial)) }, { certificates: [bob.certificate] }));
bad('a certificate with the same key, another than was meant', 'invalid: made for another certificate', made({ by: { ...ada, certificate: person('Mallory', keys.ec).certificate }, attributes: [contentType(), messageDigest(TEXT), signingCertificate(ada.certificate)] }));
bad('the certificate is not there', 'invalid: certificate is not there', made({}, { certificates: [] }));
bad('the key identifier of another', 'invalid: does not fit its signed attributes', made({ sid: byKeyIdentifier(bob), version: 3n }, { certificates: [ada.certificate, bob.certificate] }));
bad('a key identifier that nobody has', 'invalid: certificate is not there', made({ sid: der(contextPrimitive(0), randomBytes(20)), version: 3n }));
const leafOf = (parts: Parameters<typeof leaf>[1]): Forged => leaf(top, { subject: 'CN=Ada', keys: keys.ec, ...signing, ...parts });
bad('a certificate that has ended', 'untrusted: [validity]', made({ by: leafOf({ from: '2020-01-01T00:00:00Z', to: '2021-01-01T00:00:00Z' }) }));
bad('a certificate that is not valid yet', 'untrusted: [validity]', made({ by: leafOf({ from: '2098-01-01T00:00:00Z', to: '2099-01-01T00:00:00Z' }) }));
bad('a certificate for TLS alone', 'untrusted: [extended-key-usage]', made({ by: leaf(top, { subject: 'CN=Server', keys: keys.ec }) }));
bad('a certificate whose key may only encipher', 'untrusted: [key-usage]', made({ by: leafOf({ usage: keyUsageOf(['key-encipherment']) }) }));
const forgedBy = forged({ subject: 'CN=Ada 2', keys: keys.ec, ...signing }, ada);
bad('a certificate that Ada, who is no authority, issued', 'untrusted: [basic-constraints]', made({ by: forgedBy }, { certificates: [forgedBy.certificate, ada.certificate] }));
bad('a certificate that its authority revoked', 'untrusted: [revocation]', made(), TEXT, { roots, crl: [Buffer.from(list(top, { revoked: [{ serial: ada.certificate.serialText.replaceAll(':', ''), reason: 1 }] }).der)], at: '2024-02-01T00:00:00Z' });
bad('a revocation inside the signature', 'untrusted: [revocation]', made({}, { crls: [list(top, { revoked: [{ serial: ada.certificate.serialText.replaceAll(':', ''), reason: 1 }] }).der] }), TEXT, { roots, at: '2024-02-01T00:00:00Z' });
bad('two signers, of whom one signed another file', 'invalid: by CN=Ada & its digest differs', signedDataOf({ signers: [signer({ by: ada, content: TEXT }).info, signer({ by: bob, content: OTHER }).info], certificates: [ada.certificate, bob.certificate] }));
bad('two signers, of whom one is not trusted', 'untrusted: by CN=Ada & is not that of “Root”', signedDataOf({ signers: [signer({ by: ada, content: TEXT }).info, signer({ by: eve, content: TEXT }).info], certificates: [ada.certificate, eve.certificate, stranger.certificate] }));
bad('a counter-signature of the file', 'invalid: its digest differs', countered(bob, { attributes: [messageDigest(TEXT)] }));
bad('a counter-signature of another signature', 'invalid: its digest differs', countered(bob, {}, randomBytes(70)));
bad('a counter-signature with a content type', 'invalid: names a type of content', countered(bob, { attributes: [contentType(), messageDigest(first.signature)] }));
bad('a signature passed off as a counter-signature of itself', 'invalid: names a type of content', signedDataOf({ signers: [signer({ by: ada, content: TEXT, unsigned: [attribute(CMS.counterSignature, first.info)] }).info], certificates: [ada.certificate] }));
bad('nobody', 'invalid: Nobody signed it', signedDataOf({ signers: [], certificates: [ada.certificate] }));
bad('detached, and no file', 'invalid: its digest differs', made(), Buffer.alloc(0));
holder('an OpenSSL mail with a name written over it', 'trusted: From and Subject, are not signed', mail(PART, signedPart, { headers: 'From: boss@example.com\nSubject: Pay 1000\n', before: 'This is an S/MIME signed message\n\n' }));
holder('detached, and shown as the file itself', 'INVALID_INPUT: detached', made());
bad('another key named than the one that signed', 'untrusted: another key than the one that you named', made(), TEXT, { publicKey: keys.rsa.publicKey.export({ type: 'spki', format: 'der' }) });
bad('enveloped data', 'CAPABILITY_MISSING: not signed data', derSequence(derOid('1.2.840.113549.1.7.3'), der(0xa0, derSequence(derInteger(0n)))), TEXT, { roots, format: 'cms' });
bad('something behind the structure', 'INVALID_INPUT: follow', Buffer.concat([made(), Buffer.from('more')]));
bad('something behind it, within the outermost sequence', 'INVALID_INPUT: follow', made({}, { tail: derNull() }));
holder('a signed mail whose text was changed', 'invalid: its digest differs', mail(PART.replace('Magic', 'Majic'), signedPart));
holder('a signed mail with another part before', 'INVALID_INPUT: two parts', mail(`Content-Type: text/plain\n\nPay 1000\n--XX\n${PART}`, signedPart));
holder('a signed mail whose signature stands first', 'INVALID_INPUT: second part of the message is no S/MIME signature', mail(PART, signedPart).replace('text/plain', 'application/x').replace('application/pkcs7-signature; name', 'text/plain; name'));
holder('a signed mail with text before and after', 'trusted: around the signed part', mail(PART, signedPart, { before: 'Pay 1000\n', after: 'Pay 1000\n' }));
holder('text around a block of PEM', 'trusted: around the signed part', Buffer.concat([OTHER, armored(made({}, { content: TEXT }))]));

/** As it stands in base64, whichever byte it begins at. */
const IN_BASE64 = [0, 1, 2].map((shift) => Buffer.concat([Buffer.alloc(shift), TEXT]).toString('base64').slice(4, -4));
judgeFamily('cms', tables, {
  der: true,
  // Around and in S/MIME and PEM much may change; what was signed may not.
  same: (mutant) => mutant.includes(TEXT) || mutant.includes('The Magic Words') || IN_BASE64.some((words) => mutant.toString('latin1').replaceAll(/\s/g, '').includes(words)),
});
