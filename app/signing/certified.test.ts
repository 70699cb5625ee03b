import { compactVerify, importX509 } from 'jose';
import { describe, expect, test } from 'vitest';
import { Certificate } from '../certificates/index.ts';
import { temporaryFolder } from '../formats/testing/keys.ts';
import { certifiedKey, certify, trustingCertificates } from './testing/certificates.ts';
import { contentOf, signAs, trusting, trustingSpki, verifyAs } from './testing/keys.ts';

/** Formats that have a place for the signer's certificate, and are judged by it: `x5c` of JWS (RFC 7515 §4.1.6), `x5chain` of COSE (RFC 9360 §2). */

async function family() {
  const root = await certify('ec-p384', 'CN=Root', { profile: 'root' });
  const middle = await certify('ec-p521', 'CN=Middle', { profile: 'sub-ca' }, { key: 'ec-p384', certificate: root });
  const ada = await certify('ec-p256', 'CN=Ada', { profile: 'email', san: ['email:ada@example.org'] }, { key: 'ec-p521', certificate: middle });
  return { root, middle, ada };
}
const GIVEN = { certificate: Buffer.from('asked for') };

describe.each(['jws', 'jwt', 'cose'] as const)('%s with the certificate of its signer', (format) => {
  test('is trusted by the path to a root that is trusted, and for what the certificate is for', async () => {
    using folder = temporaryFolder();
    const { root, middle, ada } = await family();
    const file = await contentOf(folder.path, '{"sub":"ada"}');
    const made = await signAs(format, file, await certifiedKey('ec-p256', ada, [middle]), GIVEN);
    const judge = async (trust: Parameters<typeof verifyAs>[2]) => (await verifyAs(format === 'jwt' ? await contentOf(folder.path, made, 'signed') : file, format === 'jwt' ? null : made, trust, format))[0]!;
    expect(await judge(trustingCertificates([root]))).toMatchObject({ intact: true, name: 'CN=Ada', trustedBy: { source: 'root', name: 'CN=Root' }, path: { trusted: true, certificates: [{ role: 'certificate' }, { role: 'authority' }, { role: 'root' }] } });
    expect(await judge(trustingCertificates([]))).toMatchObject({ intact: true, trustedBy: null, problem: expect.stringContaining('no root') });
    const { certificates } = trustingCertificates([root]);
    expect(await judge({ ...trustingCertificates([root]), certificates: { ...certificates!, purpose: 'code-signing' } })).toMatchObject({ intact: true, trustedBy: null, problem: expect.stringContaining('code signing') });
    expect(await judge({ ...trustingCertificates([root]), certificates: { ...certificates!, revoked: new Map([[middle.id, { at: new Date(0), reason: 'superseded' }]]) } })).toMatchObject({ intact: true, trustedBy: null, problem: expect.stringContaining('Revoked') });
    // A key held here is its owner's word; another one that was named is not it.
    expect(await judge({ ...trusting('ec-p256'), certificates: { anchors: [], between: [] } })).toMatchObject({ intact: true, trustedBy: { source: 'held-key' } });
    expect(await judge(trustingSpki((await certify('ec-p384', 'CN=Other')).spki))).toMatchObject({ intact: true, trustedBy: null });
  });

  test('of somebody else is no signature of theirs', async () => {
    using folder = temporaryFolder();
    const { root, middle } = await family();
    const other = await certify('rsa-2048', 'CN=Other', {}, { key: 'ec-p521', certificate: middle });
    const file = await contentOf(folder.path, '{"sub":"ada"}');
    const forged = await signAs(format, file, await certifiedKey('ec-p256', other, [middle]), GIVEN);
    expect(await verifyAs(format === 'jwt' ? await contentOf(folder.path, forged, 'signed') : file, format === 'jwt' ? null : forged, trustingCertificates([root]), format)).toMatchObject([{ intact: false, trustedBy: null }]);
  });
});

test('jose reads x5c and verifies with it', async () => {
  using folder = temporaryFolder();
  const { middle, ada } = await family();
  const made = await signAs('jws', await contentOf(folder.path, 'text'), await certifiedKey('ec-p256', ada, [middle]), { ...GIVEN, detached: false });
  const header = JSON.parse(Buffer.from(made.toString().split('.')[0]!, 'base64url').toString()) as { x5c: string[] };
  expect(header.x5c.map((text) => new Certificate(Buffer.from(text, 'base64')).subject.text)).toEqual(['CN=Ada', 'CN=Middle']);
  const { payload } = await compactVerify(made.toString(), await importX509(ada.toPem(), 'ES256'));
  expect(Buffer.from(payload).toString()).toBe('text');
});

test.each([['x5c', 'text'], ['x5c', []], ['x5c', ['AAAA']], ['x5c', ['not base64!']]])('a JWS whose %s is %j is refused with its place', async (name, value) => {
  using folder = temporaryFolder();
  const token = `${Buffer.from(JSON.stringify({ alg: 'ES256', [name]: value })).toString('base64url')}.dGV4dA.AAAA`;
  await expect(verifyAs(await contentOf(folder.path, token, 'signed'), null, trusting('ec-p256'), 'jws')).rejects.toMatchObject({ code: 'INVALID_INPUT', facts: { where: expect.stringContaining('x5c') as string } });
});

test('a JWS whose thumbprint is of another certificate proves nothing', async () => {
  using folder = temporaryFolder();
  const { ada } = await family();
  const token = `${Buffer.from(JSON.stringify({ alg: 'ES256', x5c: [Buffer.from(ada.der).toString('base64')], 'x5t#S256': 'AAAA' })).toString('base64url')}.dGV4dA.AAAA`;
  expect(await verifyAs(await contentOf(folder.path, token, 'signed'), null, trusting('ec-p256'), 'jws')).toMatchObject([{ intact: false, problem: expect.stringContaining('another certificate') as string }]);
});
