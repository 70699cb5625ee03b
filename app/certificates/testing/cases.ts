import { type Certificate, peerName, type RevocationList, verifyCertificate } from '../index.ts';
import type { VerifyInput } from '../verifying/verdict.ts';
import type { Forged } from './forge.ts';

/**
 * Paths that outside suites are about too (those of the C2SP x509-limbo project, NIST's PKITS), made anew here: what each is, and what RFC 5280, RFC 9525 or the
 * CA/Browser Forum say of it. Judged as `certificates verify --roots … --purpose tls-server --host example.com` judges, unless a case says otherwise.
 */

const AT = new Date('2024-01-20T00:00:00Z');
export interface Case { readonly leaf: Forged; readonly between?: readonly Forged[]; readonly roots: readonly Forged[]; readonly lists?: readonly RevocationList[]; readonly host?: string; readonly with?: Partial<VerifyInput> }

/** @returns the verdict alone. */
export function trusted({ leaf: end, between = [], roots, lists = [], host = 'dns:example.com', with: more = {} }: Case): boolean {
  const certificates = (all: readonly Forged[]): Certificate[] => all.map(({ certificate }) => certificate);
  return verifyCertificate({
    certificate: end.certificate, untrusted: certificates(between), roots: certificates(roots), crls: lists, ocsp: [], revoked: new Map(), at: AT, purpose: 'tls-server', names: host === '' ? [] : [peerName(host, '/name')], maxDepth: 10,
    policies: { initial: [], requireExplicit: false, inhibitMapping: false, inhibitAny: false }, revocation: lists.length > 0 ? 'given' : 'off', strict: true, strictRoots: true, extendedKeyUsages: [], ...more,
  }).trusted;
}
