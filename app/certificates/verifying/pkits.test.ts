import { describe, expect, test } from 'vitest';
import { Certificate, RevocationList, verifyCertificate } from '../index.ts';
import { PKITS_TIME, type PkitsCase, pkitsCases } from '../testing/pkits.ts';
import type { Verdict } from './verdict.ts';

/** All of NIST's PKITS, with the inputs that it names, and the revocation of the whole path asked for. */

function judged({ certificate, untrusted, crls, root, policy, requirePolicy, inhibitPolicyMapping, inhibitAnyPolicy }: PkitsCase, allowWeak: boolean): Verdict {
  return verifyCertificate({
    certificate: new Certificate(certificate), untrusted: untrusted.map((one) => new Certificate(one)), roots: [new Certificate(root)], crls: crls.map((one) => new RevocationList(one)), ocsp: [], revoked: new Map(), at: new Date(PKITS_TIME),
    purpose: 'any', names: [], maxDepth: 10, policies: { initial: policy, requireExplicit: requirePolicy, inhibitMapping: inhibitPolicyMapping, inhibitAny: inhibitAnyPolicy }, revocation: 'chain', strict: false, strictRoots: false, extendedKeyUsages: [], allowWeak,
  });
}

const SECTIONS: Readonly<Record<string, string>> = {
  1: 'signatures', 2: 'validity', 3: 'name chaining', 4: 'revocation lists', 5: 'self-issued certificates', 6: 'basic constraints', 7: 'key usage', 8: 'policies', 9: 'explicit policies', 10: 'policy mappings', 11: 'inhibited mappings', 12: 'inhibited anyPolicy',
  13: 'name constraints', 14: 'distribution points', 15: 'deltas', 16: 'private extensions',
};
/** DSA without parameters, which are those of the issuer (RFC 3279 §2.3.2): an issuer could choose them so that it signs for the key below. Nobody needs such keys any more. */
const INHERITED_PARAMETERS = '4.1.5';
const CASES = pkitsCases();

test('the suite is whole', () => {
  expect([CASES.length, new Set(CASES.map(({ name }) => name)).size, new Set(CASES.map(({ number }) => number)).size]).toEqual([247, 224, 247]);
});

describe.each(Object.entries(SECTIONS))('4.%s %s', (section, _about) => {
  test.each(CASES.filter(({ number }) => number.split('.')[1] === section))('$number $name, valid: $valid', (one) => {
    const { trusted, path } = judged(one, true);
    expect(trusted).toBe(one.valid && one.number !== INHERITED_PARAMETERS);
    if (one.policies !== undefined) expect(path?.policies).toEqual(one.policies);
  });
});

test('unless weak algorithms are allowed, DSA is refused', () => {
  const different = CASES.filter(({ number }) => number.startsWith('4.1.')).filter((one) => judged(one, false).trusted !== one.valid).map(({ number }) => number);
  expect(different).toEqual(['4.1.4', INHERITED_PARAMETERS]);
});
