import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { picturesOf } from '../support/axe.ts';
import { drop } from '../support/drop.ts';
import { expect, test } from '../support/fixture.ts';
import { person } from '../support/person.ts';
import type { Program } from '../support/program.ts';
import { chooseSecret, typeSecret } from '../support/prompts.ts';
import { text } from '../support/texts.ts';

const WORD = 'nine green bottles 88';
const PLAN = 'the plan, for nobody else';
const mode = (page: Page, name: 'encrypt' | 'decrypt' | 'inspect'): Promise<void> => page.getByRole('radio', { name: text(`files.mode.${name}`), exact: true }).check({ force: true });
const escaped = (words: string): string => words.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

const pictures = (program: Program, name: string): Promise<void> => picturesOf(program, program.page, `files-${name}`);

async function assertAccessible(page: Page): Promise<void> {
  const found = await new AxeBuilder({ page }).exclude('[data-live-announcer]').setLegacyMode(true).analyze();
  expect(found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join('; ')}`)).toEqual([]);
}

test('files are encrypted to a passphrase, to a certificate and for a key, and decrypted again', async ({ program, folder }) => {
  const { page } = program;
  const ada = person(program);
  const plan = join(folder, 'plan.txt');
  const at = (name: string): string => join(folder, name);
  const choose = (path: string, button: 'files.choose' | 'files.chooseOne' = 'files.choose', which = 0): Promise<void> => program.choosing([path], () => page.getByRole('button', { name: text(button), exact: true }).nth(which).click());
  const format = async (name: string): Promise<void> => {
    await page.getByRole('button', { name: new RegExp(`${escaped(text('files.format'))}$`) }).click();
    await page.getByRole('option', { name: new RegExp(`^${escaped(name)}`) }).click();
  };
  const encrypts = (to: string, answer?: () => Promise<void>): Promise<void> => program.saving(to, async () => {
    await page.getByRole('button', { name: text('files.encryptAction', { n: 1 }), exact: true }).click();
    await answer?.();
  });
  const decrypts = (to: string, answer?: () => Promise<void>): Promise<void> => program.saving(to, async () => {
    await page.getByRole('button', { name: text('files.decryptAction', { n: 1 }), exact: true }).click();
    await answer?.();
  });
  writeFileSync(plan, PLAN);
  await ada.createsAStore();
  await ada.makesAKey('Files', 'X25519');
  await ada.goesTo('files');

  await test.step('age, to a passphrase', async () => {
    await mode(page, 'encrypt');
    await choose(plan);
    await pictures(program, 'encrypt');
    await assertAccessible(page);
    await encrypts(at('plan.age'), () => chooseSecret(program, text('ask.newRecipientPassphrase'), 'new-recipient-passphrase', WORD));
    await expect(page.getByText(text('files.encryptedTitle', { n: 1 }), { exact: true })).toBeVisible();
    expect(readFileSync(at('plan.age'), 'latin1')).toMatch(/^age-encryption\.org\/v1\n-> scrypt /);
    await mode(page, 'decrypt');
    await choose(at('plan.age'));
    await decrypts(at('by-passphrase.txt'), () => typeSecret(program, text('ask.recipientPassphrase'), 'recipient-passphrase', WORD));
    expect(readFileSync(at('by-passphrase.txt'), 'utf8')).toBe(PLAN);
    await pictures(program, 'decrypted');
    await assertAccessible(page);
  });

  await test.step('CMS, to a certificate of somebody else, who opens it with openssl', async () => {
    test.skip(spawnSync('openssl', ['version']).status === null, 'there is no openssl here');
    writeFileSync(at('bob.key'), generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    expect(spawnSync('openssl', ['req', '-x509', '-key', at('bob.key'), '-subj', '/CN=Bob Example', '-days', '30', '-out', at('bob.pem')]).status).toBe(0);
    await mode(page, 'encrypt');
    await choose(plan);
    await choose(at('bob.pem'), 'files.choose', 1);
    await encrypts(at('plan.p7m'));
    expect(spawnSync('openssl', ['cms', '-decrypt', '-binary', '-inform', 'DER', '-in', at('plan.p7m'), '-inkey', at('bob.key'), '-recip', at('bob.pem')]).stdout.toString()).toBe(PLAN);
  });

  await test.step('OpenPGP, for a key held here', async () => {
    await ada.goesTo('keys');
    await ada.goesTo('files');
    await mode(page, 'encrypt');
    await choose(plan);
    const keys = page.getByRole('combobox', { name: text('files.recipientKey') });
    await keys.fill('Files');
    await page.getByRole('option', { name: /^Files/ }).first().click();
    await format(text('files.cryptName.openpgp'));
    await encrypts(at('plan.pgp'));
    expect(readFileSync(at('plan.pgp'))[0]).toBe(0xc1);
    await mode(page, 'decrypt');
    await choose(at('plan.pgp'));
    await decrypts(at('by-key.txt'));
    expect(readFileSync(at('by-key.txt'), 'utf8')).toBe(PLAN);
    await expect(page.getByText(text('files.openedBy', { name: 'Files' }))).toBeVisible();
  });

  await test.step('one that was changed is refused, and nothing is written', async () => {
    const changed = readFileSync(at('plan.pgp'));
    changed[changed.length - 5] = (changed[changed.length - 5] as number) ^ 1;
    writeFileSync(at('changed.pgp'), changed);
    await mode(page, 'decrypt');
    await choose(at('changed.pgp'));
    await page.getByRole('button', { name: text('files.decryptAction', { n: 1 }), exact: true }).click();
    await expect(page.getByText(/not as it was encrypted/)).toBeVisible();
  });
});

test('a certificate, an old PKCS#12 and a JWT are named rightly, opened as a tree, and secrets stay hidden; what is weak is mended by its button', async ({ program, folder }) => {
  test.skip(spawnSync('openssl', ['version']).status === null, 'there is no openssl here');
  const { page } = program;
  const ada = person(program);
  const at = (name: string): string => join(folder, name);
  writeFileSync(at('key'), generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  spawnSync('openssl', ['req', '-x509', '-key', at('key'), '-subj', '/CN=Bob Example', '-days', '30', '-out', at('one')]);
  spawnSync('openssl', ['pkcs12', '-export', '-legacy', '-inkey', at('key'), '-in', at('one'), '-passout', `pass:${WORD}`, '-out', at('two')]);
  writeFileSync(at('three'), `${[{ alg: 'ES256', typ: 'JWT' }, { sub: 'ada', iss: 'example' }].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.${Buffer.alloc(64, 1).toString('base64url')}`);
  await ada.createsAStore();
  await ada.goesTo('files');
  await mode(page, 'inspect');
  const seen = page.getByRole('region', { name: text('files.inspected'), exact: true });
  const look = async (name: string): Promise<void> => {
    await program.choosing([at(name)], () => page.getByRole('button', { name: text('files.chooseOne'), exact: true }).first().click());
    await page.getByRole('button', { name: text('files.inspectAction'), exact: true }).click();
  };
  if (program.kind === 'browser') {
    // Where a view takes no files, the window does: they are looked at.
    await ada.goesTo('settings');
    await drop(page.locator('main'), page, [at('one')], 'files.drop.inspect');
    await expect(page.getByRole('radio', { name: text('files.mode.inspect'), exact: true })).toBeChecked();
    await expect(page.getByRole('listitem').filter({ hasText: 'one' })).toBeVisible();
  }
  await look('one');
  await expect(seen.getByText(/Bob Example/).first()).toBeVisible();
  await expect(seen.getByText(text('files.asn1'), { exact: true })).toBeVisible();
  await pictures(program, 'inspect-certificate');
  await assertAccessible(page);

  await look('two');
  await expect(seen.getByText(/PKCS#12/).first()).toBeVisible();
  await expect(seen.getByText(text('files.hex'), { exact: true })).toHaveCount(0);
  await page.getByRole('button', { name: text('files.openLocked'), exact: true }).click();
  await typeSecret(program, /.*/, 'import-passphrase', WORD);
  await expect(seen.getByText(/Bob Example/).first()).toBeVisible();
  await expect(seen.getByText(text('files.hex'), { exact: true })).toHaveCount(0);
  await pictures(program, 'inspect-pkcs12');
  // By the keyboard alone: the first finding's button, and the dialog that it fills in.
  await expect(seen.getByText(/encrypted with 40-bit RC2/)).toBeVisible();
  await seen.getByRole('button', { name: text('mending.do.convert'), exact: true }).first().press('Enter');
  await typeSecret(program, /.*/, 'import-passphrase', WORD);
  const dialog = page.getByRole('dialog', { name: text('files.convert.title', { name: 'two' }) });
  await expect(dialog.getByRole('combobox', { name: text('files.convert.format') })).toHaveValue(/PKCS#12/);
  await pictures(program, 'inspect-mending');
  await assertAccessible(page);
  await program.saving(at('mended'), async () => {
    await dialog.getByRole('button', { name: text('files.convert.action'), exact: true }).click();
    await typeSecret(program, /.*/, 'import-passphrase', WORD);
    await chooseSecret(program, text('ask.exportPassphrase', { name: 'PKCS#12' }), 'export-passphrase', WORD);
  });
  await expect(dialog).toHaveCount(0);
  await look('mended');
  await expect(seen.getByText(/PKCS#12/).first()).toBeVisible();
  await expect(seen.getByText(/RC2|SHA-1|rounds of key/)).toHaveCount(0);
  await expect(seen.getByRole('button', { name: text('mending.do.convert'), exact: true })).toHaveCount(0);
  expect(spawnSync('openssl', ['pkcs12', '-in', at('mended'), '-passin', `pass:${WORD}`, '-info', '-noout']).stderr.toString()).toMatch(/MAC: sha256[\s\S]*AES-256-CBC/);

  await look('three');
  await expect(seen.getByText(/JWT|JSON Web/).first()).toBeVisible();
  await pictures(program, 'inspect-jwt');

  const mends = (key: string, about = ''): Promise<void> => seen.getByRole('button', { name: text(`mending.do.${key}`, { about }), exact: true }).first().click();
  const files = (path: string): Promise<void> => program.choosing([path], () => page.getByRole('button', { name: text('files.choose'), exact: true }).first().click());
  await test.step('a key in clear is imported, with its certificates', async () => {
    writeFileSync(at('ca.key'), generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    spawnSync('openssl', ['req', '-x509', '-key', at('ca.key'), '-subj', '/CN=Far Authority', '-days', '20', '-out', at('ca.pem')]);
    spawnSync('openssl', ['req', '-x509', '-key', at('key'), '-subj', '/CN=Bob at Far', '-days', '20', '-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-out', at('issued')]);
    writeFileSync(at('both'), ['key', 'one', 'issued'].map((name) => readFileSync(at(name), 'utf8')).join(''));
    await look('both');
    await mends('import');
    const importing = page.getByRole('dialog', { name: text('keys.import.title') });
    await importing.getByRole('button', { name: text('keys.import.action'), exact: true }).click();
    await expect(importing).toHaveCount(0);
  });
  await test.step('a certificate that ends soon is renewed where its authority is held, and asked for where it is not', async () => {
    await look('one');
    await mends('renew', 'Bob Example');
    const renewing = page.getByRole('alertdialog', { name: text('mending.title.renew', { about: 'Bob Example' }) });
    await renewing.getByRole('button', { name: text('mending.confirm.renew'), exact: true }).click();
    await expect(renewing).toHaveCount(0);
    await look('issued');
    await mends('request');
    const requesting = page.getByRole('alertdialog', { name: text('mending.title.request', { about: 'Bob at Far' }) });
    await program.saving(at('anew.csr'), () => requesting.getByRole('button', { name: text('mending.confirm.request'), exact: true }).click());
    await expect(requesting).toHaveCount(0);
    expect(spawnSync('openssl', ['req', '-in', at('anew.csr'), '-noout', '-verify', '-subject'], { encoding: 'utf8' }).stdout).toMatch(/Bob at Far/);
  });
  await test.step('what was signed by SHA-1 is signed anew, with the key that had signed it', async () => {
    writeFileSync(at('plan.txt'), PLAN);
    expect(spawnSync('openssl', ['cms', '-sign', '-binary', '-md', 'sha1', '-signer', at('one'), '-inkey', at('key'), '-in', at('plan.txt'), '-outform', 'DER', '-out', at('plan.txt.p7s')]).status).toBe(0);
    await look('plan.txt.p7s');
    await mends('sign');
    await files(at('plan.txt'));
    await program.saving(at('anew.p7s'), () => page.getByRole('button', { name: text('files.signAction', { n: 1 }), exact: true }).click());
    await expect(page.getByText(text('files.signedTitle', { n: 1 }), { exact: true })).toBeVisible();
    expect(spawnSync('openssl', ['cms', '-verify', '-binary', '-inform', 'DER', '-in', at('anew.p7s'), '-content', at('plan.txt'), '-noverify'], { encoding: 'utf8' }).stdout).toBe(PLAN);
    expect(spawnSync('openssl', ['cms', '-cmsout', '-print', '-inform', 'DER', '-in', at('anew.p7s')], { encoding: 'utf8' }).stdout).not.toMatch(/sha1 /);
  });
  await test.step('what was encrypted with an old cipher is opened, and encrypted anew for the same', async () => {
    expect(spawnSync('openssl', ['cms', '-encrypt', '-binary', '-des3', '-aes128-wrap', '-in', at('plan.txt'), '-outform', 'DER', '-out', at('old.p7m'), '-recip', at('one'), '-keyopt', 'ecdh_kdf_md:sha256']).status).toBe(0);
    await mode(page, 'inspect');
    await look('old.p7m');
    await mends('reencrypt');
    await program.saving(at('opened.txt'), () => page.getByRole('button', { name: text('files.decryptAction', { n: 1 }), exact: true }).click());
    await expect(page.getByText(text('files.decryptedTitle', { n: 1 }), { exact: true })).toBeVisible();
    await page.getByRole('button', { name: text('mending.thenAction'), exact: true }).click();
    await files(at('opened.txt'));
    await program.saving(at('anew.p7m'), () => page.getByRole('button', { name: text('files.encryptAction', { n: 1 }), exact: true }).click());
    await expect(page.getByText(text('files.encryptedTitle', { n: 1 }), { exact: true })).toBeVisible();
    expect(spawnSync('openssl', ['cms', '-cmsout', '-print', '-inform', 'DER', '-in', at('anew.p7m')], { encoding: 'utf8' }).stdout).toMatch(/aes-256-gcm/);
    expect(spawnSync('openssl', ['cms', '-decrypt', '-binary', '-inform', 'DER', '-in', at('anew.p7m'), '-inkey', at('key'), '-recip', at('one')]).stdout.toString()).toBe(PLAN);
  });
});
