import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { corpus } from '../../../scripts/corpora.ts';
import { ROOT } from '../../../scripts/paths.ts';
import { FOLDERS, REPORT, rowsOf, toldOf } from './testing/corpora.ts';

const page = readFileSync(join(ROOT, REPORT), 'utf8');
const documented = (name: string): string[] => (page.split(`\n## ${name}\n`)[1] ?? '').split('\n## ')[0]!.split('\n').filter((line) => line.startsWith(`| ${name}/`));
const sections = [...page.matchAll(/^## (.*)$/gm)].map(([, name]) => name as string);

/** What files must be called, by their names; what no line names is told in the page alone. */
const EXPECTED: readonly (readonly [pattern: RegExp, kind: RegExp])[] = [
  [/^rfc9579\/.*\.(?:p12|pfx)$|^pyca\/pkcs12\/[^/]*\.p12$/, /^pkcs12$/], [/^pdf\/.*\.pdf$/, /^pdf$/], [/^tss2\/.*\.(?:tpm|pem)$/, /^tss2$/], [/^pyca\/x509\/ocsp\/req-.*\.der$/, /^ocsp-request$/], [/^pyca\/x509\/ocsp\/resp-.*\.der$/, /^ocsp-response$/],
  [/^pyca\/x509\/requests\/.*\.pem$/, /^certificate-request$/], [/^pyca\/x509\/custom\/crl_.*/, /^crl$/], [/^pyca\/pkcs7\/.*\.(?:p7b|der)$/, /^cms$/], [/\.tsr$/, /^timestamp-response$/], [/\.tsq$/, /^timestamp-request$/],
  [/^minisign\/.*\.(?:minisig|pub)$/, /^minisign$/], [/^minisign\/.*\.key$/, /^minisign-secret$/], [/^ssh\/sshsig\/testdata\/.*\.sig$/, /^sshsig$/], [/^lamps-pq\/.*\.priv$/, /^pkcs8$/], [/^lamps-pq\/.*\.crt$/, /^certificate$/], [/\/certs\/.*\.pub$|-cert\.pub$/, /^openssh-certificate$/],
  [/\.eml$/, /^(?:smime|cms)$/], [/^cose-examples\/(?!.*fail-01).*\/.*\.json$/, /^cose |^json$/], [/^jose-cookbook\/jw[se]\//, /^(?:jws|jwe|jwe-passphrase) /], [/^jose-cookbook\/jwk\//, /^jwk$/], [/^age\/testdata\//, /^(?:age|unknown|empty|other-pem) /], [/good\.pub\.b64$/, /^minisign$/],
];

test.each(FOLDERS.map((name) => [name]))('every file of %s is told as the documented table has it (skipped without the corpora)', async (name) => {
  if (corpus(name) === undefined) return void console.info(`${name}: skipped, since the corpora are not here (KEYWRIGHT_CORPORA)`);
  const told = await toldOf(name);
  expect(told.filter(({ file, kind }) => EXPECTED.some(([pattern, wanted]) => pattern.test(file) && !wanted.test(kind))).map(({ file, kind }) => `${file}: ${kind}`)).toEqual([]);
  expect(told.filter(({ verdict, why }) => verdict === '–' && why === '').map(({ file }) => `${file}: nothing says why it is nothing`)).toEqual([]);
  expect(rowsOf(told)).toEqual(documented(name));
});

test('the table has every folder, and no other', () => {
  expect(sections).toEqual([...FOLDERS]);
});
