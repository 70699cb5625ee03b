import { beforeAll, describe, expect, test } from 'vitest';
import { extendedKeyUsageOf, keyUsageOf } from '../making/extensions.ts';
import { PURPOSE_OIDS } from '../reading/oids.ts';
import { AT, forge, type Holder, issue, revocationList } from '../testing/authority.ts';
import { type CertificateTrust, judgeCertificate } from './trust.ts';

let root: Holder;
let signer: Holder;
let stamper: Holder;
beforeAll(async () => {
  root = await issue('CN=Root', { profile: 'root' });
  signer = await issue('CN=Ada', { profile: 'code-signing' }, root);
  stamper = await issue('CN=Time', { profile: 'timestamp' }, root);
});
const trust = (more: Partial<CertificateTrust> = {}): CertificateTrust => ({ anchors: [root.certificate], between: [], ...more });
const [before, after] = [new Date(AT.getTime() - 86_400_000), new Date(AT.getTime() + 86_400_000)];

describe('the certificate of who signed', () => {
  test('holds for signing files and for its own purpose, and for no other', () => {
    const judged = (purpose: CertificateTrust['purpose']) => judgeCertificate(signer.certificate, { certificates: [] }, trust(purpose === undefined ? {} : { purpose }), AT);
    expect(judged(undefined)).toMatchObject({ trusted: true, path: { certificates: [{ role: 'certificate' }, { role: 'root' }] } });
    expect(judged('code-signing').trusted).toBe(true);
    for (const purpose of ['email', 'timestamp', 'tls-server', 'ca'] as const) expect(judged(purpose).trusted, purpose).toBe(false);
  });

  test('that is for servers alone, or whose key does not sign, signs no file', async () => {
    const server = await issue('CN=www.example.org', { profile: 'tls-server', san: ['dns:www.example.org'] }, root);
    const agrees = await forge('CN=agrees', [keyUsageOf(['key-agreement'])], root);
    const documents = await forge('CN=documents', [extendedKeyUsageOf(['1.3.6.1.5.5.7.3.36'], false)], root);
    const stamps = await forge('CN=stamps', [extendedKeyUsageOf([PURPOSE_OIDS.timestamp], true)], root);
    for (const [holder, trusted] of [[server, false], [agrees, false], [documents, true], [stamps, false]] as const) expect(judgeCertificate(holder.certificate, { certificates: [] }, trust(), AT).trusted).toBe(trusted);
  });

  test('counts where it was revoked after the time that counts, and not where it was before', async () => {
    const { id, serialText: serial } = signer.certificate;
    for (const [at, trusted] of [[before, false], [after, true]] as const) {
      expect(judgeCertificate(signer.certificate, { certificates: [] }, trust({ revoked: new Map([[id, { at, reason: 'key-compromise' }]]) }), AT).trusted).toBe(trusted);
      const list = await revocationList(root, [{ serial, at, reason: 'key-compromise' }]);
      expect(judgeCertificate(signer.certificate, { certificates: [], crls: [list] }, trust({ revocation: 'leaf' }), AT).trusted).toBe(trusted);
    }
  });

  test('of a timestamp counts after a later revocation only where its key was not lost (RFC 3161 §4)', () => {
    const { id } = stamper.certificate;
    for (const [reason, trusted] of [['superseded', true], ['cessation-of-operation', true], ['key-compromise', false], ['unspecified', false]] as const) {
      expect(judgeCertificate(stamper.certificate, { certificates: [] }, trust({ revoked: new Map([[id, { at: after, reason }]]) }), AT, 'timestamp').trusted, reason).toBe(trusted);
    }
  });

  test('must be known not to be revoked where that is asked for', async () => {
    const judged = (crls: CertificateTrust['crls'] = []) => judgeCertificate(signer.certificate, { certificates: [] }, trust({ revocation: 'leaf', crls }), AT).trusted;
    expect(judged()).toBe(false);
    expect(judged([await revocationList(root, [])])).toBe(true);
  });
});
