import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HAS_OPENSSL } from '../formats/testing/keys.ts';
import { ran } from './testing/around.ts';

/** What `files inspect` prints to mend a finding is a command that a shell takes as it is. */

const folder = mkdtempSync(join(tmpdir(), 'keywright-mend-'));
const at = (name: string): string => join(folder, name);
const env = { KEYWRIGHT_DATA_DIR: at('store'), KEYWRIGHT_PASSPHRASE_FILE: at('pw') };
beforeAll(async () => {
  for (const [name, text] of [['pw', 'correct horse battery staple 42'], ['in', 'another pass phrase 99'], ['out', 'paper boats on a lake 31']] as const) {
    writeFileSync(at(name), text);
    chmodSync(at(name), 0o600);
  }
  expect(await ran(['store', 'create'], { env })).toMatchObject({ code: 0 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** @returns the words of a command as a shell splits them. */
const shell = (command: string): string[] => execFileSync('sh', ['-c', `set -- ${command}; printf '%s\\0' "$@"`], { encoding: 'utf8' }).split('\0').slice(0, -1);

test.skipIf(!HAS_OPENSSL)('the command for an old PKCS#12 of an awkward name is run word for word, and nothing is found in what it wrote (skipped without openssl)', async () => {
  const file = at("it's $5 & old.p12");
  execFileSync('sh', ['-c', 'openssl req -x509 -newkey rsa:2048 -nodes -keyout k.pem -out c.pem -days 900 -subj /CN=Ada 2>/dev/null && openssl pkcs12 -export -legacy -inkey k.pem -in c.pem -out "$1" -passout file:in', 'sh', file], { cwd: folder });
  const told = (await ran(['files', 'inspect', file], { env })).stdout.toString();
  expect(told).toMatch(/weak: It is encrypted with 40-bit RC2\.\n {2}keywright files convert /);
  const commands = told.split('\n').filter((line) => line.startsWith('  keywright '));
  expect(commands).toHaveLength(1); // it mends three findings, and is printed once
  const [program, ...words] = shell(commands[0]!);
  expect([program, words.includes(file)]).toEqual(['keywright', true]);
  expect(await ran([...words, '--import-passphrase-file', at('in'), '--export-passphrase-file', at('out')], { env })).toMatchObject({ code: 0 });
  const { items } = (await ran(['files', 'inspect', words.at(-1)!, '--json'], { env })).json as unknown as { items: { kind: string; findings: unknown[] }[] };
  expect(items).toEqual([expect.objectContaining({ kind: 'pkcs12', findings: [] })]);
});

test('what lies in a file stands below it, with what is known of it and the key that is held here', async () => {
  await ran(['keys', 'generate', '--algorithm', 'ec-p256', '--label', 'Ada'], { env });
  await ran(['certificates', 'self-sign', 'Ada', '--subject', 'CN=Ada'], { env });
  expect(await ran(['certificates', 'export', 'Ada', '--out', at('ada.pem')], { env })).toMatchObject({ code: 0 });
  const told = (await ran(['files', 'inspect', at('ada.pem')], { env })).stdout.toString();
  expect(told).toMatch(/^kind: certificate\n[^]*\n\ncertificate: Ada \(line 1\)\n {2}A certificate that its own key has issued\.\n {2}Version {2,}3\n/);
  expect(told).toMatch(/\n {2}held here: pkcs8:[0-9a-f]{32}\n {2}extension: Basic constraints \(offset \d+\)\n {4}Not an authority/);
});
