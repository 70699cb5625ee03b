import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Certificate, isRequestSigned, parseRequest, readRevocationLists, signRequest, signRevocationList } from '../certificates/index.ts';
import { verifySigned } from '../certificates/signatures.ts';
import { type KeyAlgorithmName, SecretBytes, type SignatureAlgorithmName } from '../contract/index.ts';
import { publicOfPkcs8, writeKey, writePkcs12 } from '../formats/index.ts';
import { hasTool, materialOf, pairOf, readOne, run, temporaryFolder } from '../formats/testing/keys.ts';
import { contentOfMessage } from './format.ts';
import { certifiedKey, certify, CONTENT, trustingCertificates } from './testing/certificates.ts';
import { contentOf, signAs, signAsTokensDo, verifyAs } from './testing/keys.ts';

/** Post-quantum signatures between Bouncy Castle and us: see testing/bouncy-castle/README.md. */

const FOLDER = new URL('testing/bouncy-castle/', import.meta.url);
const TEXT = 'What Bouncy Castle and Keywright sign for each other\n';
const sample = (name: string): Buffer => readFileSync(new URL(name, FOLDER));

describe('made by Bouncy Castle, read by us', () => {
  test.each(['ml-dsa-44', 'ml-dsa-65', 'ml-dsa-87', 'slh-dsa-sha2-128s'])('a certificate of %s, and its key in each form', async (algorithm) => {
    const certificate = new Certificate(sample(`${algorithm}/certificate.der`));
    expect(verifySigned(certificate.key, certificate.signatureAlgorithm, certificate.tbs, certificate.signature)).toBe(true);
    const forms = algorithm.startsWith('slh') ? ['key'] : algorithm === 'ml-dsa-65' ? ['seed', 'both', 'expanded'] : ['seed'];
    for (const form of forms) {
      const { material } = await readOne(sample(`${algorithm}/${form}.p8`));
      expect([form, material.algorithm, Buffer.from(publicOfPkcs8(material.secret.reveal())).equals(certificate.spki)]).toEqual([form, algorithm, true]);
    }
  });

  test('a request, a revocation list and a CMS signature of ML-DSA-65', async () => {
    const certificate = new Certificate(sample('ml-dsa-65/certificate.der'));
    expect(isRequestSigned(parseRequest(sample('ml-dsa-65/request.der')))).toBe(true);
    const [list] = readRevocationLists(sample('ml-dsa-65/list.crl'));
    expect(verifySigned(certificate.key, list!.signatureAlgorithm, list!.tbs, list!.signature)).toBe(true);
    using folder = temporaryFolder();
    const signed = await contentOf(folder.path, sample('ml-dsa-65/signed.p7m'), 'signed');
    expect(await verifyAs(signed, null, trustingCertificates([certificate]))).toMatchObject([{ intact: true, name: 'CN=ML-DSA-65' }]);
  });
});

/** The class path of Bouncy Castle from 1.79 on, which knows the standards by name. */
function classPath(): string | undefined {
  const named = process.env['KEYWRIGHT_BOUNCY_CASTLE'];
  if (named !== undefined) return named;
  const found = globSync(join(homedir(), '.m2/repository/org/bouncycastle/bc{prov,pkix,util}-jdk18on/1.*/*.jar')).filter((path) => Number(/-1\.(\d+)\.jar$/.exec(path)?.[1]) >= 79);
  return found.length === 3 ? found.join(':') : undefined;
}
/** Java takes seconds for the derivations, which are the same for all. */
const ENCRYPTED = 'ml-dsa-65';
const CLASSES = hasTool('java', '-version') ? classPath() : undefined;

test.skipIf(CLASSES === undefined)('made by us, judged by Bouncy Castle (skipped without Java and Bouncy Castle)', async () => {
  using folder = temporaryFolder();
  const names = ['ml-dsa-44', 'ml-dsa-65', 'ml-dsa-87', 'slh-dsa-sha2-128f'] as const;
  using passphrase = SecretBytes.fromText('a passphrase');
  for (const name of names) await makeFor(name, join(folder.path, name), passphrase);
  const judged = run('java', ['-cp', CLASSES as string, new URL('PostQuantum.java', FOLDER).pathname, 'judge', ...names.map((name) => join(folder.path, name))]).toString();
  expect(judged.trim().split('\n')).toEqual(names.flatMap((name) => ['certificate', 'list', 'request', 'cms', 'key', ...(name === ENCRYPTED ? ['encrypted key', 'store mine'] : [])].map((what) => `${name} ${what}: true`)));
});

async function makeFor(name: KeyAlgorithmName & SignatureAlgorithmName, path: string, passphrase: SecretBytes): Promise<void> {
  mkdirSync(path);
  const sign = async (algorithm: SignatureAlgorithmName, message: Uint8Array): Promise<Uint8Array> => signAsTokensDo(name, algorithm, contentOfMessage(algorithm, message));
  const { spki, pkcs8 } = pairOf(name);
  const certificate = await certify(name, `CN=${name}`);
  const file = await contentOf(path, TEXT, 'text');
  const revoked = [{ serial: '10', at: new Date('2026-01-01T00:00:00Z'), reason: 'key-compromise' as const }];
  const list = await signRevocationList({ issuer: certificate, number: 1n, thisUpdate: new Date('2026-01-01T00:00:00Z'), nextUpdate: new Date('2036-01-01T00:00:00Z'), revoked }, name, sign);
  const { request } = await signRequest({ ...CONTENT, subject: 'CN=Request' }, { spki, encrypts: false }, name, sign);
  const files = {
    'certificate.der': certificate.der, 'list.crl': list.der, 'request.der': request.der, 'signed.p7s': await signAs('cms', file, await certifiedKey(name, certificate)),
    'key.p8': await writeKey(materialOf(name), { format: 'pkcs8', encoding: 'der' }),
    ...(name === ENCRYPTED ? { 'encrypted.p8': await writeKey(materialOf(name), { format: 'pkcs8', encoding: 'der', passphrase }), 'store.p12': await writePkcs12([{ pkcs8, certificate: certificate.der, friendlyName: 'mine' }], passphrase, 'modern') } : {}),
  };
  for (const [called, bytes] of Object.entries(files)) writeFileSync(join(path, called), bytes);
}
