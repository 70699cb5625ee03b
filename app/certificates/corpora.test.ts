import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { corpus, filesIn } from '../../scripts/corpora.ts';
import { KeywrightError } from '../contract/index.ts';
import { parsePem } from '../formats/pem.ts';
import { type CertificateRequest, inWords, isRequestSigned, parseOcspRequest, parseOcspResponse, readCertificates, readRequest, readRevocationLists, textOf } from './index.ts';

const [PYCA, PQ] = [corpus('pyca'), corpus('lamps-pq')];
const WITHOUT = '(skipped without the corpora)';

/** Refused by us with a reason that node:crypto, which judges elsewhere, does not have. */
const STRICTER = /BOOLEAN of DER|is not written as|needless|not written the shortest|version|unused bits|empty list|neither UTCTime|time that does not exist|indefinite|follow the end|one or more|at least one|several bytes/i;

describe.skipIf(PYCA === undefined)(`pyca ${WITHOUT}`, () => {
  test('every certificate that node:crypto reads is read too, with the same fields, or is refused for what DER forbids', () => {
    let read = 0;
    const differences: string[] = [];
    for (const path of filesIn(PYCA as string)) {
      if (!/\.(pem|crt|cer|der)$/.test(path)) continue;
      const content = readFileSync(path);
      for (const der of certificatesIn(content, path)) {
        let judge: X509Certificate;
        try {
          judge = new X509Certificate(der);
        } catch {
          continue;
        }
        try {
          const [certificate] = readCertificates(der);
          expect(certificate!.id).toBe(judge.fingerprint256.replaceAll(':', '').toLowerCase());
          expect(BigInt(`0x${certificate!.serialText.replace(/^-/, '')}`)).toBe(BigInt(`0x${judge.serialNumber.replace(/^-/, '')}`));
          expect(certificate!.notAfter.date.toISOString()).toBe(new Date(judge.validTo).toISOString());
          const words = inWords(certificate!);
          expect(words.extensions.length).toBe(certificate!.extensions.length);
          expect(textOf(words)).not.toMatch(/[\u202a-\u202e\u2066-\u2069\u0000]/);
          read += 1;
        } catch (thrown) {
          if (!(thrown instanceof KeywrightError) || !STRICTER.test(thrown.message)) differences.push(`${relative(PYCA as string, path)}: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
        }
      }
    }
    expect(differences).toEqual([]);
    expect(read).toBeGreaterThan(120);
  });

  test('the signature of every request that is read is judged as openssl does, but for DSA and MD4, which count no more', () => {
    const verdicts: string[] = [];
    let signed = 0;
    for (const path of filesIn(join(PYCA as string, 'x509', 'requests'))) {
      const content = readFileSync(path);
      let request: CertificateRequest;
      try {
        request = readRequest(content);
      } catch (thrown) {
        expect(thrown, path).toBeInstanceOf(KeywrightError);
        continue;
      }
      if (/DSA with|1\.2\.840\.113549\.1\.1\.3$|SM2/.test(request.signatureAlgorithm.name)) continue;
      const ours = isRequestSigned(request);
      const judged = spawnSync('openssl', ['req', '-inform', content[0] === 0x30 ? 'DER' : 'PEM', '-noout', '-verify'], { input: content, encoding: 'utf8' });
      if (ours !== /verify OK/.test(`${judged.stdout}${judged.stderr}`)) verdicts.push(`${relative(PYCA as string, path)}: ${ours}`);
      if (ours) signed += 1;
    }
    expect(verdicts).toEqual([]);
    expect(signed).toBeGreaterThan(10);
  });

  test('every revocation list is read, or refused with a typed error', () => {
    let read = 0;
    for (const path of filesIn(join(PYCA as string, 'x509'))) {
      const content = readFileSync(path);
      if (!/crl/i.test(path) || !(content.includes('X509 CRL') || path.endsWith('.der'))) continue;
      try {
        for (const list of readRevocationLists(content)) void list.entries.length;
        read += 1;
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(KeywrightError);
      }
    }
    expect(read).toBeGreaterThan(15);
  });

  test('every OCSP message is read, or refused with a typed error', () => {
    let read = 0;
    for (const path of filesIn(join(PYCA as string, 'x509', 'ocsp'))) {
      const parse = /req/.test(path) ? parseOcspRequest : parseOcspResponse;
      try {
        parse(readFileSync(path));
        read += 1;
      } catch (thrown) {
        expect(thrown, path).toBeInstanceOf(KeywrightError);
      }
    }
    expect(read).toBeGreaterThan(8);
  });
});

describe.skipIf(PQ === undefined)(`post-quantum certificates ${WITHOUT}`, () => {
  test('ML-DSA and SLH-DSA certificates that issued themselves verify with their own key', () => {
    let signed = 0;
    for (const path of filesIn(PQ as string)) {
      const content = readFileSync(path);
      if (!content.includes('BEGIN CERTIFICATE-----')) continue;
      for (const certificate of readCertificates(content)) {
        if (!/^(ml|slh)-dsa-/.test(certificate.key.name)) continue;
        expect(certificate.isSignedBy(certificate), path).toBe(true);
        signed += 1;
      }
    }
    expect(signed).toBeGreaterThan(3);
  });
});

function certificatesIn(content: Buffer, path: string): Buffer[] {
  if (path.endsWith('.der') || content[0] === 0x30) return [content];
  try {
    return parsePem(content).filter(({ label }) => label === 'CERTIFICATE').map(({ content: der }) => der);
  } catch {
    return [];
  }
}
