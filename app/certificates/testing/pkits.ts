import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';

/** For tests: the paths of NIST's PKITS (`verifying/vectors/SOURCE.txt`). */

export interface PkitsCase {
  /** `4.8.1.2` */
  readonly number: string;
  readonly name: string;
  readonly valid: boolean;
  /** user-initial-policy-set, object identifiers; empty: any. */
  readonly policy: readonly string[];
  readonly requirePolicy: boolean;
  readonly inhibitPolicyMapping: boolean;
  readonly inhibitAnyPolicy: boolean;
  /** Policies that are valid for the whole path, where the suite says so. */
  readonly policies: readonly string[] | undefined;
  /** DER. */
  readonly certificate: Buffer;
  readonly untrusted: readonly Buffer[];
  readonly crls: readonly Buffer[];
  readonly root: Buffer;
}

/** Within the validity of its certificates and lists. */
export const PKITS_TIME = '2026-01-01T00:00:00.000Z';

const ANY_POLICY = '2.5.29.32.0';
const policyOf = (text: string): string => (text === 'any' ? ANY_POLICY : `2.16.840.1.101.3.2.1.48.${text}`);
const vector = (name: string): Buffer => readFileSync(new URL(`../verifying/vectors/${name}`, import.meta.url));
const words = (text = ''): string[] => text.split(' ').filter((word) => word !== '');

export function pkitsCases(): PkitsCase[] {
  const files = JSON.parse(brotliDecompressSync(vector('pkits.json.br')).toString()) as Record<string, string>;
  const file = (name: string): Buffer => {
    const hex = files[name];
    if (hex === undefined) throw new Error(`PKITS has no ${name}`);
    return Buffer.from(hex, 'hex');
  };
  return vector('pkits.txt').toString().trim().split('\n').map((line) => {
    const [about = '', inputs = ''] = line.split(' : ');
    const [settings = '', result] = about.split(' -> ');
    const [number = '', name = '', validity, ...initial] = words(settings);
    const [certificates, lists] = inputs.split('/').map((part) => words(part));
    const [certificate, ...untrusted] = certificates!.map((one) => file(`${one}.crt`));
    return {
      number, name, valid: validity === 'valid', policy: words(initial.find((word) => word.startsWith('policy='))?.slice(7).replaceAll(',', ' ')).map(policyOf),
      requirePolicy: initial.includes('explicit'), inhibitPolicyMapping: initial.includes('inhibit-mapping'), inhibitAnyPolicy: initial.includes('inhibit-any'),
      policies: result === undefined ? undefined : result === 'none' ? [] : result.split(',').map(policyOf),
      certificate: certificate!, untrusted, crls: (lists ?? []).map((one) => file(`${one}.crl`)), root: file('TrustAnchorRootCertificate.crt'),
    };
  });
}
