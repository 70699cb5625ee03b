import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { writePem } from '../../formats/pem.ts';
import { type Certificate, peerName, verifyCertificate } from '../index.ts';
import type { Forged } from '../testing/forge.ts';
import { pemOf, randomPki, type RandomPki } from '../testing/random-pki.ts';
import type { Verdict, VerifyInput } from './verdict.ts';

/**
 * Small worlds of authorities by chance, judged by us and by `openssl verify`. Where the two disagree, the difference must be one of those that are listed here with its
 * reason. `KEYWRIGHT_PKIS=1000` for many (each has three certificates to judge, in four ways), `KEYWRIGHT_PKI=17` for one.
 */

const AT = new Date('2024-01-20T00:00:00Z');
interface Way { readonly args: readonly string[]; readonly with: Partial<VerifyInput> }
const WAYS: Readonly<Record<string, Way>> = {
  'any purpose': { args: [], with: { purpose: 'any' } },
  'a TLS server': { args: ['-purpose', 'sslserver', '-verify_hostname', 'example.com'], with: { purpose: 'tls-server', names: [peerName('dns:example.com', '/name')] } },
  'revocation lists': { args: ['-crl_check_all'], with: { purpose: 'any', revocation: 'chain' } },
  strictly: { args: ['-x509_strict'], with: { purpose: 'any', strict: true, strictRoots: true } },
};

/** What openssl trusts and we do not: our reason must be one of these, at each certificate that fails. */
const WE_REFUSE: readonly (readonly [check: RegExp, why: string])[] = [
  [/extensions need version 3/, 'RFC 5280 §4.1.2.9: readers of version 1 pass over them; openssl heeds them'],
  [/is there twice/, 'RFC 5280 §4.2: more than one instance of an extension is forbidden; openssl looks at those that it knows alone'],
  [/path length, and is no authority/, 'RFC 5280 §4.2.1.9; openssl looks at it with -x509_strict alone'],
  [/serial number is zero/, 'RFC 5280 §4.1.2.2, where form is judged strictly'],
  [/algorithm within differs/, 'RFC 5280 §4.1.1.2: in a root too, at whose own signature openssl does not look'],
  [/It is no authority: it may not issue/, 'RFC 5280 §6.1.4 (k): without basic constraints, a key usage does not make an authority; openssl takes it for one unless -x509_strict'],
  [/has no alternative names/, 'RFC 9525 §6.3: a common name is nobody’s name any more; openssl falls back to it'],
  [/The name dns:\*\.example\.com is forbidden/, 'what a wildcard stands for is forbidden (Go’s CVE-2025-61727)'],
];

/** The list was signed by another certificate of the issuer's name than the one in the path. */
const ELSEWHERE = 'lists of another certificate';
/** What we trust and openssl does not, though it was shown our path alone: what it said, and for which flaw. */
const THEY_REFUSE: readonly (readonly [said: RegExp, flaw: RegExp, why: string])[] = [
  [/CRL/, new RegExp(ELSEWHERE), 'RFC 5280 §6.3.3 (f): who signed a list may have a path of its own to the same root; openssl takes the path of the certificate alone unless -extended_crl'],
  [/key usage does not include CRL signing/, /may not sign lists/, 'RFC 5280 §6.3.3 (f): a certificate between, of the same name and key, says that it may'],
  [/unable to get (local )?issuer certificate|unable to verify the first|authority and subject key identifier mismatch/, /another authority identifier/, 'RFC 5280 §4.2.1.1: an identifier helps to find the key; whose key it was, the signature says'],
  [/invalid CA certificate/, /version 1/, 'RFC 5280 §6.1.4 (k): a root is an input, whatever it says of itself'],
  [/CA cert does not include key usage/, /no key usage/, 'RFC 5280 §4.2.1.3 binds authorities that issue; x509-limbo takes roots without'],
];

const folder = mkdtempSync(join(tmpdir(), 'keywright-differential-'));
afterAll(() => rmSync(folder, { recursive: true }));
const put = (name: string, content: string): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};

interface Theirs { readonly trusted: boolean; readonly said: string }
function openssl(way: Way, files: { roots: string; between: string; lists: string; ends: readonly string[] }): Promise<Theirs[]> {
  const lists = way.with.revocation === 'chain' ? ['-CRLfile', files.lists] : [];
  const args = ['verify', '-no-CApath', '-no-CAstore', '-partial_chain', '-auth_level', '2', '-attime', String(AT.getTime() / 1000), ...way.args, ...lists, '-CAfile', files.roots, '-untrusted', files.between, ...files.ends];
  return new Promise((resolve) => {
    execFile('openssl', args, (_error, stdout, stderr) => resolve(files.ends.map((end) => ({ trusted: stdout.includes(`${end}: OK`), said: /lookup: ([^\n]*)/.exec(stderr)?.[1] ?? stderr.slice(0, 200) }))));
  });
}

