import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import type { Locator } from '@playwright/test';
import { draggedOut } from '../support/dragging.ts';
import { expect, test } from '../support/fixture.ts';
import { openssl } from '../support/openssl.ts';
import { chooses, person } from '../support/person.ts';
import { chooseSecret } from '../support/prompts.ts';
import { text } from '../support/texts.ts';

const EXPORT_PASSPHRASE = 'paper boats on a lake 31';

test('from a root of one’s own to a server’s certificate as PKCS#12, revoked in the end', async ({ program, folder }) => {
  const { page } = program;
  const ada = person(program);
  const picture = (name: string): Promise<Buffer> => page.screenshot({ path: `e2e/screenshots/${program.kind}-certificates-${name}.png` });
  await ada.createsAStore();
  await ada.makesAKey('Root key');
  await ada.makesAKey('Web server');
  await ada.goesTo('certificates');

  const make = async (way: 'self-signed' | 'issue', key: string, profile: 'root' | 'tls-server', name: string, fill: (dialog: Locator) => Promise<void> = async () => undefined): Promise<void> => {
    await page.getByRole('button', { name: text('certificates.make.open'), exact: true }).first().click();
    const dialog = page.getByRole('dialog', { name: text('certificates.make.title') });
    await dialog.getByRole('radio', { name: text(`certificates.way.${way}`) }).check({ force: true });
    await chooses(page, dialog.getByRole('combobox', { name: text('certificates.make.key') }), key);
    await dialog.getByRole('button', { name: new RegExp(`${text('certificates.make.profile')}$`) }).click();
    await page.getByRole('option', { name: text(`certificates.profile.${profile}`) }).click();
    await dialog.getByLabel(text('certificates.make.name'), { exact: true }).fill(name);
    await fill(dialog);
    await expect(dialog.getByText(text('certificates.make.result'))).toBeVisible();
    await picture(`make-${profile}`);
    await dialog.getByRole('button', { name: text(`certificates.wayAction.${way}`), exact: true }).click();
    await expect(dialog).toBeHidden();
    await expect(page.getByRole('row', { name: new RegExp(name) })).toBeVisible();
  };
  const detail = (name: string): Locator => page.getByRole('region', { name: text('certificates.detail'), exact: true }).filter({ has: page.getByRole('heading', { name }) });

  await test.step('a root that signs itself, and is trusted since it is ours', async () => {
    await make('self-signed', 'Root key', 'root', 'Example root');
    await expect(detail('Example root').getByText(text('certificates.trusted'), { exact: true }).first()).toBeVisible();
  });

  await test.step('a certificate for a server, issued by it', async () => {
    await make('issue', 'Web server', 'tls-server', 'www.example.org', async (dialog) => dialog.getByLabel(text('certificates.names'), { exact: true }).fill('www.example.org'));
    await expect(detail('www.example.org')).toBeVisible();
    await picture('detail');
  });

  await test.step('it is verified, with a reason for each check', async () => {
    await detail('www.example.org').getByRole('button', { name: text('certificates.verify'), exact: true }).click();
    await expect(detail('www.example.org').getByText(text('certificates.verdictTrusted'), { exact: true })).toBeVisible();
    await picture('verdict');
    const found = await new AxeBuilder({ page }).exclude('[data-live-announcer]').setLegacyMode(true).analyze();
    expect(found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join('; ')}`)).toEqual([]);
  });

  await test.step('exported as PKCS#12 with key and chain, openssl opens it', async () => {
    await detail('www.example.org').getByRole('button', { name: text('certificates.export.open'), exact: true }).click();
    const dialog = page.getByRole('dialog', { name: text('certificates.export.title', { name: 'www.example.org' }) });
    // With its chain, for nobody who could do harm with it: the file may be dragged to where it is wanted.
    const chip = dialog.getByText(text('certificates.export.drag', { name: 'www.example.org.pem' })).locator('..');
    const dragged = await draggedOut(program, chip);
    expect(dragged.name).toBe('www.example.org.pem');
    expect(dragged.content.toString('utf8').match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(openssl(['x509', '-noout', '-subject'], dragged.content.toString('utf8'))).toContain('www.example.org');
    await picture('export-drag');
    await dialog.getByRole('radio', { name: text('certificates.format.pkcs12') }).check({ force: true });
    await expect(chip).toBeHidden();
    await dialog.getByRole('checkbox', { name: text('certificates.export.withChain') }).check({ force: true });
    await dialog.getByRole('checkbox', { name: text('certificates.export.withKey') }).check({ force: true });
    await picture('export');
    const exported = join(folder, 'server.p12');
    await program.saving(exported, async () => {
      await dialog.getByRole('button', { name: text('certificates.export.action'), exact: true }).click();
      await chooseSecret(program, text('ask.exportPassphrase', { name: 'www.example.org' }), 'export-passphrase', EXPORT_PASSPHRASE);
    });
    await expect(dialog).toBeHidden();
    const contents = openssl(['pkcs12', '-in', exported, '-passin', 'stdin', '-nodes'], `${EXPORT_PASSPHRASE}\n`);
    expect(contents.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(contents).toContain('BEGIN PRIVATE KEY');
    writeFileSync(join(folder, 'all.pem'), contents);
    expect(openssl(['verify', '-CAfile', join(folder, 'all.pem'), '-purpose', 'sslserver', '-verify_hostname', 'www.example.org', join(folder, 'all.pem')])).toContain('OK');
  });

  await test.step('revoked, it is no longer trusted', async () => {
    await ada.picks(detail('www.example.org'), text('certificates.revoke.open'));
    const dialog = page.getByRole('dialog', { name: text('certificates.revoke.title', { name: 'www.example.org' }) });
    await dialog.getByRole('button', { name: text('certificates.revoke.action'), exact: true }).click();
    await expect(dialog).toBeHidden();
    await expect(detail('www.example.org').getByText(text('certificates.revocationState.revoked'), { exact: true }).first()).toBeVisible();
    await detail('www.example.org').getByRole('button', { name: text('certificates.verify'), exact: true }).click();
    await expect(detail('www.example.org').getByText(text('certificates.verdictNotTrusted'), { exact: true })).toBeVisible();
    await picture('revoked');
  });
});

test('an OpenSSH certificate for a user’s public key, by a key of one’s own', async ({ program, folder }) => {
  const { page } = program;
  const ada = person(program);
  const picture = (name: string): Promise<Buffer> => page.screenshot({ path: `e2e/screenshots/${program.kind}-certificates-${name}.png` });
  await ada.createsAStore();
  await ada.makesAKey('User CA');
  await ada.makesAKey('Ada at work');
  await ada.goesTo('certificates');
  await page.getByRole('button', { name: text('certificates.make.open'), exact: true }).first().click();
  const dialog = page.getByRole('dialog', { name: text('certificates.make.title') });
  await dialog.getByRole('radio', { name: text('certificates.way.ssh') }).check({ force: true });
  await chooses(page, dialog.getByRole('combobox', { name: text('certificates.make.key') }), 'Ada at work');
  await chooses(page, dialog.getByRole('combobox', { name: text('certificates.ssh.authority') }), 'User CA');
  await dialog.getByLabel(text('certificates.ssh.principals'), { exact: true }).fill('ada deploy');
  await picture('ssh');
  await dialog.getByRole('button', { name: text('certificates.wayAction.issue'), exact: true }).click();
  await expect(dialog).toBeHidden();
  const detail = page.getByRole('region', { name: text('certificates.detail'), exact: true });
  await expect(detail.getByText('ada, deploy', { exact: true })).toBeVisible();
  await picture('ssh-detail');
  const found = await new AxeBuilder({ page }).exclude('[data-live-announcer]').setLegacyMode(true).analyze();
  expect(found.violations.map(({ id }) => id)).toEqual([]);
  const exported = join(folder, 'ada-cert.pub');
  await program.saving(exported, () => detail.getByRole('button', { name: text('certificates.export.open'), exact: true }).click());
  await expect.poll(() => existsSync(exported)).toBe(true);
  expect(readFileSync(exported, 'utf8')).toMatch(/^ecdsa-sha2-nistp256-cert-v01@openssh\.com AAAA\S+ Ada at work\n$/);
});

test('what ends soon: told once, listed by its end, as a calendar and a table, renewed from there', async ({ program, folder }) => {
  const { page } = program;
  const ada = person(program);
  const picture = (name: string): Promise<Buffer> => page.screenshot({ path: `e2e/screenshots/${program.kind}-certificates-${name}.png` });
  await ada.createsAStore();
  await ada.makesAKey('Web server');
  await ada.goesTo('certificates');
  await page.getByRole('button', { name: text('certificates.make.open'), exact: true }).first().click();
  const dialog = page.getByRole('dialog', { name: text('certificates.make.title') });
  await dialog.getByRole('radio', { name: text('certificates.way.self-signed') }).check({ force: true });
  await chooses(page, dialog.getByRole('combobox', { name: text('certificates.make.key') }), 'Web server');
  await dialog.getByLabel(text('certificates.make.name'), { exact: true }).fill('www.example.org');
  await dialog.getByLabel(text('certificates.names'), { exact: true }).fill('www.example.org');
  await dialog.getByLabel(text('certificates.make.days'), { exact: true }).fill('20');
  await dialog.getByRole('button', { name: text('certificates.wayAction.self-signed'), exact: true }).click();
  await expect(dialog).toBeHidden();

  const told = page.getByRole('status').filter({ hasText: text('shell.certificatesEnd', { n: 1 }) });
  await ada.locks();
  await ada.unlocks();
  await expect(told).toBeVisible();
  await picture('ending-told');
  await told.getByRole('button', { name: text('shell.showEnding'), exact: true }).click();
  await expect(told).toBeHidden();
  const row = page.getByRole('row', { name: /www\.example\.org/ });
  await expect(row).toHaveCount(1);
  await page.emulateMedia({ colorScheme: 'dark' });
  await picture('ending-dark');
  await page.emulateMedia({ colorScheme: 'light' });
  for (const [button, file, words] of [['certificates.calendar', 'ends.ics', 'SUMMARY:Certificate “www.example.org” ends'], ['certificates.table', 'ends.csv', 'www.example.org,CN=www.example.org']] as const) {
    const path = join(folder, file);
    await program.saving(path, () => page.getByRole('button', { name: text(button), exact: true }).click());
    await expect.poll(() => existsSync(path)).toBe(true);
    expect(readFileSync(path, 'utf8')).toContain(words);
  }
  await row.click({ button: 'right' });
  await page.getByRole('menuitem', { name: text('certificates.renew'), exact: true }).click();
  await expect(page.getByText(text('certificates.renewed', { name: 'www.example.org' }), { exact: true })).toBeVisible();
  await picture('ending-renewed');

  // Once for each certificate and threshold: of the new one, which has as many days, and not of the old one again.
  await ada.locks();
  await ada.unlocks();
  await expect(told).toBeVisible();
});