const certificatesOf = (all: readonly Forged[]): Certificate[] => all.map(({ certificate }) => certificate);
const ours = (end: Forged, pki: RandomPki, way: Way): Verdict => verifyCertificate({
  certificate: end.certificate, untrusted: certificatesOf(pki.between), roots: certificatesOf(pki.roots), crls: way.with.revocation === undefined ? [] : pki.lists, ocsp: [], revoked: new Map(), at: AT, purpose: 'any', names: [], maxDepth: 10,
  policies: { initial: [], requireExplicit: false, inhibitMapping: false, inhibitAny: false }, revocation: 'off', strict: false, strictRoots: false, extendedKeyUsages: [], ...way.with,
});

/** @returns what is not explained by a difference that is listed. */
async function compared(seed: number, tally: Map<string, number>): Promise<string[]> {
  const count = (what: string): unknown => tally.set(what, (tally.get(what) ?? 0) + 1);
  const pki = randomPki(seed);
  const files = {
    roots: put(`${seed}-roots.pem`, pemOf(pki.roots)), between: put(`${seed}-between.pem`, pemOf(pki.between)), lists: put(`${seed}-lists.pem`, pki.lists.map((one) => writePem('X509 CRL', one.der).toString()).join('')),
    ends: pki.ends.map((end, index) => put(`${seed}-end${index}.pem`, pemOf([end]))),
  };
  const wrong: string[] = [];
  for (const [name, way] of Object.entries(WAYS)) {
    const theirs = await openssl(way, files);
    for (const [index, end] of pki.ends.entries()) {
      const verdict = ours(end, pki, way);
      if (verdict.trusted === theirs[index]!.trusted) count(verdict.trusted ? 'both trust' : 'neither trusts');
      else if (verdict.trusted) {
        const path = verdict.path!.certificates.map(({ certificate }) => certificate);
        // openssl follows one way and does not turn back: shown nothing but the path that we found, it must follow that.
        const [alone] = await openssl(way, { ...files, roots: put('root.pem', path.at(-1)!.toPem()), between: put('path.pem', path.slice(0, -1).map((one) => one.toPem()).join('')), ends: [files.ends[index]!] });
        const byOthers = way.with.revocation === 'chain' && certificatesOf([...pki.roots, ...pki.between]).some((one) => !path.includes(one) && path.some(({ issuer }) => issuer.canonical === one.subject.canonical));
        const flaws = [...path.map(({ id }) => pki.flaws.get(id) ?? ''), byOthers ? ELSEWHERE : ''].filter(Boolean).join(', ');
        if (alone!.trusted) count('openssl does not turn back');
        else if (THEY_REFUSE.some(([said, flaw]) => said.test(alone!.said) && flaw.test(flaws))) count(`they: ${alone!.said}`);
        else wrong.push(`${seed}/${index}, ${name}: we trust, with ${flaws || 'no flaw'}; openssl says: ${alone!.said}`);
      } else {
        // openssl may have gone another way than the one that we show.
        const paths = [verdict.path, ...verdict.others].map((path) => (path?.certificates ?? []).flatMap(({ checks }) => checks.filter(({ outcome }) => outcome === 'failed').map(({ sentence }) => sentence)));
        const explained = paths.find((reasons) => reasons.length > 0 && reasons.every((reason) => WE_REFUSE.some(([check]) => check.test(reason))));
        if (explained !== undefined) count(`we: ${explained[0]!.slice(0, 40)}`);
        else wrong.push(`${seed}/${index}, ${name}: openssl trusts; we do not: ${paths[0]!.join(' | ') || verdict.verdict}`);
      }
    }
  }
  return wrong;
}

const PKIS = Number(process.env['KEYWRIGHT_PKIS'] ?? 25);
const ONE = process.env['KEYWRIGHT_PKI'];
test.skipIf(spawnSync('openssl', ['version']).status !== 0)('random worlds of authorities are judged as openssl judges them, but for what is listed with its reason', async () => {
  const tally = new Map<string, number>();
  const wrong: string[] = [];
  for (let seed = 0; seed < PKIS; seed++) if (ONE === undefined || Number(ONE) === seed) wrong.push(...(await compared(seed, tally)));
  if (PKIS > 100) console.log(Object.fromEntries([...tally].sort((a, b) => b[1] - a[1])));
  expect(wrong).toEqual([]);
  if (ONE === undefined) for (const what of ['both trust', 'neither trusts']) expect(tally.get(what)).toBeGreaterThan(PKIS);
}, 3_600_000);
